import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PickResult } from '@pickscope/protocol/messages';
import * as fc from 'fast-check';
import type { Candidate, PickRow, Query, Redaction } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { FakeClient } from './fakeClient';
import { everyPick, queryOf } from './queries';

const backends = [
  { address: '10.0.0.1:50051', latencyMs: 90 },
  { address: '10.0.0.2:50051', latencyMs: 15, errors: 0.8 },
  { address: 'cart,"b"\r\n.internal:443', latencyMs: 200, errors: 0.8 },
];
const methods = ['/shop.Cart/GetCart', '=HYPERLINK("http://evil.example","x")', '+1,2', '@sum', '-x'];
const open: Redaction = { addresses: false, methods: false };

/** A strict reader of RFC 4180: quotes only around whole fields, doubled within, and CRLF after each record. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [[]];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  while (field.lastIndex < text.length) {
    const at = field.lastIndex;
    const [, quoted, bare, end] = field.exec(text) ?? assert.fail(`not CSV at ${at}: ${text.slice(at, at + 40)}`);
    records.at(-1)!.push(quoted?.replaceAll('""', '"') ?? bare!);
    if (end === '\r\n') records.push([]);
  }
  assert.deepEqual(records.pop(), [], 'the last record has its end');
  return records;
}

type Exported = Record<string, unknown>;

function csvRows(text: string): Record<string, string>[] {
  const [header, ...records] = parseCsv(text);
  return records.map((record) => {
    assert.equal(record.length, header!.length);
    return Object.fromEntries(record.map((cell, index) => [header![index]!, cell]));
  });
}

const jsonRows = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Exported);

/** What a spreadsheet shows of a cell that was made safe. */
const shown = (cell: string) => cell.replace(/^'/, '');

describe('An export of picks', () => {
  const fake = new FakeClient({ backends, picksPerSecond: 60, methods, target: 'dns:///cart.internal' }).attach();
  fake.run(6000).fail('10.0.0.1:50051').run(3000).recover('10.0.0.1:50051').run(5990).flush();
  const model = new ClientModel({ pickBudgetBytes: 2_000_000 });
  for (const message of fake.messages) model.apply(message);

  const exported = (query: Query, format: 'csv' | 'jsonl', redaction = open) =>
    [...model.exportPicks(query, fake.nowMs, format, redaction)].join('');
  const view = model.view(queryOf(), fake.nowMs)!;
  const addressesOf = new Map(view.endpoints.map(({ id, addresses }) => [id, addresses.join(' ')]));
  const nameOf = (id: number | null) => (id === null ? '' : addressesOf.get(id)!);
  const picks = everyPick(model, queryOf(), fake.nowMs).reverse();

  it('has all picks as CSV, oldest first, with every number that the picker read', () => {
    const rows = csvRows(exported(queryOf(), 'csv'));
    assert.ok(rows.length > 800);
    assert.equal(rows.length, picks.length);
    for (const [index, row] of rows.entries()) checkRow(row, picks[index]!);
    assert.ok(rows.some(({ a_endpoint }) => a_endpoint!.startsWith('cart,"b"')));
    assert.ok(rows.some(({ rejected }) => rejected !== ''));
    assert.ok(rows.some(({ outcome }) => outcome === 'UNAVAILABLE') && rows.some(({ outcome }) => outcome === ''));
  });

  const cell = (value: string | number | boolean | null | undefined) => String(value ?? '');
  /** Kept in single precision. */
  const near = (text: string, value: number | null | undefined) =>
    value == null ? text === '' : Math.abs(Number(text) - value) <= Math.abs(value) * 1e-6;

  function checkRow(row: Record<string, string>, pick: PickRow): void {
    assert.equal(Date.parse(row.time!.replace(/\d{3}Z$/, 'Z')), Math.floor(pick.timeMs));
    assert.ok(Math.abs(Number(row.time!.slice(-4, -1)) / 1000 - (pick.timeMs % 1)) <= 0.001, row.time);
    const { call, attempt, generation, reason, code, derived, outcome } = pick;
    const columns = { call, attempt, generation, reason, code, raced: false, derived, policy: 'p2c_ewma' };
    for (const [name, value] of Object.entries(columns)) assert.equal(row[name], cell(value), name);
    assert.equal(shown(row.method!), pick.method);
    assert.equal(row.endpoint, nameOf(pick.endpoint));
    checkOutcome(row, outcome);
    checkCandidate(row, 'a', pick.candidates[0]);
    checkCandidate(row, 'b', pick.candidates[1]);
    const rejected = (row.rejected === '' ? [] : JSON.parse(row.rejected!)) as { endpoint: string }[][];
    assert.deepEqual(
      rejected.map((draw) => draw.map(({ endpoint }) => endpoint)),
      pick.rejected.map((draw) => draw.map(({ endpoint }) => nameOf(endpoint))),
    );
  }

  function checkOutcome(row: Record<string, string>, outcome: PickRow['outcome']): void {
    assert.equal(row.outcome, cell(outcome?.code));
    assert.equal(row.latency_ms, cell(outcome?.latencyMs));
    assert.equal(row.lag_after_ns, cell(outcome?.lagAfterNs));
    assert.ok(near(row.success_after!, outcome?.successAfter), row.success_after);
    assert.equal(row.inflight_after, cell(outcome?.inflightAfter));
  }

  function checkCandidate(row: Record<string, string>, letter: string, candidate?: Candidate): void {
    const of = (column: string) => row[`${letter}_${column}`]!;
    assert.equal(of('endpoint'), candidate ? nameOf(candidate.endpoint) : '');
    assert.equal(of('lag_ns'), cell(candidate?.lagNs));
    assert.equal(of('inflight'), cell(candidate?.inflight));
    assert.equal(of('score'), cell(candidate?.score));
    assert.equal(of('healthy'), cell(candidate?.healthy));
    for (const [column, value] of [
      ['peak_ns', candidate?.peakNs],
      ['success', candidate?.success],
      ['idle_ms', candidate?.idleMs],
    ] as const)
      assert.ok(near(of(column), value), `${column}: ${of(column)} for ${value}`);
  }

  it('says the same as JSON lines', () => {
    const csv = csvRows(exported(queryOf(), 'csv'));
    const json = jsonRows(exported(queryOf(), 'jsonl'));
    assert.equal(json.length, csv.length);
    for (const [index, { candidates, rejected, ...row }] of json.entries()) {
      const [a = {}, b = {}] = candidates as Exported[];
      const flat = { ...row, ...prefixed('a', a), ...prefixed('b', b) };
      for (const [name, value] of Object.entries(flat))
        assert.equal(shown(csv[index]![name]!), cell(value as string | number | null), name);
      assert.equal(csv[index]!.rejected, (rejected as unknown[]).length === 0 ? '' : JSON.stringify(rejected));
    }
  });

  const prefixed = (letter: string, candidate: Exported) =>
    Object.fromEntries(Object.entries(candidate).map(([name, value]) => [`${letter}_${name}`, value]));

  it('holds nothing that a spreadsheet would compute', () => {
    const texts = csvRows(exported(queryOf(), 'csv')).flatMap((row) => Object.values(row));
    const formulas = texts.filter((text) => /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)));
    assert.deepEqual(formulas, []);
    for (const method of methods.slice(1)) assert.ok(texts.includes(`'${method}`), method);
  });

  it('is of the selection, the window, the moment and the filter', () => {
    const { fromMs, toMs } = { fromMs: view.atMs - 9000, toMs: view.atMs - 4000 };
    const callsOf = (query: Query) => jsonRows(exported(query, 'jsonl')).map(({ call }) => call);
    const expect = (query: Query, wanted: (pick: PickRow) => boolean) => {
      const real = picks.filter(wanted).map(({ call }) => call);
      assert.ok(real.length > 10 && real.length < picks.length);
      assert.deepEqual(callsOf(query), real);
    };
    expect(queryOf({ selection: { fromMs, toMs } }), ({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
    expect(queryOf({ windowSeconds: 5 }), ({ timeMs }) => timeMs >= view.atMs - 5000);
    expect(queryOf({ untilMs: toMs, windowSeconds: 2 }), ({ timeMs }) => timeMs >= toMs - 2000 && timeMs <= toMs);
    expect(queryOf({ filter: 'error >1ms' }), ({ outcome }) => (outcome?.latencyMs ?? 0) > 1 && outcome?.code !== 'OK');
    assert.deepEqual(callsOf(queryOf({ filter: 'no such text' })), []);
  });

  describe('redacted', () => {
    const both = { addresses: true, methods: true };
    const secrets = [...addressesOf.values(), 'cart', 'internal', '10.0.0', '50051', 'dns:', 'ECONNREFUSED'];

    for (const format of ['csv', 'jsonl'] as const) {
      it(`leaks no address, target, error or method as ${format}`, () => {
        const text = exported(queryOf(), format, both);
        for (const secret of [...secrets, ...methods, 'shop', 'HYPERLINK', 'GetCart'])
          assert.ok(!text.includes(secret), secret);
        assert.ok(text.includes('endpoint 3') && text.includes('method 5'));
      });
    }

    it('names the same ones the same, in the order in which they come', () => {
      const plain = jsonRows(exported(queryOf(), 'jsonl'));
      const rows = jsonRows(exported(queryOf(), 'jsonl', both));
      const named = new Map<unknown, unknown>();
      for (const [index, row] of rows.entries()) {
        const was = plain[index]!;
        const pairs = [
          [was.method, row.method],
          [was.endpoint, row.endpoint],
          ...(row.candidates as Exported[]).map((candidate, place) => [
            (was.candidates as Exported[])[place]!.endpoint,
            candidate.endpoint,
          ]),
        ];
        for (const [name, redacted] of pairs) {
          if (!named.has(name)) named.set(name, redacted);
          assert.equal(redacted, named.get(name));
        }
      }
      named.delete(null);
      const numbers = ['endpoint 1', 'endpoint 2', 'endpoint 3', ...methods.map((_, index) => `method ${index + 1}`)];
      assert.deepEqual([...named.values()].sort(), numbers);
      assert.equal(rows[0]!.method, 'method 1');
    });

    it('of one kind keeps the other', () => {
      const rows = jsonRows(exported(queryOf(), 'jsonl', { addresses: true, methods: false }));
      assert.deepEqual(new Set(rows.map(({ method }) => method)), new Set(methods));
      assert.ok(rows.every(({ endpoint }) => endpoint === null || /^endpoint \d$/.test(endpoint as string)));
      const others = exported(queryOf(), 'csv', { addresses: false, methods: true });
      assert.ok(others.includes('10.0.0.1:50051') && !others.includes('GetCart'));
    });
  });

  it('tells more than two candidates in the last columns', () => {
    const client = new FakeClient({ backends, picksPerSecond: 1 }).attach();
    const ids = client.messages.flatMap(({ body }) =>
      body.case === 'changes'
        ? body.value.changes.flatMap(({ entity }) => (entity.case === 'endpoint' ? [entity.value.id] : []))
        : [],
    );
    const startNs = client.messages.flatMap(({ body }) =>
      body.case === 'process' ? body.value.clock!.monotonicNs : [],
    )[0]!;
    assert.equal(ids.length, 3);
    client.say({
      case: 'picks',
      value: {
        rows: 1,
        baseTimeNs: startNs + 1_000_000n,
        channel: [1],
        result: [PickResult.COMPLETED],
        endpoint: [ids[2]!],
        candidateCount: [3],
        candidateEndpoint: ids,
        candidateScore: [30, 20, 10],
      },
    });
    const wide = new ClientModel({ pickBudgetBytes: 100_000 });
    for (const message of client.messages) wide.apply(message);
    const lines = [...wide.exportPicks(queryOf(), client.nowMs, 'csv', open)].join('');
    const rows = csvRows(lines);
    assert.equal(rows.length, 1);
    assert.deepEqual([rows[0]!.a_score, rows[0]!.b_score], ['30', '20']);
    const more = JSON.parse(rows[0]!.more_candidates!) as Exported[];
    assert.deepEqual(
      more.map(({ endpoint, score }) => [endpoint, score]),
      [[rows[0]!.endpoint, 10]],
    );
  });

  it('leaves out what goes while it is written, and ends where it began', () => {
    const healthy = [1, 2, 3].map((number) => ({ address: `10.0.0.${number}:50051`, latencyMs: 2 }));
    const long = new FakeClient({ backends: healthy, picksPerSecond: 500 }).attach().run(3000).flush();
    const reader = new ClientModel({ pickBudgetBytes: 162 * 1000 });
    let read = 0;
    const feed = () => {
      for (; read < long.messages.length; read++) reader.apply(long.messages[read]!);
    };
    feed();
    const newest = everyPick(reader, queryOf(), long.nowMs)[0]!;
    const lines = reader.exportPicks(queryOf(), long.nowMs, 'jsonl', open);
    const calls: number[] = [];
    for (const line of lines) {
      calls.push((JSON.parse(line) as { call: number }).call);
      if (calls.length === 100 || calls.length === 200) {
        long.run(500).flush();
        feed();
        // Others look at more than selections are kept for.
        for (let other = 0; other < 20; other++) reader.view(queryOf({ filter: `x${other}` }), long.nowMs);
      }
    }
    assert.equal(calls.at(-1), newest.call);
    assert.ok(calls.length > 200 && calls.length < 1000, `${calls.length} of 1000`);
    assert.deepEqual(
      calls,
      calls.toSorted((a, b) => a - b),
    );
  });

  it('reads back any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 }), (names) => {
        const client = new FakeClient({
          backends: [{ address: 'a:1', latencyMs: 1 }],
          picksPerSecond: 200,
          methods: names,
        });
        const reader = new ClientModel({ pickBudgetBytes: 100_000 });
        client.attach().run(200).flush();
        for (const message of client.messages) reader.apply(message);
        const rows = csvRows([...reader.exportPicks(queryOf(), client.nowMs, 'csv', open)].join(''));
        const real = everyPick(reader, queryOf(), client.nowMs).reverse();
        assert.deepEqual(
          rows.map(({ method }) => shown(method!)),
          real.map(({ method }) => method),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('has the columns that docs/export.md explains', () => {
    const page = readFileSync('docs/export.md', 'utf8');
    const [header] = parseCsv(exported(queryOf({ filter: 'no such text' }), 'csv'));
    const explained = [...page.matchAll(/^\| `([\w, `…]+)`\s*\|/gm)].flatMap(([, names]) => names!.split('`, `'));
    const candidate = (name: string) => name.replace(/^[ab]_/, 'a_');
    assert.deepEqual(explained, [...new Set(header!.map(candidate))]);
  });
});
