import type { ReasonCounts } from '../../messages/panel';
import { button, element, setAttribute, setChildren, setText } from '../dom';
import { count, percent } from '../format';
import type { Term } from '../glossary';
import { t } from '../l10n';
import type { Store } from '../store';
import { describeTerm } from '../terms';

/** How many picks went by which reason, and which share of all that is; each is a filter. */
export class ReasonCounters {
  readonly element = element('div', { class: 'counters', role: 'group', 'aria-label': t('Picks by reason') });
  private readonly buttons = new Map<keyof ReasonCounts, HTMLButtonElement>();

  constructor(private readonly store: Store) {}

  render(reasons: ReasonCounts): void {
    const all = reasonWords.reduce((sum, reason) => sum + reasons[reason], 0);
    const { words } = this.store;
    const shown = counters.filter(({ reason }) => reasons[reason] > 0 || words.includes(wordOf(reason)));
    for (const counter of shown) {
      const { reason, label } = counter;
      const made = this.buttonOf(counter);
      const [number, name, share] = made.children;
      setText(number!, count(reasons[reason]));
      setText(name!, label());
      setText(share!, all === 0 ? '' : `${percent(reasons[reason] / all)} %`);
      setAttribute(made, 'aria-pressed', String(words.includes(wordOf(reason))));
    }
    setChildren(
      this.element,
      shown.map((counter) => this.buttonOf(counter)),
    );
  }

  private buttonOf({ reason, term }: Counter): HTMLButtonElement {
    let made = this.buttons.get(reason);
    if (made) return made;
    const className = reason === 'errors' || reason === 'failed' ? 'counter red' : 'counter';
    const toggle = () => toggleReason(this.store, reason);
    made = button(className, toggle, element('b'), ' ', element('span'), ' ', element('span', 'counter-share'));
    describeTerm(made, term);
    this.buttons.set(reason, made);
    return made;
  }
}

/** Filters by it, or no longer; a pick has one reason, so that one takes the place of another. */
export function toggleReason(store: Store, reason: keyof ReasonCounts): void {
  store.toggleWord(wordOf(reason), reason === 'errors' ? [] : reasonWords);
}

/** The word that the filter knows a counter by. */
export function wordOf(reason: keyof ReasonCounts): string {
  return reason === 'errors' ? 'error' : reason;
}

interface Counter {
  readonly reason: keyof ReasonCounts;
  readonly term: Term;
  readonly label: () => string;
}

/** Most frequent first, what is wrong last. */
const counters: readonly Counter[] = [
  { reason: 'lower', term: 'lower', label: () => t('lower') },
  { reason: 'turn', term: 'turn', label: () => t('turn') },
  { reason: 'key', term: 'key', label: () => t('key') },
  { reason: 'tie', term: 'tie', label: () => t('tie') },
  { reason: 'forced', term: 'forced', label: () => t('forced') },
  { reason: 'probe', term: 'probe', label: () => t('probe') },
  { reason: 'nokey', term: 'nokey', label: () => t('no key') },
  { reason: 'only', term: 'only', label: () => t('only one') },
  { reason: 'unhealthy', term: 'unhealthy', label: () => t('sick pair') },
  { reason: 'raced', term: 'raced', label: () => t('raced') },
  { reason: 'untold', term: 'untold', label: () => t('untold') },
  { reason: 'queued', term: 'queued', label: () => t('queued') },
  { reason: 'dropped', term: 'dropped', label: () => t('dropped') },
  { reason: 'failed', term: 'refused', label: () => t('refused') },
  { reason: 'errors', term: 'errors', label: () => t('failed') },
];

const reasonWords = counters.map(({ reason }) => reason).filter((reason) => reason !== 'errors');
