import type { EndpointRow, TimeSpan } from '../messages/panel';
import type { Channel, Endpoint } from './entities';
import { isHeld } from './held';
import { LatencyTally } from './histogram';
import { endpointLabels } from './labels';

/** How long after a bucket's end its last picks may still be on their way: clients flush about every 50 ms. */
export const lateMs = 100;

/** The first bucket that is not yet complete at this moment. */
export function firstOpenBucket(atMs: number, bucketMs: number): number {
  return Math.floor((atMs - lateMs) / bucketMs);
}

export interface EndpointTable {
  readonly rows: readonly EndpointRow[];
  readonly fairness: number | null;
}

/** An endpoint and what it was at the moment that is shown. */
interface Present {
  readonly endpoint: Endpoint;
  readonly state: EndpointRow['state'];
  readonly stateSinceMs: number;
  readonly error: string;
  readonly recentPicks: number;
}

/**
 * The endpoints that a channel had at a moment, by address.
 *
 * @param share of which shares, rates and latencies are, in whole buckets of readings.
 * @param watchedSeconds how much of that was watched.
 */
export function endpointTable(channel: Channel, atMs: number, share: TimeSpan, watchedSeconds: number): EndpointTable {
  const present = channel.endpoints.flatMap((endpoint) => presentAt(endpoint, atMs, share));
  present.sort((a, b) => byAddress(a.endpoint.address, b.endpoint.address) || a.endpoint.id - b.endpoint.id);
  const labels = endpointLabels(present.map(({ endpoint }) => endpoint.address));
  const all = present.reduce((sum, { recentPicks }) => sum + recentPicks, 0);
  const ready = present.filter(({ state }) => state === 'READY');
  const lossMs = channel.historyLosses.findLast((ms) => ms <= atMs) ?? -Infinity;
  const rows = present.map(({ endpoint, recentPicks, ...state }, index) => ({
    id: endpoint.id,
    label: labels[index]!,
    addresses: endpoint.addresses,
    slot: endpoint.slot,
    ...state,
    addedMs: endpoint.added.at(atMs)?.value ?? null,
    share: all === 0 ? null : recentPicks / all,
    fairShare: state.state === 'READY' ? 1 / ready.length : 0,
    picksPerSecond: recentPicks / watchedSeconds,
    ...endsIn(endpoint, share),
    ...readingsAt(endpoint, atMs, Math.max(lossMs, state.stateSinceMs), isHeld(state.state)),
    ...totalsAt(endpoint, atMs),
  }));
  return { rows, fairness: jain(ready.map(({ recentPicks }) => recentPicks)) };
}

const addressOrder = new Intl.Collator('en', { numeric: true });

/** The order of endpoints wherever they are listed: ".9" before ".10". */
export function byAddress(a = '', b = ''): number {
  return addressOrder.compare(a, b);
}

function presentAt(endpoint: Endpoint, atMs: number, share: TimeSpan): Present[] {
  const entry = endpoint.states.at(atMs);
  if (!entry || entry.value.removed) return [];
  const recentPicks = endpoint.readings.sumBetween('picks', share);
  return [{ endpoint, state: entry.value.state, stateSinceMs: entry.sinceMs, error: entry.value.error, recentPicks }];
}

const tally = new LatencyTally();

/** Latencies are of the whole seconds in which the span lies. */
function endsIn({ readings, latencies }: Endpoint, share: TimeSpan) {
  const ended = readings.sumBetween('ended', share);
  tally.clear();
  const { bucketMs } = latencies;
  latencies.addTo(tally, Math.floor(share.fromMs / bucketMs), Math.ceil(share.toMs / bucketMs));
  const known = (value: number) => (ended === 0 || Number.isNaN(value) ? null : value);
  return {
    latencyMs: known(tally.quantileMs(0.5)),
    latencyP95Ms: known(tally.quantileMs(0.95)),
    failureShare: known(readings.sumBetween('failures', share) / ended),
  };
}

/** The last that was known at this moment; a policy that lost its history knows nothing from before. */
function readingsAt(endpoint: Endpoint, atMs: number, knownSinceMs: number, held: boolean) {
  const { readings } = endpoint;
  const end = firstOpenBucket(atMs, readings.bucketMs);
  const since = readings.bucketOf(knownSinceMs);
  const last = (column: 'lagMs' | 'peakMs' | 'success' | 'load', from: number) => {
    const value = held ? readings.last(column, from, end) : NaN;
    return Number.isNaN(value) ? null : value;
  };
  const inflight = readings.last('inflight', -Infinity, end);
  const picked = readings.lastWritten('lastPickMs', -Infinity, end);
  return {
    inflight: Number.isNaN(inflight) ? null : inflight,
    lagMs: last('lagMs', since),
    peakMs: last('peakMs', since),
    success: last('success', since),
    load: last('load', since),
    derived: readings.last('derived', -Infinity, end) === 1,
    lastPickMs: picked < 0 ? null : picked * readings.bucketMs + readings.last('lastPickMs', picked, picked + 1),
  };
}

function totalsAt({ totals }: Endpoint, atMs: number) {
  const end = totals.bucketOf(atMs) + 1;
  const last = (column: 'picks' | 'started' | 'neverStarted' | 'failures') => totals.last(column, -Infinity, end) || 0;
  return {
    picks: last('picks'),
    started: last('started'),
    neverStarted: last('neverStarted'),
    failures: last('failures'),
  };
}

/** Jain's fairness index, (Σx)² / (n Σx²): 1 = all equal, 1/n = one has all; null: nothing to compare. */
export function jain(values: readonly number[]): number | null {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? null : (sum * sum) / (values.length * squares);
}
