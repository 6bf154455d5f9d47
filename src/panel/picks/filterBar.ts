import type { ChannelView, ReasonCounts } from '../../messages/panel';
import { button, capped, element, setAttribute, setChildren, setText, show } from '../dom';
import { count } from '../format';
import { icon } from '../glyphs';
import { t } from '../l10n';
import type { Store } from '../store';
import './filterBar.css';

/** The box that filters the list, and the counts by reason, which are filters, too. */
export class FilterBar {
  readonly element = element('section', 'filter');
  private readonly input = element('input');
  private readonly note = element('span', 'note muted');
  private readonly clear: HTMLButtonElement;
  private readonly error = element('p', 'red small');
  private readonly drops = element('p', {
    class: 'small muted',
    title: t('More came than could be read in time. The oldest are missing in the list; the counters are exact.'),
  });
  private readonly counters = element('div', { class: 'counters', role: 'group', 'aria-label': t('Picks by reason') });
  private readonly buttons = new Map<keyof ReasonCounts, HTMLButtonElement>();

  constructor(private readonly store: Store) {
    this.input.type = 'text';
    this.input.spellcheck = false;
    this.input.maxLength = 500;
    this.input.placeholder = t('method, address, reason, >20ms');
    this.input.setAttribute('aria-label', t('Filter the picks'));
    this.input.value = store.query.filter;
    this.input.addEventListener('input', () => store.setFilter(this.input.value));
    this.clear = button(
      { class: 'icon-button', 'aria-label': t('Clear the filter') },
      () => this.empty(),
      icon('close'),
    );
    this.element.append(
      element('div', 'box', icon('funnel', 'muted'), this.input, this.note, this.clear),
      this.error,
      this.counters,
      this.drops,
    );
    for (const { reason } of counters) this.buttons.set(reason, this.counter(reason));
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  render(): void {
    const { channel, query } = this.store;
    show(this.element, channel !== undefined);
    if (!channel) return;
    if (this.input.value !== query.filter) this.input.value = query.filter;
    show(this.clear, query.filter !== '');
    setText(this.note, this.noteOf(channel));
    show(this.error, channel.filterError !== undefined);
    if (channel.filterError) {
      setText(this.error, t('“{0}” is not understood; all picks are shown.', capped(channel.filterError.token, 60)));
    }
    this.renderCounters(channel.reasons);
    const { picks, completions } = channel.drops;
    show(this.drops, picks + completions > 0);
    setText(this.drops, t('{0} picks and {1} completions dropped', count(picks), count(completions)));
  }

  private noteOf(channel: ChannelView): string {
    const { held, query } = this.store;
    if (held) return t('held, {0} newer', count(channel.held));
    return query.filter === '' ? '' : t('{0} of {1} picks', count(channel.matching), count(channel.retained));
  }

  private counter(reason: keyof ReasonCounts): HTMLButtonElement {
    const className = reason === 'errors' || reason === 'failed' ? 'counter red' : 'counter';
    return button(
      className,
      () => this.store.toggleWord(wordOf(reason), reason === 'errors' ? [] : reasonWords),
      element('b'),
      ' ',
      element('span'),
    );
  }

  private renderCounters(reasons: ReasonCounts): void {
    const words = this.store.query.filter.split(/\s+/);
    const shown: HTMLButtonElement[] = [];
    for (const { reason, label, title } of counters) {
      const made = this.buttons.get(reason)!;
      const active = words.includes(wordOf(reason));
      if (reasons[reason] === 0 && !active) continue;
      setText(made.firstElementChild!, count(reasons[reason]));
      setText(made.lastElementChild!, label());
      setAttribute(made, 'title', title());
      setAttribute(made, 'aria-pressed', String(active));
      shown.push(made);
    }
    setChildren(this.counters, shown);
  }

  private empty(): void {
    this.store.setFilter('');
    this.input.focus();
  }
}

/** The word that the filter knows a counter by. */
function wordOf(reason: keyof ReasonCounts): string {
  return reason === 'errors' ? 'error' : reason;
}

interface Counter {
  readonly reason: keyof ReasonCounts;
  readonly label: () => string;
  readonly title: () => string;
}

/** Most frequent first, what is wrong last. */
const counters: readonly Counter[] = [
  { reason: 'lower', label: () => t('lower'), title: () => t('The candidate with the lower load was taken.') },
  { reason: 'turn', label: () => t('turn'), title: () => t('Its turn came, by its weight.') },
  { reason: 'key', label: () => t('key'), title: () => t('The key of the call belongs to it.') },
  { reason: 'tie', label: () => t('tie'), title: () => t('The loads were equal.') },
  {
    reason: 'forced',
    label: () => t('forced'),
    title: () => t('The loser was taken, because it had not been picked for too long.'),
  },
  {
    reason: 'probe',
    label: () => t('probe'),
    title: () => t('Taken to measure it: it was never measured, or not for long.'),
  },
  { reason: 'nokey', label: () => t('no key'), title: () => t('The call had no key: one was drawn at random.') },
  { reason: 'only', label: () => t('only one'), title: () => t('There was only one candidate.') },
  {
    reason: 'unhealthy',
    label: () => t('sick pair'),
    title: () => t('No draw gave two healthy candidates; the last pair was compared.'),
  },
  { reason: 'untold', label: () => t('untold'), title: () => t('The policy does not tell why it chose.') },
  {
    reason: 'queued',
    label: () => t('queued'),
    title: () => t('No endpoint was ready: the call waits for the next picker.'),
  },
  { reason: 'dropped', label: () => t('dropped'), title: () => t('The picker dropped the call.') },
  { reason: 'failed', label: () => t('refused'), title: () => t('The picker failed the call: nothing was chosen.') },
  { reason: 'errors', label: () => t('failed'), title: () => t('Calls that ended with another status than OK.') },
];

const reasonWords = counters.filter(({ reason }) => reason !== 'errors').map(({ reason }) => reason);
