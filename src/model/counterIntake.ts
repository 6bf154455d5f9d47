import type { Counters, EndpointCounters } from '@pickscope/protocol/messages';
import type { ClientClock } from './clock';
import { recordReading } from './pickIntake';
import type { Registry } from './registry';

/** Records the exact totals as of their moment, and what the policies hold then. */
export function applyCounters(counters: Counters, registry: Registry, clock: ClientClock): void {
  const ms = clock.toMs(counters.timeNs);
  for (const message of counters.channels) {
    const totals = registry.channelOf.get(message.channel)?.totals;
    if (!totals) continue;
    const place = totals.open(ms);
    totals.values.completed[place] = Number(message.picksCompleted);
    totals.values.queued[place] = Number(message.picksQueued);
    totals.values.failed[place] = Number(message.picksFailed);
    totals.values.dropped[place] = Number(message.picksDropped);
  }
  for (const message of counters.endpoints) {
    const endpoint = registry.endpointOf.get(message.endpoint);
    if (!endpoint) continue;
    const { totals } = endpoint;
    const place = totals.open(ms);
    totals.values.picks[place] = Number(message.picks);
    totals.values.started[place] = Number(message.started);
    totals.values.neverStarted[place] = Number(message.neverStarted);
    totals.values.failures[place] = failures(message);
    recordReading(endpoint, ms, message);
  }
}

/** Ends with another status than OK. */
function failures({ codes, completionsByCode }: EndpointCounters): number {
  return codes.reduce((sum, code, index) => (code === 0 ? sum : sum + Number(completionsByCode[index] ?? 0n)), 0);
}
