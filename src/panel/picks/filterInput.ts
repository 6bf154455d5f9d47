import { capped, element, foreign, setAttribute, setChildren, show } from '../dom';
import { t } from '../l10n';
import type { Store } from '../store';
import { SeenNames, suggestionsFor, type Suggestion } from './suggestions';

const listId = 'filter-suggestions';

/** The text box of the filter, with a list of what may follow. */
export class FilterInput {
  readonly input = element('input', { role: 'combobox' });
  readonly list = element('ul', { class: 'suggestions', role: 'listbox', 'aria-label': t('Suggestions') });
  private readonly seen = new SeenNames();
  private suggestions: readonly Suggestion[] = [];
  private options: readonly HTMLElement[] = [];
  /** Index of the suggestion that the keys would take; -1: none. */
  private active = -1;

  constructor(private readonly store: Store) {
    const { input, list } = this;
    list.id = listId;
    input.type = 'text';
    input.spellcheck = false;
    input.autocomplete = 'off';
    input.maxLength = 500;
    input.placeholder = t('method, address, reason, >20ms');
    const described = { label: t('Filter the picks'), autocomplete: 'list', controls: listId, expanded: 'false' };
    for (const [name, value] of Object.entries(described)) input.setAttribute(`aria-${name}`, value);
    input.value = store.query.filter;
    input.addEventListener('input', () => {
      store.setFilter(input.value);
      this.open();
    });
    input.addEventListener('keydown', (event) => this.key(event));
    input.addEventListener('blur', () => this.close());
    // The box keeps the focus: an option is only pointed at.
    list.addEventListener('pointerdown', (event) => event.preventDefault());
    list.addEventListener('click', ({ target }) => this.take(this.options.indexOf((target as Element).closest('li')!)));
    this.close();
  }

  focus(): void {
    this.input.focus();
    this.input.select();
  }

  render(): void {
    if (this.store.channel) this.seen.see(this.store.channel);
    if (this.input.value !== this.store.query.filter) this.input.value = this.store.query.filter;
  }

  private get isOpen(): boolean {
    return !this.list.hidden;
  }

  private open(): void {
    const { channel } = this.store;
    this.suggestions = channel ? suggestionsFor(this.token().text, channel, this.seen) : [];
    this.options = this.suggestions.map(({ token, meaning }, index) => {
      const option = element(
        'li',
        { role: 'option' },
        foreign(token, { class: 'token' }),
        element('span', 'muted', capped(meaning)),
      );
      option.id = `${listId}-${index}`;
      return option;
    });
    setChildren(this.list, this.options);
    show(this.list, this.options.length > 0);
    setAttribute(this.input, 'aria-expanded', String(this.isOpen));
    this.activate(-1);
  }

  private close(): void {
    show(this.list, false);
    setAttribute(this.input, 'aria-expanded', 'false');
    this.activate(-1);
  }

  private activate(index: number): void {
    this.active = index;
    for (const [place, option] of this.options.entries())
      setAttribute(option, 'aria-selected', String(place === index));
    const option = this.options[index];
    setAttribute(this.input, 'aria-activedescendant', option?.id ?? null);
    option?.scrollIntoView({ block: 'nearest' });
  }

  private key(event: KeyboardEvent): void {
    const { key } = event;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.step(key === 'ArrowDown' ? 1 : -1);
    else if (!this.isOpen) return;
    else if ((key === 'Enter' || key === 'Tab') && this.active >= 0) this.take(this.active);
    else if (key === 'Enter' || key === 'Escape') this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Past an end nothing is active, then the other end is. */
  private step(by: number): void {
    if (!this.isOpen) this.open();
    const places = this.options.length + 1;
    this.activate(((this.active + 1 + by + places) % places) - 1);
  }

  private take(index: number): void {
    const suggestion = this.suggestions[index];
    if (!suggestion) return;
    const { input } = this;
    const { start, end } = this.token();
    const text = suggestion.open ? suggestion.token : `${suggestion.token} `;
    input.setRangeText(text, start, end, 'end');
    this.store.setFilter(input.value);
    if (suggestion.open) this.open();
    else this.close();
  }

  /** The token at the caret: white space within quotation marks belongs to it. */
  private token(): { readonly text: string; readonly start: number; readonly end: number } {
    const { value } = this.input;
    const caret = this.input.selectionStart ?? value.length;
    for (const { index, 0: text } of value.matchAll(/(?:"[^"]*"?|[^\s"])+/g)) {
      const end = index + text.length;
      if (index <= caret && caret <= end) return { text, start: index, end };
    }
    return { text: '', start: caret, end: caret };
  }
}
