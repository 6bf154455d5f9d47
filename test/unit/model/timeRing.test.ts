import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { TimeRing } from '../../../src/model/timeRing';

const bucketMs = 250;
const reachMs = 5000;
const places = reachMs / bucketMs;
const beginMs = 1_000_000;

describe('TimeRing', () => {
  it('sums counts and remembers readings like a plain list does', () => {
    const write = fc.record({ laterMs: fc.nat(900), reading: fc.option(fc.nat(100), { nil: NaN }) });
    fc.assert(
      fc.property(fc.array(write, { minLength: 1, maxLength: 60 }), fc.nat(30), (writes, reach) => {
        const ring = new TimeRing(bucketMs, reachMs, { count: 0, reading: NaN });
        const real: { readonly bucket: number; readonly reading: number }[] = [];
        let ms = beginMs;
        for (const { laterMs, reading } of writes) {
          ms += laterMs;
          const place = ring.open(ms);
          ring.values.count[place]!++;
          if (!Number.isNaN(reading)) ring.values.reading[place] = reading;
          real.push({ bucket: Math.floor(ms / bucketMs), reading });
        }
        const to = ring.bucketOf(ms) + 1;
        const from = to - reach;
        const within = real.filter(({ bucket }) => bucket >= Math.max(from, to - places) && bucket < to);
        assert.equal(ring.sum('count', from, to), within.length);
        const last = within.findLast(({ reading }) => !Number.isNaN(reading));
        assert.equal(ring.last('reading', from, to), last?.reading ?? NaN);
        assert.equal(ring.lastWritten('reading', from, to), last?.bucket ?? -1);
      }),
    );
  });

  it('ends whatever it is asked', () => {
    const ring = new TimeRing(bucketMs, reachMs, { count: 0, reading: NaN });
    ring.open(beginMs);
    for (const from of [-Infinity, Infinity, NaN, -5, 0])
      for (const to of [-Infinity, Infinity, NaN, -5, 0]) {
        assert.equal(ring.sum('count', from, to), 0);
        assert.equal(ring.lastWritten('reading', from, to), -1);
      }
  });

  it('takes up again after the clock was set back', () => {
    const ring = new TimeRing(bucketMs, reachMs, { count: 0 });
    ring.open(beginMs + 3_600_000);
    ring.values.count[ring.open(beginMs)]!++;
    const bucket = ring.bucketOf(beginMs);
    assert.equal(ring.sum('count', bucket, bucket + 1), 1);
    assert.equal(ring.newest, bucket);
  });

  it('moves what was written to an earlier time, and goes on there', () => {
    const ring = new TimeRing(bucketMs, reachMs, { count: 0 });
    for (const ms of [0, bucketMs, 5 * bucketMs]) ring.values.count[ring.open(beginMs + ms)]!++;
    const backMs = 7 * reachMs + 3 * bucketMs;
    ring.moveBack(backMs);
    ring.values.count[ring.open(beginMs - backMs + bucketMs)]!++;
    const first = ring.bucketOf(beginMs - backMs);
    const counts = Array.from({ length: 8 }, (_, index) => ring.sum('count', first + index - 1, first + index));
    assert.deepEqual(counts, [0, 1, 2, 0, 0, 0, 1, 0]);
    assert.equal(ring.newest, first + 5);
    assert.equal(ring.sum('count', ring.bucketOf(beginMs), ring.bucketOf(beginMs + reachMs)), 0);
  });
});
