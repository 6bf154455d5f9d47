import type {
  ChannelTotals,
  ChannelView,
  EndpointRow,
  EventRow,
  FormerEndpoint,
  PickRow,
  Query,
  ReasonCounts,
} from '../messages/panel';
import type { Channel } from './entities';
import { endpointTable, firstOpenBucket, shareMs } from './endpointTable';
import { endpointLabels } from './labels';
import { markersOf } from './events';
import { inspect } from './inspection';
import { reasons as pickReasons } from './pickIntake';
import { pickList } from './pickList';
import { chartSpan, type Span } from './series';
import type { ClientData } from './clientData';

const maxWindowSeconds = 15 * 60;
/** More events than a person reads would only make frames heavy. */
const maxEvents = 500;

/** What the panel shows of a channel for this query. Live and paused are answered alike: as of one moment. */
export function channelView(data: ClientData, channel: Channel, query: Query, edgeMs: number): ChannelView {
  const live = query.untilMs === undefined || !Number.isFinite(query.untilMs);
  const atMs = live ? edgeMs : (query.untilMs ?? edgeMs);
  // Live, what came is shown although the edge may be a little behind it.
  const untilMs = live ? Infinity : atMs;
  const span = chartSpan(atMs, clamp(Math.ceil(query.windowSeconds), 1, maxWindowSeconds));
  const { rows, fairness } = endpointTable(channel, atMs, data.watchedSeconds(atMs));
  const list = pickList(data, channel, query, untilMs);
  const events = data.events.of(channel.id, untilMs);
  const lines = data.series(channel, span);
  return {
    ...identityAt(channel, atMs),
    atMs,
    live,
    picksPerSecond: picksPerSecond(data, channel, atMs),
    totals: totalsAt(channel, atMs),
    fairness,
    endpoints: rows,
    endpointsLeftOut: channel.leftOut.size,
    channelsLeftOut: data.registry.channelsLeftOut.size,
    methodsLeftOut: data.methods.leftOut,
    formerEndpoints: formerEndpoints(data, rows, [
      ...lines.endpoints.map(({ endpoint }) => endpoint),
      ...list.picks.flatMap(endpointsOfPick),
      ...events.slice(0, maxEvents).flatMap(endpointOfEvent),
    ]),
    series: lines,
    markers: markersOf(events, span.from * 1000),
    reasons: reasonsIn(channel, span, atMs),
    ...list,
    events: events.slice(0, maxEvents),
    drops: data.drops.at(untilMs)?.value ?? { picks: 0, completions: 0 },
    ...inspectionOf(data, query.inspect),
  };
}

/** What the channel is, and was at this moment. */
function identityAt(
  { id, target, states, path }: Channel,
  atMs: number,
): Pick<ChannelView, 'id' | 'target' | 'state' | 'stateSinceMs' | 'policyPath' | 'scoreOrder' | 'policyNote'> {
  const state = states.at(atMs) ?? states.latest;
  const policies = (path.at(atMs) ?? path.latest)?.value;
  return {
    id,
    target,
    state: state?.value ?? 'UNKNOWN',
    stateSinceMs: state?.sinceMs ?? atMs,
    policyPath: policies?.names ?? [],
    scoreOrder: policies?.scoreOrder ?? 'none',
    policyNote: policies?.note ?? '',
  };
}

/** Picks of whatever result, over the last 10 s or what was watched of them. */
export function picksPerSecond(data: ClientData, channel: Channel, atMs: number): number {
  const end = firstOpenBucket(atMs);
  return countPicks(channel, end - shareMs / channel.reasons.bucketMs, end) / data.watchedSeconds(atMs);
}

function countPicks({ reasons }: Channel, from: number, to: number): number {
  return reasons.sumOf(pickReasons, from, to);
}

function reasonsIn({ reasons }: Channel, span: Span, atMs: number): ReasonCounts {
  const from = reasons.bucketOf(span.from * 1000);
  const to = firstOpenBucket(atMs);
  const columns = Object.keys(reasons.values) as (keyof ReasonCounts)[];
  return Object.fromEntries(
    columns.map((column) => [column, reasons.sum(column, from, to)]),
  ) as unknown as ReasonCounts;
}

function totalsAt({ totals }: Channel, atMs: number): ChannelTotals {
  const end = totals.bucketOf(atMs) + 1;
  const last = (column: keyof ChannelTotals) => totals.last(column, -Infinity, end) || 0;
  return { completed: last('completed'), queued: last('queued'), failed: last('failed'), dropped: last('dropped') };
}

function inspectionOf(data: ClientData, key: number | undefined): Pick<ChannelView, 'inspection'> {
  if (key === undefined || !data.ring.has(key)) return {};
  return { inspection: inspect(key, data.ring, data.registry, data.texts) };
}

/** Those that are named elsewhere in the view, but are not in its table. */
function formerEndpoints(data: ClientData, rows: readonly EndpointRow[], named: readonly number[]): FormerEndpoint[] {
  const present = new Set(rows.map(({ id }) => id));
  const addresses = rows.map((row) => row.addresses[0] ?? '');
  return [...new Set(named)].flatMap((id) => {
    const endpoint = data.registry.endpoints.get(id);
    if (!endpoint || present.has(id)) return [];
    const label = endpointLabels([...addresses, endpoint.address]).at(-1)!;
    return [{ id, label, addresses: endpoint.addresses, slot: endpoint.slot }];
  });
}

function endpointsOfPick({ endpoint, candidates, rejected }: PickRow): number[] {
  return [endpoint ?? 0, ...candidates.map((one) => one.endpoint), ...rejected.flat().map((one) => one.endpoint)];
}

function endpointOfEvent(event: EventRow): number[] {
  return 'endpoint' in event ? [event.endpoint] : [];
}

function clamp(value: number, low: number, high: number): number {
  return Number.isNaN(value) ? low : Math.min(Math.max(value, low), high);
}
