import type { Inspection, Neighbour } from '../messages/panel';
import type { Dictionary } from './dictionary';
import type { Channel, Endpoint } from './entities';
import { explain } from './explain';
import { isHeld } from './held';
import { pickRow, policyOf } from './pickRows';
import { inFlight, type PickRing } from './pickRing';
import type { Registry } from './registry';

/** How many rows each way are searched for neighbours and for the completion before: an inspection stays cheap. */
const maxSearch = 20_000;

/** All about one pick; the ring must have it. */
export function inspect(key: number, ring: PickRing, registry: Registry, texts: Dictionary): Inspection {
  const pick = pickRow(key, ring, registry, texts);
  const slot = ring.slot(key);
  const generation = registry.generations.get(ring.generation[slot]!);
  const channel = registry.channels.get(ring.channel[slot]!);
  const scoreOrder = channel?.path.at(pick.timeMs)?.value.scoreOrder ?? 'none';
  // A loss is that of a generation, or a restart.
  const lostMs = channel?.historyLosses.findLast((ms) => ms <= pick.timeMs) ?? null;
  return {
    pick,
    policy: policyOf(key, ring, registry, texts),
    scoreOrder,
    explanation: explain(pick, scoreOrder, {
      lagBeforeLossNs: (id) => (lostMs === null ? null : lagBefore(lostMs, registry.endpoints.get(id))),
      allWeights: () => (channel ? allWeights(channel, pick.timeMs) : null),
    }),
    generation: {
      id: pick.generation,
      ageMs: generation?.sinceMs == null ? null : Math.max(0, pick.timeMs - generation.sinceMs),
      historyLost: generation?.historyLost ?? false,
    },
    before: neighbour(key, -1, ring),
    after: neighbour(key, 1, ring),
    lagBeforeNs: lagBeforeCompletion(key, ring),
  };
}

/** Of the endpoints that a picker could hold at this moment; null: not each has been seen with its weight. */
function allWeights({ endpoints }: Channel, ms: number): number | null {
  const held = endpoints.filter(({ states }) => isHeld(states.at(ms)?.value.state ?? 'SHUTDOWN'));
  const weights = held.map(({ readings }) => readings.last('load', -Infinity, readings.bucketOf(ms) + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.length === 0 || Number.isNaN(sum) ? null : sum;
}

/** From the aggregates, which reach further back than single picks. */
function lagBefore(ms: number, endpoint: Endpoint | undefined): number | null {
  if (!endpoint) return null;
  const lagMs = endpoint.readings.last('lagMs', -Infinity, endpoint.readings.bucketOf(ms));
  return lagMs > 0 ? lagMs * 1e6 : null;
}

/** The next pick, in this direction, that chose the same endpoint. */
function neighbour(key: number, direction: 1 | -1, ring: PickRing): Neighbour | null {
  const slot = ring.slot(key);
  if (ring.endpoint[slot] === 0) return null;
  for (let steps = 1; steps <= maxSearch && ring.has(key + direction * steps); steps++) {
    const other = ring.slot(key + direction * steps);
    if (ring.endpoint[other] === ring.endpoint[slot])
      return { key: key + direction * steps, ms: Math.abs(ring.timeMs[other]! - ring.timeMs[slot]!) };
  }
  return null;
}

/**
 * The lag of the chosen endpoint just before the pick's call ended: what the completion before it left, or, if that
 * came before the pick, what the picker read.
 */
function lagBeforeCompletion(key: number, ring: PickRing): number | null {
  const slot = ring.slot(key);
  const endpoint = ring.endpoint[slot]!;
  if (endpoint === 0 || ring.outcome[slot] === inFlight) return null;
  let newestMs = ring.timeMs[slot]!;
  let lagNs = lagRead(slot, endpoint, ring);
  const consider = (other: number) => {
    const ended = ring.endpoint[other] === endpoint && ring.outcome[other] !== inFlight;
    if (!ended || ring.endMs[other]! >= ring.endMs[slot]! || ring.endMs[other]! <= newestMs) return;
    if (!Number.isFinite(ring.lagAfterNs[other])) return;
    newestMs = ring.endMs[other]!;
    lagNs = ring.lagAfterNs[other]!;
  };
  for (let other = key - 1; ring.has(other) && key - other <= maxSearch; other--) consider(ring.slot(other));
  for (let other = key + 1; ring.has(other) && other - key <= maxSearch; other++) {
    if (ring.timeMs[ring.slot(other)]! >= ring.endMs[slot]!) break;
    consider(ring.slot(other));
  }
  return lagNs;
}

function lagRead(slot: number, endpoint: number, ring: PickRing): number | null {
  for (let index = 0; index < ring.candidates[slot]!; index++) {
    const entry = ring.entry(slot, index);
    if (ring.entryEndpoint[entry] === endpoint && Number.isFinite(ring.entryLagNs[entry]))
      return ring.entryLagNs[entry]!;
  }
  return null;
}
