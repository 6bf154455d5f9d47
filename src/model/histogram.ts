import { TimeRing } from './timeRing';

/** Four to an octave from 8 µs on, the last one from 8 h: the middle of one is within 10 % of all that is in it. */
const perOctave = 4;
const firstOctave = 13;
const bins = 128;
const most = 0xffff;

/**
 * Latencies by buckets of time: how many fell into which bin. Bins are made when they are used: an endpoint's latencies lie
 * close together.
 */
export class LatencyRing {
  private readonly times: TimeRing<never>;
  private readonly counts: (Uint16Array | undefined)[] = [];
  /** The bins that are used: from (inclusive) to (exclusive). */
  private from = bins;
  private to = 0;

  constructor(
    readonly bucketMs: number,
    private readonly places: number,
  ) {
    this.times = new TimeRing(bucketMs, bucketMs * places, {}, Float32Array, (place) => this.forget(place));
  }

  /** A call ended then that took so long. NaN: it never started. */
  add(ms: number, latencyNs: number): void {
    if (!(latencyNs >= 0)) return;
    const place = this.times.open(ms);
    const counts = this.binOf(latencyNs);
    if (counts[place] === most) this.halve(place);
    counts[place]!++;
  }

  /** Adds what is in the buckets from (inclusive) to (exclusive) to a tally. */
  addTo(tally: LatencyTally, from: number, to: number): void {
    for (let bucket = Math.max(from, to - this.places); bucket < to; bucket++) {
      const place = this.times.find(bucket);
      if (place < 0) continue;
      for (let bin = this.from; bin < this.to; bin++) {
        const count = this.counts[bin]?.[place] ?? 0;
        if (count > 0) tally.addBin(bin, count);
      }
    }
  }

  moveBack(ms: number): void {
    this.times.moveBack(ms);
  }

  clear(): void {
    this.times.clear();
  }

  private binOf(latencyNs: number): Uint16Array {
    const bin = latencyBin(latencyNs);
    if (bin < this.from) this.from = bin;
    if (bin >= this.to) this.to = bin + 1;
    return (this.counts[bin] ??= new Uint16Array(this.places));
  }

  /** Where a bin is full, all of its time count half: their quantiles stay. */
  private halve(place: number): void {
    for (const counts of this.counts) if (counts) counts[place]! >>>= 1;
  }

  private forget(place: number): void {
    for (let bin = this.from; bin < this.to; bin++) {
      const counts = this.counts[bin];
      if (counts) counts[place] = 0;
    }
  }
}

/** Latencies of some span, of which quantiles are asked; to be used again. */
export class LatencyTally {
  private readonly counts = new Float64Array(bins);
  private total = 0;
  private from = bins;
  private to = 0;

  add(latencyNs: number): void {
    if (latencyNs >= 0) this.addBin(latencyBin(latencyNs), 1);
  }

  addBin(bin: number, count: number): void {
    this.counts[bin]! += count;
    this.total += count;
    if (bin < this.from) this.from = bin;
    if (bin >= this.to) this.to = bin + 1;
  }

  /** The latency that this share of calls did not exceed, ms, to within 10 %; NaN: none is counted. */
  quantileMs(share: number): number {
    let left = Math.max(1, Math.ceil(share * this.total));
    for (let bin = this.from; bin < this.to; bin++) {
      left -= this.counts[bin]!;
      if (left <= 0) return middleMs[bin]!;
    }
    return NaN;
  }

  clear(): void {
    this.counts.fill(0, this.from, Math.max(this.from, this.to));
    this.total = this.to = 0;
    this.from = bins;
  }
}

export function latencyBin(latencyNs: number): number {
  const bin = Math.floor(perOctave * (Math.log2(latencyNs) - firstOctave));
  return bin > 0 ? Math.min(bin, bins - 1) : 0;
}

const middleMs = Float64Array.from({ length: bins }, (_, bin) => 2 ** (firstOctave + (bin + 0.5) / perOctave) / 1e6);
