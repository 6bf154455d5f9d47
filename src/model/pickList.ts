import type { ChannelView, Query, TimeSpan, WantedRows } from '../messages/panel';
import type { ClientData } from './clientData';
import type { Channel } from './entities';
import { within, type Moment } from './moment';
import { reasons } from './pickIntake';
import type { PickRing } from './pickRing';
import { pickRow } from './pickRows';
import type { Selection } from './selection';

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
  | 'inspectedRow'
>;

/** The list of single picks at this moment, and what is said of it. */
export function pickList(data: ClientData, channel: Channel, query: Query, moment: Moment): PickList {
  const { ring } = data;
  const { wanted, filterError } = data.picksOf(channel.id, query.filter);
  const all = data.allPicksOf(channel.id);
  const end = endOf(moment, ring);
  const { from, to } = moment.selection ? keysIn(moment.selection, end, ring) : { from: ring.oldest, to: end };
  const heldTo = within((query.rows.newest ?? Infinity) + 1, from, to);
  const matching = wanted.count(from, heldTo);
  const { skip, limit } = page(query.rows, matching);
  const newer = picksAfter(data, channel, moment);
  const oldest = all.first(ring.oldest, ring.next);
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
    ...(filterError && { filterError }),
    ...inspectedRow(query.inspect, wanted, from, heldTo),
  };
}

/** The place of the inspected row in the list, if it is there. */
function inspectedRow(
  key: number | undefined,
  wanted: Selection,
  from: number,
  to: number,
): Pick<ChannelView, 'inspectedRow'> {
  if (key === undefined || key < from || key >= to || wanted.count(key, key + 1) === 0) return {};
  return { inspectedRow: wanted.count(key + 1, to) };
}

/** Key of the first row that is not yet there at this moment. */
export function endOf({ untilMs }: Moment, ring: PickRing): number {
  return untilMs === Infinity ? ring.next : ring.firstAfter(untilMs);
}

/** Keys of the rows in a span, before an end: from (inclusive) to (exclusive). */
export function keysIn({ fromMs, toMs }: TimeSpan, end: number, ring: PickRing): { from: number; to: number } {
  const from = Math.min(ring.firstAt(fromMs), end);
  return { from, to: within(ring.firstAt(toMs), from, end) };
}

/** Where there are not so many rows to skip, the page is the last one. */
function page({ skip, limit }: WantedRows, matching: number): { readonly skip: number; readonly limit: number } {
  const rows = Math.floor(within(limit, 0, maxRows));
  return { skip: Math.floor(within(skip, 0, Math.max(0, matching - rows))), limit: rows };
}

/** Beyond the reach of single picks their number comes from the aggregates. */
function picksAfter(data: ClientData, { id, reasons: counts }: Channel, moment: Moment): number {
  const { ring } = data;
  const end = endOf(moment, ring);
  if (moment.live || end > ring.oldest) return data.allPicksOf(id).count(end, ring.next);
  return counts.sumOf(reasons, counts.bucketOf(moment.untilMs) + 1, counts.newest + 1);
}
