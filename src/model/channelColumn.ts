import type { EndpointRow, Query, State } from '../messages/panel';
import type { ClientData, Edge } from './clientData';
import { endpointTable } from './endpointTable';
import type { Channel, Endpoint } from './entities';
import { momentOf } from './moment';
import { bucketsOf, picksLine, type Buckets } from './series';
import { picksPerSecond } from './view';

const trendPoints = 40;

/** A channel as one column of a comparison. */
export interface ChannelColumn {
  readonly id: number;
  readonly target: string;
  readonly policy: string;
  readonly state: State;
  readonly picksPerSecond: number;
  readonly fairness: number | null;
  readonly endpoints: readonly ColumnEndpoint[];
}

export interface ColumnEndpoint {
  readonly row: EndpointRow;
  /** Picks a second over the query's window. */
  readonly trend: Float64Array;
}

/** What the table of this channel says of a moment; ms. It is the same for all columns, though the edges of clients differ. */
export function channelColumn(
  data: ClientData,
  channel: Channel,
  query: Query,
  atMs: number,
  edge: Edge,
): ChannelColumn {
  const { share, readMs, window } = momentOf({ ...query, untilMs: undefined }, atMs, channel.reach);
  const { rows, fairness } = endpointTable(channel, readMs, share, data.watchedSeconds(share));
  const trends = new Trends(data, bucketsOf(window, trendPoints, channel.reach), edge);
  return {
    id: channel.id,
    target: channel.target,
    policy: (channel.path.at(atMs) ?? channel.path.latest)?.value.names.at(-1) ?? '',
    state: (channel.states.at(atMs) ?? channel.states.latest)?.value ?? 'UNKNOWN',
    picksPerSecond: picksPerSecond(data, channel, share),
    fairness,
    endpoints: rows.map((row) => ({ row, trend: trends.of(data.registry.endpoints.get(row.id)!) })),
  };
}

/** Made once for each step of the axis, not once a frame. */
class Trends {
  private readonly made: Map<Endpoint, Float64Array>;

  constructor(
    private readonly data: ClientData,
    private readonly buckets: Buckets,
    edge: Edge,
  ) {
    const { ms, from, to } = buckets;
    this.made = data.charted(`trends ${ms} ${from} ${to}`, to * ms, edge, () => new Map<Endpoint, Float64Array>());
  }

  of(endpoint: Endpoint): Float64Array {
    const trend = this.made.get(endpoint) ?? picksLine(endpoint, this.buckets, this.data.watched);
    this.made.set(endpoint, trend);
    return trend;
  }
}
