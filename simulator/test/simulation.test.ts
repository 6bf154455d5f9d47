import assert from 'node:assert/strict';
import type { Policy } from '../../libraries/node/src/policies/picker';
import { peakEwma } from '../../libraries/node/src/policies/peakEwma';
import { exactly, exponentialAbove, uniformTo, type Behaviour } from '../backend';
import { CallLog } from '../callLog';
import { EventQueue } from '../eventQueue';
import { Random } from '../random';
import { roundRobin } from '../roundRobin';
import { simulate, type Scenario } from '../simulation';

const millisecond = 1e6;
const second = 1e9;

/** Takes the first endpoint, and notes what it is told. */
function recorder() {
  const told = { builds: 0, picks: [] as number[], done: [] as [code: number, now: number][] };
  const policy: Policy = {
    name: 'first',
    build: () => {
      told.builds++;
      return {
        pick: ({ now }) => {
          told.picks.push(now);
          return { endpoint: 0, done: (code, ended) => told.done.push([code, ended]) };
        },
      };
    },
  };
  return { policy, told };
}

function calls(count: number, backend: Behaviour, more: Partial<Scenario> = {}): Scenario {
  return { backends: [backend], arrivals: { kind: 'even', rate: 1000 }, calls: count, ...more };
}

describe('A simulation', () => {
  it('gives the same result again for the same seed, and another for another', () => {
    const backends = [1, 2, 3].map((mean) => ({ latency: exponentialAbove(millisecond, mean * millisecond) }));
    const scenario: Scenario = { backends, arrivals: { kind: 'poisson', rate: 1000 }, duration: second };
    const run = (seed: number) => simulate(scenario, { policy: peakEwma }, seed);
    assert.deepEqual(run(1), run(1));
    assert.notDeepEqual(run(1).calls.latency, run(2).calls.latency);
  });

  it('asks the policy at the virtual time of each arrival, and tells it how each call ended', () => {
    const { policy, told } = recorder();
    const failingSecond: Behaviour = { latency: exactly(5 * millisecond), code: (count) => (count === 2 ? 14 : 0) };
    const result = simulate(calls(3, failingSecond), { policy }, 1);
    assert.deepEqual(
      told.picks,
      [1, 2, 3].map((ms) => ms * millisecond),
    );
    assert.deepEqual(told.done, [
      [0, 6 * millisecond],
      [14, 7 * millisecond],
      [0, 8 * millisecond],
    ]);
    assert.equal(result.end, 8 * millisecond);
    assert.equal(result.calls.errorRate(), 1 / 3);
  });

  it('queues calls beyond the capacity of a backend', () => {
    const backend = { latency: exactly(10 * millisecond), capacity: 2 };
    const { calls: log } = simulate(calls(4, backend), { policy: roundRobin }, 1);
    // They arrive at 1, 2, 3 and 4 ms; the last two begin when the first two end.
    assert.deepEqual(
      log.latency.map((latency) => latency / millisecond),
      [10, 10, 18, 18],
    );
  });

  it('ends calls at their deadline, also those that still queue, and does not begin them later', () => {
    const backend = { latency: exactly(10 * millisecond), capacity: 1 };
    const { calls: log } = simulate(calls(3, backend, { deadline: 12 * millisecond }), { policy: roundRobin }, 1);
    // The second begins at 11 ms and is given up at 14; then the third begins, and is given up at 15.
    assert.deepEqual(log.code, [0, 4, 4]);
    assert.deepEqual(
      log.latency.map((latency) => latency / millisecond),
      [10, 12, 12],
    );
  });

  it('lets only deadlines end the calls of a silent backend', () => {
    const backend = { latency: exactly(0), silent: true };
    assert.equal(simulate(calls(3, backend), { policy: roundRobin }, 1).calls.length, 0);
    assert.deepEqual(simulate(calls(2, backend, { deadline: second }), { policy: roundRobin }, 1).calls.code, [4, 4]);
  });

  it('changes how a backend behaves towards the calls that begin from then on', () => {
    const changes = [{ at: 1.5 * millisecond, backend: 0, behaviour: { latency: exactly(millisecond) } }];
    const { calls: log } = simulate(
      calls(2, { latency: exactly(5 * millisecond) }, { changes }),
      { policy: roundRobin },
      1,
    );
    assert.deepEqual(log.latency, [millisecond, 5 * millisecond]);
  });

  it('keeps as many calls in flight as there are callers', () => {
    const { policy, told } = recorder();
    const scenario = calls(6, { latency: exactly(millisecond) }, { arrivals: { kind: 'closed', callers: 3 } });
    simulate(scenario, { policy }, 1);
    assert.deepEqual(told.picks, [0, 0, 0, millisecond, millisecond, millisecond]);
  });

  it('rebuilds the picker when it is time, and not after the last arrival', () => {
    const { policy, told } = recorder();
    const scenario = calls(Infinity, { latency: exactly(second) }, { duration: second, rebuildEvery: second / 4 });
    simulate(scenario, { policy }, 1);
    assert.equal(told.builds, 4);
  });

  it('has as many calls in flight as the rate times the latency (Little)', () => {
    const scenario: Scenario = {
      backends: [{ latency: uniformTo(20 * millisecond) }],
      arrivals: { kind: 'poisson', rate: 2000 },
      duration: 60.5 * second,
    };
    const { seconds, calls: log } = simulate(scenario, { policy: peakEwma }, 1);
    const mean = seconds.reduce((sum, [endpoint]) => sum + endpoint!.inflight, 0) / seconds.length;
    assert.ok(Math.abs(mean - 20) < 2, `${mean} in flight`);
    assert.ok(Math.abs(log.length - 121_000) < 1500, `${log.length} arrived`);
  });

  it('says which config the policy refuses', () => {
    const contender = { policy: peakEwma, config: { choices: 0 } };
    assert.throws(() => simulate(calls(1, { latency: exactly(1) }), contender, 1), /choices is 0/);
  });
});

describe('An event queue', () => {
  it('lets events happen by time, and those of one time in the order in which they were added', () => {
    const queue = new EventQueue();
    const random = new Random(1);
    const times = Array.from({ length: 500 }, () => random.below(50));
    const happened: [at: number, order: number][] = [];
    times.forEach((at, order) => queue.add(at, () => happened.push([queue.now, order])));
    queue.run();
    const expected = times.map((at, order): [number, number] => [at, order]);
    assert.deepEqual(
      happened,
      expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    );
  });
});

describe('A log of calls', () => {
  const log = new CallLog();
  [40, 10, 30, 20].forEach((latency, index) => log.add(index, index % 2, latency, index === 3 ? 14 : 0));

  it('gives the percentile of nearest rank', () => {
    assert.deepEqual(
      [0, 0.25, 0.5, 0.51, 1].map((ratio) => log.percentile(ratio)),
      [10, 10, 20, 30, 40],
    );
    assert.equal(new CallLog().percentile(0.5), NaN);
  });

  it('gives shares of a time, errors, and how many were slow', () => {
    assert.equal(log.share(0, 0, 3), 2 / 3);
    assert.equal(log.count(1, 1), 2);
    assert.equal(log.errorRate(), 0.25);
    assert.equal(log.ratioAbove(20), 0.5);
  });
});

describe('Random numbers', () => {
  it('are spread evenly, and exponential ones have their mean', () => {
    const random = new Random(7);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 100_000; draw++) counts[random.below(10)]!++;
    for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, `${count} of 100000 in a tenth`);
    let sum = 0;
    for (let draw = 0; draw < 100_000; draw++) sum += random.exponential(3);
    assert.ok(Math.abs(sum / 100_000 - 3) < 0.05, `mean ${sum / 100_000}`);
  });
});
