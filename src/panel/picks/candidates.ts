import type { Candidate, PickRow, ScoreOrder } from '../../messages/panel';

/** Whether the pick compared scores of several candidates: where a turn or a key decides, they are only told. */
export function isCompared({ reason, candidates }: PickRow): boolean {
  const decidedOtherwise = reason === 'turn' || reason === 'key' || reason === 'nokey';
  return !decidedOtherwise && candidates.length >= 2 && candidates.every(({ score }) => score !== null);
}

/** At most so many candidates: the chosen one and the strongest of the others, in the order in which they were drawn. */
export function strongest(pick: PickRow, order: ScoreOrder, most: number): readonly Candidate[] {
  const { candidates, endpoint } = pick;
  if (candidates.length <= most) return candidates;
  const sign = order === 'higher' ? -1 : 1;
  const rank = (candidate: Candidate) =>
    candidate.endpoint === endpoint ? -Infinity : sign * (candidate.score ?? sign * Infinity);
  const kept = new Set([...candidates].sort((a, b) => rank(a) - rank(b)).slice(0, most));
  return candidates.filter((candidate) => kept.has(candidate));
}
