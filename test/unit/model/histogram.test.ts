import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { LatencyRing, LatencyTally } from '../../../src/model/histogram';

const bucketMs = 1000;
const places = 20;
const beginMs = 1_000_000_000;
/** From a few microseconds to an hour. */
const latencyNs = fc.double({ min: 4, max: 12.5, noNaN: true }).map((exponent) => 10 ** exponent);

function assertQuantiles(tally: LatencyTally, real: readonly number[]): void {
  const sorted = real.toSorted((a, b) => a - b);
  for (const share of [0.01, 0.5, 0.95, 1]) {
    const exact = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
    const shown = tally.quantileMs(share);
    if (exact === undefined) assert.ok(Number.isNaN(shown));
    else assert.ok(Math.abs(shown / (exact / 1e6) - 1) <= 0.1, `${shown} ms is within 10 % of ${exact / 1e6} ms`);
  }
}

describe('A ring of latencies', () => {
  it('gives quantiles to within 10 %, of any span', () => {
    const call = fc.record({ laterMs: fc.nat(700), ns: latencyNs });
    const span = fc.tuple(fc.nat(places), fc.nat(places));
    fc.assert(
      fc.property(fc.array(call, { maxLength: 100 }), span, (calls, [back, length]) => {
        const ring = new LatencyRing(bucketMs, places);
        const real: { readonly bucket: number; readonly ns: number }[] = [];
        let ms = beginMs;
        for (const { laterMs, ns } of calls) {
          ms += laterMs;
          ring.add(ms, ns);
          real.push({ bucket: Math.floor(ms / bucketMs), ns });
        }
        const from = Math.floor(ms / bucketMs) - back;
        const tally = new LatencyTally();
        ring.addTo(tally, from, from + length);
        const kept = Math.max(from, Math.floor(ms / bucketMs) - places + 1);
        const within = real.filter(({ bucket }) => bucket >= kept && bucket < from + length);
        assertQuantiles(
          tally,
          within.map(({ ns }) => ns),
        );
      }),
    );
  });

  it('counts no call that never started, and bounds what is absurd', () => {
    const ring = new LatencyRing(bucketMs, places);
    for (const ns of [NaN, -1, 0, 1e300, Infinity]) ring.add(beginMs, ns);
    const tally = new LatencyTally();
    ring.addTo(tally, beginMs / bucketMs, beginMs / bucketMs + 1);
    assert.ok(tally.quantileMs(0.01) < 0.01);
    assert.ok(tally.quantileMs(1) > 1e7 && Number.isFinite(tally.quantileMs(1)));
    tally.clear();
    assert.ok(Number.isNaN(tally.quantileMs(0.5)));
  });

  it('keeps its quantiles where more calls end in a second than it counts', () => {
    const ring = new LatencyRing(bucketMs, places);
    for (let call = 0; call < 200_000; call++) ring.add(beginMs, call % 10 === 0 ? 50e6 : 1e6);
    const tally = new LatencyTally();
    ring.addTo(tally, beginMs / bucketMs, beginMs / bucketMs + 1);
    assert.ok(Math.abs(tally.quantileMs(0.5) - 1) < 0.1);
    assert.ok(Math.abs(tally.quantileMs(0.95) - 50) < 5);
  });

  it('forgets when cleared, and moves back with the clock', () => {
    const ring = new LatencyRing(bucketMs, places);
    ring.add(beginMs, 1e6);
    ring.moveBack(5 * bucketMs);
    const median = (ms: number) => {
      const tally = new LatencyTally();
      ring.addTo(tally, ms / bucketMs, ms / bucketMs + 1);
      return tally.quantileMs(0.5);
    };
    assert.ok(Number.isNaN(median(beginMs)));
    assert.ok(Math.abs(median(beginMs - 5 * bucketMs) - 1) < 0.1);
    ring.clear();
    assert.ok(Number.isNaN(median(beginMs - 5 * bucketMs)));
  });
});
