import fc from 'fast-check';
import assert from 'node:assert/strict';
import { parseP2cEwmaConfig, P2cEwmaPicker } from '../../src/policies/p2cEwma';
import type { Candidate, Decision, Pick, Random, ReadyEndpoint } from '../../src/policies/picker';
import { at, pairOf, readyEndpoints } from './endpoints';

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
    world.draws.push(pairOf(3, 2, 0));
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
    world.draws.push(pairOf(3, 0, 1), pairOf(3, 1, 0), pairOf(3, 1, 2));
    const { endpoint } = picker.pick(at(world.now));
    const { decision } = picker;
    assert.deepEqual([decision.rejectedDraws, endpoint, decision.reason], [2, 1, 'tie']);
    assert.deepEqual(decision.rejectedEndpoints, [0, 1, 1, 0]);
    assert.deepEqual(decision.rejectedSuccess, [500, 1000, 1000, 500]);

    world.draws.push(pairOf(3, 0, 1), pairOf(3, 0, 1), pairOf(3, 0, 1));
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

describe("p2c_ewma's log", () => {
  it("is go-zero's line, with the load after the completion and the requests since the line before", () => {
    const { picker, world } = setUp(2);
    const picks = [picker.pick(at(world.now)), picker.pick(at(world.now)), picker.pick(at(world.now))];
    assert.deepEqual([picks.map((pick) => pick.endpoint), world.lines], [[1, 0, 0], []]);
    picks[0]!.done!(0, world.now + 9999);
    assert.deepEqual(world.lines, [
      'p2c - conn: 10.0.0.1:50051, load: 3, reqs: 2; conn: 10.0.0.2:50051, load: 100, reqs: 1',
    ]);
  });

  it('comes once a minute, and only when calls end', () => {
    const { picker, world } = setUp(1);
    const call = (seconds: number) => picker.pick(at(world.now)).done!(0, world.now + seconds * second);
    call(0);
    call(30);
    call(59);
    assert.equal(world.lines.length, 1);
    call(60);
    call(61);
    call(119);
    assert.equal(world.lines.length, 2);
    assert.match(world.lines[1]!, /reqs: 3$/);
    call(120);
    assert.equal(world.lines.length, 3);
  });

  it('comes as often as logInterval says, or never', () => {
    const often = setUp(1, { logInterval: '1s' });
    const never = setUp(1, { logInterval: '0s' });
    for (const { picker, world } of [often, never]) {
      for (let i = 0; i < 10; i++) picker.pick(at(world.now)).done!(0, world.now + i * second);
    }
    assert.deepEqual([often.world.lines.length, never.world.lines.length], [10, 0]);
  });

  it('names all addresses of an endpoint', () => {
    const { picker, world } = setUpOn([{ addresses: ['10.0.0.1:50051', '[::1]:50051'] }], {});
    picker.pick(at(world.now)).done!(0, world.now);
    assert.deepEqual(world.lines, ['p2c - conn: 10.0.0.1:50051,[::1]:50051, load: 1, reqs: 1']);
  });
});

describe("p2c_ewma's options", () => {
  it("are go-zero's constants unless they are given", () => {
    assert.deepEqual(parseP2cEwmaConfig({}), {
      decayTime: 10 * second,
      forcePick: second,
      initSuccess: 1000,
      throttleSuccess: 500,
      penalty: 2147483647,
      pickTimes: 3,
      logInterval: 60 * second,
      keepHistory: false,
    });
  });

  it('decayTime: how fast an average follows', () => {
    const { picker, world } = setUp(1, { decayTime: '1s' });
    picker.pick(at(0)).done!(0, 1000);
    picker.pick(at(second - 1000)).done!(0, second + 1000);
    assert.equal(picker.endpoints[0]!.lag, Math.trunc(1000 / Math.E + 2000 * (1 - 1 / Math.E)));
    assert.equal(world.lines.length, 1);
  });

  it('forcePick: how long an endpoint may go without a pick', () => {
    const { picker } = setUp(2, { forcePick: '5s' });
    touchAll(picker, 0);
    picker.endpoints[1]!.lag = second;
    assert.equal(picker.pick(at(5 * second)).endpoint, 0);
    picker.endpoints[0]!.inflight = 0;
    assert.equal(picker.pick(at(5 * second + 1)).endpoint, 1);
  });

  it('initSuccess: the scale of success, which is shown from 0 to 1000 all the same', () => {
    const { picker } = setUp(1, { initSuccess: 1_000_000 });
    const [state] = picker.endpoints;
    picker.pick(at(0)).done!(0, 1e6);
    picker.pick(at(1e6)).done!(14, 2e6);
    assert.equal(state!.rawSuccess, Math.trunc(1_000_000 * Math.exp(-1e6 / 10e9)));
    assert.equal(state!.success, state!.rawSuccess / 1000);
    assert.ok(state!.healthy);
  });

  it('throttleSuccess: what is healthy; half of initSuccess by default', () => {
    assert.equal(parseP2cEwmaConfig({ initSuccess: 10 }).throttleSuccess, 5);
    const { picker } = setUp(1, { throttleSuccess: 900 });
    picker.endpoints[0]!.rawSuccess = 900;
    assert.ok(!picker.endpoints[0]!.healthy);
    picker.endpoints[0]!.rawSuccess = 901;
    assert.ok(picker.endpoints[0]!.healthy);
    assert.throws(() => parseP2cEwmaConfig({ throttleSuccess: 1000 }), {
      message: 'throttleSuccess is 1000, but has to be below initSuccess, which is 1000.',
    });
  });

  it('penalty: the load of none', () => {
    const { picker } = setUp(1, { penalty: 7 });
    picker.endpoints[0]!.inflight = -1;
    assert.equal(picker.endpoints[0]!.load, 7);
  });

  it('pickTimes: how many pairs are drawn', () => {
    const { picker, world } = setUp(3, { pickTimes: 5 });
    touchAll(picker, world.now);
    for (const state of picker.endpoints) state.rawSuccess = 0;
    for (const [a, b] of [
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 2],
      [2, 0],
    ] as const)
      world.draws.push(pairOf(3, a, b));
    assert.equal(picker.pick(at(world.now)).endpoint, 2);
    assert.equal(picker.decision.rejectedDraws, 4);
    assert.deepEqual(picker.decision.rejectedEndpoints, [0, 1, 0, 2, 1, 0, 1, 2]);
    assert.deepEqual(world.draws, []);
  });
});

describe("p2c_ewma's history", () => {
  it('ends with the picker, as in go-zero', () => {
    const endpoints = readyEndpoints(2);
    const before = setUpOn(endpoints, {}).picker;
    for (const state of before.endpoints) state.lag = 5;
    const after = setUpOn(endpoints, {}).picker;
    assert.deepEqual([after.keepsHistory, after.endpoints.map((state) => state.lag)], [false, [0, 0]]);
  });

  it('goes on with keepHistory, for the endpoints that stay', () => {
    const endpoints = readyEndpoints(3);
    const before = setUpOn(endpoints, { keepHistory: true }).picker;
    for (const [index, state] of before.endpoints.entries()) state.lag = index + 1;
    const [first, , third] = endpoints;
    const after = setUpOn([third!, ...readyEndpoints(1), first!], { keepHistory: true }).picker;
    assert.deepEqual([after.keepsHistory, after.endpoints.map((state) => state.lag)], [true, [3, 0, 1]]);
  });

  it('goes on when keepHistory is switched on, and ends when it is switched off', () => {
    const endpoints = readyEndpoints(1);
    setUpOn(endpoints, {}).picker.endpoints[0]!.lag = 5;
    assert.equal(setUpOn(endpoints, { keepHistory: true }).picker.endpoints[0]!.lag, 5);
    assert.equal(setUpOn(endpoints, {}).picker.endpoints[0]!.lag, 0);
    assert.equal(setUpOn(endpoints, { keepHistory: true }).picker.endpoints[0]!.lag, 0);
  });

  it('goes on under another config', () => {
    const endpoints = readyEndpoints(1);
    const before = setUpOn(endpoints, { keepHistory: true }).picker;
    before.endpoints[0]!.rawSuccess = 600;
    const after = setUpOn(endpoints, { keepHistory: true, initSuccess: 100, throttleSuccess: 60 }).picker;
    assert.equal(after.endpoints[0]!.rawSuccess, 60);
    assert.equal(after.endpoints[0]!.success, 600);
    assert.ok(!after.endpoints[0]!.healthy);
  });

  it('counts the calls of each picker until they end, whichever comes and goes in between', () => {
    const step = fc.constantFrom('build', 'pick', 'suspend', 'resume', 'done');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.nat()), (steps, numbers) => {
        const next = (limit: number) => (numbers.next().value ?? 0) % limit;
        const endpoints = readyEndpoints(4);
        const build = () => {
          const ready = endpoints.filter(() => next(3) > 0);
          const chosen = ready.length > 0 ? ready : endpoints;
          return { ready: chosen, picker: setUpOn(chosen, { keepHistory: true }, next).picker };
        };
        let current = build();
        const calls: { pick: Pick; endpoint: ReadyEndpoint; state: 'flying' | 'suspended' }[] = [];
        for (const name of steps) {
          const call = calls[next(Math.max(1, calls.length))];
          if (name === 'build') current = build();
          else if (name === 'pick') {
            const pick = current.picker.pick(at(1));
            calls.push({ pick, endpoint: current.ready[pick.endpoint]!, state: 'flying' });
          } else if (!call || (name === 'resume') !== (call.state === 'suspended')) continue;
          else {
            apply(call.pick, name);
            if (name === 'done') calls.splice(calls.indexOf(call), 1);
            else call.state = name === 'suspend' ? 'suspended' : 'flying';
          }
          const flying = current.ready.map(
            (endpoint) => calls.filter((it) => it.endpoint === endpoint && it.state === 'flying').length,
          );
          assert.deepEqual(
            current.picker.endpoints.map((state) => state.inflight),
            flying,
          );
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
