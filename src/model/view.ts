import type {
  Answer,
  ChannelTotals,
  ChannelView,
  EndpointRow,
  EventRow,
  FormerEndpoint,
  PickRow,
  Query,
  ReasonCounts,
  TimeSpan,
} from '../messages/panel';
import { answer } from './answer';
import type { Channel } from './entities';
import type { ClientData, Edge } from './clientData';
import { endpointTable, firstOpenBucket } from './endpointTable';
import { endpointLabels } from './labels';
import { inspect } from './inspection';
import { momentOf, type Moment } from './moment';
import { reasons as pickReasons } from './pickIntake';
import { pickList } from './pickList';
import { isThere } from './series';

/** More events than a person reads would only make frames heavy. */
const maxEvents = 500;

/** What the panel shows of a channel for this query. Live and paused are answered alike: as of one moment. */
export function channelView(data: ClientData, channel: Channel, query: Query, edge: Edge): ChannelView {
  const moment = momentOf(query, edge.atMs, channel.reach);
  const { atMs, readMs, live, untilMs, share, window, selection } = moment;
  const { rows, fairness } = endpointTable(channel, readMs, share, data.watchedSeconds(share));
  const list = pickList(data, channel, query, moment);
  const events = data.events.of(channel.id, untilMs).slice(0, maxEvents);
  const asked = answerOf(data, channel, query, moment, edge);
  return {
    ...identityAt(channel, atMs),
    atMs,
    live,
    shareSpan: share,
    picksPerSecond: picksPerSecond(data, channel, share),
    totals: totalsAt(channel, atMs),
    fairness,
    endpoints: rows,
    endpointsLeftOut: channel.leftOut.size,
    channelsLeftOut: data.registry.channelsLeftOut.size,
    methodsLeftOut: data.methods.leftOut,
    formerEndpoints: formerEndpoints(data, rows, [
      ...channel.endpoints.filter((endpoint) => isThere(endpoint, window)).map(({ id }) => id),
      ...list.picks.flatMap(endpointsOfPick),
      ...events.flatMap(endpointOfEvent),
      ...(asked ? [asked.endpoint, ...asked.opponents.map(({ endpoint }) => endpoint)] : []),
    ]),
    reasons: reasonsIn(channel, selection ? share : window, atMs),
    ...list,
    events,
    drops: data.drops.at(untilMs)?.value ?? { picks: 0, completions: 0 },
    ...inspectionOf(data, query.inspect),
    ...(asked ? { answer: asked } : {}),
  };
}

/** While the view is live, it is of whole seconds, so that it is counted once in each. */
function answerOf(data: ClientData, channel: Channel, { ask }: Query, moment: Moment, edge: Edge): Answer | undefined {
  const endpoint = ask === undefined ? undefined : data.registry.endpoints.get(ask);
  if (endpoint?.channel !== channel) return undefined;
  const { fromMs, toMs } = moment.selection ?? moment.window;
  const endMs = moment.live ? Math.min(toMs, firstOpenBucket(edge.atMs, 1000) * 1000) : toMs;
  const span = moment.selection ? { fromMs, toMs: endMs } : { fromMs: fromMs + endMs - toMs, toMs: endMs };
  const key = `answer ${channel.id} ${endpoint.id} ${span.fromMs} ${span.toMs}`;
  const perSecond = { ...edge, version: Math.floor(edge.version / 4) };
  return data.charted(key, span.toMs, perSecond, () => answer(data, endpoint, span));
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

/** Picks of whatever result, over what was watched of a span. */
export function picksPerSecond(data: ClientData, { reasons }: Channel, span: TimeSpan): number {
  const { bucketMs } = reasons;
  const picks = reasons.sumOf(pickReasons, span.fromMs / bucketMs, span.toMs / bucketMs);
  return picks / data.watchedSeconds(span);
}

function reasonsIn({ reasons }: Channel, { fromMs, toMs }: TimeSpan, atMs: number): ReasonCounts {
  const from = reasons.bucketOf(fromMs);
  const to = Math.min(Math.ceil(toMs / reasons.bucketMs), firstOpenBucket(atMs, reasons.bucketMs));
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
