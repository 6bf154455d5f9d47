import type { Answer, ChannelView, Opponent } from '../../messages/panel';
import { button, element, foreign, setChildren, setStyle, setText, show } from '../dom';
import { count, times } from '../format';
import { mark } from '../glyphs';
import { t } from '../l10n';
import { colourClass, namedEndpoints, type Look, type Looks } from '../looks';
import type { Side } from './finding';

/** More are one line. */
const mostOpponents = 8;

/** Whom it was compared with, and how that ended. */
export class Opponents {
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
    const bar = element('span', `bar ${colourClass(look)}`);
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
