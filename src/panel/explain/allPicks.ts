import type { Answer, ScoreOrder } from '../../messages/panel';
import { button, element, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { count, percent, percentTenths } from '../format';
import { t } from '../l10n';
import { colourClass, type Look } from '../looks';
import { describeTerm } from '../terms';
import { categoriesOf, type Category } from './categories';

/** Most endpoints never have any of these: without picks they are not worth a word. */
const saidWhenFilled: ReadonlySet<Category['kind']> = new Set(['notListed', 'notTold']);

/** What became of all picks of a span, as one endpoint sees it: a bar, and its parts as rows. */
export class AllPicks {
  private readonly bar = element('div', { class: 'all-picks', role: 'img' });
  private readonly caret = element('p', 'caret', element('span'));
  private readonly rows = element('tbody');
  readonly element: HTMLElement;

  /** @param choose shows the picks of a category, where a filter can tell them; else there is no link to them. */
  constructor(private readonly choose: (category: Category) => (() => void) | undefined) {
    describeTerm(this.caret.firstElementChild as HTMLElement, 'chance');
    const table = element('table', { class: 'categories', 'aria-label': t('All picks of the span') }, this.rows);
    this.element = element('div', '', this.bar, this.caret, table);
  }

  render(answer: Answer, order: ScoreOrder, look: Look): void {
    const categories = categoriesOf(answer, order);
    const filled = categories.filter(({ count: picks }) => picks > 0);
    this.drawBar(answer, filled, look);
    this.drawCaret(answer);
    // Those without picks stand together at the end: that nothing was lost to them says something, too.
    const empty = categories.filter(({ count: picks, kind }) => picks === 0 && !saidWhenFilled.has(kind));
    const focused = document.activeElement?.closest('tr')?.dataset.category ?? '';
    const hadFocus = this.rows.contains(document.activeElement);
    setChildren(this.rows, [
      ...filled.map((category) => this.row(category, answer.total, look)),
      ...(empty.length > 0 ? [emptyRow(empty)] : []),
    ]);
    if (hadFocus) this.rows.querySelector<HTMLElement>(`[data-category="${focused}"] button`)?.focus();
  }

  private drawBar({ total }: Answer, filled: readonly Category[], look: Look): void {
    const words = filled.map(({ label, count: picks }) => `${label} ${percentTenths(picks / total)} %`);
    setAttribute(this.bar, 'aria-label', words.join(', '));
    setChildren(
      this.bar,
      filled.map((category) => {
        const part = swatch(category, look);
        part.title = `${category.label}: ${count(category.count)}`;
        setStyle(part, 'flex-grow', String(category.count / total));
        return part;
      }),
    );
  }

  /** How far the part that was not drawn would reach by chance alone. */
  private drawCaret({ total, undecided, notListed, notHeld, notTold, undrawnByChance: chance }: Answer): void {
    const before = undecided + notListed + notHeld + notTold;
    const shown = chance !== null && total > before;
    show(this.caret, shown);
    if (!shown) return;
    const at = (before + chance * (total - before)) / total;
    setText(this.caret.firstElementChild!, t('by chance {0} % not drawn', percent(chance)));
    this.caret.classList.toggle('early', at < 0.5);
    setStyle(this.caret, '--at', `${(at * 100).toFixed(2)}%`);
  }

  private row(category: Category, total: number, look: Look): HTMLElement {
    const { count: picks, label, name } = category;
    const show = this.choose(category);
    const title = t('Show these picks');
    const text = show ? button({ class: 'picks-of', title }, show, label) : label;
    return element(
      'tr',
      { 'data-category': name },
      element('th', { scope: 'row' }, element('span', 'of', swatch(category, look), text)),
      element('td', '', count(picks)),
      element('td', 'muted', `${percentTenths(picks / total)} %`),
    );
  }
}

function emptyRow(empty: readonly Category[]): HTMLElement {
  const labels = empty.map(({ label }) => label).join(t(', '));
  return element(
    'tr',
    { class: 'muted', 'data-category': 'empty' },
    element('th', { scope: 'row' }, labels),
    element('td', '', count(0)),
    element('td', '', `${percentTenths(0)} %`),
  );
}

function swatch({ name, kind }: Category, look: Look): HTMLElement {
  return element('span', `swatch ${kind} ${name} ${colourClass(look)}`);
}
