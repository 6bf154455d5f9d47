import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  next,
  retryDelayMs,
  timing,
  type AttachmentEvent,
  type AttachmentState,
  type Failure,
} from '../../../src/attachment/attachmentState';

type Lost = Extract<AttachmentState, { kind: 'lost' }>;

function after(...events: AttachmentEvent[]): AttachmentState {
  return events.reduce<AttachmentState | undefined>(next, undefined)!;
}

const opened = (nowMs: number): AttachmentEvent => ({ type: 'opened', nowMs });
const snapshotEnded = (nowMs: number): AttachmentEvent => ({ type: 'snapshotEnded', nowMs });
const failed = (nowMs: number, failure: Failure = { kind: 'closed', detail: '' }, retry = true): AttachmentEvent => ({
  type: 'failed',
  failure,
  retry,
  random: 1,
  nowMs,
});

describe('the state machine of an attachment', () => {
  it('connects in steps whose times are known', () => {
    const connecting = after(
      opened(1000),
      { type: 'connected', nowMs: 1002 },
      { type: 'described', protocol: '1.0', nowMs: 1011 },
    );
    assert.deepEqual(connecting, {
      kind: 'connecting',
      startedMs: 1000,
      connectedMs: 1002,
      describedMs: 1011,
      protocol: '1.0',
    });
    assert.deepEqual(next(connecting, snapshotEnded(1020)), { kind: 'live', sinceMs: 1020, tries: 0 });
  });

  it('says when it was lost and when the next try begins', () => {
    const lost = after(opened(0), snapshotEnded(10), failed(60_000));
    assert.deepEqual(lost, {
      kind: 'lost',
      atMs: 60_000,
      loss: { kind: 'closed', detail: '' },
      nextTryMs: 60_000 + 2 * timing.firstDelayMs,
      tries: 0,
    });
  });

  it('stays lost during a try, remembers the moment of the loss, and shows the latest reason', () => {
    const lost = after(opened(0), snapshotEnded(10), failed(60_000), opened(61_000), {
      type: 'connected',
      nowMs: 61_001,
    });
    assert.deepEqual([lost.kind, (lost as Lost).atMs, (lost as Lost).tries], ['lost', 60_000, 1]);
    const again = next(lost, failed(62_000, { kind: 'silent' })) as Lost;
    assert.deepEqual([again.atMs, again.loss, again.tries], [60_000, { kind: 'silent' }, 1]);
  });

  it('waits longer after each try', () => {
    const delays = [0, 1, 2, 3, 4, 5, 6].map((tries) => retryDelayMs(tries, 1));
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it('keeps every delay between half a second and 15 seconds', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.double({ min: 0, max: 1, noNaN: true }), (tries, random) => {
        const delay = retryDelayMs(tries, random);
        return delay >= timing.firstDelayMs && delay <= timing.maxDelayMs;
      }),
    );
  });

  it('counts the tries on after a stream that lived only shortly', () => {
    const shortly = after(opened(0), snapshotEnded(1), failed(2), opened(3), snapshotEnded(1000), failed(1500)) as Lost;
    assert.equal(shortly.tries, 1);
    const long = after(opened(0), snapshotEnded(1), failed(2), opened(3), snapshotEnded(1000), failed(11_000)) as Lost;
    assert.equal(long.tries, 0);
  });

  it('heals a gap at once, but only once', () => {
    const gap = { kind: 'gap' } as const;
    assert.equal((after(opened(0), snapshotEnded(1), failed(50_000, gap)) as Lost).nextTryMs, 50_000);
    const again = after(
      opened(0),
      snapshotEnded(1),
      failed(2, gap),
      opened(3),
      snapshotEnded(4),
      failed(5, gap),
    ) as Lost;
    assert.equal(again.nextTryMs, 5 + 4 * timing.firstDelayMs);
  });

  it('waits for the client where it must not try by itself, or the process has ended', () => {
    assert.equal((after(opened(0), failed(1, undefined, false)) as Lost).nextTryMs, null);
    const gone = after(opened(0), failed(1), { type: 'gone', ended: true, nowMs: 2 }) as Lost;
    assert.deepEqual([gone.loss, gone.nextTryMs], [{ kind: 'gone' }, null]);
    assert.equal(next(gone, { type: 'gone', ended: true, nowMs: 3 }), gone, 'nothing has changed');
  });

  const refusals: Failure[] = [
    { kind: 'wrongToken' },
    { kind: 'notPickscope' },
    { kind: 'versionMismatch', theirs: '2.0' },
    { kind: 'wrongCertificate', detail: '' },
    { kind: 'badRoots', detail: '' },
  ];
  for (const refusal of refusals) {
    it(`does not try again by itself after ${refusal.kind}; a person may`, () => {
      const refused = after(opened(0), failed(1, refusal));
      assert.deepEqual(refused, { kind: 'refused', atMs: 1, refusal, nextTryMs: null, tries: 0 });
      assert.equal(next(refused, opened(2)).kind, 'connecting');
    });
  }

  it('tries for a place among the watchers, ever more slowly, and shows all the while that there is none', () => {
    let state = after(opened(0), failed(1, { kind: 'tooManyWatchers' }));
    const delays: number[] = [];
    for (let now = 2; now < 9; now++) {
      assert.ok(state.kind === 'refused' && state.nextTryMs !== null && state.atMs === 1);
      delays.push(state.nextTryMs - now + 1);
      state = [opened(now), failed(now, { kind: 'tooManyWatchers' })].reduce(next, state);
    }
    assert.deepEqual(delays, [4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    assert.equal(next(state, snapshotEnded(9)).kind, 'live');
  });

  it('does not try for a place where it must not try by itself', () => {
    const refused = after(opened(0), failed(1, { kind: 'tooManyWatchers' }, false));
    assert.equal(refused.kind === 'refused' && refused.nextTryMs, null);
  });

  it('takes a refused client whose process ends for lost', () => {
    const refused = after(opened(0), failed(1, { kind: 'wrongToken' }));
    const gone = next(refused, { type: 'gone', ended: true, nowMs: 5 });
    assert.deepEqual(gone, { kind: 'lost', atMs: 1, loss: { kind: 'gone' }, nextTryMs: null, tries: 0 });
  });

  it('ignores a process that is gone while it is live', () => {
    const live = after(opened(0), snapshotEnded(1));
    assert.equal(next(live, { type: 'gone', ended: true, nowMs: 2 }), live);
  });
});
