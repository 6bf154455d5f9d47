import type { ChannelView, FilterError } from '../../messages/panel';
import { button, capped, element, setText, show } from '../dom';
import { count, timeOfDay } from '../format';
import { icon } from '../glyphs';
import { t } from '../l10n';
import type { Store } from '../store';
import { describeTerm } from '../terms';
import { FilterInput } from './filterInput';
import { ReasonCounters } from './reasonCounters';
import './filterBar.css';

/** The box that filters list, charts and exports, what it does to them, and the counts by reason, which are filters, too. */
export class FilterBar {
  readonly element = element('section', 'filter');
  private readonly box: FilterInput;
  private readonly counters: ReasonCounters;
  private readonly note = element('span', 'note muted');
  private readonly newest: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly error = element('p', { class: 'red small', role: 'status' });
  private readonly reach = element('p', 'small muted');
  private readonly drops = element('p', 'small muted');

  constructor(private readonly store: Store) {
    this.box = new FilterInput(store);
    this.counters = new ReasonCounters(store);
    this.newest = button({ class: 'note link', title: t('Go to the newest pick') }, () => store.release());
    this.clear = button(
      { class: 'icon-button', 'aria-label': t('Clear the filter'), title: t('Clear the filter') },
      () => this.empty(),
      icon('close'),
    );
    const exported = t('Export these picks…');
    const save = button(
      { class: 'icon-button', 'aria-label': exported, title: exported },
      () => store.command({ name: 'exportPicks' }),
      icon('save'),
    );
    describeTerm(this.drops, 'drops');
    const { input, list } = this.box;
    const field = element('div', 'box', icon('funnel', 'muted'), input, this.note, this.newest, this.clear);
    this.element.append(
      element('div', 'filter-line', field, save, list),
      this.error,
      this.counters.element,
      this.reach,
      this.drops,
    );
  }

  focus(): void {
    this.box.focus();
  }

  render(): void {
    const { channel, query } = this.store;
    show(this.element, channel !== undefined);
    if (!channel) return;
    this.box.render();
    show(this.clear, query.filter !== '');
    this.renderNotes(channel);
    show(this.error, channel.filterError !== undefined);
    setText(this.error, channel.filterError ? problemOf(channel.filterError) : '');
    this.counters.render(channel.reasons);
    const reach = this.reachOf();
    show(this.reach, reach !== '');
    setText(this.reach, reach);
    const { picks, completions } = channel.drops;
    show(this.drops, picks + completions > 0);
    setText(this.drops, t('{0} picks and {1} completions dropped', count(picks), count(completions)));
  }

  private renderNotes({ held, matching, retained }: ChannelView): void {
    const isHeld = this.store.held && !this.store.paused;
    const narrows = this.store.query.filter !== '';
    show(this.newest, isHeld);
    setText(this.newest, t('held, {0} newer', count(held)));
    show(this.note, !isHeld && narrows);
    setText(this.note, t('{0} of {1} picks', count(matching), count(retained)));
  }

  /** Series of what a filter wants are counted from single picks, which go back less far than the others do. */
  private reachOf(): string {
    const { chart, query } = this.store;
    if (query.filter.trim() === '' || chart?.filteredSinceMs === undefined) return '';
    const since = chart.filteredSinceMs;
    if (since === null) return t('Charts count only matching picks; none are kept.');
    if (since <= chart.span.fromMs) return t('Charts count only matching picks.');
    return t('Charts count only matching picks, kept back to {0}.', timeOfDay(since));
  }

  private empty(): void {
    this.store.setFilter('');
    this.box.input.focus();
  }
}

/** What is not understood, and what is instead. */
function problemOf({ token, reason }: FilterError): string {
  const text = capped(token, 60);
  switch (reason) {
    case 'nothing':
      return t('“{0}” does not say what to look for; all picks are shown.', text);
    case 'number':
      return t('“{0}” needs a number, as in >20ms or load:>1000; all picks are shown.', text);
    case 'unit':
      return t('“{0}” has a unit that is not known: us, ms or s; all picks are shown.', text);
    case 'quote':
      return t('“{0}” has a quotation mark that is not closed; all picks are shown.', text);
  }
}
