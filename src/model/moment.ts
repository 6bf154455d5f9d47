import type { Query, TimeSpan } from '../messages/panel';
import { firstOpenBucket } from './endpointTable';
import type { Reach } from './reach';

/** Shares, rates and fairness are of this long, where nothing is selected. */
export const shareMs = 10_000;

/** The moment and the spans of time that a query shows. */
export interface Moment {
  readonly live: boolean;
  /** Now, or when the view is paused. */
  readonly atMs: number;
  /** What came up to then counts. Live, that is all, although the edge may be a little behind it. */
  readonly untilMs: number;
  /** Readings are those of this moment: the end of the selection, else atMs. */
  readonly readMs: number;
  /** The axis of the charts. */
  readonly window: TimeSpan;
  /** Within the window's end. undefined: none, or it is none that can be. */
  readonly selection: TimeSpan | undefined;
  /** The selection, else the last 10 s, in whole buckets of readings that are complete. */
  readonly share: TimeSpan;
}

export function momentOf(query: Query, edgeMs: number, reach: Reach): Moment {
  const { untilMs } = query;
  const live = untilMs === undefined || !Number.isFinite(untilMs);
  const atMs = live ? edgeMs : Math.min(untilMs, edgeMs);
  const windowMs = within(query.windowSeconds * 1000, 1000, reach.ms);
  const selection = selectionOf(query.selection, atMs);
  return {
    live,
    atMs,
    untilMs: live ? Infinity : atMs,
    readMs: selection?.toMs ?? atMs,
    window: { fromMs: atMs - windowMs, toMs: atMs },
    selection,
    share: selection ? shareOf(selection, atMs, reach) : latestShare(atMs, reach),
  };
}

function selectionOf(selection: TimeSpan | undefined, atMs: number): TimeSpan | undefined {
  if (!selection || !Number.isFinite(selection.fromMs)) return undefined;
  const toMs = Math.min(selection.toMs, atMs);
  return toMs > selection.fromMs ? { fromMs: selection.fromMs, toMs } : undefined;
}

/** The last 10 s before a moment. */
export function latestShare(atMs: number, { readingMs }: Reach): TimeSpan {
  const toMs = firstOpenBucket(atMs, readingMs) * readingMs;
  return { fromMs: toMs - shareMs, toMs };
}

function shareOf(selection: TimeSpan, atMs: number, { readingMs }: Reach): TimeSpan {
  const to = Math.min(Math.ceil(selection.toMs / readingMs), firstOpenBucket(atMs, readingMs));
  const from = Math.min(Math.floor(selection.fromMs / readingMs), to - 1);
  return { fromMs: from * readingMs, toMs: to * readingMs };
}

/** NaN counts as the lowest. */
export function within(value: number, low: number, high: number): number {
  return value > low ? Math.min(value, high) : low;
}
