import assert from 'node:assert/strict';
import { parsePeakEwmaConfig, PeakEwmaPicker } from '../../src/policies/peakEwma';
import type { Candidate, ReadyEndpoint } from '../../src/policies/picker';
import { at, readyEndpoints } from './endpoints';

const millisecond = 1e6;
const second = 1e9;
const unavailable = 14;

/** A picker of endpoints that come in the order of `draws`, where given, else as they stand. */
function setUp(endpoints: readonly ReadyEndpoint[], config: Record<string, unknown> = {}, draws: number[] = []) {
  const random = () => draws.shift() ?? 0;
  return new PeakEwmaPicker({
    readyEndpoints: endpoints,
    config: parsePeakEwmaConfig(config),
    log: () => undefined,
    random,
  });
}

/** Has each endpoint answer one call of the given latency (ns) at `now`. */
function measure(picker: PeakEwmaPicker, now: number, latencies: readonly number[]): void {
  latencies.forEach((latency, index) => {
    picker.endpoints[index]!.begin(now - latency);
    picker.endpoints[index]!.complete(now - latency, now, 0);
  });
}

function scoreOf(picker: PeakEwmaPicker, endpoint: number): number {
  return picker.decision.candidates.find((candidate) => candidate.endpoint === endpoint)!.score;
}

/** What a pick at `now` would compare of the endpoint, without the pick. */
function described(picker: PeakEwmaPicker, endpoint: number, now: number): Candidate {
  const candidate = { ...picker.decision.candidates[0]! };
  picker.endpoints[endpoint]!.rate(now);
  picker.endpoints[endpoint]!.describe(candidate, now);
  return candidate;
}

describe('peak_ewma', () => {
  it('takes the only endpoint', () => {
    const picker = setUp(readyEndpoints(1));
    assert.equal(picker.pick(at(0)).endpoint, 0);
    assert.equal(picker.decision.reason, 'only_one');
    assert.equal(picker.decision.candidateCount, 1);
  });

  it('takes the lowest of peak times calls in flight, and says what it compared as it was before the pick', () => {
    const picker = setUp(readyEndpoints(3));
    measure(picker, second, [5 * millisecond, 4 * millisecond, 2 * millisecond]);
    picker.endpoints[2]!.begin(second);
    picker.endpoints[2]!.begin(second);
    assert.equal(picker.pick(at(second)).endpoint, 1);
    const { reason, candidateCount, candidates, chosen } = picker.decision;
    assert.deepEqual([reason, candidateCount, chosen], ['better_score', 3, 1]);
    assert.deepEqual(
      candidates.map(({ endpoint, peak, inflight, score }) => [endpoint, peak, inflight, score]),
      [
        [0, 5 * millisecond, 0, 5 * millisecond],
        [1, 4 * millisecond, 0, 4 * millisecond],
        [2, 2 * millisecond, 2, 6 * millisecond],
      ],
    );
    const of1 = candidates[1]!;
    assert.deepEqual([of1.lag, of1.success, of1.idle, of1.healthy], [4 * millisecond, 1000, 4 * millisecond, true]);
  });

  it('draws as many as it has choices, each at most once', () => {
    const picker = setUp(readyEndpoints(9), { choices: 3 }, [8, 7, 6]);
    picker.pick(at(0));
    assert.deepEqual(
      picker.decision.candidates.map(({ endpoint }) => endpoint),
      [8, 0, 1],
    );
    for (let pick = 0; pick < 200; pick++) {
      picker.pick(at(pick));
      const drawn = picker.decision.candidates.map(({ endpoint }) => endpoint);
      assert.equal(new Set(drawn).size, 3, drawn.join());
    }
  });

  it('takes the first drawn of equal ones, and says that it is a tie', () => {
    const picker = setUp(readyEndpoints(3), {}, [2, 0]);
    measure(picker, second, [millisecond, millisecond, millisecond]);
    assert.equal(picker.pick(at(second)).endpoint, 2);
    assert.equal(picker.decision.reason, 'tie');
  });

  it('writes no decision where nobody reads it', () => {
    const picker = setUp(readyEndpoints(3));
    measure(picker, second, [2 * millisecond, 2 * millisecond, millisecond]);
    const before = structuredClone(picker.decision);
    assert.equal(picker.pick({ ...at(second), explain: false }).endpoint, 2);
    assert.deepEqual(picker.decision, before);
  });

  it('calls no tie what is equal but beaten', () => {
    const picker = setUp(readyEndpoints(3));
    measure(picker, second, [2 * millisecond, 2 * millisecond, millisecond]);
    assert.equal(picker.pick(at(second)).endpoint, 2);
    assert.equal(picker.decision.reason, 'better_score');
  });

  it('takes a sample above the average for it, and falls back slowly; the mean does neither', () => {
    const picker = setUp(readyEndpoints(1), { decayTime: '1s' });
    const state = picker.endpoints[0]!;
    measure(picker, second, [10 * millisecond]);
    measure(picker, second, [90 * millisecond]);
    assert.deepEqual([state.lag, state.peak], [10 * millisecond, 90 * millisecond]);
    measure(picker, 2 * second, [10 * millisecond]);
    assert.deepEqual([state.lag, state.peak], [10 * millisecond, (10 + 80 / Math.E) * millisecond]);
  });

  it('forgets what is old, so that an endpoint that was slow is measured again: a probe', () => {
    const picker = setUp(readyEndpoints(2), { decayTime: '1s' });
    measure(picker, second, [1000 * millisecond, 0]);
    picker.endpoints[1]!.begin(2.8 * second);
    picker.endpoints[1]!.complete(2.8 * second, 3 * second, 0);
    assert.equal(picker.pick(at(3 * second)).endpoint, 0);
    assert.equal(picker.decision.reason, 'probe');
    assert.equal(scoreOf(picker, 0), second * Math.exp(-2));
  });

  it('charges failures by their ratio, as calls of so long', () => {
    const picker = setUp(readyEndpoints(1), { failurePenalty: '2s' });
    const state = picker.endpoints[0]!;
    measure(picker, second, [millisecond]);
    state.begin(second);
    state.complete(second, 2 * second, unavailable);
    const weight = Math.exp(-1 / 3);
    assert.ok(Math.abs(state.success - 1000 * weight) < 1e-9);
    assert.ok(Math.abs(described(picker, 0, 2 * second).score - (second + 2 * second * (1 - weight))) < 1);
  });

  it('counts as failures what go-zero does', () => {
    const failing = Array.from({ length: 17 }, (_, code) => code).filter((code) => {
      const picker = setUp(readyEndpoints(1));
      picker.pick(at(0)).done?.(code, 1);
      return picker.endpoints[0]!.success === 0;
    });
    assert.deepEqual(failing, [4, 8, 12, 13, 14, 15]);
  });

  it('is healthy above half of success', () => {
    const picker = setUp(readyEndpoints(1));
    measure(picker, second, [millisecond]);
    assert.equal(described(picker, 0, second).healthy, true);
    const state = picker.endpoints[0]!;
    state.success = 500;
    assert.equal(described(picker, 0, second).healthy, false);
  });

  it('gives a new endpoint one call, and waits for its answer', () => {
    const picker = setUp(readyEndpoints(2));
    measure(picker, second, [10 * millisecond]);
    const first = picker.pick(at(second));
    assert.deepEqual([first.endpoint, picker.decision.reason], [1, 'probe']);
    for (let pick = 0; pick < 20; pick++) assert.equal(picker.pick(at(second)).endpoint, 0);
    first.done?.(0, second + millisecond);
    assert.equal(picker.pick(at(second + millisecond)).endpoint, 1);
  });

  it('spreads the first calls of all evenly', () => {
    const picker = setUp(readyEndpoints(3));
    for (let pick = 0; pick < 30; pick++) picker.pick(at(0));
    assert.deepEqual(
      picker.endpoints.map(({ inflight }) => inflight),
      [10, 10, 10],
    );
  });

  it('holds silence against an endpoint for as long as its patience lasts', () => {
    const picker = setUp(readyEndpoints(1), { patience: '1s' });
    measure(picker, second, [millisecond]);
    picker.pick(at(second));
    const score = (now: number) => described(picker, 0, now).score;
    assert.equal(score(1.4 * second), 2 * (0.4 * second));
    assert.ok(score(2.1 * second) < 2 * millisecond, 'then it is taken for a stream');
    picker.pick(at(2.1 * second));
    assert.ok(Math.abs(score(2.5 * second) - 3 * (0.4 * second)) < 1, 'the next pick is waited for anew');
    picker.endpoints[0]!.complete(2.4 * second, 2.5 * second, 0);
    assert.ok(score(3 * second) < 2 * (0.1 * second), 'an answer ends the silence');
  });

  it('does not wait for a call that never started, but counts it once it does', () => {
    const picker = setUp(readyEndpoints(1));
    measure(picker, second, [millisecond]);
    const pick = picker.pick(at(second));
    pick.suspend?.();
    assert.equal(picker.endpoints[0]!.inflight, 0);
    assert.ok(described(picker, 0, 1.5 * second).score <= millisecond);
    pick.resume?.();
    assert.equal(picker.endpoints[0]!.inflight, 1);
    pick.done?.(0, 1.6 * second);
    assert.equal(picker.endpoints[0]!.inflight, 0);
  });

  it('keeps what it knows for the next picker, and calls in flight end there', () => {
    const [a, b, c] = readyEndpoints(3) as [ReadyEndpoint, ReadyEndpoint, ReadyEndpoint];
    const before = setUp([a, b]);
    measure(before, second, [3 * millisecond, 4 * millisecond]);
    const pick = before.pick(at(second));
    assert.equal(pick.endpoint, 0);
    const after = setUp([c, a], { decayTime: '10s' });
    assert.equal(after.keepsHistory, true);
    assert.deepEqual([after.endpoints[1]!.lag, after.endpoints[1]!.inflight], [3 * millisecond, 1]);
    pick.done?.(0, second);
    assert.equal(after.endpoints[1]!.inflight, 0);
    assert.equal(after.endpoints[1]!.config.decayTime, 10 * second, 'under the config of now');
  });

  it('tells by name what is wrong with its config', () => {
    const says = (json: Record<string, unknown>, message: RegExp) =>
      assert.throws(() => parsePeakEwmaConfig(json), message);
    says({ decayTime: '0s' }, /^Error: decayTime is "0s", but has to be a duration from "0.001s" to "86400s"\.$/);
    says({ failurePenalty: -1 }, /^Error: failurePenalty is -1, but has to be a duration/);
    says({ patience: '1 s' }, /^Error: patience is "1 s"/);
    says({ choices: 1 }, /^Error: choices is 1, but has to be a whole number from 2 to 16\.$/);
    says({ choice: 3 }, /Did you mean choices\?/);
    assert.deepEqual(parsePeakEwmaConfig({}), {
      decayTime: 3 * second,
      failurePenalty: second,
      patience: second,
      choices: 4,
    });
  });
});
