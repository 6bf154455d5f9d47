import type { EndpointSeries, Series } from '../messages/panel';
import { inFlight, type PickRing } from './pickRing';
import type { Selection } from './selection';

/** Lines of an endpoint that count picks. */
type Counts = Pick<EndpointSeries, 'picksPerSecond' | 'failuresPerSecond' | 'latencyMs' | 'latencyP95Ms'>;

/**
 * The series with picks, failures and latencies of those single picks alone that are wanted; where not all are kept,
 * nothing is known.
 *
 * @param secondMs length of the buckets of latencies, where those of the series are shorter.
 */
export function filteredSeries(lines: Series, ring: PickRing, wanted: Selection, secondMs: number): Series {
  const tally = new Tally(lines, Math.max(secondMs, lines.bucketMs));
  // A call that ended in the span may have begun long before it.
  const end = ring.firstAt((lines.times.at(-1) ?? -Infinity) + lines.bucketMs);
  for (let key = wanted.first(ring.oldest, end); key < end; key = wanted.first(key + 1, end))
    tally.add(ring, ring.slot(key));
  const kept = lines.times.map((ms) => (ring.holdsSince(ms) ? 1 : 0));
  return {
    ...lines,
    endpoints: lines.endpoints.map((line, index) => ({ ...line, ...tally.linesOf(index, line, kept) })),
  };
}

/** Counts by endpoint and bucket: cells, of which an endpoint's lie one after the other. */
class Tally {
  private readonly indexOf: ReadonlyMap<number, number>;
  private readonly buckets: number;
  private readonly firstMs: number;
  private readonly picks: Float64Array;
  private readonly failures: Float64Array;
  private readonly latencies: Latencies;

  constructor(
    private readonly lines: Series,
    latencyBucketMs: number,
  ) {
    const { times, endpoints, bucketMs } = lines;
    this.indexOf = new Map(endpoints.map(({ endpoint }, index) => [endpoint, index]));
    this.buckets = times.length;
    this.firstMs = times[0] ?? 0;
    this.picks = new Float64Array(endpoints.length * times.length);
    this.failures = new Float64Array(endpoints.length * times.length);
    this.latencies = new Latencies(
      endpoints.length,
      this.firstMs,
      this.firstMs + times.length * bucketMs,
      latencyBucketMs,
    );
  }

  add(ring: PickRing, slot: number): void {
    const index = this.indexOf.get(ring.endpoint[slot]!);
    if (index === undefined) return;
    const cell = this.cellOf(index, ring.timeMs[slot]!);
    if (cell >= 0) this.picks[cell]!++;
    if (ring.outcome[slot] === inFlight) return;
    const endCell = this.cellOf(index, ring.endMs[slot]!);
    if (endCell >= 0 && ring.outcome[slot] !== 0) this.failures[endCell]!++;
    this.latencies.add(index, ring.endMs[slot]!, ring.latencyNs[slot]! / 1e6);
  }

  /** @param kept by bucket: 1 where all single picks are kept. */
  linesOf(index: number, { picksPerSecond }: EndpointSeries, kept: Float64Array): Counts {
    const { times, bucketMs } = this.lines;
    // Where the client was not watched, nothing is known of any pick.
    const known = (bucket: number) => kept[bucket] === 1 && !Number.isNaN(picksPerSecond[bucket]);
    const perSecond = (counts: Float64Array) =>
      times.map((_, bucket) => (known(bucket) ? (counts[index * this.buckets + bucket]! * 1000) / bucketMs : NaN));
    const quantile = (share: number) =>
      times.map((ms, bucket) => (known(bucket) ? this.latencies.quantile(index, ms, share) : NaN));
    return {
      picksPerSecond: perSecond(this.picks),
      failuresPerSecond: perSecond(this.failures),
      latencyMs: quantile(0.5),
      latencyP95Ms: quantile(0.95),
    };
  }

  private cellOf(index: number, ms: number): number {
    const bucket = Math.floor((ms - this.firstMs) / this.lines.bucketMs);
    return bucket >= 0 && bucket < this.buckets ? index * this.buckets + bucket : -1;
  }
}

/** Latencies by endpoint and bucket, of which exact quantiles are asked. */
class Latencies {
  private readonly firstBucket: number;
  private readonly buckets: number;
  private readonly cells: number[] = [];
  private readonly values: number[] = [];
  /** Where each cell's begin in `sorted`. */
  private begins: Uint32Array | undefined;
  private sorted = new Float64Array(0);

  constructor(
    private readonly endpoints: number,
    fromMs: number,
    toMs: number,
    private readonly bucketMs: number,
  ) {
    this.firstBucket = Math.floor(fromMs / bucketMs);
    this.buckets = Math.ceil(toMs / bucketMs) - this.firstBucket;
  }

  /** NaN: the call never started. */
  add(endpoint: number, endMs: number, latencyMs: number): void {
    const bucket = Math.floor(endMs / this.bucketMs) - this.firstBucket;
    if (!(bucket >= 0 && bucket < this.buckets) || Number.isNaN(latencyMs)) return;
    this.cells.push(endpoint * this.buckets + bucket);
    this.values.push(latencyMs);
  }

  /** The latency that this share of the calls did not exceed; NaN: there were none. */
  quantile(endpoint: number, ms: number, share: number): number {
    const begins = (this.begins ??= this.sort());
    const cell = endpoint * this.buckets + Math.floor(ms / this.bucketMs) - this.firstBucket;
    const begin = begins[cell]!;
    const count = begins[cell + 1]! - begin;
    return count === 0 ? NaN : this.sorted[begin + Math.max(0, Math.ceil(share * count) - 1)]!;
  }

  private sort(): Uint32Array {
    const begins = new Uint32Array(this.endpoints * this.buckets + 1);
    for (const cell of this.cells) begins[cell + 1]!++;
    for (let cell = 1; cell < begins.length; cell++) begins[cell]! += begins[cell - 1]!;
    const next = begins.slice();
    this.sorted = new Float64Array(this.values.length);
    for (const [index, cell] of this.cells.entries()) this.sorted[next[cell]!++] = this.values[index]!;
    for (let cell = 0; cell + 1 < begins.length; cell++)
      if (begins[cell + 1]! - begins[cell]! > 1) this.sorted.subarray(begins[cell], begins[cell + 1]).sort();
    return begins;
  }
}
