import type { EndpointSeries, Series } from '../messages/panel';
import { latencyBin, LatencyTally } from './histogram';
import { lastCode, type PickRing } from './pickRing';
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
  // A call that ended in the span may have begun long before it.
  const end = ring.firstAt((lines.times.at(-1) ?? -Infinity) + lines.bucketMs);
  const tally = new Tally(lines, Math.max(secondMs, lines.bucketMs), wanted.count(ring.oldest, end));
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
    most: number,
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
      most,
    );
  }

  add(ring: PickRing, slot: number): void {
    const index = this.indexOf.get(ring.endpoint[slot]!);
    if (index === undefined) return;
    const cell = this.cellOf(index, ring.timeMs[slot]!);
    if (cell >= 0) this.picks[cell]!++;
    if (ring.outcome[slot]! > lastCode) return;
    const endCell = this.cellOf(index, ring.endMs[slot]!);
    if (endCell >= 0 && ring.outcome[slot] !== 0) this.failures[endCell]!++;
    this.latencies.add(index, ring.endMs[slot]!, ring.latencyNs[slot]!);
  }

  /** @param kept by bucket: 1 where all single picks are kept. */
  linesOf(index: number, { picksPerSecond }: EndpointSeries, kept: Float64Array): Counts {
    const { times, bucketMs } = this.lines;
    // Where the client was not watched, nothing is known of any pick.
    const known = (bucket: number) => kept[bucket] === 1 && !Number.isNaN(picksPerSecond[bucket]);
    const perSecond = (counts: Float64Array) =>
      times.map((_, bucket) => (known(bucket) ? (counts[index * this.buckets + bucket]! * 1000) / bucketMs : NaN));
    const latencyMs = new Float64Array(times.length).fill(NaN);
    const latencyP95Ms = latencyMs.slice();
    for (const [bucket, ms] of times.entries()) {
      if (!known(bucket)) continue;
      const tally = this.latencies.tallyAt(index, ms);
      latencyMs[bucket] = tally.quantileMs(0.5);
      latencyP95Ms[bucket] = tally.quantileMs(0.95);
    }
    return {
      picksPerSecond: perSecond(this.picks),
      failuresPerSecond: perSecond(this.failures),
      latencyMs,
      latencyP95Ms,
    };
  }

  private cellOf(index: number, ms: number): number {
    const bucket = Math.floor((ms - this.firstMs) / this.lines.bucketMs);
    return bucket >= 0 && bucket < this.buckets ? index * this.buckets + bucket : -1;
  }
}

/** Latencies by endpoint and bucket: cells, as above. */
class Latencies {
  private readonly firstBucket: number;
  private readonly buckets: number;
  private readonly cells: Uint32Array;
  private readonly bins: Uint8Array;
  private count = 0;
  private readonly begins: Uint32Array;
  private sorted: Uint8Array | undefined;
  private readonly tally = new LatencyTally();

  /** @param most so many are added at most. */
  constructor(
    endpoints: number,
    fromMs: number,
    toMs: number,
    private readonly bucketMs: number,
    most: number,
  ) {
    this.firstBucket = Math.floor(fromMs / bucketMs);
    this.buckets = Math.ceil(toMs / bucketMs) - this.firstBucket;
    this.cells = new Uint32Array(most);
    this.bins = new Uint8Array(most);
    this.begins = new Uint32Array(endpoints * this.buckets + 1);
  }

  /** NaN: the call never started. */
  add(endpoint: number, endMs: number, latencyNs: number): void {
    const bucket = Math.floor(endMs / this.bucketMs) - this.firstBucket;
    if (!(bucket >= 0 && bucket < this.buckets) || Number.isNaN(latencyNs)) return;
    this.cells[this.count] = endpoint * this.buckets + bucket;
    this.bins[this.count++] = latencyBin(latencyNs);
  }

  /** Those of the bucket of a moment. */
  tallyAt(endpoint: number, ms: number): LatencyTally {
    const sorted = (this.sorted ??= this.sort());
    const cell = endpoint * this.buckets + Math.floor(ms / this.bucketMs) - this.firstBucket;
    this.tally.clear();
    for (let index = this.begins[cell]!; index < this.begins[cell + 1]!; index++) this.tally.addBin(sorted[index]!, 1);
    return this.tally;
  }

  /** By counting: those of a cell stand together, from where `begins` says. */
  private sort(): Uint8Array {
    const { begins, cells, bins, count } = this;
    for (let index = 0; index < count; index++) begins[cells[index]! + 1]!++;
    for (let cell = 1; cell < begins.length; cell++) begins[cell]! += begins[cell - 1]!;
    const next = begins.slice();
    const sorted = new Uint8Array(count);
    for (let index = 0; index < count; index++) sorted[next[cells[index]!]!++] = bins[index]!;
    return sorted;
  }
}
