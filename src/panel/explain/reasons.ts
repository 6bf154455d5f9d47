import type { ReasonCounts, ScoreOrder } from '../../messages/panel';
import { button, element, setAttribute, setChildren, setText, show } from '../dom';
import { count, percentTenths } from '../format';
import { t } from '../l10n';
import { toggleReason, wordOf } from '../picks/reasonCounters';
import { describeTerm } from '../terms';
import type { Term } from '../glossary';
import type { Store } from '../store';

/** How often each branch was taken: of the selected part of the time axis, else of the window. */
export class ReasonTable {
  readonly element = element('section', 'reasons');
  private readonly title = element('th', { scope: 'col' }, t('all picks, by reason'));
  private readonly body = element('tbody');
  private readonly rows = new Map<keyof ReasonCounts, ReasonRow>();

  constructor(private readonly store: Store) {
    const head = element(
      'tr',
      '',
      this.title,
      element('th', { scope: 'col' }, t('picks')),
      element('th', { scope: 'col' }, t('of all')),
    );
    this.element.append(element('table', '', element('thead', '', head), this.body));
  }

  render(): void {
    const { channel } = this.store;
    const total = channel ? totalOf(channel.reasons) : 0;
    show(this.element, total > 0);
    if (!channel || total === 0) return;
    const shown = reasons.filter(
      ({ of, standing }) => channel.reasons[of] > 0 || standing?.(channel.scoreOrder, channel.policyPath.at(-1)),
    );
    const { words } = this.store;
    for (const { of } of shown) this.rowOf(of).render(channel.reasons[of], total, words.includes(wordOf(of)));
    setChildren(
      this.body,
      shown.map(({ of }) => this.rowOf(of).element),
    );
  }

  private rowOf(reason: keyof ReasonCounts): ReasonRow {
    let row = this.rows.get(reason);
    if (!row)
      this.rows.set(
        reason,
        (row = new ReasonRow(
          this.store,
          reasons.find(({ of }) => of === reason)!,
        )),
      );
    return row;
  }
}

class ReasonRow {
  private readonly picks = element('td');
  private readonly part = element('td', 'muted');
  private readonly name: HTMLButtonElement;
  readonly element: HTMLTableRowElement;

  constructor(store: Store, { of, label, term }: ReasonLine) {
    this.name = button('reason-name', () => toggleReason(store, of), label());
    describeTerm(this.name, term);
    const failed = of === 'errors' || of === 'failed';
    this.element = element('tr', failed ? 'red' : '', element('th', { scope: 'row' }, failed ? '✕ ' : '', this.name));
    this.element.append(this.picks, this.part);
    this.element.dataset.reason = of;
  }

  render(picks: number, total: number, filtered: boolean): void {
    setAttribute(this.name, 'aria-pressed', String(filtered));
    setText(this.picks, count(picks));
    setText(this.part, `${percentTenths(picks / total)} %`);
    this.element.classList.toggle('muted', picks === 0);
  }
}

/** Failed calls had a pick before: they count in its reason. */
function totalOf(counts: ReasonCounts): number {
  return reasons.reduce((sum, { of }) => sum + (of === 'errors' ? 0 : counts[of]), 0);
}

interface ReasonLine {
  readonly of: keyof ReasonCounts;
  readonly term: Term;
  readonly label: () => string;
  /** It stands there also with no pick: that none was says something, too. */
  readonly standing?: (order: ScoreOrder, policy: string | undefined) => boolean;
}

const comparesLoads = (order: ScoreOrder) => order === 'lower';
const isP2c = (_: ScoreOrder, policy: string | undefined) => policy === 'p2c_ewma';

const reasons: readonly ReasonLine[] = [
  { of: 'lower', term: 'lower', label: () => t('lower load'), standing: comparesLoads },
  { of: 'turn', term: 'turn', label: () => t('its turn, by weight') },
  { of: 'key', term: 'key', label: () => t('key of the call') },
  { of: 'nokey', term: 'nokey', label: () => t('call without a key') },
  { of: 'probe', term: 'probe', label: () => t('probe, to measure it') },
  { of: 'forced', term: 'forced', label: () => t('forced, loser idle over 1 s'), standing: isP2c },
  { of: 'unhealthy', term: 'unhealthy', label: () => t('no healthy pair in 3 draws'), standing: isP2c },
  { of: 'tie', term: 'tie', label: () => t('tie'), standing: comparesLoads },
  { of: 'only', term: 'only', label: () => t('only one candidate') },
  { of: 'raced', term: 'raced', label: () => t('raced by calls that ended') },
  { of: 'untold', term: 'untold', label: () => t('reason not told') },
  { of: 'queued', term: 'queued', label: () => t('queued, none ready') },
  { of: 'dropped', term: 'dropped', label: () => t('dropped by the picker') },
  { of: 'failed', term: 'refused', label: () => t('refused by the picker') },
  { of: 'errors', term: 'errors', label: () => t('failed, whatever the reason') },
];
