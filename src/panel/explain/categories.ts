import type { Answer, Reason, ScoreOrder } from '../../messages/panel';
import { t } from '../l10n';

/** What became of a pick as one endpoint sees it. */
export interface Category {
  /** Of this answer; also the name of its look. */
  readonly name: string;
  readonly kind: 'undecided' | 'notListed' | 'notHeld' | 'notTold' | 'notDrawn' | 'lost' | 'taken';
  readonly label: string;
  readonly count: number;
  /** Why it was lost or taken; undefined: it was neither. */
  readonly reason?: Reason;
  /** Of those taken for the lower load, further words of the filter that tell the unmeasured ones from the others. */
  readonly measured?: string;
}

/** What the filter wants of the picks of a category, of the endpoint with this address; undefined: no filter tells. */
export function filterOf({ kind, reason, measured = '' }: Category, address: string): string | undefined {
  switch (kind) {
    case 'undecided':
      return 'queued|failed|dropped';
    case 'lost':
      return `lost:${address} ${reason}`;
    case 'taken':
      return `endpoint:${address} ${reason}${measured}`;
    default:
      return undefined;
  }
}

/** Every pick of the span in one of them, in the order in which a pick comes about: decided, listed, held, drawn, compared, taken. */
export function categoriesOf(answer: Answer, order: ScoreOrder): Category[] {
  const { undecided, notListed, notHeld, notTold, notDrawn } = answer;
  return [
    { name: 'undecided', kind: 'undecided', label: t('no endpoint chosen'), count: undecided },
    { name: 'notListed', kind: 'notListed', label: t('not among the resolver’s addresses'), count: notListed },
    { name: 'notHeld', kind: 'notHeld', label: t('not READY'), count: notHeld },
    { name: 'notTold', kind: 'notTold', label: t('another taken, candidates not told'), count: notTold },
    { name: 'notDrawn', kind: 'notDrawn', label: t('not drawn'), count: notDrawn },
    ...lostOf(answer, order),
    ...takenOf(answer, order),
  ];
}

/** Main ones stand there also with nothing in them: that says something, too. */
const mainLosses: readonly Reason[] = ['lower'];

function lostOf({ lost }: Answer, order: ScoreOrder): Category[] {
  return reasons
    .filter((reason) => (lost[reason] ?? 0) > 0 || (mainLosses.includes(reason) && order !== 'none'))
    .map((reason) => ({
      name: `lost-${reason}`,
      kind: 'lost',
      label: lostLabel(reason, order),
      count: lost[reason] ?? 0,
      reason,
    }));
}

function takenOf({ taken, takenUnmeasured }: Answer, order: ScoreOrder): Category[] {
  const unmeasured: Category[] =
    takenUnmeasured === 0
      ? []
      : [
          {
            name: 'taken-unmeasured',
            kind: 'taken',
            label: t('taken: not yet measured'),
            count: takenUnmeasured,
            reason: 'lower',
            measured: ' lag:0',
          },
        ];
  const others = reasons
    .map((reason) => ({ reason, count: (taken[reason] ?? 0) - (reason === 'lower' ? takenUnmeasured : 0) }))
    .filter(({ reason, count }) => count > 0 || (reason === 'lower' && order !== 'none'))
    .map(({ reason, count }): Category => {
      const measured = reason === 'lower' && takenUnmeasured > 0 ? ' lag:>0' : '';
      return { name: `taken-${reason}`, kind: 'taken', label: takenLabel(reason, order), count, reason, measured };
    });
  return [...unmeasured, ...others];
}

/** Those that come with a chosen endpoint. */
const reasons: readonly Reason[] = [
  'lower',
  'tie',
  'forced',
  'unhealthy',
  'probe',
  'only',
  'turn',
  'key',
  'nokey',
  'raced',
  'untold',
];

function lostLabel(reason: Reason, order: ScoreOrder): string {
  switch (reason) {
    case 'lower':
      return order === 'higher' ? t('drawn, lost on weight') : t('drawn, lost on load');
    case 'tie':
      return t('drawn, lost a tie');
    case 'forced':
      return t('drawn, lost to a forced pick');
    case 'unhealthy':
      return t('drawn in a sick pair, lost');
    case 'probe':
      return t('drawn, lost to a probe');
    default:
      return t('drawn, another taken');
  }
}

function takenLabel(reason: Reason, order: ScoreOrder): string {
  switch (reason) {
    case 'lower':
      return order === 'higher' ? t('taken: higher weight') : t('taken: lower load');
    case 'tie':
      return t('taken: tie');
    case 'forced':
      return t('taken: forced');
    case 'unhealthy':
      return t('taken: in a sick pair');
    case 'probe':
      return t('taken: to measure it');
    case 'only':
      return t('taken: the only one');
    case 'turn':
      return t('taken: its turn');
    case 'key':
      return t('taken: key of the call');
    case 'nokey':
      return t('taken: call without a key');
    case 'raced':
      return t('taken: raced, not explained');
    default:
      return t('taken, without a reason told');
  }
}

/** Sums that sentences are made of. */
export interface Sums {
  /** Picks for which an endpoint was chosen. */
  readonly decided: number;
  /** Of those, made while the picker held it. */
  readonly held: number;
  /** Of those, made in a way that tells of candidates, or took it. */
  readonly drawable: number;
  readonly drawn: number;
  readonly lost: number;
  readonly taken: number;
}

export function sumsOf({ total, undecided, notListed, notHeld, notTold, notDrawn, lost, taken }: Answer): Sums {
  const decided = total - undecided;
  const held = decided - notListed - notHeld;
  const drawable = held - notTold;
  return { decided, held, drawable, drawn: drawable - notDrawn, lost: sum(lost), taken: sum(taken) };
}

function sum(counts: Readonly<Partial<Record<Reason, number>>>): number {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}
