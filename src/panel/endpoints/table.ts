import type { ChannelView, EndpointRow } from '../../messages/panel';
import { derivedSign, derivedTitle, isDerived } from '../derived';
import { button, element, foreign, setAttribute, setChildren, setText, show } from '../dom';
import { count, percent, timeOfDay } from '../format';
import type { Term } from '../glossary';
import { icon } from '../glyphs';
import { t } from '../l10n';
import type { Looks } from '../looks';
import { RowPool } from '../rowPool';
import type { Store } from '../store';
import { describeTerm } from '../terms';
import { VirtualScroll } from '../virtualScroll';
import { columns } from './columns';
import { FindBox } from './findBox';
import { readAt, readings, type ReadAt, type Reading } from './reading';
import { EndpointTableRow, isFailing, type Control, type TableScene } from './row';
import { RowOrder } from './rowOrder';
import './table.css';

/** px; as table.css has them. */
const rowHeight = 32;
const headHeight = 24;
/** Rows above and below those in view that exist, so that a step of the wheel shows no gap. */
const spareRows = 4;

/** The bars' full width, in steps, so that they do not breathe. */
const barScales = [0.05, 0.1, 0.25, 0.5, 1];
/** So far below a step have the bars to stay for it to be taken: at its edge they would breathe. */
const roomBelowStep = 0.8;

const narrow = matchMedia('(max-width: 899px)');

/** The table of endpoints: who gets how much, and how each one does. */
export class EndpointTable {
  readonly element = element('section', 'endpoints');
  private readonly body = element('tbody', { role: 'rowgroup' });
  private readonly toggle: HTMLButtonElement;
  private readonly summary = element('span');
  private readonly collapsed = element('span', 'muted collapsed');
  private readonly table: HTMLTableElement;
  private readonly scroller = element('div', 'scroller');
  private readonly tickSample = element('span', 'tick-sample');
  private readonly leftOut = element('p', 'left-out');
  private readonly footnote = element(
    'p',
    'footnote',
    `${derivedSign} ${t('lag, inflight, success: kept by Pickscope')}`,
  );
  private readonly heads = new Map<string, HTMLTableCellElement>();
  private readonly fair = element('span');
  private readonly fairness = element('span');
  private readonly legend = element('p', 'legend', element('span', 'muted', this.tickSample, this.fair), this.fairness);
  private readonly find = new FindBox(() => this.render());
  private readonly rows = new RowPool(this.body, () => new EndpointTableRow(this.store));
  private readonly order = new RowOrder();
  private readonly scroll: VirtualScroll;
  private scale = 1;
  /** Ids, in the order of the rows. */
  private listed: readonly number[] = [];
  /** What is drawn of each endpoint: the frame's rows and what is read of them, by id. */
  private shown: ReadonlyMap<number, { readonly endpoint: EndpointRow; readonly reading: Reading }> = new Map();
  private scene: TableScene | undefined;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
  ) {
    this.toggle = button('section-toggle', () => store.toggleSection('endpoints'), icon('chevron'), this.summary);
    this.table = this.buildTable();
    this.scroller.append(this.table);
    this.scroll = new VirtualScroll(this.scroller, this.body, rowHeight, headHeight, () => this.renderRows());
    this.footnote.title = derivedTitle();
    describeTerm(this.fair, 'fairShare');
    describeTerm(this.fairness, 'fairness');
    this.body.addEventListener('keydown', (event) => this.key(event));
    this.element.append(this.find.element, this.scroller, this.leftOut, this.legend, this.footnote, this.collapsed);
  }

  /** The roles are named, since rows that are laid out one by one are no longer rows of a table to a browser. */
  private buildTable(): HTMLTableElement {
    const name = element('th', { class: 'name', scope: 'col', role: 'columnheader' }, this.toggle);
    const trend = element('th', { class: 'trend', scope: 'col', role: 'columnheader' }, t('trend'));
    const head = element('tr', { role: 'row', 'aria-rowindex': '1' }, name, trend);
    describeTerm(trend, 'picksPerSecond');
    for (const column of columns) head.append(this.sortable(column.name, column.term));
    head.append(this.sortable('state', 'state'));
    this.heads.get('state')!.firstElementChild!.append(element('span', 'sr-only', t('state')));
    const table = { role: 'table', 'aria-label': t('Endpoints') };
    return element('table', table, element('thead', { role: 'rowgroup' }, head), this.body);
  }

  private sortable(column: string, term: Term): HTMLTableCellElement {
    const sort = button('sort', () => this.store.sortBy(column));
    describeTerm(sort, term);
    const head = element('th', { class: column, scope: 'col', role: 'columnheader' }, sort);
    this.heads.set(column, head);
    return head;
  }

  render(): void {
    const { store } = this;
    const { channel } = store;
    show(this.element, channel !== undefined);
    if (!channel) return;
    // While an explanation is read in a narrow panel, the table steps back to one line.
    const open = store.open.endpoints && !(store.explained && narrow.matches);
    const all = channel.endpoints.length + channel.endpointsLeftOut;
    setText(this.summary, all === 1 ? t('1 endpoint') : t('{0} endpoints', count(all)));
    setAttribute(this.toggle, 'aria-expanded', String(open));
    this.table.classList.toggle('closed', !open);
    this.renderCollapsed(channel, open);
    this.renderHeads(channel);
    const at = readAt(store);
    const wanted = this.find.narrow(channel.endpoints);
    if (open) this.arrange(channel, wanted, at);
    else show(this.find.element, false);
    this.renderLegend(channel, at, open);
  }

  /** What a policy keeps and compares differs: columns are named for it, or left out. */
  private renderHeads(channel: ChannelView): void {
    const derived = isDerived(channel);
    for (const { name, head, mayBeDerived = false, isShown } of columns) {
      const cell = this.heads.get(name)!;
      // One sign is enough for the footnote that it leads to; narrow heads have no room for more.
      setText(cell.firstElementChild!, derived && name === 'lag' ? `${head()}${derivedSign}` : head());
      setAttribute(cell, 'title', derived && mayBeDerived ? derivedTitle() : null);
      if (isShown) this.table.classList.toggle(`without-${name}`, !isShown(channel));
    }
    this.table.classList.toggle('derived', derived);
    const { sorting } = this.store;
    for (const [name, head] of this.heads) {
      const order = sorting?.column !== name ? null : sorting.descending ? 'descending' : 'ascending';
      setAttribute(head, 'aria-sort', order);
    }
  }

  private renderCollapsed(channel: ChannelView, open: boolean): void {
    show(this.collapsed, !open);
    if (open) return;
    const ready = channel.endpoints.filter(({ state }) => state === 'READY').length;
    const failing = channel.endpoints.find(({ state }) => isFailing(state));
    const parts: Node[] = [element('span', 'muted', t('{0} ready', ready))];
    if (failing) parts.push(element('span', 'red', '✕ ', foreign(failing.label), ` ${failing.state}`));
    if (this.collapsed.textContent !== parts.map((part) => part.textContent).join(''))
      setChildren(this.collapsed, parts);
  }

  /** Which rows there are, in which order, and what they say. */
  private arrange(channel: ChannelView, wanted: readonly EndpointRow[], at: ReadAt): void {
    const { endpoints } = channel;
    const read = readings(channel, this.store.chart, at);
    const present = at === 'now' ? read : readings(channel, this.store.chart, 'now');
    const order = this.order.of(endpoints, present, this.store.sorting, this.isAttended(), performance.now());
    const ids = new Set(wanted.map(({ id }) => id));
    this.listed = order.map((index) => endpoints[index]!.id).filter((id) => ids.has(id));
    this.shown = new Map(endpoints.map((endpoint, index) => [endpoint.id, { endpoint, reading: read[index]! }]));
    const ready = read.filter(({ state }) => state === 'READY').length;
    this.scale = barScale(endpoints, this.scale);
    this.scene = {
      channel,
      looks: this.looks,
      scale: this.scale,
      fair: ready > 0 ? 1 / ready : 0,
      past: at !== 'now',
      newSinceMs: newSince(channel, this.store.query.windowSeconds * 1000),
    };
    this.store.tableOrder = this.listed;
    this.table.classList.toggle('past', at !== 'now');
    setAttribute(this.table, 'aria-rowcount', String(this.listed.length + 1));
    this.scroll.setRows(this.listed.length);
    this.renderRows();
  }

  private renderRows(): void {
    const { scene, listed } = this;
    if (!scene) return;
    const { first, room } = this.scroll;
    const from = Math.max(0, first - spareRows);
    const ids = listed.slice(from, first + room + spareRows);
    const focused = this.focused();
    // The row with the focus stays, though it is scrolled out of view: else the keys would lead nowhere.
    if (focused && !ids.includes(focused.id) && listed.includes(focused.id)) ids.push(focused.id);
    const tabbable = focused?.id ?? listed[first];
    const series = new Map(this.store.chart?.series.endpoints.map((each) => [each.endpoint, each.picksPerSecond]));
    const most = this.mostPicks();
    this.rows.show(ids, (row, place) => {
      const id = ids[place]!;
      const index = place + from < listed.length && listed[place + from] === id ? place + from : listed.indexOf(id);
      const { endpoint, reading } = this.shown.get(id)!;
      row.render(endpoint, reading, scene);
      row.sparkline.draw(series.get(id), most);
      row.setTabbable(id === tabbable);
      setAttribute(row.element, 'aria-rowindex', String(index + 2));
      this.scroll.place(row.element, index);
    });
  }

  private drawnChart: Store['chart'];
  private most = 1;

  /** Of all endpoints in any bucket, once a chart. */
  private mostPicks(): number {
    const { chart } = this.store;
    if (chart === this.drawnChart) return this.most;
    this.drawnChart = chart;
    this.most = 1;
    for (const { picksPerSecond } of chart?.series.endpoints ?? [])
      for (const picks of picksPerSecond) if (picks > this.most) this.most = picks;
    return this.most;
  }

  private renderLegend(channel: ChannelView, at: ReadAt, open: boolean): void {
    show(this.leftOut, open && channel.endpointsLeftOut > 0);
    setText(this.leftOut, t('{0} more have no room here', count(channel.endpointsLeftOut)));
    show(this.legend, open && channel.endpoints.length > 1);
    show(this.footnote, open && isDerived(channel));
    const fair = this.scene?.fair ?? 0;
    show(this.tickSample, at === 'now' && fair > 0);
    if (at !== 'now') setText(this.fair, timeOf(at));
    else setText(this.fair, fair > 0 ? t('equal share {0} %', percent(fair)) : t('no endpoint is READY'));
    // It is of the same picks as the shares, and there is none of a moment.
    const ofMoment = at !== 'now' && 'momentMs' in at;
    const { fairness } = channel;
    setText(this.fairness, fairness === null || ofMoment ? '' : t('fairness {0}', fairness.toFixed(2)));
  }

  private isAttended(): boolean {
    return this.scroller.matches(':hover') || this.scroller.contains(document.activeElement);
  }

  private focused(): { readonly id: number; readonly control: Control } | undefined {
    const active = document.activeElement;
    const row = active && this.body.contains(active) ? active.closest<HTMLElement>('tr[data-id]') : null;
    if (!row) return undefined;
    const id = Number(row.dataset.id);
    const controls = Object.entries(this.rows.get(id)?.controls ?? {}) as [Control, HTMLElement][];
    return { id, control: controls.find(([, element]) => element === active)?.[0] ?? 'name' };
  }

  /** Up and down within a column of controls; w asks why. */
  private key(event: KeyboardEvent): void {
    const focused = this.focused();
    if (!focused || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const index = this.listed.indexOf(focused.id);
    const page = Math.max(1, this.scroll.room - 2);
    const last = this.listed.length - 1;
    const targets: Readonly<Record<string, number>> = {
      ArrowUp: index - 1,
      ArrowDown: index + 1,
      PageUp: index - page,
      PageDown: index + page,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (event.key === 'w') this.rows.get(focused.id)?.ask();
    else if (target !== undefined) this.goTo(Math.min(Math.max(target, 0), last), focused.control);
    else return;
    event.preventDefault();
  }

  private goTo(index: number, control: Control): void {
    this.scroll.reveal(index);
    this.renderRows();
    this.rows.get(this.listed[index]!)?.controls[control].focus();
  }
}

/** Endpoints are new that came later: within the window, unless all did, as those of a new client do. */
function newSince({ endpoints, atMs }: ChannelView, windowMs: number): number {
  const sinceMs = atMs - windowMs;
  return endpoints.some(({ addedMs }) => addedMs === null || addedMs < sinceMs) ? sinceMs : Infinity;
}

/** Grows at once, and shrinks where that lasts. */
function barScale(endpoints: readonly EndpointRow[], current: number): number {
  const longest = Math.max(0, ...endpoints.map(({ share, fairShare }) => Math.max(share ?? 0, fairShare)));
  const least = (room: number) => barScales.find((scale) => scale * room >= longest) ?? 1;
  return Math.max(least(1), Math.min(current, least(roomBelowStep)));
}

function timeOf(at: Exclude<ReadAt, 'now'>): string {
  if ('momentMs' in at) return t('at {0}', timeOfDay(at.momentMs));
  return t('{0} to {1}', timeOfDay(at.span.fromMs), timeOfDay(at.span.toMs));
}
