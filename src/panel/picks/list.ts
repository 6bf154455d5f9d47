import type { ChannelView, PickRow, Query, ScoreOrder } from '../../messages/panel';
import { element, setAttribute, setStyle, setText, show } from '../dom';
import { clock, timeOfDay } from '../format';
import { t } from '../l10n';
import { namedEndpoints, type Looks } from '../looks';
import { RowPool } from '../rowPool';
import type { Store } from '../store';
import { VirtualScroll } from '../virtualScroll';
import { isCompared } from './candidates';
import { edgeBetween, generationsOf, type Generations } from './edges';
import { PickTableRow, type PickRowContext } from './pickRow';
import './list.css';

/** px; as list.css has them. */
const rowHeight = 24;
const headHeight = 24;
/** Rows above and below those in view that exist while the list stands still, so that a step of the wheel shows no gap. */
const spareRows = 8;
/** Rows around those in view that are asked for: what a page up or down needs. */
const rowsAround = 60;
/** Asked for are whole multiples of so many rows: not each step of the wheel is a question to the host. */
const askedTogether = 20;

const steps: Readonly<Record<string, (page: number) => number>> = {
  ArrowUp: () => -1,
  ArrowDown: () => 1,
  PageUp: (page) => -page,
  PageDown: (page) => page,
  Home: () => -Infinity,
  End: () => Infinity,
};

/** The list of picks, newest first: of however many there are, only the rows in view exist. */
export class PickList {
  readonly element = element('section', 'picks');
  private readonly body = element('tbody', { role: 'rowgroup' });
  private readonly minute = element('span', 'minute-head');
  private readonly heads = new Map<string, HTMLTableCellElement>();
  private readonly table: HTMLTableElement;
  private readonly scroller = element('div', 'scroller');
  private readonly foot = element('p', 'muted empty-list');
  private readonly rows = new RowPool(this.body, () => new PickTableRow());
  private readonly scroll: VirtualScroll;
  private context: PickRowContext | undefined;
  private generations: Generations = new Map();
  /** Of what the list was drawn last. */
  private drawn: Query | undefined;
  /** Index of the row to go to, once it is there. */
  private goal: number | undefined;
  private revealed = '';

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
  ) {
    this.table = this.buildTable();
    this.scroller.append(this.table, this.foot);
    this.element.append(this.scroller);
    this.scroll = new VirtualScroll(this.scroller, this.body, rowHeight, headHeight, () => this.moved());
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.body.addEventListener('pointerenter', () => store.hold());
    this.element.addEventListener('pointerleave', () => this.left());
    this.body.addEventListener('focusin', () => store.hold());
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.left();
    });
    this.body.addEventListener('click', (event) => this.inspect(event));
    this.body.addEventListener('keydown', (event) => this.walk(event));
  }

  /** The roles are named, since rows that are laid out one by one are no longer rows of a table to a browser. */
  private buildTable(): HTMLTableElement {
    const head = element('tr', { role: 'row', 'aria-rowindex': '1' });
    const texts = {
      time: '',
      method: t('method'),
      a: '',
      b: '',
      reason: t('reason'),
      outcome: t('outcome'),
      ms: t('ms'),
    };
    for (const [name, text] of Object.entries(texts)) {
      const cell = element('th', { class: name, scope: 'col', role: 'columnheader' }, text);
      this.heads.set(name, cell);
      head.append(cell);
    }
    this.heads.get('time')!.append(this.minute, element('span', 'time-head', t('time')));
    const table = { role: 'grid', 'aria-label': t('Picks, newest first'), 'aria-readonly': 'true' };
    return element('table', table, element('thead', { role: 'rowgroup' }, head), this.body);
  }

  /** Some systems draw the scroll bar over the content, others beside it: the last column ends where the panel's others do. */
  private measure(): void {
    setStyle(this.scroller, '--scroll-bar', `${this.scroller.offsetWidth - this.scroller.clientWidth}px`);
  }

  render(): void {
    const { store } = this;
    const { channel, query } = store;
    show(this.element, channel !== undefined && (channel.matching > 0 || channel.retained > 0 || channel.held > 0));
    if (!channel) return;
    if (this.drawn && isAnother(this.drawn, query)) this.scroll.toStart();
    this.drawn = query;
    this.renderHeads(channel.scoreOrder);
    this.context = this.contextOf(channel);
    this.generations = generationsOf(channel);
    setAttribute(this.table, 'aria-rowcount', String(channel.matching + 1));
    this.scroll.setRows(channel.matching);
    setText(this.foot, this.footOf(channel));
    this.reveal(channel);
    this.renderRows(channel);
    this.left();
  }

  /** Loads are compared, so each has a column; where weights take turns, the name says more. */
  private renderHeads(order: ScoreOrder): void {
    const pairs = order === 'lower' || (order === 'higher' && this.store.picks.some(isCompared));
    const [a, b] = order === 'lower' ? [t('load A'), t('load B')] : [t('weight A'), t('weight B')];
    setText(this.heads.get('a')!, pairs ? a : t('endpoint'));
    setText(this.heads.get('b')!, pairs ? b : '');
    setAttribute(this.heads.get('b')!, 'aria-hidden', pairs ? null : 'true');
    this.element.classList.toggle('unscored', !pairs);
  }

  private contextOf(channel: ChannelView): PickRowContext {
    const named = namedEndpoints(channel);
    const version = `${channel.scoreOrder} ${named.map(({ id, label, slot }) => `${id} ${label} ${slot}`).join()}`;
    if (this.context?.version === version) return this.context;
    const names = new Map(named.map(({ id, label }) => [id, label]));
    return { names, looks: this.looks, order: channel.scoreOrder, version };
  }

  /** Below the last row: why there are no more. */
  private footOf({ held, matching, oldestPickMs }: ChannelView): string {
    const { filter, selection } = this.store.query;
    if (matching === 0 && held === 0) return filter === '' ? t('No pick since.') : t('No pick matches the filter.');
    return oldestPickMs === null || selection ? '' : t('Single picks are kept back to {0}.', timeOfDay(oldestPickMs));
  }

  private renderRows(channel: ChannelView): void {
    const { first, room } = this.scroll;
    const { picks, picksSkipped: skipped, matching } = channel;
    const end = Math.min(first + room, matching);
    // While picks come in, nobody is about to scroll: whoever comes near holds the list first.
    const spare = channel.live && !this.store.held ? 0 : spareRows;
    const from = Math.max(first - spare, skipped);
    const shown = picks.slice(from - skipped, Math.max(0, end + spare - skipped));
    const indices = new Map(shown.map(({ key }, index) => [key, from + index]));
    const ordered = this.withFocused(shown, indices);
    const focusable = this.focusable(ordered, first, indices)?.key;
    this.rows.show(
      ordered.map(({ key }) => key),
      (row, place) => {
        const pick = ordered[place]!;
        const index = indices.get(pick.key) ?? row.index;
        row.update(pick, index, this.context!);
        row.choose(pick.key === this.store.query.inspect, pick.key === focusable);
        const newer = picks[index - skipped - 1];
        row.separate(newer && edgeBetween(newer, pick, this.generations));
        this.scroll.place(row.element, index);
      },
    );
    const top = picks[first - skipped];
    if (top) setText(this.minute, clock(top.timeMs).hourMinute);
    setAttribute(this.table, 'aria-busy', String(first < skipped || end > skipped + picks.length));
    this.want(first, end, matching);
    this.goOn(picks, skipped);
  }

  /** The row with the focus stays, where it is, though it is scrolled out of view: else the keys would lead nowhere. */
  private withFocused(shown: readonly PickRow[], indices: ReadonlyMap<number, number>): readonly PickRow[] {
    const row = this.focusedRow();
    if (!row?.pick || indices.has(row.pick.key)) return shown;
    const above = shown[0] !== undefined && row.index < indices.get(shown[0].key)!;
    return above ? [row.pick, ...shown] : [...shown, row.pick];
  }

  /** One row is in the order of the tab key: the focused one, the inspected one, or the first in view. */
  private focusable(
    shown: readonly PickRow[],
    first: number,
    indices: ReadonlyMap<number, number>,
  ): PickRow | undefined {
    const focused = this.focusedRow()?.pick?.key;
    return (
      shown.find(({ key }) => key === focused) ??
      shown.find(({ key }) => key === this.store.query.inspect) ??
      shown.find(({ key }) => indices.get(key) === first)
    );
  }

  /** Asks for the rows around those in view, if they were not asked for. */
  private want(first: number, end: number, matching: number): void {
    const { skip, limit } = this.store.query.rows;
    const [from, to] = [Math.max(0, first - spareRows), Math.min(end + spareRows, matching)];
    if (from >= skip && to <= skip + limit && (first > 0 || skip === 0)) return;
    const start = first === 0 ? 0 : wholeDown(Math.max(0, first - rowsAround));
    this.store.wantRows(start, wholeDown(end - start + rowsAround) + askedTogether);
  }

  /** A pick that was just chosen, here or elsewhere, is scrolled to; once more when its explanation has made the list lower. */
  private reveal(channel: ChannelView): void {
    const { inspecting, query } = this.store;
    const index = query.inspect === undefined ? undefined : this.indexOf(channel, query.inspect);
    const shown = `${query.inspect ?? ''} ${inspecting} ${index !== undefined}`;
    if (shown === this.revealed) return;
    this.revealed = shown;
    if (index === undefined) return;
    this.scroll.reveal(index);
    requestAnimationFrame(() => this.rows.get(query.inspect!)?.element.scrollIntoView({ block: 'nearest' }));
  }

  /** undefined: the filter leaves it out, or the host has not yet said where it is. */
  private indexOf(channel: ChannelView, key: number): number | undefined {
    const loaded = channel.picks.findIndex((pick) => pick.key === key);
    if (loaded >= 0) return channel.picksSkipped + loaded;
    return key === channel.inspection?.pick.key ? channel.inspectedRow : undefined;
  }

  private moved(): void {
    const { channel } = this.store;
    if (!channel || !this.context) return;
    if (this.scroll.top > 0) this.store.hold();
    else this.left();
    this.renderRows(channel);
  }

  /** What is scrolled away from the top stays held, or the rows would run from under the reader. */
  private left(): void {
    if (!this.store.held || this.store.paused || this.scroll.top > 0) return;
    const attended = this.body.matches(':hover') || this.body.contains(document.activeElement);
    if (!attended) this.store.release();
  }

  private inspect({ target }: Event): void {
    const key = keyOf(target);
    if (key !== undefined) this.store.inspect(key);
  }

  private walk(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const step = steps[event.key];
    const row = this.focusedRow();
    if (event.key === 'Enter') this.inspect(event);
    if (!step || !row) return;
    event.preventDefault();
    this.goTo((this.goal ?? row.index) + step(Math.max(1, this.scroll.room - 2)));
  }

  /** Goes so many rows down (up, if negative) from the pick of this key; the host is asked for rows that are not there. */
  move(from: number, by: number): void {
    const { channel } = this.store;
    const index = channel && this.indexOf(channel, from);
    if (index !== undefined) this.goTo((this.goal ?? index) + by);
  }

  private goTo(index: number): void {
    const { channel } = this.store;
    if (!channel || channel.matching === 0) return;
    this.goal = Math.min(Math.max(index, 0), channel.matching - 1);
    this.scroll.reveal(this.goal);
    this.renderRows(channel);
  }

  /** Arrives at the goal, once its row is there: a reader who walks the list inspects what he comes to. */
  private goOn(picks: readonly PickRow[], skipped: number): void {
    const pick = this.goal === undefined ? undefined : picks[this.goal - skipped];
    const row = pick && this.rows.get(pick.key);
    if (!row) return;
    this.goal = undefined;
    if (this.focusedRow()) row.element.focus();
    if (this.store.query.inspect !== undefined) this.store.inspect(pick.key);
  }

  private focusedRow(): PickTableRow | undefined {
    const key = this.body.contains(document.activeElement) ? keyOf(document.activeElement) : undefined;
    return key === undefined ? undefined : this.rows.get(key);
  }
}

/** Whether a list is shown from its start again: it is of other picks, or of now again. */
function isAnother(before: Query, { channel, filter, selection, untilMs, rows }: Query): boolean {
  if (channel !== before.channel || filter !== before.filter || selection !== before.selection) return true;
  if (before.untilMs !== undefined) return untilMs !== before.untilMs;
  return before.rows.newest !== undefined && rows.newest === undefined && untilMs === undefined;
}

function wholeDown(rows: number): number {
  return Math.floor(rows / askedTogether) * askedTogether;
}

function keyOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('tr[data-key]') : null;
  return row ? Number(row.dataset.key) : undefined;
}
