import assert from 'node:assert/strict';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ConnectivityState,
  PickReason,
  PickResult,
  ScoreOrder,
  WatchResponseSchema,
} from '@pickscope/protocol/messages';
import * as fc from 'fast-check';
import type { Answer, Reason } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { FakeClient } from './fakeClient';
import { queryOf } from './queries';

/*
 * Random lives of a channel, told to a model that keeps all single picks and to one that keeps nearly none, and counted here
 * by plain walks over the script.
 */

const endpoints = 5;
const bucketMs = 5000;
const startMs = 1_768_485_720_000;
const spanMs = 60_000;
const { READY, TRANSIENT_FAILURE } = ConnectivityState;

const reasonNames: Readonly<Record<number, Reason>> = {
  [PickReason.UNSPECIFIED]: 'untold',
  [PickReason.ONLY_ONE]: 'only',
  [PickReason.BETTER_SCORE]: 'lower',
  [PickReason.TIE]: 'tie',
  [PickReason.FORCED]: 'forced',
  [PickReason.NO_HEALTHY_PAIR]: 'unhealthy',
  [PickReason.PROBE]: 'probe',
  [PickReason.TURN]: 'turn',
  [PickReason.KEY]: 'key',
  [PickReason.NO_KEY]: 'nokey',
};
const pickReasons = [
  PickReason.UNSPECIFIED,
  PickReason.ONLY_ONE,
  PickReason.BETTER_SCORE,
  PickReason.TIE,
  PickReason.FORCED,
  PickReason.NO_HEALTHY_PAIR,
  PickReason.PROBE,
  PickReason.TURN,
  PickReason.KEY,
  PickReason.NO_KEY,
];
const undrawn = new Set<PickReason>([PickReason.TURN, PickReason.KEY, PickReason.NO_KEY]);

interface ScriptedCandidate {
  readonly endpoint: number;
  readonly score: number;
  readonly lagNs: number;
}

/** unlisted: the resolver left it out. */
type EndpointState = 'ready' | 'failing' | 'unlisted';

type Step = { readonly laterMs: number } & (
  | { readonly kind: 'state'; readonly endpoint: number; readonly state: EndpointState }
  | { readonly kind: 'loss' }
  | {
      readonly kind: 'pick';
      readonly result: PickResult;
      readonly reason: PickReason;
      readonly chosen: number;
      readonly candidates: readonly ScriptedCandidate[];
      readonly rejected: readonly (readonly number[])[];
    }
);

const anEndpoint = fc.nat(endpoints - 1);
const candidate = fc.record({
  endpoint: anEndpoint,
  score: fc.constantFrom(0, 1, 10, 500, 1000),
  lagNs: fc.constantFrom(0, 1e6, 5e6),
});
const pick = fc
  .record({
    kind: fc.constant('pick' as const),
    laterMs: fc.integer({ min: 1, max: 900 }),
    result: fc.constantFrom(
      PickResult.COMPLETED,
      PickResult.COMPLETED,
      PickResult.COMPLETED,
      PickResult.QUEUED,
      PickResult.FAILED,
    ),
    reason: fc.constantFrom(...pickReasons),
    among: fc.boolean(),
    chosen: anEndpoint,
    candidates: fc.array(candidate, { maxLength: 3 }),
    draws: fc.nat(2),
    other: fc.array(anEndpoint, { minLength: 6, maxLength: 6 }),
  })
  .map(({ among, draws, other, ...rest }): Step => {
    const { candidates } = rest;
    const chosen = among && candidates.length > 0 ? candidates[0]!.endpoint : rest.chosen;
    const rejected = Array.from({ length: draws }, (_, draw) => candidates.map((_, index) => other[draw * 3 + index]!));
    return { ...rest, chosen, rejected: candidates.length > 0 ? rejected : [] };
  });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: pick },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('state' as const),
      laterMs: fc.integer({ min: 1, max: 900 }),
      endpoint: anEndpoint,
      state: fc.constantFrom('ready', 'failing', 'unlisted'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('loss' as const), laterMs: fc.integer({ min: 1, max: 900 }) }),
  },
);

type Body = NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>;

/** A model that was told the script, and when it ends. */
function told(script: readonly Step[], pickBudgetBytes: number): ClientModel {
  const model = new ClientModel({ pickBudgetBytes });
  const tell = (body: Body) => model.apply(create(WatchResponseSchema, { body }));
  const at = (ms: number) => BigInt(1_000_000_000 + Math.round(ms * 1e6));
  const clock = (ms: number) => ({ monotonicNs: at(ms), wallUnixNs: BigInt(startMs + ms) * 1_000_000n });
  const state = (endpoint: number, now: EndpointState) => ({
    case: 'endpoint' as const,
    value: {
      id: endpoint + 10,
      channel: 1,
      addresses: [`10.0.0.${endpoint}:1`],
      state: now === 'ready' ? READY : TRANSIENT_FAILURE,
      error: now === 'ready' ? '' : 'refused',
      removed: now === 'unlisted',
    },
  });
  const policy = { id: 2, channel: 1, name: 'any', scoreOrder: ScoreOrder.LOWER_WINS };
  tell({ case: 'process', value: { instance: 'a', clock: clock(0) } });
  tell({ case: 'snapshotBegin', value: {} });
  const known = [
    { case: 'channel' as const, value: { id: 1, target: 'dns:///cart' } },
    { case: 'policy' as const, value: policy },
    { case: 'generation' as const, value: { id: 3, channel: 1, endpoints: [10], historyKept: true } },
    ...Array.from({ length: endpoints }, (_, index) => state(index, 'ready')),
  ];
  tell({ case: 'changes', value: { changes: known.map((entity) => ({ timeNs: at(0), entity })) } });
  tell({ case: 'snapshotEnd', value: {} });
  const change = (ms: number, entity: ReturnType<typeof state> | { case: 'generation'; value: object }) =>
    tell({ case: 'changes', value: { changes: [{ timeNs: at(ms), entity }] } });
  let ms = 0;
  for (const [index, one] of script.entries()) {
    ms += one.laterMs;
    if (one.kind === 'state') change(ms, state(one.endpoint, one.state));
    else if (one.kind === 'loss')
      change(ms, { case: 'generation', value: { id: 100 + index, channel: 1, endpoints: [10] } });
    else tell({ case: 'picks', value: pickBatch(one, at(ms), index + 1) });
  }
  // After all that is asked about they are all there, so that the table names them.
  for (let endpoint = 0; endpoint < endpoints; endpoint++) change(2 * spanMs, state(endpoint, 'ready'));
  tell({ case: 'heartbeat', value: { clock: clock(2 * spanMs) } });
  return model;
}

function pickBatch(one: Extract<Step, { kind: 'pick' }>, timeNs: bigint, call: number) {
  const rejected = one.rejected.flat();
  return {
    rows: 1,
    baseTimeNs: timeNs,
    baseCall: BigInt(call),
    channel: [1],
    policy: [2],
    result: [one.result],
    reason: [one.reason],
    endpoint: [one.result === PickResult.COMPLETED ? one.chosen + 10 : 0],
    candidateCount: [one.candidates.length],
    candidateEndpoint: one.candidates.map(({ endpoint }) => endpoint + 10),
    candidateScore: one.candidates.map(({ score }) => score),
    candidateLagNs: one.candidates.map(({ lagNs }) => lagNs),
    candidateSuccess: one.candidates.map(() => 1000),
    candidateInflight: one.candidates.map(() => 0),
    rejectedDraws: [one.rejected.length],
    rejectedEndpoint: rejected.map((endpoint) => endpoint + 10),
    rejectedSuccess: rejected.map(() => 0),
  };
}

interface Expected {
  total: number;
  undecided: number;
  notListed: number;
  notHeld: number;
  notTold: number;
  notDrawn: number;
  readonly lost: Partial<Record<Reason, number>>;
  readonly taken: Partial<Record<Reason, number>>;
  takenUnmeasured: number;
  rejectedDraws: number;
  readonly chances: number[];
  readonly loads: number[];
  readonly lagsMs: number[];
  readonly winnersLoads: number[];
  readonly lostTo: Map<number, number[]>;
  readonly wonAgainst: Map<number, number[]>;
  readonly losses: number[];
}

/** What is to be said of an endpoint over a span after the start, by a walk over the script. */
function expectedOf(script: readonly Step[], me: number, fromMs: number, toMs: number): Expected {
  const counted: Expected = {
    ...{ total: 0, undecided: 0, notListed: 0, notHeld: 0, notTold: 0, notDrawn: 0 },
    ...{ takenUnmeasured: 0, rejectedDraws: 0 },
    ...{ lost: {}, taken: {}, chances: [], loads: [], lagsMs: [], winnersLoads: [], losses: [] },
    ...{ lostTo: new Map(), wonAgainst: new Map() },
  };
  const states = new Array<EndpointState>(endpoints).fill('ready');
  let ms = 0;
  for (const one of script) {
    ms += one.laterMs;
    if (one.kind === 'state') states[one.endpoint] = one.state;
    if (ms < fromMs || ms >= toMs) continue;
    if (one.kind === 'loss') counted.losses.push(startMs + ms);
    if (one.kind === 'pick') countPick(counted, one, me, states);
  }
  return counted;
}

type ScriptedPick = Extract<Step, { kind: 'pick' }>;

function countPick(counted: Expected, one: ScriptedPick, me: number, states: readonly EndpointState[]): void {
  const { result, reason, chosen, candidates, rejected } = one;
  counted.total++;
  counted.rejectedDraws += rejected.filter((draw) => draw.includes(me)).length;
  if (result !== PickResult.COMPLETED) {
    counted.undecided++;
    return;
  }
  const drew = candidates.length > 0 && !undrawn.has(reason);
  const mine = candidates.find(({ endpoint }) => endpoint === me);
  const held = states[me] === 'ready';
  const ready = states.filter((state) => state === 'ready').length;
  if (drew && held) counted.chances.push(1 - candidates.length / ready);
  if (mine) {
    counted.loads.push(mine.score);
    counted.lagsMs.push(mine.lagNs / 1e6);
  }
  if (chosen === me) countTaken(counted, one, mine);
  else if (mine) countLost(counted, one, mine);
  else if (states[me] === 'unlisted') counted.notListed++;
  else if (!held) counted.notHeld++;
  else if (!drew) counted.notTold++;
  else counted.notDrawn++;
}

function countTaken(
  counted: Expected,
  { reason, chosen: me, candidates }: ScriptedPick,
  mine: ScriptedCandidate | undefined,
): void {
  const name = reasonNames[reason]!;
  counted.taken[name] = (counted.taken[name] ?? 0) + 1;
  if (mine?.lagNs === 0 && name === 'lower') counted.takenUnmeasured++;
  const firsts = candidates.filter(
    ({ endpoint }, index) => candidates.findIndex((other) => other.endpoint === endpoint) === index,
  );
  for (const { endpoint, score } of firsts)
    if (endpoint !== me) note(counted.wonAgainst, endpoint, mine?.score ?? NaN, score);
}

function countLost(counted: Expected, { reason, chosen, candidates }: ScriptedPick, mine: ScriptedCandidate): void {
  const name = reasonNames[reason]!;
  const winner = candidates.find(({ endpoint }) => endpoint === chosen);
  counted.lost[name] = (counted.lost[name] ?? 0) + 1;
  if (winner) counted.winnersLoads.push(winner.score);
  note(counted.lostTo, chosen, winner?.score ?? NaN, mine.score);
}

/** The ratio of the scores of a pick between two; NaN: not known, or it was not won for its score. */
function note(ratios: Map<number, number[]>, other: number, winner: number, loser: number): void {
  const ratio = winner > 0 && loser > 0 && loser >= winner ? loser / winner : NaN;
  ratios.set(other, [...(ratios.get(other) ?? []), ratio]);
}

function meanRatio(ratios: readonly number[]): number | null {
  const known = ratios.filter((ratio) => !Number.isNaN(ratio));
  return known.length === 0 ? null : Math.exp(known.reduce((sum, ratio) => sum + Math.log(ratio), 0) / known.length);
}

function assertNear(shown: number | null, real: number | null, what: string): void {
  if (shown === null || real === null) assert.equal(shown, real, what);
  else assert.ok(Math.abs(shown - real) <= 1e-5 * Math.max(1, real), `${what}: ${shown} is ${real}`);
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? null;
}

function assertAnswer(shown: Answer, real: Expected, idOf: (endpoint: number) => number): void {
  for (const count of [
    'total',
    'undecided',
    'notListed',
    'notHeld',
    'notTold',
    'notDrawn',
    'takenUnmeasured',
    'rejectedDraws',
  ] as const)
    assert.equal(shown[count], real[count], `${count} from ${shown.source}`);
  assert.deepEqual({ ...shown.lost }, real.lost, `lost, from ${shown.source}`);
  assert.deepEqual({ ...shown.taken }, real.taken, `taken, from ${shown.source}`);
  const parts = [...Object.values(shown.lost), ...Object.values(shown.taken)].reduce((sum, count) => sum + count, 0);
  const { undecided, notListed, notHeld, notTold, notDrawn } = shown;
  assert.equal(undecided + notListed + notHeld + notTold + notDrawn + parts, shown.total);
  const { chances } = real;
  const sum = chances.reduce((total, one) => total + one, 0);
  const chance = chances.length === 0 ? null : Math.max(0, sum / chances.length);
  assertNear(shown.undrawnByChance, chance, `chance from ${shown.source}`);
  const others = new Set([...real.lostTo.keys(), ...real.wonAgainst.keys()]);
  assert.equal(shown.opponents.length, others.size);
  for (const other of others) {
    const opponent = shown.opponents.find(({ endpoint }) => endpoint === idOf(other))!;
    assert.equal(opponent.lostTo, real.lostTo.get(other)?.length ?? 0);
    assert.equal(opponent.wonAgainst, real.wonAgainst.get(other)?.length ?? 0);
    assertNear(opponent.lostBy, meanRatio(real.lostTo.get(other) ?? []), `lostBy from ${shown.source}`);
    assertNear(opponent.wonBy, meanRatio(real.wonAgainst.get(other) ?? []), `wonBy from ${shown.source}`);
  }
  assert.deepEqual(shown.historyLossesMs, real.losses);
}

/** The model's answer of each endpoint, by its number in the script. */
function answers(model: ClientModel, selection: { readonly fromMs: number; readonly toMs: number }) {
  const nowMs = startMs + 2 * spanMs;
  const { endpoints: rows } = model.view(queryOf(), nowMs)!;
  const idOf = (endpoint: number) => rows.find(({ addresses }) => addresses[0] === `10.0.0.${endpoint}:1`)!.id;
  const of = (endpoint: number) => model.view(queryOf({ selection, ask: idOf(endpoint) }), nowMs)!.answer!;
  return { idOf, of };
}

describe('"Why not this one?"', () => {
  it('is answered by counts that a walk over all picks gives, from single picks of any span', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(20_000), fc.nat(40_000), (script, from, length) => {
        const { of, idOf } = answers(told(script, 1_000_000), {
          fromMs: startMs + from,
          toMs: startMs + from + length + 1,
        });
        for (let endpoint = 0; endpoint < endpoints; endpoint++) {
          const shown = of(endpoint);
          const real = expectedOf(script, endpoint, from, from + length + 1);
          assert.equal(shown.source, 'picks');
          assertAnswer(shown, real, idOf);
          assert.equal(shown.loadMedian, median(real.loads));
          assert.equal(shown.lagMedianMs, median(real.lagsMs));
          assert.equal(shown.winnersLoadMedian, median(real.winnersLoads));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('is answered by the same counts from aggregates, of a span of whole buckets', () => {
    let aggregated = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 80 }), fc.nat(3), fc.nat(6), (script, from, length) => {
        const begin = from * bucketMs;
        const end = begin + (length + 1) * bucketMs;
        const { of, idOf } = answers(told(script, 0), { fromMs: startMs + begin + 1, toMs: startMs + end - 1 });
        for (let endpoint = 0; endpoint < endpoints; endpoint++) {
          const shown = of(endpoint);
          if (shown.source === 'picks') continue;
          aggregated++;
          assert.deepEqual(shown.span, { fromMs: startMs + begin, toMs: startMs + end });
          assertAnswer(shown, expectedOf(script, endpoint, begin, end), idOf);
        }
      }),
      { numRuns: 40 },
    );
    assert.ok(aggregated > 100, `${aggregated} answers from aggregates`);
  });

  it('names the states in which the endpoint was, from the one at the begin, with their errors', () => {
    const script: Step[] = [
      { kind: 'state', laterMs: 1000, endpoint: 1, state: 'failing' },
      { kind: 'state', laterMs: 10_000, endpoint: 1, state: 'ready' },
      { kind: 'state', laterMs: 10_000, endpoint: 1, state: 'unlisted' },
    ];
    const { of } = answers(told(script, 1_000_000), { fromMs: startMs + 5000, toMs: startMs + 22_000 });
    assert.deepEqual(of(1).states, [
      { sinceMs: startMs + 1000, state: 'TRANSIENT_FAILURE', error: 'refused', removed: false },
      { sinceMs: startMs + 11_000, state: 'READY', error: '', removed: false },
      { sinceMs: startMs + 21_000, state: 'SHUTDOWN', error: '', removed: true },
    ]);
  });

  it('counts what was picked before the resolver first named it as made without it', () => {
    const fake = new FakeClient({ backends: [{ address: '10.0.0.1:1', latencyMs: 2 }], picksPerSecond: 100 });
    fake.attach().run(7000).flush();
    const before = fake.picks.length;
    fake.add({ address: '10.0.0.2:1', latencyMs: 2 }).fail('10.0.0.2:1').run(7000).flush();
    for (const pickBudgetBytes of [1_000_000, 0]) {
      const model = new ClientModel({ pickBudgetBytes });
      for (const message of fake.messages) model.apply(message);
      const { endpoints: rows } = model.view(queryOf(), fake.nowMs)!;
      const ask = rows.find(({ addresses }) => addresses[0] === '10.0.0.2:1')!.id;
      const { total, notListed, notHeld, source } = model.view(queryOf({ ask }), fake.nowMs)!.answer!;
      assert.equal(source, pickBudgetBytes === 0 ? 'aggregates' : 'picks');
      assert.deepEqual([notListed, notHeld], [before, total - before], source);
    }
  });

  it('has no answer of an endpoint that is not known', () => {
    assert.equal(told([], 1000).view(queryOf({ ask: 99_999 }), startMs + spanMs)!.answer, undefined);
  });
});
