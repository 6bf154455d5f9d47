import type { ChannelView, Query, WantedRows } from '../messages/panel';
import type { ClientData } from './clientData';
import type { Channel } from './entities';
import { reasons } from './pickIntake';
import { pickRow } from './pickRows';
import { Selection } from './selection';

/** More rows than any screen has room for would only make frames heavy. */
const maxRows = 500;

export type PickList = Pick<
  ChannelView,
  | 'picks'
  | 'picksSkipped'
  | 'matching'
  | 'retained'
  | 'held'
  | 'newer'
  | 'picksSeen'
  | 'lastPickMs'
  | 'oldestPickMs'
  | 'filterError'
>;

/** Keys of rows, from (inclusive) to (exclusive). */
export interface KeySpan {
  readonly from: number;
  readonly to: number;
}

/** The list of single picks up to this moment, and what is said of it. @param untilMs Infinity: all that are there. */
export function pickList(data: ClientData, channel: Channel, query: Query, untilMs: number): PickList {
  const { ring } = data;
  const all = data.allPicks(channel.id);
  const filtered = data.selection(channel.id, query.filter);
  const wanted = filtered instanceof Selection ? filtered : all;
  const end = untilMs === Infinity ? ring.next : ring.firstAfter(untilMs);
  const { from, to } = selectedKeys(data, query, end);
  const heldTo = Math.max(from, Math.min(to, (query.rows.newest ?? Infinity) + 1));
  const matching = wanted.count(from, heldTo);
  const { skip, limit } = page(query.rows, matching);
  const newer = picksAfter(data, channel, end, untilMs);
  const oldest = all.oldest(ring.oldest, ring.next);
  const [last] = all.newest(ring.oldest, end, 0, 1);
  const timeOf = (key: number) => ring.timeMs[ring.slot(key)]!;
  return {
    picks: wanted.newest(from, heldTo, skip, limit).map((key) => pickRow(key, ring, data.registry, data.texts)),
    picksSkipped: skip,
    matching,
    retained: all.count(from, heldTo),
    held: wanted.count(heldTo, to),
    newer,
    picksSeen: channel.picksSeen - newer,
    lastPickMs: last === undefined ? null : timeOf(last),
    oldestPickMs: oldest === ring.next ? null : timeOf(oldest),
    ...(filtered instanceof Selection ? {} : { filterError: filtered }),
  };
}

/** The rows of the query's selection, up to a key. */
export function selectedKeys({ ring }: ClientData, { selection }: Query, end: number): KeySpan {
  if (!selection) return { from: ring.oldest, to: end };
  const from = ring.firstAt(selection.fromMs);
  return { from, to: Math.max(from, Math.min(end, ring.firstAt(selection.toMs))) };
}

/** Where there are not so many rows to skip, the page is the last one. */
function page({ skip, limit }: WantedRows, matching: number): { readonly skip: number; readonly limit: number } {
  const rows = whole(limit, maxRows);
  return { skip: whole(skip, Math.max(0, matching - rows)), limit: rows };
}

function whole(value: number, most: number): number {
  return Number.isNaN(value) ? 0 : Math.min(Math.max(Math.floor(value), 0), most);
}

/** Beyond the reach of single picks their number comes from the aggregates. */
function picksAfter(data: ClientData, { id, reasons: counts }: Channel, end: number, untilMs: number): number {
  const { ring } = data;
  if (untilMs === Infinity || end > ring.oldest) return data.allPicks(id).count(end, ring.next);
  return counts.sumOf(reasons, counts.bucketOf(untilMs) + 1, counts.newest + 1);
}
