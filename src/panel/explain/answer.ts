import type { Answer, ChannelView, Opponent } from '../../messages/panel';
import {
  button,
  capped,
  element,
  foreign,
  setAttribute,
  setChildren,
  setStyle,
  setText,
  show,
  withNodes,
} from '../dom';
import { count, duration, percent, percentTenths, timeOfDay, times } from '../format';
import { icon, isFailing, mark, stateIcon } from '../glyphs';
import { t } from '../l10n';
import { namedEndpoints, type Look, type Looks } from '../looks';
import { describeTerm } from '../terms';
import type { Store } from '../store';
import { answerText } from './answerText';
import { categoriesOf, type Category } from './categories';
import { finding, question, type Asked, type Side } from './finding';
import { parts } from './parts';
import './answer.css';

/** ms; a live answer is read, so its numbers change no faster. */
const readingTime = 1000;
const mostOpponents = 8;
const mostStates = 12;

/** Why an endpoint was taken in a span of time, and why not. */
export class AnswerView {
  readonly element = element('section', 'answer');
  private readonly heading = element('h2');
  private readonly span = element('span', 'muted small span');
  private readonly sentence = element('p', 'sentence');
  private readonly bar = element('div', { class: 'all-picks', role: 'img' });
  private readonly caret = element('p', 'caret', element('span'));
  private readonly rows = element('tbody');
  private readonly opponents = new Opponents((endpoint) => this.store.askWhy(endpoint));
  private readonly states = element('ol', 'states-in-span');
  private readonly losses = element('p', 'small losses');
  private readonly source = element('p', 'muted small');
  private readonly other: HTMLButtonElement;
  private readonly copied = element('span', { class: 'muted small', role: 'status' });
  private side: Side = 'whyNot';
  private drawn = '';
  private subject = '';
  private drawnAt = -Infinity;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
  ) {
    const close = t('Close (Esc)');
    this.other = button('link small', () => this.turn());
    this.element.setAttribute('aria-label', t('Why an endpoint was taken, and why not'));
    describeTerm(this.caret.firstElementChild as HTMLElement, 'chance');
    this.element.append(
      element(
        'div',
        'heading',
        this.heading,
        this.span,
        button({ class: 'icon-button', 'aria-label': close, title: close }, () => store.askWhy(null), icon('close')),
      ),
      this.sentence,
      this.bar,
      this.caret,
      element('table', { class: 'categories', 'aria-label': t('All picks of the span') }, this.rows),
      this.opponents.element,
      this.states,
      this.losses,
      this.source,
      element(
        'p',
        'actions',
        this.other,
        button('link small', () => void this.copy(), t('Copy as text')),
        this.copied,
      ),
    );
  }

  render(): void {
    const { channel, explained, query } = this.store;
    const answer = explained === 'endpoint' ? channel?.answer : undefined;
    show(this.element, answer !== undefined);
    if (!channel || !answer) {
      this.drawn = '';
      return;
    }
    const subject = JSON.stringify([answer.endpoint, this.side, query.selection, query.untilMs, query.windowSeconds]);
    const now = performance.now();
    if (subject === this.subject && channel.live && now - this.drawnAt < readingTime) return;
    const signature = JSON.stringify([subject, answer, namedEndpoints(channel).map(({ label }) => label)]);
    // Made anew only when it says something else: what is selected in it, and the focus, stay.
    if (signature === this.drawn) return;
    if (this.drawn === '') requestAnimationFrame(() => this.element.scrollIntoView({ block: 'nearest' }));
    [this.subject, this.drawn, this.drawnAt] = [subject, signature, now];
    this.draw(channel, answer);
  }

  private turn(): void {
    this.side = this.side === 'why' ? 'whyNot' : 'why';
    this.copied.textContent = '';
    this.render();
  }

  private async copy(): Promise<void> {
    const { channel } = this.store;
    if (!channel?.answer) return;
    const asked = this.askedOf(channel, channel.answer);
    await navigator.clipboard.writeText(answerText(asked, namesOf(channel)));
    this.copied.textContent = t('Copied.');
  }

  private askedOf({ policyPath, scoreOrder, endpoints }: ChannelView, answer: Answer): Asked {
    const fairShare = endpoints.find(({ id }) => id === answer.endpoint)?.fairShare ?? 0;
    return { answer, side: this.side, policy: capped(policyPath.at(-1) ?? '', 60), scoreOrder, fairShare };
  }

  private draw(channel: ChannelView, answer: Answer): void {
    const look = this.looks.of(answer.endpoint);
    const names = namesOf(channel);
    const name = element('span', 'endpoint-name', mark(look, true), ' ', foreign(names(answer.endpoint)));
    setChildren(this.heading, withNodes(question(this.side), [name]));
    setText(this.span, spanText(answer));
    const said = parts(finding(this.askedOf(channel, answer)));
    if (this.sentence.textContent !== said.map(({ textContent }) => textContent).join(''))
      setChildren(this.sentence, said);
    const categories = categoriesOf(answer, channel.scoreOrder);
    this.drawBar(answer, categories, look);
    this.drawCaret(answer);
    setChildren(this.rows, categoryRows(categories, answer.total, look));
    this.opponents.render(answer, this.side, channel, this.looks, names);
    this.drawStates(answer);
    this.drawLosses(answer);
    setText(this.source, sourceOf(answer, channel));
    setText(this.other, this.side === 'why' ? t('Why not this one?') : t('Why this one?'));
  }

  private drawBar({ total }: Answer, categories: readonly Category[], look: Look): void {
    const filled = categories.filter(({ count: picks }) => picks > 0);
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
  private drawCaret(answer: Answer): void {
    const { total, undecided, notHeld, notTold, undrawnByChance: chance } = answer;
    const before = undecided + notHeld + notTold;
    const shown = chance !== null && total > before;
    show(this.caret, shown);
    if (!shown) return;
    const at = (before + chance * (total - before)) / total;
    const text = this.caret.firstElementChild!;
    setText(text, t('by chance {0} % not drawn', percent(chance)));
    this.caret.classList.toggle('early', at < 0.5);
    setStyle(this.caret, '--at', `${(at * 100).toFixed(2)}%`);
  }

  private drawStates({ states, span }: Answer): void {
    const told = states.length > 1 || states.some(({ state }) => state !== 'READY');
    show(this.states, told);
    if (!told) return;
    const shown = states.slice(-mostStates);
    const rows = shown.map(({ sinceMs, state, error }, index) => {
      const until = shown[index + 1]?.sinceMs ?? span.toMs;
      return element(
        'li',
        isFailing(state) ? 'red' : '',
        element('time', 'muted', timeOfDay(Math.max(sinceMs, span.fromMs))),
        stateIcon(state),
        element('span', '', `${state} `, element('span', 'muted', duration(until - Math.max(sinceMs, span.fromMs)))),
        error === '' ? null : foreign(error, { class: 'muted error', title: capped(error, 2000) }),
      );
    });
    setChildren(this.states, rows);
  }

  private drawLosses({ historyLossesMs: losses }: Answer): void {
    show(this.losses, losses.length > 0);
    if (losses.length === 0) return;
    const links = losses
      .slice(-4)
      .map((atMs) => button('link', () => this.store.goTo(atMs), timeOfDay(atMs)))
      .flatMap((link, index) => (index === 0 ? [link] : [document.createTextNode(', '), link]));
    const more = losses.length > 4 ? ` ${t('and {0} more', count(losses.length - 4))}` : '';
    setChildren(this.losses, [
      element('span', 'muted', t('history lost'), ' '),
      ...links,
      element('span', 'muted', more),
    ]);
  }
}

/** Whom it was compared with, and how that ended. */
class Opponents {
  private readonly title = element('th', { scope: 'col', colspan: '2' });
  private readonly body = element('tbody');
  readonly element: HTMLTableElement;

  constructor(private readonly ask: (endpoint: number) => void) {
    const by = element('th', { scope: 'col', title: t('How many times the score of the other') }, t('by'));
    const head = element('tr', '', this.title, element('th', { scope: 'col' }, t('times')), by);
    this.element = element('table', 'opponents', element('thead', '', head), this.body);
  }

  render(answer: Answer, side: Side, channel: ChannelView, looks: Looks, names: (id: number) => string): void {
    const rows = answer.opponents.map((opponent) => facing(opponent, side)).filter(({ picks }) => picks > 0);
    show(this.element, rows.length > 0);
    setText(this.title, side === 'why' ? t('won against') : t('lost to'));
    const largest = Math.max(...rows.map(({ picks }) => picks));
    const order = new Map(namedEndpoints(channel).map(({ id }, index) => [id, index]));
    const place = ({ endpoint }: Facing) => order.get(endpoint) ?? Infinity;
    const shown = [...rows].sort((a, b) => b.picks - a.picks).slice(0, mostOpponents);
    // By address: those who lead each other by turns must not change places while they are read.
    shown.sort((a, b) => place(a) - place(b));
    const focused = document.activeElement?.getAttribute('data-endpoint');
    const hadFocus = this.body.contains(document.activeElement);
    setChildren(this.body, [
      ...shown.map((row) => this.row(row, looks.of(row.endpoint), names(row.endpoint), row.picks / largest)),
      ...(rows.length > shown.length ? [othersRow(rows.length - shown.length)] : []),
    ]);
    if (hadFocus) this.body.querySelector<HTMLElement>(`[data-endpoint="${focused}"]`)?.focus();
  }

  private row({ endpoint, picks, by }: Facing, look: Look, name: string, part: number): HTMLTableRowElement {
    const bar = element('span', `bar ${colourOf(look)}`);
    setStyle(bar, 'width', `${(part * 100).toFixed(1)}%`);
    const label = button(
      { class: 'endpoint-name', 'data-endpoint': String(endpoint), title: t('Why not this one?') },
      () => this.ask(endpoint),
      mark(look, true),
      ' ',
      foreign(name),
    );
    return element(
      'tr',
      '',
      element('th', { scope: 'row' }, label),
      element('td', { class: 'part', 'aria-hidden': 'true' }, bar),
      element('td', '', count(picks)),
      element('td', 'muted', by === null ? '–' : t('{0} ×', times(by))),
    );
  }
}

interface Facing {
  readonly endpoint: number;
  readonly picks: number;
  readonly by: number | null;
}

function facing({ endpoint, lostTo, lostBy, wonAgainst, wonBy }: Opponent, side: Side): Facing {
  return side === 'why' ? { endpoint, picks: wonAgainst, by: wonBy } : { endpoint, picks: lostTo, by: lostBy };
}

function othersRow(others: number): HTMLTableRowElement {
  return element('tr', 'muted', element('td', { class: 'others', colspan: '4' }, t('{0} others', count(others))));
}

/** Those with picks in them, and at the end the empty ones in one line. */
function categoryRows(categories: readonly Category[], total: number, look: Look): HTMLElement[] {
  const filled = categories.filter(({ count: picks }) => picks > 0);
  const empty = categories.filter(({ count: picks, kind }) => picks === 0 && kind !== 'notTold');
  const rows = filled.map((category) =>
    row(category.label, category.count, total, swatch(category, look), category.name),
  );
  if (empty.length === 0) return rows;
  return [...rows, row(empty.map(({ label }) => label).join(t(', ')), 0, total, element('span', 'swatch'), 'empty')];
}

function row(label: string, picks: number, total: number, swatchOf: HTMLElement, name: string): HTMLElement {
  const share = total > 0 ? percentTenths(picks / total) : '0';
  return element(
    'tr',
    { class: picks === 0 ? 'muted' : '', 'data-category': name },
    element('th', { scope: 'row', title: label }, swatchOf, label),
    element('td', '', count(picks)),
    element('td', 'muted', `${share} %`),
  );
}

function swatch({ name, kind }: Category, look: Look): HTMLElement {
  return element('span', `swatch ${kind} ${name} ${colourOf(look)}`);
}

function colourOf({ colour }: Look): string {
  return colour === null ? 'series-other' : `series-${colour}`;
}

function namesOf(channel: ChannelView): (endpoint: number) => string {
  const names = new Map(namedEndpoints(channel).map(({ id, label }) => [id, label]));
  return (endpoint) => capped(names.get(endpoint) ?? t('an endpoint that is gone'), 80);
}

export function spanText({ span }: Answer): string {
  return t('{0} to {1}', timeOfDay(span.fromMs), timeOfDay(span.toMs));
}

function sourceOf({ source, total }: Answer, { oldestPickMs }: ChannelView): string {
  if (source === 'picks') return t('Counted from {0} single picks.', count(total));
  return oldestPickMs === null
    ? t('Counted from aggregates by the second.')
    : t('Counted from aggregates by the second: single picks are kept back to {0}.', timeOfDay(oldestPickMs));
}
