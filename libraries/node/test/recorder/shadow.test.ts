import { fromBinary } from '@bufbuild/protobuf';
import {
  CompletionBatchSchema,
  CompletionFlag,
  PickBatchSchema,
  PickFlag,
  PickReason,
  PickResult,
  WatchResponseSchema,
  type EndpointCounters,
} from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { emptyCandidate, type Decision } from '../../src/policies/picker';
import type { EndpointRecord } from '../../src/recorder/entities';
import { Recorder, type Attempt } from '../../src/recorder/recorder';
import { Shadow } from '../../src/recorder/shadow';
import { completionBatch, pickBatch } from '../../src/server/batches';
import { encodeCounters } from '../../src/server/counters';
import { Feed } from '../server/feed';

const [ok, unavailable, cancelled] = [0, 14, 1];
const silent = { changed: () => undefined, stirred: () => undefined, counted: () => undefined };

function endpointCounters(endpoint: EndpointRecord): EndpointCounters {
  const { body } = fromBinary(WatchResponseSchema, encodeCounters(0, [], [endpoint]));
  assert.ok(body.case === 'counters');
  return body.value.endpoints[0]!;
}

describe('the averages of an observer', () => {
  it('weigh a completion by its age alone', () => {
    const shadow = new Shadow();
    shadow.complete(1e6, 0, ok);
    shadow.complete(3e6, 10e9, ok);
    const old = Math.exp(-1);
    assert.ok(Math.abs(shadow.lag - (1e6 * old + 3e6) / (old + 1)) < 1e-6, `${shadow.lag}`);
  });

  it('are those of what there was, at any rate of calls', () => {
    for (const gap of [1e3, 1e6, 1e9]) {
      const shadow = new Shadow();
      // One that waits long is slow: weighed by the time before it, it would count ten times as much as another.
      for (let i = 0, now = 0; i < 1000; i++) {
        const slow = i % 2 === 1;
        now += slow ? 10 * gap : gap;
        shadow.complete(slow ? 3000 : 1000, now, i % 4 === 0 ? unavailable : ok);
      }
      if (gap < 1e9) assert.ok(Math.abs(shadow.lag - 2000) < 40, `${shadow.lag}`);
      assert.ok(shadow.lag >= 1000 && shadow.lag <= 3000);
      if (gap < 1e9) assert.ok(Math.abs(shadow.success - 750) < 20, `${shadow.success}`);
    }
  });

  it("take go-zero's failures for failures, and start without a fault", () => {
    const shadow = new Shadow();
    assert.deepEqual([shadow.lag, shadow.success], [0, 1000]);
    shadow.complete(5, 0, cancelled);
    assert.equal(shadow.success, 1000);
    shadow.complete(5, 0, unavailable);
    assert.equal(shadow.success, 500);
  });
});

describe('rows of a policy that keeps no averages', () => {
  let recorder: Recorder;
  let feed: Feed;

  beforeEach(() => {
    recorder = new Recorder();
    feed = new Feed(recorder);
  });

  function pick(decision?: Decision, time?: number): Attempt {
    const attempt = recorder.attemptBegan(feed.channel, recorder.nextCall(), 1, '/a/B');
    const recorded = decision && { decision, endpoints: [feed.endpoint] };
    recorder.picked(attempt, PickResult.COMPLETED, feed.endpoint, 0, recorded, time);
    return attempt;
  }

  const picks = () => fromBinary(PickBatchSchema, pickBatch(recorder.rows!.picks, 0).bytes);
  const completions = () => fromBinary(CompletionBatchSchema, completionBatch(recorder.rows!.completions, 0).bytes);

  it('have the endpoint that was chosen as the only candidate, with what the observer knew', () => {
    recorder.watch(silent);
    const first = pick(undefined, 1000);
    recorder.started(first);
    first.startedAt = 2000;
    pick(undefined, 6000);
    recorder.ended(first, unavailable, 9000);
    pick(undefined, 10_000);
    const batch = picks();
    assert.deepEqual(batch.flags, [PickFlag.DERIVED, PickFlag.DERIVED, PickFlag.DERIVED]);
    assert.deepEqual(batch.candidateCount, [1, 1, 1]);
    assert.deepEqual(batch.candidateEndpoint, Array(3).fill(feed.endpoint.message.id));
    assert.deepEqual(batch.candidateLagNs, [0, 0, 7000]);
    assert.deepEqual(batch.candidateSuccess, [1000, 1000, 0]);
    assert.deepEqual(batch.candidateInflight, [0, 1, 0]);
    assert.deepEqual(batch.candidateScore, [NaN, NaN, NaN]);
    assert.deepEqual(batch.candidateIdleNs, [Infinity, 5000, 4000]);
    assert.deepEqual(batch.candidatePeakNs, [], 'NaN throughout');
    const ended = completions();
    assert.deepEqual(
      [ended.flags, ended.lagNs, ended.success, ended.peakNs],
      [[CompletionFlag.DERIVED], [7000], [], []],
    );
  });

  it('keep the score and the reason that the policy tells', () => {
    recorder.watch(silent);
    const candidate = { ...emptyCandidate(), score: 20, idle: 5 };
    pick({
      reason: 'turn',
      chosen: 0,
      candidateCount: 1,
      candidates: [candidate],
      rejectedDraws: 0,
      rejectedEndpoints: [],
      rejectedSuccess: [],
    });
    const batch = picks();
    assert.deepEqual(batch.reason, [PickReason.TURN]);
    assert.deepEqual(batch.flags, [PickFlag.DERIVED]);
    assert.deepEqual(batch.candidateScore, [20]);
    assert.deepEqual(batch.candidateIdleNs, [5]);
    assert.deepEqual(batch.candidateSuccess, [1000]);
  });

  it('begin with the first watcher, and end with the last', () => {
    feed.calls(3);
    assert.equal(feed.endpoint.shadow, undefined);
    assert.ok(Number.isNaN(endpointCounters(feed.endpoint).lagNs));
    assert.equal(endpointCounters(feed.endpoint).derived, false);
    recorder.watch(silent);
    feed.calls(1);
    const counters = endpointCounters(feed.endpoint);
    assert.ok(counters.derived && counters.lagNs >= 0 && counters.success === 1000);
    recorder.unwatch(silent);
    assert.equal(feed.endpoint.shadow, undefined);
  });

  it("know the latency of a call that began unwatched by grpc-js's clock, and leave it out of the averages", () => {
    const attempt = pick();
    recorder.started(attempt, Date.now() - 5000);
    recorder.watch(silent);
    recorder.ended(attempt, ok);
    const [latency] = completions().latencyNs;
    assert.ok(latency! >= 5e9 && latency! < 60e9, `${latency}`);
    assert.equal(feed.endpoint.shadow?.lag, 0);
  });

  it('are not derived where the policy knows', () => {
    recorder.watch(silent);
    feed.endpoint.status = { lag: 7, success: 900, inflight: 3, peak: 11 };
    feed.calls(1);
    const ended = completions();
    assert.deepEqual([ended.flags, ended.lagNs, ended.inflight, ended.peakNs], [[], [7], [3], [11]]);
    const { derived, lagNs, peakNs } = endpointCounters(feed.endpoint);
    assert.deepEqual([derived, lagNs, peakNs], [false, 7, 11]);
    assert.equal(feed.endpoint.shadow, undefined);
  });

  it('of peaks have a column where any is known', () => {
    recorder.watch(silent);
    feed.endpoint.status = { lag: 7, success: 900, inflight: 3 };
    const decision: Decision = {
      reason: 'better_score',
      chosen: 0,
      candidateCount: 2,
      candidates: [emptyCandidate(), { ...emptyCandidate(), peak: 0 }],
      rejectedDraws: 0,
      rejectedEndpoints: [],
      rejectedSuccess: [],
    };
    pick(decision);
    assert.deepEqual(picks().candidatePeakNs, [NaN, 0]);
  });
});
