import { states, type EndpointSeries, type Series, type TimeSpan } from '../messages/panel';
import { firstOpenBucket } from './endpointTable';
import type { Channel, Endpoint, EndpointState } from './entities';
import { isHeld } from './held';
import { LatencyTally } from './histogram';
import { bucketLength, type Reach } from './reach';
import type { Timeline } from './timeline';

/** Whole buckets of one length: by their numbers since the Unix epoch, from (inclusive) to (exclusive). */
export interface Buckets {
  readonly ms: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Those that a span of the axis shows, at most so many. What is aligned does not shimmer while the axis moves on. The one that
 * still runs at its end would show too little: it is left out.
 */
export function bucketsOf({ fromMs, toMs }: TimeSpan, points: number, { readingMs }: Reach): Buckets {
  const ms = bucketLength((toMs - fromMs) / Math.max(points - 1, 1), readingMs);
  const to = firstOpenBucket(toMs, ms);
  return { ms, from: Math.min(Math.floor(fromMs / ms), to), to };
}

/** @param watched whether the client was watched then: where it was not, nothing is known of its picks. */
export function series(channel: Channel, buckets: Buckets, watched: Timeline<boolean>): Series {
  const times = bucketTimes(buckets);
  const context = {
    buckets,
    reach: channel.reach,
    losses: new Losses(channel.historyLosses, buckets.ms),
    known: knownIn(buckets, watched),
    tally: new LatencyTally(),
  };
  const endpoints = channel.endpoints.filter((endpoint) =>
    isThere(endpoint, { fromMs: buckets.from * buckets.ms, toMs: buckets.to * buckets.ms }),
  );
  return { bucketMs: buckets.ms, times, endpoints: endpoints.map((endpoint) => linesOf(endpoint, context)) };
}

/** By bucket: 1 where the client was watched. */
function knownIn(buckets: Buckets, watched: Timeline<boolean>): Float64Array {
  return bucketTimes(buckets).map((ms) => (watched.at(ms + buckets.ms - 1)?.value === true ? 1 : 0));
}

/** Picks a second alone; see EndpointSeries. */
export function picksLine(endpoint: Endpoint, buckets: Buckets, watched: Timeline<boolean>): Float64Array {
  const column = () => new Float64Array(buckets.to - buckets.from);
  const lines = { picksPerSecond: column(), failuresPerSecond: column() };
  drawCounts(endpoint, { buckets, known: knownIn(buckets, watched) }, lines);
  return lines.picksPerSecond;
}

export function bucketTimes({ ms, from, to }: Buckets): Float64Array {
  return Float64Array.from({ length: to - from }, (_, index) => (from + index) * ms);
}

/** Whether the endpoint was there at some time of the span. */
export function isThere({ states: history }: Endpoint, { fromMs, toMs }: TimeSpan): boolean {
  const { latest } = history;
  const gone = latest?.value.removed === true && latest.sinceMs < fromMs;
  return !gone && history.at(toMs) !== undefined;
}

interface Context {
  readonly buckets: Buckets;
  readonly reach: Reach;
  readonly losses: Losses;
  readonly known: Float64Array;
  readonly tally: LatencyTally;
}

/** What is carried on from bucket to bucket. */
const carriedColumns = ['load', 'lagMs', 'success', 'inflight'] as const;
type Carried = Record<(typeof carriedColumns)[number], number>;

function nothingCarried(): Carried {
  return { load: NaN, lagMs: NaN, success: NaN, inflight: NaN };
}

/** When the policy forgot what it knew, by the buckets of a chart. */
class Losses {
  /** The last one of a bucket, ms. */
  private readonly lastOf = new Map<number, number>();
  private readonly breaks = new Set<number>();

  constructor(
    private readonly losses: readonly number[],
    bucketMs: number,
  ) {
    for (const ms of losses) {
      const bucket = Math.floor(ms / bucketMs);
      // A break is one bucket wide, and no wider where pickers are rebuilt all the time.
      if (!this.lastOf.has(bucket) && !this.breaks.has(bucket - 1)) this.breaks.add(bucket);
      this.lastOf.set(bucket, ms);
    }
  }

  in(bucket: number): number | undefined {
    return this.lastOf.get(bucket);
  }

  breaksLinesIn(bucket: number): boolean {
    return this.breaks.has(bucket);
  }

  lastBefore(ms: number): number {
    return this.losses.findLast((lossMs) => lossMs < ms) ?? -Infinity;
  }
}

function linesOf(endpoint: Endpoint, context: Context): EndpointSeries {
  const { from, to } = context.buckets;
  const column = () => new Float64Array(to - from);
  const lines = {
    endpoint: endpoint.id,
    picksPerSecond: column(),
    failuresPerSecond: column(),
    load: column(),
    lagMs: column(),
    success: column(),
    inflight: column(),
    latencyMs: column(),
    latencyP95Ms: column(),
    state: new Uint8Array(to - from),
  };
  drawReadings(endpoint, context, lines);
  drawCounts(endpoint, context, lines);
  drawLatencies(endpoint, context, lines);
  return lines;
}

/**
 * A reading is carried on until the next, broken where the policy lost its history, and empty while no picker holds the
 * endpoint.
 */
function drawReadings(endpoint: Endpoint, { buckets, losses }: Context, lines: EndpointSeries): void {
  const { ms, from, to } = buckets;
  // One bucket before the first says whether that one breaks a line.
  let carried = carriedInto(endpoint, (from - 1) * ms, losses);
  const before = nothingCarried();
  for (let bucket = from - 1; bucket < to; bucket++) {
    const lossMs = losses.in(bucket);
    if (lossMs !== undefined) carried = nothingCarried();
    readInto(carried, endpoint, lossMs ?? bucket * ms, (bucket + 1) * ms);
    const state = endpoint.states.at((bucket + 1) * ms - 1)?.value;
    if (!isHeld(state?.state ?? 'IDLE')) carried = nothingCarried();
    const breaks = losses.breaksLinesIn(bucket);
    for (const column of carriedColumns) {
      // Where there was no value before, none is joined to it.
      before[column] = breaks && !Number.isNaN(before[column]) ? NaN : carried[column];
      if (bucket >= from) lines[column][bucket - from] = before[column];
    }
    if (bucket >= from) lines.state[bucket - from] = stateNumber(state);
  }
}

function stateNumber(state: EndpointState | undefined): number {
  return state && !state.removed ? states.indexOf(state.state) : 0;
}

/** What was read last before this moment, and still holds. */
function carriedInto({ readings, states: history }: Endpoint, ms: number, losses: Losses): Carried {
  const since = readings.bucketOf(Math.max(losses.lastBefore(ms), history.at(ms)?.sinceMs ?? ms));
  const end = readings.bucketOf(ms);
  return {
    load: readings.last('meanLoad', since, end),
    lagMs: readings.last('lagMs', since, end),
    success: readings.last('success', since, end),
    inflight: readings.last('inflight', since, end),
  };
}

/** Takes up the last values that were read in a span, and the mean of the loads that were compared. */
function readInto(carried: Carried, { readings }: Endpoint, fromMs: number, toMs: number): void {
  const { meanLoad, loads, lagMs, success, inflight } = readings.values;
  const end = readings.bucketOf(toMs);
  let sum = 0;
  let count = 0;
  for (let bucket = readings.bucketOf(fromMs); bucket < end; bucket++) {
    const place = readings.find(bucket);
    if (place < 0) continue;
    sum += meanLoad[place]! * loads[place]!;
    count += loads[place]!;
    if (!Number.isNaN(lagMs[place])) carried.lagMs = lagMs[place]!;
    if (!Number.isNaN(success[place])) carried.success = success[place]!;
    if (!Number.isNaN(inflight[place])) carried.inflight = inflight[place]!;
  }
  if (count > 0) carried.load = sum / count;
}

function drawCounts(
  { readings, states: history }: Endpoint,
  { buckets, known }: Pick<Context, 'buckets' | 'known'>,
  lines: Pick<EndpointSeries, 'picksPerSecond' | 'failuresPerSecond'>,
): void {
  const { ms, from, to } = buckets;
  const perBucket = ms / readings.bucketMs;
  const values = readings.values;
  for (let bucket = from; bucket < to; bucket++) {
    let picks = 0;
    let failures = 0;
    for (let part = bucket * perBucket; part < (bucket + 1) * perBucket; part++) {
      const place = readings.find(part);
      if (place < 0) continue;
      picks += values.picks[place]!;
      failures += values.failures[place]!;
    }
    const present = known[bucket - from] === 1 && history.at((bucket + 1) * ms - 1)?.value.removed === false;
    const isKnown = present || picks + failures > 0;
    lines.picksPerSecond[bucket - from] = isKnown ? (picks * 1000) / ms : NaN;
    lines.failuresPerSecond[bucket - from] = isKnown ? (failures * 1000) / ms : NaN;
  }
}

/** Where a bucket is shorter than those of latencies, it has the quantiles of the one in which it lies. */
function drawLatencies({ latencies }: Endpoint, { buckets, tally }: Context, lines: EndpointSeries): void {
  const { ms, from, to } = buckets;
  let drawn = NaN;
  for (let bucket = from; bucket < to; bucket++) {
    const first = Math.floor((bucket * ms) / latencies.bucketMs);
    if (first !== drawn) {
      tally.clear();
      latencies.addTo(tally, first, Math.max(first + 1, ((bucket + 1) * ms) / latencies.bucketMs));
      drawn = first;
    }
    lines.latencyMs[bucket - from] = tally.quantileMs(0.5);
    lines.latencyP95Ms[bucket - from] = tally.quantileMs(0.95);
  }
}
