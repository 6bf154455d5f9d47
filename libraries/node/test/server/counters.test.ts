import { create, fromBinary } from '@bufbuild/protobuf';
import { CountersSchema, WatchResponseSchema } from '@pickscope/protocol/messages';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { Recorder } from '../../src/recorder/recorder';
import { Shadow } from '../../src/recorder/shadow';
import { encodeCounters } from '../../src/server/counters';
import { Feed } from './feed';

const count = fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeNat());
const average = fc.oneof(fc.constant(NaN), fc.double({ min: 0 }));
const status = fc.record({ lag: average, success: fc.float({ min: 0 }), inflight: fc.nat(), peak: average });

describe('counters as a message', () => {
  it('say what was counted, however much it is, and whose averages they are', () => {
    const counts = fc.array(count, { minLength: 26, maxLength: 26 });
    const averages = fc.option(fc.oneof(status, fc.constant('derived' as const)), { nil: undefined });
    fc.assert(
      fc.property(counts, averages, (numbers, known) => {
        const { channel, endpoint } = new Feed(new Recorder());
        const [completed, queued, failed, dropped, endedUnpicked, picks, started, neverStarted, inflight, ...ended] =
          numbers as [number, number, number, number, number, number, number, number, number, ...number[]];
        Object.assign(channel.counters, { completed, queued, failed, dropped, endedUnpicked });
        Object.assign(endpoint.counters, { picks, started, neverStarted, inflight: inflight % 2 ** 32 });
        endpoint.counters.ended.set(ended);
        if (known === 'derived') endpoint.shadow = new Shadow();
        else endpoint.status = known;

        const { body } = fromBinary(WatchResponseSchema, encodeCounters(17, [channel], [endpoint]));
        const codes = [...ended.keys()].filter((code) => ended[code]! > 0);
        const derived = known === 'derived';
        const { lag, success, peak } = derived ? { lag: 0, success: 1000, peak: NaN } : (known ?? none);
        const expected = create(CountersSchema, {
          timeNs: 17n,
          channels: [
            {
              channel: channel.message.id,
              picksCompleted: BigInt(completed),
              picksQueued: BigInt(queued),
              picksFailed: BigInt(failed),
              picksDropped: BigInt(dropped),
              endedUnpicked: BigInt(endedUnpicked),
            },
          ],
          endpoints: [
            {
              endpoint: endpoint.message.id,
              picks: BigInt(picks),
              started: BigInt(started),
              neverStarted: BigInt(neverStarted),
              codes,
              completionsByCode: codes.map((code) => BigInt(ended[code]!)),
              lagNs: lag,
              success,
              inflight: derived ? endpoint.counters.inflight : (known?.inflight ?? 0),
              peakNs: peak,
              derived,
            },
          ],
        });
        assert.deepEqual(body, { case: 'counters', value: expected });
      }),
    );
  });
});

const none = { lag: NaN, success: NaN, peak: NaN };
