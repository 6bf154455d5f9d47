import type { Candidate, Explanation, Inspection } from '../messages/panel';
import { count, duration, exactLoad, threeDigits } from './format';
import { rich, type Part } from './l10n';

type Name = (endpoint: number) => string;

/** Why a pick went as it did, in a sentence with the numbers that were compared. */
export function sentence(inspection: Inspection, name: Name): Part[] {
  const { explanation, pick, policy } = inspection;
  switch (explanation.verdict) {
    case 'lower':
      return [...comparison(explanation, name), ...because(explanation, inspection)];
    case 'unhealthy':
      return [
        ...rich('No pair of {0} draws was healthy, so the last was compared. ', pick.rejected.length + 1),
        ...comparison(explanation, name),
        ...because(explanation, inspection),
      ];
    case 'tie':
      return rich(
        '**{0} and {1} had the same load, {2}**: then the first one drawn is kept.',
        name(explanation.winner.endpoint),
        name(explanation.loser.endpoint),
        load(explanation.winner),
      );
    case 'forced':
      return forced(inspection, explanation.winner, explanation.loser, name);
    case 'only':
      return explanation.winner
        ? rich('**{0} was the only candidate**: nothing was compared.', name(explanation.winner.endpoint))
        : rich('**There was only one candidate**: nothing was compared.');
    case 'untold':
      return pick.endpoint === null
        ? rich('**{0} does not tell why.**', policy)
        : rich('**{1} chose {0}**, and does not tell why.', name(pick.endpoint), policy);
    case 'queued':
      return rich('**No endpoint was ready**: the call waits for the next picker.');
    case 'failed':
      return rich('**The picker failed the call with {0}**: nothing was chosen.', explanation.code);
    case 'dropped':
      return rich('**The picker dropped the call with {0}**: nothing was chosen.', explanation.code);
  }
}

type Compared = Extract<Explanation, { verdict: 'lower' | 'unhealthy' }>;

function comparison({ winner, loser }: Compared, name: Name): Part[] {
  return rich('**{0} won with load {1} against {2}**', name(winner.endpoint), load(winner), load(loser));
}

function because(explanation: Compared, inspection: Inspection): Part[] {
  const { winner, loser } = explanation;
  const lags = [lag(winner), lag(loser)] as const;
  const flights = [count(winner.inflight), count(loser.inflight)] as const;
  switch (explanation.why) {
    case 'unmeasured':
      return unmeasured(explanation, inspection);
    case 'lag':
      return winner.inflight > loser.inflight
        ? rich(
            ': its lag was lower, {0} against {1} ms, which outweighs its {2} calls in flight against {3}.',
            ...lags,
            ...flights,
          )
        : rich(': its lag was lower, {0} against {1} ms.', ...lags);
    case 'inflight':
      return (winner.lagNs ?? 0) > (loser.lagNs ?? 0)
        ? rich(
            ': it had fewer calls in flight, {2} against {3}, which outweighs its lag of {0} against {1} ms.',
            ...lags,
            ...flights,
          )
        : rich(': it had fewer calls in flight, {0} against {1}.', ...flights);
    case 'both':
      return rich(
        ': its lag was lower, {0} against {1} ms, and so were its calls in flight, {2} against {3}.',
        ...lags,
        ...flights,
      );
    case 'score':
      return rich('.');
  }
}

function unmeasured({ lagBeforeLossNs }: Compared, { generation }: Inspection): Part[] {
  const cause =
    generation.historyLost && generation.ageMs !== null
      ? rich(
          ': its lag was not yet measured, because generation {0} had lost the history {1} before.',
          generation.id,
          duration(generation.ageMs),
        )
      : rich(': its lag was not yet measured.');
  if (lagBeforeLossNs === null) return cause;
  return [...cause, ...rich(' Until then its lag was {0} ms.', threeDigits(lagBeforeLossNs / 1e6))];
}

/** In a forced pick the loser of the comparison is the one that is taken. */
function forced({ pick }: Inspection, winner: Candidate, loser: Candidate, name: Name): Part[] {
  const [taken, other] = pick.endpoint === winner.endpoint ? [winner, loser] : [loser, winner];
  const head = rich('**{0} was forced with load {1} against {2}**', name(taken.endpoint), load(taken), load(other));
  const cause =
    taken.idleMs === null
      ? rich(': it had never been picked, and its lag is to be measured.')
      : rich(': it had not been picked for {0}, and its lag is to be measured again.', duration(taken.idleMs));
  return [...head, ...cause];
}

/** As the list shows it, with separators: the numbers of the sentence give the choice, too. */
export function load({ score }: Candidate): string {
  if (score === null) return '–';
  return Number.isInteger(score) ? count(score) : exactLoad(score);
}

function lag({ lagNs }: Candidate): string {
  return lagNs === null ? '–' : threeDigits(lagNs / 1e6);
}
