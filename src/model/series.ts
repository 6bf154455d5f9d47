import type { Series } from '../messages/panel';
import { firstOpenBucket, isHeld } from './endpointTable';
import { readingBucketMs, type Channel, type Endpoint, type Readings } from './entities';
import type { Timeline } from './timeline';

const bucketsPerSecond = 1000 / readingBucketMs;

/** The whole seconds that a chart shows: numbers of seconds since the Unix epoch, from (inclusive) to (exclusive). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** The last so many whole seconds at this moment. The one that still runs would show too few picks: it is left out. */
export function chartSpan(atMs: number, windowSeconds: number): Span {
  const to = firstOpenBucket(atMs, 1000);
  return { from: to - windowSeconds, to };
}

/** @param watched whether the client was watched then: where it was not, nothing is known of its picks. */
export function series(channel: Channel, span: Span, watched: Timeline<boolean>): Series {
  const seconds = Array.from({ length: span.to - span.from }, (_, index) => span.from + index);
  const losses = new Map(channel.historyLosses.map((ms) => [Math.floor(ms / 1000), ms]));
  const endpoints = channel.endpoints.filter((endpoint) => isInSpan(endpoint, span));
  return {
    times: Float64Array.from(seconds, (second) => second * 1000),
    endpoints: endpoints.map((endpoint) => ({
      endpoint: endpoint.id,
      picksPerSecond: picksOf(endpoint, seconds, watched),
      load: lineOf('load', endpoint, seconds, losses),
      lagMs: lineOf('lagMs', endpoint, seconds, losses),
    })),
  };
}

/** Whether the endpoint was there at some time of the span. */
function isInSpan({ states }: Endpoint, span: Span): boolean {
  const { latest } = states;
  const gone = latest?.value.removed === true && latest.sinceMs < span.from * 1000;
  return !gone && states.at(span.to * 1000) !== undefined;
}

function picksOf({ readings }: Endpoint, seconds: readonly number[], watched: Timeline<boolean>): Float64Array {
  return Float64Array.from(seconds, (second) => {
    const picks = readings.sum('picks', second * bucketsPerSecond, (second + 1) * bucketsPerSecond);
    const known = picks > 0 || watched.at(second * 1000 + 999)?.value === true;
    return known ? picks : NaN;
  });
}

/**
 * A reading carried on until the next, broken where the policy lost its history, and empty while no picker holds the
 * endpoint.
 */
function lineOf(
  column: 'load' | 'lagMs',
  { readings, states }: Endpoint,
  seconds: readonly number[],
  losses: ReadonlyMap<number, number>,
): Float64Array {
  let carried = NaN;
  let before = NaN;
  return Float64Array.from(seconds, (second, index) => {
    // The first second takes up what was read before the window, unless the policy forgot it since.
    const from = index === 0 ? carriedFrom(second, losses, states) : second * 1000;
    const lossMs = losses.get(second);
    if (lossMs !== undefined) carried = NaN;
    const first = Math.max(readings.bucketOf(from), lossMs === undefined ? 0 : readings.bucketOf(lossMs));
    const end = (second + 1) * bucketsPerSecond;
    const read = column === 'load' ? meanLoad(readings, first, end) : readings.last(column, first, end);
    if (!Number.isNaN(read)) carried = read;
    if (!isHeld(states.at(second * 1000 + 999)?.value.state ?? 'IDLE')) carried = NaN;
    // A break is one second wide, and no wider where pickers are rebuilt every second.
    const breaks = lossMs !== undefined && !Number.isNaN(before);
    before = breaks ? NaN : carried;
    return before;
  });
}

/**
 * The mean of all loads that pickers compared in the buckets from (inclusive) to (exclusive); NaN: none. Single ones jump
 * with each call in flight.
 */
function meanLoad(readings: Readings, from: number, to: number): number {
  const last = readings.lastWritten('load', from, to);
  // What was compared last before a quiet second still holds.
  const first = Math.max(from, last - bucketsPerSecond + 1);
  let sum = 0;
  for (let bucket = first; bucket <= last; bucket++) {
    const place = readings.find(bucket);
    if (place >= 0) sum += readings.values.meanLoad[place]! * readings.values.loads[place]!;
  }
  return last < 0 ? NaN : sum / readings.sum('loads', first, last + 1);
}

/** Since when what was read still holds at the begin of this second; ms. */
function carriedFrom(second: number, losses: ReadonlyMap<number, number>, states: Endpoint['states']): number {
  let lastLossMs = -Infinity;
  for (const [lossSecond, ms] of losses) if (lossSecond < second && ms > lastLossMs) lastLossMs = ms;
  return Math.max(lastLossMs, states.at(second * 1000)?.sinceMs ?? second * 1000);
}
