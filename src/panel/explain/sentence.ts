import type { Candidate, Explanation, Inspection } from '../../messages/panel';
import { count, duration, exactLoad, threeDigits } from '../format';
import { rich, t, type Part } from '../l10n';

type Name = (endpoint: number) => string;
type Verdict<V extends Explanation['verdict']> = Extract<Explanation, { verdict: V }>;

/** Why a pick went as it did, in a sentence with the numbers that were compared. */
export function sentence(inspection: Inspection, name: Name): Part[] {
  const { explanation, pick } = inspection;
  switch (explanation.verdict) {
    case 'lower':
      return [...comparison(inspection, explanation, name), ...because(explanation, inspection)];
    case 'unhealthy':
      return [
        ...rich('No pair of {0} draws was healthy, so the last was compared. ', pick.rejected.length + 1),
        ...comparison(inspection, explanation, name),
        ...because(explanation, inspection),
      ];
    case 'tie':
      return tie(inspection, explanation, name);
    case 'forced':
      return forced(inspection, explanation.winner, explanation.loser, name);
    case 'probe':
      return probe(inspection, explanation, name);
    default:
      return withoutComparison(inspection, explanation, name);
  }
}

type Compared = Verdict<'lower' | 'unhealthy'>;
type Uncompared = Exclude<Explanation, Verdict<'lower' | 'unhealthy' | 'tie' | 'forced' | 'probe'>>;

function withoutComparison({ pick, policy }: Inspection, explanation: Uncompared, name: Name): Part[] {
  const chosen = name(pick.endpoint ?? 0);
  switch (explanation.verdict) {
    case 'only':
      return explanation.winner
        ? rich('**{0} was the only candidate**: nothing was compared.', name(explanation.winner.endpoint))
        : rich('**There was only one candidate**: nothing was compared.');
    case 'turn':
      return turn(explanation, chosen);
    case 'key':
      return rich(
        '**The key of the call belongs to {0}**: calls with the same key go there while it is ready.',
        chosen,
      );
    case 'nokey':
      return rich('**The call had no key**, so {0} was drawn at random.', chosen);
    case 'raced':
      return rich(
        '**{0} was chosen, and what was read does not explain it**: calls ended while it was decided.',
        chosen,
      );
    case 'untold':
      return pick.endpoint === null
        ? rich('**{0} does not tell why.**', policy)
        : rich('**{1} chose {0}**, and does not tell why.', chosen, policy);
    case 'queued':
      return rich('**No endpoint was ready**: the call waits for the next picker.');
    case 'failed':
      return rich('**The picker failed the call with {0}**: nothing was chosen.', explanation.code);
    case 'dropped':
      return rich('**The picker dropped the call with {0}**: nothing was chosen.', explanation.code);
  }
}

function comparison({ scoreOrder }: Inspection, { winner, loser }: Compared, name: Name): Part[] {
  return scoreOrder === 'higher'
    ? rich('**{0} won with weight {1} against {2}**', name(winner.endpoint), load(winner), load(loser))
    : rich('**{0} won with load {1} against {2}**', name(winner.endpoint), load(winner), load(loser));
}

function because(explanation: Compared, inspection: Inspection): Part[] {
  const { winner, loser } = explanation;
  switch (explanation.why) {
    case 'unmeasured':
      return unmeasured(explanation, inspection);
    case 'success':
      return rich(': it fails less often, success {0} against {1}.', outOf1000(winner), outOf1000(loser));
    case 'score':
      return rich('.');
    default:
      return becauseOf(explanation.why, explanation);
  }
}

function becauseOf(why: 'lag' | 'inflight' | 'both', { winner, loser, measure }: Compared): Part[] {
  const [mine, other] = measure === 'peak' ? [winner.peakNs, loser.peakNs] : [winner.lagNs, loser.lagNs];
  const latency = measure === 'peak' ? t('peak') : t('lag');
  const values = [latency, milliseconds(mine), milliseconds(other), count(winner.inflight), count(loser.inflight)];
  switch (why) {
    case 'lag':
      return winner.inflight > loser.inflight
        ? rich(
            ': its {0} was lower, {1} against {2} ms, which outweighs its calls in flight, {3} against {4}.',
            ...values,
          )
        : rich(': its {0} was lower, {1} against {2} ms.', ...values);
    case 'inflight':
      return (mine ?? 0) > (other ?? 0)
        ? rich(
            ': it had fewer calls in flight, {3} against {4}, which outweighs its {0} of {1} against {2} ms.',
            ...values,
          )
        : rich(': it had fewer calls in flight, {3} against {4}.', ...values);
    case 'both':
      return rich(
        ': its {0} was lower, {1} against {2} ms, and so were its calls in flight, {3} against {4}.',
        ...values,
      );
  }
}

function outOf1000({ success }: Candidate): number {
  return Math.round(success ?? 0);
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

/** go-zero keeps the first one drawn; another policy may do otherwise. */
function tie({ policy }: Inspection, { winner, loser }: Verdict<'tie'>, name: Name): Part[] {
  const values = [name(winner.endpoint), name(loser.endpoint), load(winner)] as const;
  return policy === 'p2c_ewma'
    ? rich('**{0} and {1} had the same load, {2}**: then the first one drawn is kept.', ...values)
    : rich('**{0} and {1} had the same load, {2}**, so it did not decide.', ...values);
}

/** In a forced pick the loser of the comparison is the one that is taken. */
function forced({ pick }: Inspection, winner: Candidate, loser: Candidate, name: Name): Part[] {
  const [taken, other] = pick.endpoint === winner.endpoint ? [winner, loser] : [loser, winner];
  const head = rich('**{0} was forced with load {1} against {2}**', name(taken.endpoint), load(taken), load(other));
  return [...head, ...toBeMeasured(taken)];
}

function probe({ pick }: Inspection, { winner, loser }: Verdict<'probe'>, name: Name): Part[] {
  if (!winner) return rich('**{0} was probed**: its lag is to be measured.', name(pick.endpoint ?? 0));
  const head =
    loser?.score == null
      ? rich('**{0} was probed**', name(winner.endpoint))
      : rich('**{0} was probed with load {1} against {2}**', name(winner.endpoint), load(winner), load(loser));
  if (winner.lagNs === 0) return [...head, ...rich(': its lag was not yet measured.')];
  const cause =
    winner.idleMs === null
      ? rich(': it had not been measured for too long.')
      : rich(': it had not been measured for too long, its last pick was {0} before.', duration(winner.idleMs));
  return [...head, ...cause];
}

function toBeMeasured({ idleMs }: Candidate): Part[] {
  return idleMs === null
    ? rich(': it had never been picked, and its lag is to be measured.')
    : rich(': it had not been picked for {0}, and its lag is to be measured again.', duration(idleMs));
}

function turn({ weight, allWeights }: Verdict<'turn'>, name: string): Part[] {
  if (weight === null) return rich('**It was the turn of {0}**, by its weight.', name);
  return allWeights === null
    ? rich('**It was the turn of {0}**, by weight {1}.', name, number(weight))
    : rich('**It was the turn of {0}**, by weight {1} of {2}.', name, number(weight), number(allWeights));
}

/** As the list shows it, with separators: the numbers of the sentence give the choice, too. */
export function load({ score }: Candidate): string {
  return score === null ? '–' : number(score);
}

function number(score: number): string {
  return Number.isInteger(score) ? count(score) : exactLoad(score);
}

function milliseconds(ns: number | null): string {
  return ns === null ? '–' : threeDigits(ns / 1e6);
}
