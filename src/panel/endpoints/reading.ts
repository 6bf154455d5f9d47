import {
  states,
  type ChannelView,
  type ChartView,
  type EndpointRow,
  type EndpointSeries,
  type State,
  type TimeSpan,
} from '../../messages/panel';
import type { Store } from '../store';

/** Numbers of one endpoint: now, at the moment under the crosshair, or over the selection. null: not known, or not held by the picker. */
export interface Reading {
  readonly state: State;
  /** Since when it is in that state; null: not told of a moment that is past. */
  readonly stateSinceMs: number | null;
  readonly share: number | null;
  readonly picksPerSecond: number | null;
  readonly lagMs: number | null;
  readonly peakMs: number | null;
  readonly load: number | null;
  readonly inflight: number | null;
  readonly success: number | null;
  readonly latencyMs: number | null;
  readonly latencyP95Ms: number | null;
  readonly failureShare: number | null;
  readonly lastPickMs: number | null;
}

/** What the table is read at; 'now': as the frame has it. */
export type ReadAt = 'now' | { readonly momentMs: number } | { readonly span: TimeSpan };

export function readAt({ hover, query, chart }: Store): ReadAt {
  if (!chart) return 'now';
  if (hover.timeMs !== null) return { momentMs: hover.timeMs };
  return query.selection ? { span: query.selection } : 'now';
}

/** One reading an endpoint of the table. */
export function readings(channel: ChannelView, chart: ChartView | undefined, at: ReadAt): Reading[] {
  if (at === 'now' || !chart) return channel.endpoints.map(now);
  const series = new Map(chart.series.endpoints.map((each) => [each.endpoint, each]));
  if ('momentMs' in at) {
    const index = chart.series.times.findLastIndex((start) => start <= at.momentMs);
    const total = chart.series.endpoints.reduce((sum, each) => sum + (known(each.picksPerSecond[index]) ?? 0), 0);
    return channel.endpoints.map(({ id }) => atMoment(series.get(id), index, total));
  }
  const [from, to] = bucketsOf(chart, at.span);
  return channel.endpoints.map((endpoint) => overSpan(endpoint, series.get(endpoint.id), from, to));
}

const unread = {
  lagMs: null,
  peakMs: null,
  load: null,
  inflight: null,
  success: null,
  latencyMs: null,
  latencyP95Ms: null,
  failureShare: null,
  share: null,
  picksPerSecond: null,
  lastPickMs: null,
} satisfies Partial<Reading>;

/** One that is not READY has no numbers: the picker does not hold it. */
function now(endpoint: EndpointRow): Reading {
  const { state, stateSinceMs } = endpoint;
  return state === 'READY' ? endpoint : { ...unread, state, stateSinceMs };
}

function atMoment(series: EndpointSeries | undefined, index: number, total: number): Reading {
  const state = states[series?.state[index] ?? 0] ?? 'UNKNOWN';
  if (!series || state !== 'READY') return { ...unread, state, stateSinceMs: null };
  const at = (values: Float64Array) => known(values[index]);
  const picksPerSecond = at(series.picksPerSecond);
  return {
    ...unread,
    state,
    stateSinceMs: null,
    picksPerSecond,
    share: picksPerSecond !== null && total > 0 ? picksPerSecond / total : null,
    lagMs: at(series.lagMs),
    load: at(series.load),
    inflight: at(series.inflight),
    success: at(series.success),
    latencyMs: at(series.latencyMs),
    latencyP95Ms: at(series.latencyP95Ms),
    failureShare: failureShare(at(series.failuresPerSecond), picksPerSecond),
  };
}

/** What is counted is of the whole selection, as the host has it; what is a level is its mean over the selection. */
function overSpan(endpoint: EndpointRow, series: EndpointSeries | undefined, from: number, to: number): Reading {
  const held = series?.state.subarray(from, to).some((state) => states[state] === 'READY') ?? false;
  const { state, stateSinceMs } = endpoint;
  if (!held || !series) return { ...now(endpoint), ...unread, state, stateSinceMs };
  const { share, picksPerSecond, latencyMs, latencyP95Ms } = endpoint;
  const mean = (values: Float64Array) => meanOf(values.subarray(from, to));
  return {
    ...unread,
    state: 'READY',
    stateSinceMs: null,
    share,
    picksPerSecond,
    latencyMs,
    latencyP95Ms,
    failureShare: endpoint.failureShare,
    lagMs: mean(series.lagMs),
    load: mean(series.load),
    inflight: mean(series.inflight),
    success: mean(series.success),
  };
}

/** From (inclusive) to (exclusive), as indices: at least the one in which the span begins. */
function bucketsOf({ series: { times, bucketMs } }: ChartView, { fromMs, toMs }: TimeSpan): [number, number] {
  const from = times.findIndex((start) => start + bucketMs > fromMs);
  if (from < 0) return [0, 0];
  const to = times.findIndex((start) => start >= toMs);
  return [from, Math.max(from + 1, to < 0 ? times.length : to)];
}

function meanOf(values: Float64Array): number | null {
  const present = values.filter((value) => !Number.isNaN(value));
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}

/** Calls that end in a bucket may have begun before: more can fail than began. */
function failureShare(failures: number | null, picks: number | null): number | null {
  return failures === null || picks === null || picks === 0 ? null : Math.min(1, failures / picks);
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
