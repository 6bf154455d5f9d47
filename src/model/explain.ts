import type { Candidate, Explanation, PickRow } from '../messages/panel';

type Why = Extract<Explanation, { verdict: 'lower' | 'unhealthy' }>['why'];

/**
 * Why a pick went as it did, from what its picker read and nothing else.
 *
 * @param scoreOrder which score wins in the policy that decided.
 * @param lagBeforeLossNs last lag known of an endpoint before its history was lost; null: none, or nothing was lost.
 */
export function explain(
  pick: PickRow,
  scoreOrder: 'lower' | 'higher' | 'none',
  lagBeforeLossNs: (endpoint: number) => number | null,
): Explanation {
  const { reason } = pick;
  if (reason === 'queued') return { verdict: reason };
  if (reason === 'failed' || reason === 'dropped') return { verdict: reason, code: pick.code ?? 'UNKNOWN' };
  const winner = pick.candidates.find((candidate) => candidate.endpoint === pick.endpoint) ?? null;
  if (reason === 'only') return { verdict: 'only', winner };
  const others = pick.candidates.filter((candidate) => candidate !== winner);
  const loser = best(others, scoreOrder);
  if (reason === 'untold' || !winner || !loser) return { verdict: 'untold' };
  return explainComparison(pick, reason, winner, loser, scoreOrder, lagBeforeLossNs);
}

function explainComparison(
  pick: PickRow,
  reason: 'lower' | 'unhealthy' | 'tie' | 'forced',
  winner: Candidate,
  loser: Candidate,
  scoreOrder: 'lower' | 'higher' | 'none',
  lagBeforeLossNs: (endpoint: number) => number | null,
): Explanation {
  if (reason === 'tie' || reason === 'forced') return { verdict: reason, winner, loser };
  const why = pick.derived || scoreOrder !== 'lower' ? 'score' : whyLower(winner, loser);
  return {
    verdict: reason,
    winner,
    loser,
    why,
    lagBeforeLossNs: why === 'unmeasured' ? lagBeforeLossNs(winner.endpoint) : null,
  };
}

/** What made the load lower, where a load is a product that rises with lag and inflight (go-zero's p2c.go, load). */
function whyLower(winner: Candidate, loser: Candidate): Why {
  if (winner.lagNs === null || loser.lagNs === null) return 'score';
  const lessLag = winner.lagNs < loser.lagNs;
  const fewerCalls = winner.inflight < loser.inflight;
  if (winner.lagNs === 0 && lessLag) return 'unmeasured';
  if (lessLag && fewerCalls) return 'both';
  if (lessLag) return 'lag';
  return fewerCalls ? 'inflight' : 'score';
}

/** The strongest of those that were not taken. */
function best(candidates: readonly Candidate[], scoreOrder: 'lower' | 'higher' | 'none'): Candidate | undefined {
  const sign = scoreOrder === 'higher' ? -1 : 1;
  const rank = (candidate: Candidate) => (candidate.score === null ? Infinity : sign * candidate.score);
  let strongest = candidates[0];
  for (const candidate of candidates) if (rank(candidate) < rank(strongest!)) strongest = candidate;
  return strongest;
}
