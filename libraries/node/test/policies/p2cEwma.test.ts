import fc from 'fast-check';
import assert from 'node:assert/strict';
import { parseP2cEwmaConfig, P2cEwmaPicker } from '../../src/policies/p2cEwma';
import type { Candidate, Decision, Pick, Random, ReadyEndpoint } from '../../src/policies/picker';
import { at, readyEndpoints } from './endpoints';

const second = 1e9;

function setUpOn(endpoints: readonly ReadyEndpoint[], json: Readonly<Record<string, unknown>>, random?: Random) {
  const world = { now: 10 * second, draws: [] as number[], lines: [] as string[] };
  const picker = new P2cEwmaPicker({
    readyEndpoints: endpoints,
    config: parseP2cEwmaConfig(json),
    log: (line) => world.lines.push(line),
    random: random ?? (() => world.draws.shift()!),
  });
  return { world, picker };
}

/** A picker under a clock and draws that the test sets. */
function setUp(size: number, json: Readonly<Record<string, unknown>> = {}, random?: Random) {
  return setUpOn(readyEndpoints(size), json, random);
}

/** Picks and completes once, so that nothing is forced for a second. */
function touchAll(picker: P2cEwmaPicker, now: number): void {
  for (const endpoint of picker.endpoints) endpoint.picked = now;
}

function compared(decision: Decision): Candidate[] {
  return decision.candidates.slice(0, decision.candidateCount);
}

describe('p2c_ewma', () => {
  it('takes the only endpoint', () => {
    const { picker, world } = setUp(1);
    assert.equal(picker.pick(at(world.now)).endpoint, 0);
    assert.equal(picker.decision.reason, 'only_one');
    assert.equal(picker.decision.candidateCount, 1);
  });

  it('takes the lower load, and says what it compared as it was before the pick', () => {
    const { picker, world } = setUp(2);
    touchAll(picker, world.now);
    picker.endpoints[0]!.lag = 99;
    picker.endpoints[0]!.inflight = 2;
    world.now += second / 2;
    assert.equal(picker.pick(at(world.now)).endpoint, 1);
    assert.equal(picker.decision.reason, 'better_score');
    assert.deepEqual(compared(picker.decision), [
      { endpoint: 0, lag: 99, success: 1000, inflight: 2, score: 30, idle: second / 2, healthy: true, peak: NaN },
      { endpoint: 1, lag: 0, success: 1000, inflight: 0, score: 1, idle: second / 2, healthy: true, peak: NaN },
    ]);
  });

  it('keeps the first drawn in a tie', () => {
    const { picker, world } = setUp(3);
    touchAll(picker, world.now);
    world.draws.push(2, 0);
    assert.equal(picker.pick(at(world.now)).endpoint, 2);
    assert.equal(picker.decision.reason, 'tie');
  });

  it('forces the loser after more than a second without a pick', () => {
    const { picker, world } = setUp(2);
    touchAll(picker, world.now);
    picker.endpoints[1]!.lag = second;
    world.now += second;
    assert.equal(picker.pick(at(world.now)).endpoint, 0, 'a second is not more than a second');
    picker.endpoints[0]!.inflight = 0;
    world.now += 1;
    assert.equal(picker.pick(at(world.now)).endpoint, 1);
    assert.equal(picker.decision.reason, 'forced');
  });

  it('rejects pairs with an unhealthy endpoint, at most twice', () => {
    const { picker, world } = setUp(3);
    touchAll(picker, world.now);
    picker.endpoints[0]!.rawSuccess = 500;
    world.draws.push(0, 0, 1, 0, 1, 1);
    const { endpoint } = picker.pick(at(world.now));
    const { decision } = picker;
    assert.deepEqual([decision.rejectedDraws, endpoint, decision.reason], [2, 1, 'tie']);
    assert.deepEqual(decision.rejectedEndpoints, [0, 1, 1, 0]);
    assert.deepEqual(decision.rejectedSuccess, [500, 1000, 1000, 500]);

    world.draws.push(0, 0, 0, 0, 0, 0);
    picker.pick(at(world.now));
    assert.equal(decision.reason, 'no_healthy_pair');
    assert.equal(decision.rejectedDraws, 2);
  });

  it('counts only DeadlineExceeded, ResourceExhausted, Unimplemented, Internal, Unavailable and DataLoss as failures', () => {
    const failing: number[] = [];
    for (let code = 0; code <= 16; code++) {
      const { picker, world } = setUp(1);
      picker.pick(at(world.now)).done!(code, world.now);
      if (picker.endpoints[0]!.success === 0) failing.push(code);
    }
    assert.deepEqual(failing, [4, 8, 12, 13, 14, 15]);
  });

  it('never leaks a call in flight, whatever becomes of its picks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.constantFrom(...fates), { maxLength: 40 }),
        (size, calls) => {
          const { picker } = setUp(size, {}, (limit) => limit - 1);
          for (const steps of calls) {
            const pick = picker.pick(at(1));
            for (const step of steps) apply(pick, step);
          }
          assert.deepEqual([...new Set(picker.endpoints.map((endpoint) => endpoint.inflight))], [0]);
        },
      ),
    );
  });

  it('keeps lag within the latencies it saw, success within 0 to 1000, and both whole', () => {
    const call = fc.record({
      wait: fc.integer({ min: 0, max: 30 * second }),
      latency: fc.integer({ min: 0, max: 60 * second }),
      code: fc.integer({ min: 0, max: 16 }),
    });
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 60 }), (calls) => {
        const { picker, world } = setUp(1);
        for (const { wait, latency, code } of calls) {
          world.now += wait;
          const pick = picker.pick(at(world.now));
          world.now += latency;
          pick.done!(code, world.now);
          const { lag, success } = picker.endpoints[0]!;
          assert.ok(Number.isInteger(lag) && lag >= 0 && lag <= Math.max(...calls.map((it) => it.latency)));
          assert.ok(Number.isInteger(success) && success >= 0 && success <= 1000);
        }
      }),
    );
  });

  it('chooses what the reason and the scores that it tells say', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.infiniteStream(fc.nat()), (size, numbers) => {
        const next = (limit: number) => (numbers.next().value ?? 0) % limit;
        let now = 0;
        const { picker } = setUp(size, {}, next);
        for (let i = 0; i < 50; i++) {
          now += next(second);
          const pick = picker.pick(at(now));
          const [a, b] = compared(picker.decision) as [Candidate, Candidate];
          const [winner, loser] = a.score > b.score ? [b, a] : [a, b];
          const forced = picker.decision.reason === 'forced';
          assert.equal(pick.endpoint, forced ? loser.endpoint : winner.endpoint);
          assert.equal(forced, loser.idle > second);
          now += next(second);
          if (next(3) > 0) pick.done!(next(17), now);
        }
      }),
    );
  });
});

/** What a call can go through. */
const fates: readonly (readonly ('suspend' | 'resume' | 'done')[])[] = [
  ['done'],
  ['suspend'],
  ['suspend', 'resume', 'done'],
];

function apply(pick: Pick, step: 'suspend' | 'resume' | 'done'): void {
  if (step === 'done') pick.done!(0, 1);
  else pick[step]!();
}
