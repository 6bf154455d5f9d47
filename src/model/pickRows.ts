import { PickFlag } from '@pickscope/protocol/messages';
import type { Candidate, Outcome, PickRow, RejectedCandidate } from '../messages/panel';
import type { Dictionary } from './dictionary';
import { reasons } from './pickIntake';
import { inFlight, pickedAgain, type PickRing } from './pickRing';
import type { Registry } from './registry';
import { statusName } from './statusCodes';

/** The row of this key as the panel shows it; the ring must have it. */
export function pickRow(key: number, ring: PickRing, registry: Registry, texts: Dictionary): PickRow {
  const slot = ring.slot(key);
  const reason = reasons[ring.reason[slot]!] ?? 'untold';
  const refused = reason === 'failed' || reason === 'dropped';
  return {
    key,
    timeMs: ring.timeMs[slot]!,
    call: ring.call[slot]!,
    attempt: ring.attempt[slot]!,
    generation: registry.generations.get(ring.generation[slot]!)?.wireId ?? 0,
    method: texts.text(ring.method[slot]!),
    reason,
    endpoint: ring.endpoint[slot]! || null,
    candidates: candidatesOf(slot, ring),
    rejected: rejectedOf(slot, ring),
    code: refused ? statusName(ring.code[slot]!) : null,
    derived: (ring.flags[slot]! & PickFlag.DERIVED) !== 0,
    outcome: outcomeOf(slot, ring),
  };
}

/** The name of the policy that decided the row of this key; '': it is not known. */
export function policyOf(key: number, ring: PickRing, registry: Registry, texts: Dictionary): string {
  const slot = ring.slot(key);
  const path = registry.channels.get(ring.channel[slot]!)?.path;
  return texts.text(ring.policy[slot]!) || (path?.at(ring.timeMs[slot]!)?.value.names.at(-1) ?? '');
}

function candidatesOf(slot: number, ring: PickRing): Candidate[] {
  return Array.from({ length: ring.candidates[slot]! }, (_, index) => {
    const entry = ring.entry(slot, index);
    return {
      endpoint: ring.entryEndpoint[entry]!,
      lagNs: known(ring.entryLagNs[entry]!),
      peakNs: known(ring.entryPeakNs[entry]!),
      success: known(ring.entrySuccess[entry]!),
      inflight: ring.entryInflight[entry]!,
      score: known(ring.entryScore[entry]!),
      idleMs: known(ring.entryIdleMs[entry]!),
      healthy: ring.entryHealthy[entry] === 1,
    };
  });
}

function rejectedOf(slot: number, ring: PickRing): RejectedCandidate[][] {
  const perDraw = ring.candidates[slot]!;
  return Array.from({ length: ring.rejectedDraws[slot]! }, (_, draw) =>
    Array.from({ length: perDraw }, (_none, index) => {
      const entry = ring.entry(slot, perDraw * (1 + draw) + index);
      return { endpoint: ring.entryEndpoint[entry]!, success: known(ring.entrySuccess[entry]!) };
    }),
  );
}

function outcomeOf(slot: number, ring: PickRing): Outcome | null {
  if (ring.outcome[slot] === inFlight) return null;
  const lagAfterNs = known(ring.lagAfterNs[slot]!);
  const successAfter = known(ring.successAfter[slot]!);
  const latencyNs = known(ring.latencyNs[slot]!);
  return {
    code: ring.outcome[slot] === pickedAgain ? '' : statusName(ring.outcome[slot]!),
    latencyMs: latencyNs === null ? null : latencyNs / 1e6,
    lagAfterNs,
    successAfter,
    // A count has no NaN: where neither average is kept, the completion did not reach the policy.
    inflightAfter: lagAfterNs === null && successAfter === null ? null : ring.inflightAfter[slot]!,
  };
}

function known(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
