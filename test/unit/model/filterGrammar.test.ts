import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { filterTerms } from '../../../src/messages/filterTerms';
import { compileFilter } from '../../../src/model/filter';
import { reasons } from '../../../src/model/pickIntake';
import { inFlight, PickRing } from '../../../src/model/pickRing';
import { statusNames } from '../../../src/model/statusCodes';

interface Candidate {
  readonly endpoint: number;
  readonly lagNs: number;
  readonly score: number;
  readonly success: number;
  readonly inflight: number;
}

interface Row {
  readonly method: number;
  /** 0: none was chosen. */
  readonly endpoint: number;
  readonly candidates: readonly Candidate[];
  readonly reason: number;
  /** A status, or inFlight. */
  readonly outcome: number;
  readonly code: number;
  readonly latencyNs: number;
  readonly call: number;
  readonly attempt: number;
  readonly generation: number;
}

const methods = ['', '/shop.Cart/GetCart', '/shop.Cart/PutItem', '/queued.Jobs/Get Any', '/a|b/-x'];
const addresses = ['', '10.0.0.1:50051', '10.0.0.2:50051\n[::1]:50051', 'unix:/run/Cart.sock'];
const generations = [NaN, 48, 49];
const unavailable = statusNames.indexOf('UNAVAILABLE');

const candidate = fc.record({
  endpoint: fc.integer({ min: 1, max: 3 }),
  lagNs: fc.constantFrom(NaN, 0, 5e6, 20e6),
  score: fc.constantFrom(NaN, 500, 1000, 2000),
  success: fc.constantFrom(NaN, 100, 500, 1000),
  inflight: fc.nat(3),
});
const row = fc.record({
  method: fc.nat(4),
  endpoint: fc.nat(3),
  candidates: fc.array(candidate, { maxLength: 3 }),
  reason: fc.nat(reasons.length - 1),
  outcome: fc.constantFrom(inFlight, 0, 4, unavailable),
  code: fc.constantFrom(0, unavailable),
  latencyNs: fc.constantFrom(NaN, 300e3, 5e6, 20e6, 2e9),
  call: fc.nat(3),
  attempt: fc.integer({ min: 1, max: 3 }),
  generation: fc.nat(2),
});

/** What can be typed, and which rows it wants. */
interface Term {
  readonly text: string;
  readonly wants: (row: Row) => boolean;
}

function ringOf(rows: readonly Row[]): PickRing {
  const ring = new PickRing(1_000_000);
  for (const { candidates, call, attempt, ...row } of rows) {
    const slot = ring.append(call, attempt, candidates.length);
    ring.candidates[slot] = candidates.length;
    for (const [index, each] of candidates.entries()) {
      const entry = ring.entry(slot, index);
      ring.entryEndpoint[entry] = each.endpoint;
      ring.entryLagNs[entry] = each.lagNs;
      ring.entryScore[entry] = each.score;
      ring.entrySuccess[entry] = each.success;
      ring.entryInflight[entry] = each.inflight;
    }
    for (const column of ['method', 'endpoint', 'reason', 'outcome', 'code', 'latencyNs', 'generation'] as const)
      ring[column][slot] = row[column];
  }
  return ring;
}

function compile(filter: string, ring: PickRing) {
  return compileFilter(filter, ring, {
    method: (number) => methods[number]!,
    endpoint: (id) => addresses[id]!,
    generation: (id) => generations[id]!,
  });
}

const has = (text: string, part: string) => text.toLowerCase().includes(part.toLowerCase());
const chosen = (each: Row) => each.candidates.find(({ endpoint }) => endpoint === each.endpoint);
const inMethod = (part: string) => (each: Row) => has(methods[each.method]!, part);
const inEndpoint = (part: string) => (each: Row) => each.endpoint !== 0 && has(addresses[each.endpoint]!, part);
const inCandidate = (part: string) => (each: Row) =>
  each.candidates.some(({ endpoint }) => has(addresses[endpoint]!, part));
const lost = (part: string) => (each: Row) =>
  each.endpoint !== 0 &&
  each.candidates.some(({ endpoint }) => endpoint !== each.endpoint && has(addresses[endpoint]!, part));
const anywhere = (part: string) => (each: Row) =>
  inMethod(part)(each) || inEndpoint(part)(each) || inCandidate(part)(each);

const bareTexts = ['cart', 'GET', '0.0.2', ':50051', '[::1]', 'unix:/run', 'nothing'];
const quotedTexts = ['Get Any', 'a|b', '-x', 'queued', '>5'];
/** A part of a name, as it is typed and as it is meant. */
const part = fc.oneof(
  fc.constantFrom(...bareTexts).map((text) => ({ typed: text, text })),
  fc.constantFrom(...quotedTexts).map((text) => ({ typed: `"${text}"`, text })),
);

const signs: Readonly<Record<string, (value: number, bound: number) => boolean>> = {
  '': (value, bound) => value === bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
};
const durations: Readonly<Record<string, number>> = { '5': 5e6, '5ms': 5e6, '20.0ms': 20e6, '300us': 300e3, '2s': 2e9 };
const sign = fc.constantFrom(...Object.keys(signs));

function numbers(
  key: string,
  typed: readonly string[],
  factor: (text: string) => number,
  value: (each: Row) => number,
) {
  return fc
    .array(fc.tuple(sign, fc.constantFrom(...typed)), { minLength: 1, maxLength: 3 })
    .map((alternatives): Term => ({
      text: `${key}:${alternatives.map((one) => one.join('')).join('|')}`,
      wants: (each) => alternatives.some(([kind, number]) => signs[kind]!(value(each), factor(number))),
    }));
}

function texts(key: string, wants: (text: string) => (each: Row) => boolean) {
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts): Term => ({
    text: `${key}:${parts.map(({ typed }) => typed).join('|')}`,
    wants: (each) => parts.some(({ text }) => wants(text)(each)),
  }));
}

const bare = fc.oneof(
  part.map(({ typed, text }): Term => ({ text: typed, wants: anywhere(text) })),
  fc.constantFrom(...reasons).map((text): Term => ({ text, wants: ({ reason }) => reasons[reason] === text })),
  fc.constantFrom<Term>(
    { text: 'ok', wants: ({ outcome }) => outcome === 0 },
    { text: 'Error', wants: ({ outcome }) => outcome !== 0 && outcome !== inFlight },
    { text: 'inflight', wants: ({ outcome, endpoint }) => outcome === inFlight && endpoint !== 0 },
    { text: 'UNAVAILABLE', wants: ({ outcome, code }) => outcome === unavailable || code === unavailable },
    { text: 'deadline_exceeded', wants: ({ outcome }) => outcome === 4 },
  ),
  fc
    .tuple(fc.constantFrom('>', '>=', '<', '<='), fc.constantFrom(...Object.keys(durations)))
    .map(([kind, number]): Term => ({
      text: kind + number,
      wants: ({ outcome, latencyNs }) => outcome !== inFlight && signs[kind]!(latencyNs, durations[number]!),
    })),
);

const token = fc.oneof(
  fc.array(bare, { minLength: 1, maxLength: 3 }).map((terms): Term => ({
    text: terms.map(({ text }) => text).join('|'),
    wants: (each) => terms.some(({ wants }) => wants(each)),
  })),
  texts('method', inMethod),
  texts('Endpoint', inEndpoint),
  texts('candidate', inCandidate),
  texts('lost', lost),
  numbers('call', ['1', '2'], Number, ({ call }) => call),
  numbers('attempt', ['1', '2'], Number, ({ attempt }) => attempt),
  numbers('generation', ['48', '49', '50'], Number, ({ generation }) => generations[generation]!),
  numbers('load', ['500', '1000'], Number, (each) => chosen(each)?.score ?? NaN),
  numbers('success', ['500', '1000'], Number, (each) => chosen(each)?.success ?? NaN),
  numbers('inflight', ['0', '2'], Number, (each) => chosen(each)?.inflight ?? NaN),
  numbers(
    'lag',
    Object.keys(durations),
    (text) => durations[text]!,
    (each) => chosen(each)?.lagNs ?? NaN,
  ),
);
const negatable = fc
  .tuple(token, fc.boolean())
  .map(([{ text, wants }, not]): Term => (not ? { text: `-${text}`, wants: (each) => !wants(each) } : { text, wants }));

describe('The filter language', () => {
  it('wants what its grammar says', () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.array(negatable, { maxLength: 4 }),
        fc.constantFrom(' ', '  ', '\t'),
        (rows, tokens, space) => {
          const filter = tokens.map(({ text }) => text).join(space);
          const ring = ringOf(rows);
          const compiled = compile(filter, ring);
          assert.ok(compiled.ok, filter);
          for (const [index, each] of rows.entries()) {
            const wanted = tokens.every(({ wants }) => wants(each));
            assert.equal(compiled.matches(ring.slot(index + 1)), wanted, `${filter} on ${JSON.stringify(each)}`);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('tells what is wrong, never throws, and takes any text in quotation marks', () => {
    const ring = ringOf([]);
    const errors: Readonly<Record<string, string>> = {
      '>abc': 'number',
      '<': 'number',
      '>=': 'number',
      '>-5ms': 'number',
      '>5min': 'unit',
      'lag:>3kg': 'unit',
      'load:>3ms': 'unit',
      'generation:x': 'number',
      'lag:': 'nothing',
      'method:': 'nothing',
      'method:get|': 'nothing',
      'forced||tie': 'nothing',
      '-endpoint:': 'nothing',
      '-': 'nothing',
      '""': 'nothing',
      'method:"get any': 'quote',
    };
    for (const [filter, reason] of Object.entries(errors))
      assert.deepEqual(compile(`ok ${filter}`, ring), { ok: false, error: { token: filter, reason } });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('<>=-"|: ab5ms.')) }), (text) => {
        const compiled = compile(text, ring);
        if (!compiled.ok) assert.ok(text.includes(compiled.error.token));
        assert.ok(compile(`"x${text.replaceAll('"', '')}"`, ring).ok);
      }),
    );
  });
});

describe('The terms of the filter language', () => {
  const ring = ringOf([]);

  it('are each understood, and named once', () => {
    assert.equal(new Set(filterTerms.map(({ term }) => term)).size, filterTerms.length);
    for (const { example } of filterTerms) assert.ok(compile(example, ring).ok, example);
  });

  it('are all that is understood', () => {
    const named = new Set(filterTerms.map(({ term }) => term));
    for (const reason of reasons) assert.ok(named.has(reason), reason);
    const keys = filterTerms.filter(({ term }) => term.endsWith(':')).map(({ term }) => term.slice(0, -1));
    // A key that is one has something wrong with it when nothing follows; any other is text.
    const words = [...keys, 'latency', 'reason', 'outcome', 'status', 'policy', 'score', 'address', 'time'];
    assert.deepEqual(
      words.filter((key) => !compile(`${key}:`, ring).ok),
      keys,
    );
  });

  it('are numbers or texts as they say', () => {
    for (const { term, kind } of filterTerms.filter(({ term }) => term.endsWith(':'))) {
      assert.equal(compile(`${term}x`, ring).ok, kind === 'text', term);
      assert.equal(compile(`${term}>5ms`, ring).ok, kind === 'text' || kind === 'duration', term);
    }
  });

  it('are explained in docs/filter.md', () => {
    const page = readFileSync('docs/filter.md', 'utf8');
    const explained = [...page.matchAll(/^\| `(.+?)`\s*\| (.+?)\s*\|$/gm)].map(([, example, meaning]) => [
      example!.replaceAll('\\|', '|'),
      meaning,
    ]);
    assert.deepEqual(
      explained,
      filterTerms.map(({ example, meaning }) => [example, meaning((english) => english)]),
    );
    const inText = [...page.matchAll(/^- .*?: `([^`]+)`/gm)].map(([, filter]) => filter!);
    assert.ok(inText.length >= 6);
    for (const filter of inText) assert.ok(compile(filter, ring).ok, filter);
  });
});
