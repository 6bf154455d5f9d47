import type { Answer, AnsweredState, ScoreOrder } from '../../messages/panel';
import { count, duration, percent, threeDigits, timeOfDay } from '../format';
import { rich, t, type Part } from '../l10n';
import { sumsOf, type Sums } from './categories';

/** Which question is answered. */
export type Side = 'whyNot' | 'why';

export interface Asked {
  readonly answer: Answer;
  readonly side: Side;
  readonly policy: string;
  readonly scoreOrder: ScoreOrder;
  /** 1 / number of READY endpoints; 0: it is not READY now. */
  readonly fairShare: number;
}

/** At least so much of the picks, and the rest does not matter. */
const most = 0.5;
/** Less is not worth a word beside what matters most. */
const rare = 0.02;
/** Nearer than this to what it is compared with, a share is as that: of itself, or as far as chance goes (standard deviations). */
const near = 0.15;
const deviations = 3;

/** The answer in a sentence or two, most telling first. */
export function finding(asked: Asked): Part[] {
  const { answer, side } = asked;
  const sums = sumsOf(answer);
  if (answer.total === 0) return rich('**No pick was made** in this span.');
  if (sums.decided < (1 - most) * answer.total) return undecided(answer);
  if (answer.notListed + answer.notHeld > most * sums.decided) return absent(answer, sums);
  const main = side === 'why' ? taken(asked, sums) : notTaken(asked, sums);
  return [
    ...main,
    ...notListed(answer, sums),
    ...notHeld(answer, sums),
    ...rejected(answer, sums),
    ...unmeasured(answer, sums),
  ];
}

function undecided({ undecided: picks, total }: Answer): Part[] {
  const values = [percent(picks / total), count(total)] as const;
  return rich('**For {0} % of {1} picks no endpoint was chosen**: they were queued, failed or dropped.', ...values);
}

/** It could not be taken for the most part: of the two whys the greater one first. */
function absent(answer: Answer, sums: Sums): Part[] {
  return answer.notListed > answer.notHeld
    ? [...leftOut(answer, sums), ...notHeld(answer, sums)]
    : notReady(answer, sums);
}

function leftOut({ states, span, notListed: picks }: Answer, { decided }: Sums): Part[] {
  const share = percent(picks / decided);
  const last = states.at(-1);
  if (!last?.removed)
    return rich(
      '**It was not among the resolver’s addresses** for {0} % of the picks: they were made without it.',
      share,
    );
  const values = [timeOfDay(last.sinceMs), duration(span.toMs - last.sinceMs), share] as const;
  return rich(
    '**It was not among the resolver’s addresses since {0}** ({1}): {2} % of the picks were made without it.',
    ...values,
  );
}

function notReady(answer: Answer, sums: Sums): Part[] {
  const { error, head } = notReadyHead(answer, sums);
  const text = error === '' ? [] : [{ text: ` ${error}`, strong: false }];
  return [...head, ...notListed(answer, sums), ...text];
}

function notReadyHead({ states, span, notHeld: picks }: Answer, { decided }: Sums): { head: Part[]; error: string } {
  const share = percent(picks / decided);
  const last = states.at(-1);
  if (!last || isApart(last)) {
    const head = rich('**It was not READY** for {0} % of the picks: the picker did not hold it then.', share);
    return { head, error: '' };
  }
  const { sinceMs, error } = notReadySince(states);
  const values = [timeOfDay(sinceMs), duration(span.toMs - sinceMs), share] as const;
  const head = rich(
    '**It was not READY since {0}** ({1}): the picker did not hold it for {2} % of the picks.',
    ...values,
  );
  return { head, error };
}

/** In a state that is another matter than not being READY: it was, or it was left out. */
function isApart({ state, removed }: AnsweredState): boolean {
  return state === 'READY' || removed;
}

/** The last time that it left READY, or came back to be not READY, and the last error since. */
function notReadySince(states: Answer['states']): { readonly sinceMs: number; readonly error: string } {
  const ready = states.findLastIndex(isApart);
  const since = states.slice(ready + 1);
  return { sinceMs: since[0]?.sinceMs ?? NaN, error: since.findLast(({ error }) => error !== '')?.error ?? '' };
}

function notTaken(asked: Asked, sums: Sums): Part[] {
  const { answer, policy } = asked;
  if (sums.lost === 0 && answer.notDrawn === 0) return withoutCandidates(asked, sums);
  if (sums.drawn === 0)
    return rich('**It was never drawn** in {0} picks: {1} compared others.', count(sums.drawable), policy);
  if (isEqual(sums.taken / sums.held, asked.fairShare)) return asOften(asked, sums);
  return [...drawn(answer, sums), ...compared(asked, sums)];
}

/** Policies that compare nothing, or tell nothing. */
function withoutCandidates(asked: Asked, sums: Sums): Part[] {
  const { answer, policy } = asked;
  const share = percent(sums.taken / sums.held);
  const head =
    (answer.taken.turn ?? 0) > 0
      ? rich(
          '**Its turn came in {0} % of {1} picks**, as its weight says: nothing is compared.',
          share,
          count(sums.held),
        )
      : (answer.taken.key ?? 0) > 0
        ? rich('**{0} % of {1} picks had a key that belongs to it**: nothing is compared.', share, count(sums.held))
        : rich('**It was taken in {0} % of {1} picks.** {2} tells of no candidates.', share, count(sums.held), policy);
  return [...head, ...equalShare(asked)];
}

function asOften(asked: Asked, sums: Sums): Part[] {
  const share = percent(sums.taken / sums.held);
  return [
    ...rich('**It was taken as often as others**, in {0} % of {1} picks.', share, count(sums.held)),
    ...equalShare(asked),
  ];
}

function equalShare({ fairShare }: Asked): Part[] {
  return fairShare === 0 ? [] : rich(' An equal share is {0} %.', percent(fairShare));
}

function drawn({ undrawnByChance }: Answer, { drawn: times, drawable }: Sums): Part[] {
  const values = [percent(times / drawable), count(drawable)] as const;
  if (undrawnByChance === null) return rich('It was drawn in {0} % of {1} picks', ...values);
  const byChance = 1 - undrawnByChance;
  const spread = deviations * Math.sqrt((byChance * undrawnByChance) / drawable) + 0.005;
  const difference = times / drawable - byChance;
  if (Math.abs(difference) <= spread) return rich('It was drawn in {0} % of {1} picks, as chance has it', ...values);
  return difference > 0
    ? rich('It was drawn in {0} % of {1} picks, more than the {2} % of chance', ...values, percent(byChance))
    : rich('It was drawn in {0} % of {1} picks, less than the {2} % of chance', ...values, percent(byChance));
}

/** How the comparisons ended, with the loads that were compared. */
function compared(asked: Asked, { drawn: times, lost, taken: won }: Sums): Part[] {
  const { loadMedian, winnersLoadMedian, lagMedianMs } = asked.answer;
  const head =
    lost > most * times
      ? rich(', and then **lost {0} % of the comparisons**', percent(lost / times))
      : rich(', and then **won {0} % of the comparisons**', percent(won / times));
  if (lost <= most * times || loadMedian === null || winnersLoadMedian === null) return [...head, ...rich('.')];
  const loads = [count(loadMedian), count(winnersLoadMedian)] as const;
  if (asked.scoreOrder === 'higher') return [...head, ...rich(': median weight {0} against {1}.', ...loads)];
  if (lagMedianMs === null) return [...head, ...rich(': median load {0} against {1}.', ...loads)];
  return [...head, ...becauseOfLag(asked, loads, lagMedianMs, loadMedian)];
}

/** Where the load is little more than what its lag alone makes, the lag is why. */
function becauseOfLag({ policy }: Asked, loads: readonly [string, string], lagMs: number, loadMedian: number): Part[] {
  const ofLagAlone = Math.sqrt(lagMs * 1e6 + 1);
  return policy === 'p2c_ewma' && loadMedian < 1.5 * ofLagAlone
    ? rich(': median load {0} against {1}, because its lag is {2} ms.', ...loads, threeDigits(lagMs))
    : rich(': median load {0} against {1}, at a lag of {2} ms.', ...loads, threeDigits(lagMs));
}

function taken(asked: Asked, sums: Sums): Part[] {
  const { answer } = asked;
  if (sums.taken === 0) return rich('**It was not taken once** in {0} picks.', count(sums.held));
  if (sums.lost === 0 && answer.notDrawn === 0) return withoutCandidates(asked, sums);
  return [
    ...rich('**It was taken in {0} % of {1} picks.**', percent(sums.taken / sums.held), count(sums.held)),
    ...equalShare(asked),
    ...rich(' Drawn {0} times, it won {1} % of the comparisons.', count(sums.drawn), percent(sums.taken / sums.drawn)),
  ];
}

/** Worth a word where it is not rare. */
function notListed({ notListed: picks }: Answer, { decided }: Sums): Part[] {
  if (picks < rare * decided) return [];
  return rich(' For **{0} % of the picks it was not among the resolver’s addresses**.', percent(picks / decided));
}

/** As well. */
function notHeld({ notHeld: picks }: Answer, { decided }: Sums): Part[] {
  return picks < rare * decided ? [] : rich(' For **{0} % of the picks it was not READY**.', percent(picks / decided));
}

function rejected({ rejectedDraws }: Answer, { drawable }: Sums): Part[] {
  if (rejectedDraws < rare * drawable) return [];
  return rich(
    ' **{0} more draws of it were rejected**, because it or the other one was unhealthy.',
    count(rejectedDraws),
  );
}

function unmeasured({ takenUnmeasured, historyLossesMs }: Answer, sums: Sums): Part[] {
  if (takenUnmeasured === 0) return [];
  const values = [count(takenUnmeasured), count(sums.taken), count(historyLossesMs.length)] as const;
  return historyLossesMs.length === 0
    ? rich(' {0} of {1} picks took it before it was measured, when its load was near 0.', ...values)
    : historyLossesMs.length === 1
      ? rich(' History was lost once: {0} of {1} picks took it unmeasured, when its load was near 0.', ...values)
      : rich(' History was lost {2} times: {0} of {1} picks took it unmeasured, when its load was near 0.', ...values);
}

function isEqual(share: number, fair: number): boolean {
  return fair > 0 && Math.abs(share - fair) <= near * fair;
}

/** The question, with the endpoint's name in it. */
export function question(side: Side): string {
  return side === 'why' ? t('Why {0}?') : t('Why not {0}?');
}
