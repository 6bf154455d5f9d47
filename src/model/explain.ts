import type { Candidate, Explanation, PickRow, Reason, ScoreOrder } from '../messages/panel';

type Comparison = Extract<Explanation, { verdict: 'lower' | 'unhealthy' }>;

/** What was known of the endpoints when the pick was made, besides what its row tells. */
export interface Past {
  /** The last lag known of an endpoint before its history was lost; null: none, or nothing was lost. */
  lagBeforeLossNs(endpoint: number): number | null;
  /** Sum of the weights of all that could be picked; null: not all are known. */
  allWeights(): number | null;
}

/** What two candidates are told apart by. */
type Difference = Pick<Comparison, 'why' | 'measure'>;

/**
 * Why a pick went as it did, from what its picker read and nothing else.
 *
 * @param scoreOrder which score wins in the policy that decided.
 */
export function explain(pick: PickRow, scoreOrder: ScoreOrder, past: Past): Explanation {
  const { reason, endpoint } = pick;
  const winner = pick.candidates.find((candidate) => candidate.endpoint === endpoint) ?? null;
  if (isPlain(reason)) return { verdict: reason };
  switch (reason) {
    case 'failed':
    case 'dropped':
      return { verdict: reason, code: pick.code ?? 'UNKNOWN' };
    case 'only':
      return { verdict: 'only', winner };
    case 'turn':
      return explainTurn(scoreOrder === 'higher' ? (winner?.score ?? null) : null, past);
    default:
      return explainComparison(pick, reason, winner, scoreOrder, past);
  }
}

/** Reasons that say all there is to be said. */
const plain = ['queued', 'untold', 'raced', 'key', 'nokey'] as const;

function isPlain(reason: Reason): reason is (typeof plain)[number] {
  return (plain as readonly Reason[]).includes(reason);
}

function explainTurn(weight: number | null, past: Past): Explanation {
  return { verdict: 'turn', weight, allWeights: weight === null ? null : past.allWeights() };
}

function explainComparison(
  pick: PickRow,
  reason: 'lower' | 'unhealthy' | 'tie' | 'forced' | 'probe',
  winner: Candidate | null,
  scoreOrder: ScoreOrder,
  past: Past,
): Explanation {
  const others = pick.candidates.filter((candidate) => candidate !== winner);
  const loser = best(others, scoreOrder);
  if (reason === 'probe') return { verdict: 'probe', winner, loser: loser ?? null };
  if (!winner || !loser) return { verdict: 'untold' };
  if (reason === 'tie' || reason === 'forced') return { verdict: reason, winner, loser };
  const difference = pick.derived || scoreOrder !== 'lower' ? byScore : whyLower(winner, loser);
  const before = difference.why === 'unmeasured' ? past.lagBeforeLossNs(winner.endpoint) : null;
  return { verdict: reason, winner, loser, ...difference, lagBeforeLossNs: before };
}

const byScore: Difference = { why: 'score', measure: 'lag' };

/**
 * What made the load lower, where a load is a product that rises with an average of the latency and with inflight
 * (go-zero's p2c.go, load; the same with a peak in place of the mean).
 */
function whyLower(winner: Candidate, loser: Candidate): Difference {
  if (winner.peakNs !== null && loser.peakNs !== null) {
    const why = whyOf(winner.peakNs, loser.peakNs, winner, loser);
    // Only a policy with a peak charges failures as latency.
    const failsLess = why === 'score' && (winner.success ?? 0) > (loser.success ?? 0);
    return { why: failsLess ? 'success' : why, measure: 'peak' };
  }
  if (winner.lagNs === null || loser.lagNs === null) return byScore;
  return { why: whyOf(winner.lagNs, loser.lagNs, winner, loser), measure: 'lag' };
}

function whyOf(mineNs: number, otherNs: number, winner: Candidate, loser: Candidate): Comparison['why'] {
  const faster = mineNs < otherNs;
  const fewerCalls = winner.inflight < loser.inflight;
  if (mineNs === 0 && faster) return 'unmeasured';
  if (faster && fewerCalls) return 'both';
  if (faster) return 'lag';
  return fewerCalls ? 'inflight' : 'score';
}

/** The strongest of those that were not taken. */
function best(candidates: readonly Candidate[], scoreOrder: ScoreOrder): Candidate | undefined {
  const sign = scoreOrder === 'higher' ? -1 : 1;
  const rank = (candidate: Candidate) => (candidate.score === null ? Infinity : sign * candidate.score);
  let strongest = candidates[0];
  for (const candidate of candidates) if (rank(candidate) < rank(strongest!)) strongest = candidate;
  return strongest;
}
