import assert from 'node:assert/strict';
import { ConnectivityState, PickResult } from '@pickscope/protocol/messages';
import type { ChannelView, Comparison, EndpointRow, Query } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { comparison, type ComparedClient } from '../../../src/model/comparison';
import { FakeClient, type FakeBackend } from './fakeClient';
import { queryOf } from './queries';

const backend = (number: number, latencyMs = 5): FakeBackend => ({ address: `10.0.0.${number}:50051`, latencyMs });

/** A client that ran for so long, as it is told of. */
class Watched {
  readonly fake: FakeClient;
  readonly model = new ClientModel({ pickBudgetBytes: 500_000 });
  private read = 0;

  constructor(
    readonly name: string,
    backends: readonly FakeBackend[],
    options: { readonly target?: string; readonly picksPerSecond?: number; readonly seed?: number } = {},
  ) {
    this.fake = new FakeClient({ backends, picksPerSecond: 100, target: 'dns:///cart', ...options }).attach();
  }

  run(ms: number): this {
    this.fake.run(ms).flush();
    return this.feed();
  }

  feed(): this {
    const { messages } = this.fake;
    for (; this.read < messages.length; this.read++) this.model.apply(messages[this.read]!);
    return this;
  }

  /** A further channel, with an endpoint of its own that got some picks. */
  addChannel(id: number, target: string, picks: number, closed = false): this {
    const timeNs = this.nowNs - 300_000_000n;
    const endpoint = { id: id + 1, channel: id, addresses: [`10.0.1.${id}:50051`], state: ConnectivityState.READY };
    const channel = { id, target, state: ConnectivityState.READY };
    this.fake.say({
      case: 'changes',
      value: {
        changes: [
          { timeNs, entity: { case: 'channel', value: channel } },
          { timeNs, entity: { case: 'endpoint', value: endpoint } },
        ],
      },
    });
    const all = <T>(value: T) => Array.from({ length: picks }, () => value);
    const columns = { channel: all(id), result: all(PickResult.COMPLETED), endpoint: all(id + 1) };
    if (picks > 0) this.fake.say({ case: 'picks', value: { rows: picks, baseTimeNs: this.nowNs, ...columns } });
    const closing = { case: 'channel', value: { ...channel, closed } } as const;
    if (closed) this.fake.say({ case: 'changes', value: { changes: [{ timeNs: this.nowNs, entity: closing }] } });
    return this.feed();
  }

  compared(live = true): ComparedClient {
    const client = { id: this.name, name: this.name, pid: 1, folder: '', language: 'node', attached: true };
    return { client, model: this.model, live };
  }

  private get nowNs(): bigint {
    const clocks = this.fake.messages.flatMap(({ body }) =>
      body.case === 'heartbeat' || body.case === 'process' ? [body.value.clock!.monotonicNs] : [],
    );
    return clocks.at(-1)!;
  }
}

function compare(watched: readonly Watched[], query: Query): Comparison {
  const [shown, ...others] = watched.map((each) => each.compared());
  return comparison(shown!, others, query, watched[0]!.fake.nowMs)!;
}

const clients = (part: Partial<Query> = {}) => queryOf({ compare: 'clients', ...part });
const channels = (part: Partial<Query> = {}) => queryOf({ compare: 'channels', ...part });

describe('A comparison', () => {
  const first = new Watched('first', [backend(1), backend(2, 40), backend(10)]);
  const second = new Watched('second', [backend(2, 40), backend(3), backend(10)], { seed: 5, picksPerSecond: 40 });
  const elsewhere = new Watched('elsewhere', [backend(7)], { target: 'dns:///other' });
  for (const each of [first, second, elsewhere]) each.run(15_000);
  first.fake.fail('10.0.0.1:50051');
  second.fake.fail('10.0.0.3:50051');
  for (const each of [first, second, elsewhere]) each.run(7000);
  const all = [first, second, elsewhere];

  const rowOf = (view: ChannelView, address: string) =>
    view.endpoints.find(({ addresses }) => addresses[0] === address);
  const shared = (row: EndpointRow | undefined) => {
    if (!row) return null;
    const { state, share, fairShare, picksPerSecond, latencyMs, failureShare, lagMs, success, inflight, load } = row;
    return { state, share, fairShare, picksPerSecond, latencyMs, failureShare, lagMs, success, inflight, load };
  };

  const nowMs = first.fake.nowMs;
  const moments: readonly Partial<Query>[] = [
    {},
    { untilMs: nowMs - 3000 },
    { untilMs: nowMs - 1000, selection: { fromMs: nowMs - 12_000, toMs: nowMs - 6000 } },
  ];
  for (const [index, moment] of moments.entries()) {
    it(`says of each endpoint what the channel's own table says of that moment (${['live', 'paused', 'selected'][index]})`, () => {
      const { columns, rows } = compare(all, clients(moment));
      const own = [first, second].map((each) => each.model.view(queryOf(moment), nowMs)!);
      assert.deepEqual(
        rows.map(({ addresses }) => addresses),
        [1, 2, 3, 10].map((number) => [backend(number).address]),
      );
      for (const { addresses, cells } of rows) {
        assert.deepEqual(
          cells.map((cell) => {
            if (!cell) return null;
            const { trend, ...figures } = cell;
            assert.ok(trend instanceof Float64Array);
            return figures;
          }),
          own.map((view) => shared(rowOf(view, addresses[0]!))),
        );
      }
      for (const [place, { picksPerSecond, fairness, state, target, policy }] of columns.entries()) {
        const view = own[place]!;
        assert.deepEqual([picksPerSecond, fairness, state], [view.picksPerSecond, view.fairness, view.state]);
        assert.deepEqual([target, policy], ['dns:///cart', 'p2c_ewma']);
      }
      assert.ok(rows.some(({ cells }) => cells.every((cell) => (cell?.share ?? 0) > 0)));
    });
  }

  it('is of one moment, also where another client was heard of later or earlier', () => {
    const late = new Watched('late', [backend(2)]).run(22_000).run(1500);
    const { columns, rows } = compare([first, late], clients());
    const own = late.model.view(queryOf({ untilMs: first.model.view(queryOf(), nowMs)!.atMs }), nowMs)!;
    assert.equal(columns[1]!.picksPerSecond, own.picksPerSecond);
    assert.deepEqual(rows[1]!.cells[1]?.share, rowOf(own, '10.0.0.2:50051')?.share);
  });

  it('draws the picks of each over the window, in the same buckets', () => {
    const { rows } = compare(all, clients({ windowSeconds: 10 }));
    for (const { addresses, cells } of rows) {
      for (const [place, cell] of cells.entries()) {
        if (!cell) continue;
        const { picks, nowMs: endMs } = [first, second][place]!.fake;
        const real = picks.filter(({ address, timeMs }) => address === addresses[0] && timeMs > endMs - 10_000);
        const drawn = cell.trend.reduce((sum, value) => sum + value, 0) * (10 / cell.trend.length);
        // A bucket at either end may be cut.
        assert.ok(Math.abs(drawn - real.length) <= real.length * 0.1 + 5, `${drawn} of ${real.length}`);
      }
    }
    const long = compare(all, clients({ windowSeconds: 900 })).rows.flatMap(({ cells }) => cells);
    const lengths = new Set(long.flatMap((cell) => cell?.trend.length ?? []));
    assert.ok(lengths.size === 1 && Math.max(...lengths) <= 40 && Math.max(...lengths) >= 20, [...lengths].join());
  });

  it('keeps the slots of the shown channel, gives others free ones, and labels what differs', () => {
    const own = first.model.view(queryOf(), nowMs)!;
    const { rows } = compare(all, clients());
    for (const { addresses, slot } of rows) {
      const known = rowOf(own, addresses[0]!);
      if (known) assert.equal(slot, known.slot);
    }
    assert.equal(new Set(rows.map(({ slot }) => slot)).size, rows.length);
    assert.deepEqual(
      rows.map(({ label }) => label),
      ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.10'],
    );
  });

  it('takes of another client the open channel to the same target, the busiest of several', () => {
    const busy = new Watched('busy', [backend(9)], { target: 'dns:///idle' }).run(12_000);
    busy.addChannel(100, 'dns:///cart', 3).addChannel(110, 'dns:///cart', 30).addChannel(120, 'dns:///cart', 90, true);
    const { columns, rows } = compare([first, busy], clients());
    assert.deepEqual(
      columns.map(({ client }) => client.id),
      ['first', 'busy'],
    );
    assert.ok(columns[1]!.picksPerSecond > 0);
    assert.ok(rows.some(({ addresses, cells }) => addresses[0] === '10.0.1.110:50051' && cells[1] && !cells[0]));
  });

  it('puts the open channels of a client side by side, the shown one first', () => {
    const many = new Watched('many', [backend(1)]).run(12_000);
    many.addChannel(100, 'dns:///b', 3).addChannel(110, 'dns:///closed', 1, true).addChannel(120, 'dns:///c', 5);
    const targets = (query: Query) => compare([many], query).columns.map(({ target }) => target);
    assert.deepEqual(targets(channels()), ['dns:///cart', 'dns:///b', 'dns:///c']);
    const last = many.model.channels(many.fake.nowMs).find(({ target }) => target === 'dns:///c')!;
    assert.deepEqual(targets(channels({ channel: last.id })), ['dns:///c', 'dns:///cart', 'dns:///b']);
  });

  it('is none where there are no two, or none is asked for', () => {
    const nothing = new ClientModel({ pickBudgetBytes: 100_000 });
    const empty: ComparedClient = { ...first.compared(), model: nothing };
    const [shown, other] = [first.compared(), elsewhere.compared()];
    assert.equal(comparison(shown, [second.compared()], queryOf(), nowMs), undefined);
    assert.equal(comparison(shown, [other, empty], clients(), nowMs), undefined);
    assert.equal(comparison(shown, [other], channels(), nowMs), undefined);
    assert.equal(comparison(empty, [shown], clients(), nowMs), undefined);
  });

  it('tells whose client no longer sends', () => {
    const made = comparison(first.compared(), [second.compared(false)], clients(), nowMs)!;
    assert.deepEqual(
      made.columns.map(({ live }) => live),
      [true, false],
    );
  });

  it('is bounded, says how much was left out, and tells two endpoints of the same addresses apart', () => {
    const wide = new Watched(
      'wide',
      Array.from({ length: 250 }, (_, index) => backend(index)),
    );
    wide.fake.add(backend(249));
    wide.run(500);
    const twins = new Watched('twins', [backend(1)]).run(500);
    const crowd = Array.from({ length: 20 }, () => twins);
    const { columns, rows, columnsLeftOut, rowsLeftOut } = compare([wide, ...crowd, elsewhere], clients());
    assert.equal(columns.length, 12);
    assert.equal(rows.length, 200);
    assert.deepEqual([columnsLeftOut, rowsLeftOut], [9, 51], 'but for one that has no such channel');
    const twice = new Watched('twice', [backend(1), backend(1)]).run(2000);
    const made = compare([twice, twins], clients());
    assert.deepEqual([made.columnsLeftOut, made.rowsLeftOut], [0, 0]);
    assert.deepEqual(
      made.rows.map(({ cells }) => cells.map((cell) => cell !== null)),
      [
        [true, true],
        [true, false],
      ],
    );
  });
});
