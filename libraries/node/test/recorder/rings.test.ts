import { fromBinary } from '@bufbuild/protobuf';
import { CompletionBatchSchema, PickBatchSchema, PickResult } from '@pickscope/protocol/messages';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import type { Decision } from '../../src/policies/picker';
import { MethodDictionary } from '../../src/recorder/methods';
import { Recorder } from '../../src/recorder/recorder';
import { completionCapacity, pickCapacity, type CompletionRing, type PickRing } from '../../src/recorder/rings';
import * as batches from '../../src/server/batches';
import { retainedBytes } from '../server/debugClient';
import { Feed } from '../server/feed';

function pickBatch(ring: PickRing, from: number) {
  return fromBinary(PickBatchSchema, batches.pickBatch(ring, from).bytes);
}

function completionBatch(ring: CompletionRing, from: number) {
  return fromBinary(CompletionBatchSchema, batches.completionBatch(ring, from).bytes);
}

const silent = { changed: () => undefined, stirred: () => undefined, counted: () => undefined };

function watched() {
  const recorder = new Recorder();
  recorder.watch(silent);
  return { recorder, feed: new Feed(recorder), rows: recorder.rows! };
}

function decision(candidates: number, draws: number): Decision {
  const endpoints = Array.from({ length: candidates }, () => 0);
  return {
    reason: 'better_score',
    chosen: 0,
    candidateCount: candidates,
    candidates: endpoints.map((endpoint, i) => ({
      endpoint,
      lag: i,
      success: 1000,
      inflight: i,
      score: i,
      idle: Infinity,
      healthy: true,
      peak: NaN,
    })),
    rejectedDraws: draws,
    rejectedEndpoints: Array.from({ length: candidates * draws }, () => 0),
    rejectedSuccess: Array.from({ length: candidates * draws }, (_, i) => i),
  };
}

describe('the rings', () => {
  it('keep the newest rows', () => {
    const { feed, rows } = watched();
    feed.calls(pickCapacity + 10);
    assert.equal(rows.picks.firstAvailable(0), 10);
    assert.equal(rows.completions.firstAvailable(0), pickCapacity + 10 - completionCapacity);
    assert.equal(Number(pickBatch(rows.picks, 10).baseCall), 11, 'calls count from 1');
  });

  it('drop a pick with the first of its candidates', () => {
    const { recorder, feed, rows } = watched();
    feed.endpoint.status = { lag: 0, success: 1000, inflight: 0 };
    const attempt = recorder.attemptBegan(feed.channel, 1, 1, '/a/B');
    const wide = { decision: decision(1000, 0), endpoints: [feed.endpoint] };
    for (let i = 0; i < 200; i++) recorder.picked(attempt, PickResult.QUEUED, undefined, 0, wide);
    const first = rows.picks.firstAvailable(0);
    assert.ok(first > 0 && first < 200);
    const batch = pickBatch(rows.picks, first);
    assert.deepEqual(batch.candidateLagNs.slice(0, 3), [0, 1, 2]);
    assert.ok(batch.candidateEndpoint.length <= 17_000, 'and a batch stays small');
  });

  it('hold of one pick no more candidates than a message can tell', () => {
    const { recorder, feed, rows } = watched();
    const attempt = recorder.attemptBegan(feed.channel, 1, 1, '/a/B');
    const widest = { decision: decision(100_000, 1), endpoints: [feed.endpoint] };
    recorder.picked(attempt, PickResult.QUEUED, undefined, 0, widest);
    assert.ok(batches.pickBatch(rows.picks, 0).bytes.length < 1 << 20);
    const { candidateCount, rejectedDraws } = pickBatch(rows.picks, 0);
    assert.deepEqual([candidateCount, rejectedDraws], [[4096], []]);
  });

  it('fill only while someone watches; counters count always', () => {
    const recorder = new Recorder();
    const feed = new Feed(recorder);
    feed.calls(3);
    assert.equal(recorder.rows, undefined);
    recorder.watch(silent);
    feed.calls(2);
    assert.equal(recorder.rows!.picks.head, 2);
    assert.equal(feed.endpoint.counters.picks, 5);
    assert.equal(feed.endpoint.counters.ended[0], 5);
  });

  it('give batches that say what was put in', () => {
    const pick = fc.record({ candidates: fc.integer({ min: 0, max: 4 }), draws: fc.integer({ min: 0, max: 2 }) });
    fc.assert(
      fc.property(fc.array(pick, { minLength: 1, maxLength: 50 }), (picks) => {
        const { recorder, feed, rows } = watched();
        for (const { candidates, draws } of picks) {
          const attempt = recorder.attemptBegan(feed.channel, recorder.nextCall(), 1, '/a/B');
          const made = { decision: decision(candidates, draws), endpoints: [feed.endpoint] };
          recorder.picked(attempt, PickResult.COMPLETED, feed.endpoint, 0, made);
        }
        const batch = pickBatch(rows.picks, 0);
        assert.equal(batch.rows, picks.length);
        for (const column of [batch.timeDeltaNs, batch.callDelta]) assert.equal(column.length, picks.length);
        const counts = (column: readonly number[]) => picks.map((_, i) => column[i] ?? 0);
        assert.deepEqual(
          counts(batch.candidateCount),
          picks.map((it) => it.candidates),
        );
        assert.deepEqual(
          counts(batch.rejectedDraws),
          picks.map((it) => it.draws),
        );
        const candidates = picks.reduce((sum, it) => sum + it.candidates, 0);
        const rejected = picks.reduce((sum, it) => sum + it.candidates * it.draws, 0);
        assert.equal(batch.candidateEndpoint.length, candidates);
        assert.equal(batch.rejectedEndpoint.length, rejected);
      }),
    );
  });

  it('end a batch where a delta would not fit into 32 bits', () => {
    const { feed, rows } = watched();
    feed.calls(4);
    rows.picks.time[2]! += 5e9;
    rows.picks.time[3]! += 5e9;
    rows.completions.call[3]! += 2 ** 33;
    assert.equal(pickBatch(rows.picks, 0).rows, 2);
    assert.equal(pickBatch(rows.picks, 2).rows, 2);
    assert.equal(completionBatch(rows.completions, 0).rows, 3);
    assert.equal(completionBatch(rows.completions, 3).rows, 1);
  });
});

describe('the counters', () => {
  it('agree with each other, whatever becomes of an attempt', () => {
    const fate = fc.constantFrom('queued', 'again', 'never', 'started', 'open');
    fc.assert(
      fc.property(fc.array(fate, { maxLength: 50 }), fc.integer({ min: 0, max: 20 }), (fates, code) => {
        const recorder = new Recorder();
        const feed = new Feed(recorder);
        for (const it of fates) {
          const attempt = recorder.attemptBegan(feed.channel, recorder.nextCall(), 1, '/a/B');
          const pick = (result: PickResult) =>
            recorder.picked(attempt, result, result === PickResult.COMPLETED ? feed.endpoint : undefined, 0, undefined);
          pick(it === 'queued' ? PickResult.QUEUED : PickResult.COMPLETED);
          if (it === 'again') pick(PickResult.COMPLETED);
          if (it === 'started' || it === 'again' || it === 'open') recorder.started(attempt);
          if (it === 'open') continue;
          recorder.ended(attempt, code);
          recorder.ended(attempt, code);
        }
        const { counters } = feed.endpoint;
        const count = (wanted: string) => fates.filter((it) => it === wanted).length;
        const ended = counters.ended.reduce((sum, it) => sum + it, 0);
        assert.equal(counters.picks, counters.started + counters.neverStarted + counters.pending);
        assert.equal(counters.started, ended + count('open'));
        assert.equal(counters.neverStarted, count('never') + count('again'));
        assert.equal(feed.channel.counters.endedUnpicked, count('queued'));
        assert.equal(feed.channel.open, count('open'));
      }),
    );
  });
});

describe('the dictionary of methods', () => {
  it('is bounded, in number and in length', () => {
    const methods = new MethodDictionary();
    const ids = new Set(Array.from({ length: 5000 }, (_, i) => methods.idOf(`/a/B${i}`)));
    assert.equal(ids.size, 4097);
    assert.equal(methods.names[methods.idOf('/one/more')], '(other)');
    assert.equal(methods.idOf('/a/B7'), methods.idOf('/a/B7'));
    assert.equal(new MethodDictionary().names[0], '');
    const long = new MethodDictionary();
    assert.equal(long.names[long.idOf('x'.repeat(1000))]!.length, 256);
  });

  it('holds no more of a long name than is told of it, nor do texts of entities', () => {
    const { recorder, feed } = watched();
    const before = retainedBytes();
    for (let i = 0; i < 50; i++) {
      const text = `${i}${'x'.repeat(1 << 20)}`;
      const id = recorder.methods.idOf(text);
      assert.equal(recorder.methods.idOf(text), id);
      recorder.entities.addEndpoint(feed.channel, [text]);
    }
    const grown = retainedBytes() - before;
    assert.ok(grown < 10 << 20, `${grown} bytes more`);
  });
});
