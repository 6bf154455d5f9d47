import type { ChartView, PickRow, Query, Series, TimeSpan } from '../messages/panel';
import type { ClientData, Edge } from './clientData';
import type { Channel } from './entities';
import { markersOf } from './events';
import { filteredSeries } from './filteredSeries';
import { momentOf, within, type Moment } from './moment';
import { overview } from './overview';
import { pickRow } from './pickRows';
import { bucketsOf, series, type Buckets } from './series';

/** More numbers of a line than a screen has points for would only make messages heavy; and so many of all lines. */
const maxPoints = 4000;
const maxPointsOfAll = 400_000;
/** In windows of this length single picks are drawn, if there are not too many. */
const singleMs = 4000;
const maxSingle = 500;

/** All that lies on the time axis of a channel for this query. */
export function chartView(data: ClientData, channel: Channel, query: Query, edge: Edge): ChartView {
  const moment = momentOf(query, edge.atMs, channel.reach);
  const { window } = moment;
  const buckets = bucketsOf(window, pointsFor(query, channel), channel.reach);
  return {
    channel: channel.id,
    span: window,
    ...filteredOf(data, channel, query, seriesOf(data, channel, buckets, edge), edge),
    markers: markersOf(data.events.of(channel.id, Infinity), data.reachAt(edge.atMs)?.fromMs ?? window.fromMs),
    overview: overviewOf(data, channel, edge),
    ...(window.toMs - window.fromMs <= singleMs ? { singlePicks: singlePicks(data, channel, query, moment) } : {}),
  };
}

function pointsFor({ points }: Query, { endpoints }: Channel): number {
  return within(points, 10, Math.min(maxPoints, Math.max(60, maxPointsOfAll / (endpoints.length + 1))));
}

function seriesOf(data: ClientData, channel: Channel, buckets: Buckets, edge: Edge): Series {
  const key = `series ${channel.id} ${buckets.ms} ${buckets.from} ${buckets.to}`;
  return data.charted(key, buckets.to * buckets.ms, edge, () => series(channel, buckets, data.watched));
}

/** The lines as the filter wants them. Calls that end late may change any of them. */
function filteredOf(
  data: ClientData,
  channel: Channel,
  query: Query,
  lines: Series,
  edge: Edge,
): Pick<ChartView, 'series' | 'filteredSinceMs'> {
  const { ring } = data;
  const filter = query.filter.trim();
  const { wanted, filterError } = data.picksOf(channel.id, filter);
  if (filter === '' || filterError) return { series: lines };
  const key = `filtered ${channel.id} ${lines.bucketMs} ${lines.times[0]} ${lines.times.length} ${filter}`;
  const make = () => filteredSeries(lines, ring, wanted, channel.reach.secondMs);
  return {
    series: data.charted(key, Infinity, edge, make),
    filteredSinceMs: ring.oldest < ring.next ? ring.timeMs[ring.slot(ring.oldest)]! : null,
  };
}

function overviewOf(data: ClientData, channel: Channel, edge: Edge): ChartView['overview'] {
  const reach = data.reachAt(edge.atMs) ?? { fromMs: edge.atMs, toMs: edge.atMs };
  // Made once for each bucket of readings at most; it moves by more than that.
  const toMs = Math.floor(reach.toMs / 1000) * 1000;
  const span: TimeSpan = { fromMs: Math.min(reach.fromMs, toMs), toMs };
  return data.charted(`overview ${channel.id} ${toMs}`, toMs, edge, () => overview(channel, span, data.watched));
}

/** Newest first. */
function singlePicks(data: ClientData, channel: Channel, query: Query, { window, untilMs }: Moment): PickRow[] {
  const { ring } = data;
  const { wanted } = data.picksOf(channel.id, query.filter);
  const end = untilMs === Infinity ? ring.next : ring.firstAfter(untilMs);
  return wanted
    .newest(ring.firstAt(window.fromMs), end, 0, maxSingle)
    .map((key) => pickRow(key, ring, data.registry, data.texts));
}
