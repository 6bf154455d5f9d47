import type { Candidate, ChannelView, EventRow, PickRow, Reason, ScoreOrder } from '../../messages/panel';
import { isCompared, strongest } from './candidates';
import { capped, element, foreign, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { clock, exactLoad, exactTime, latency, shortMethod, timeOfDay } from '../format';
import { mark } from '../glyphs';
import { t } from '../l10n';
import { namedEndpoints, type Looks } from '../looks';
import type { Store } from '../store';
import './list.css';

/** The list of picks, newest first, with the generations between the picks that they separate. */
export class PickList {
  readonly element = element('section', 'picks');
  private readonly body = element('tbody');
  private readonly minute = element('span', 'minute-head');
  private heads: readonly HTMLTableCellElement[] = [];
  private readonly scroller = element('div', 'scroller');
  private readonly foot = element('p', 'muted empty-list');
  private readonly rows = new Map<number, PickTableRow>();
  private readonly separators = new Map<string, HTMLTableRowElement>();
  private revealed = '';
  /** How many columns are shown at this width. */
  private columns = 1;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
  ) {
    this.scroller.append(this.buildTable(), this.foot);
    this.element.append(this.scroller);
    this.scroller.addEventListener('scroll', () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(this.scroller);
    this.body.addEventListener('pointerenter', () => store.hold());
    this.element.addEventListener('pointerleave', () => this.left());
    this.body.addEventListener('focusin', () => store.hold());
    this.element.addEventListener('focusout', (event) => {
      if (!this.element.contains(event.relatedTarget as Node | null)) this.left();
    });
    this.body.addEventListener('click', (event) => this.clicked(event));
    this.element.addEventListener('keydown', (event) => this.walk(event));
  }

  private buildTable(): HTMLTableElement {
    const columns: readonly [string, string][] = [
      ['method', t('method')],
      ['a', ''],
      ['b', ''],
      ['reason', t('reason')],
      ['outcome', t('outcome')],
      ['ms', t('ms')],
    ];
    const time = element('th', { class: 'time', scope: 'col' }, this.minute, element('span', 'time-head', t('time')));
    const head = element(
      'tr',
      '',
      time,
      ...columns.map(([name, text]) => element('th', { class: name, scope: 'col' }, text)),
    );
    this.heads = [...head.cells];
    const cols = ['time', ...columns.map(([name]) => name)].map((name) => element('col', name));
    return element('table', '', element('colgroup', '', ...cols), element('thead', '', head), this.body);
  }

  private measure(): void {
    // Some systems draw it over the content, others beside it: the last column ends where the panel's others do.
    const scrollBar = this.scroller.offsetWidth - this.scroller.clientWidth;
    setStyle(this.scroller, '--scroll-bar', `${scrollBar}px`);
    // A cell that spans more columns than are shown would make columns of its own, and take the others' room.
    this.columns = this.heads.filter(({ offsetWidth }) => offsetWidth > 0).length;
    for (const { cells } of this.separators.values()) cells[0]!.colSpan = this.columns;
  }

  render(): void {
    const { store } = this;
    const { channel } = store;
    show(this.element, channel !== undefined && (channel.picks.length > 0 || channel.retained > 0));
    if (!channel) return;
    const { picks } = store;
    this.renderRows(channel, picks);
    setText(this.minute, picks[0] ? clock(picks[0].timeMs).hourMinute : '');
    this.renderHeads(channel.scoreOrder);
    const foot = this.footOf(channel, picks.length);
    show(this.foot, foot !== '');
    setText(this.foot, foot);
    this.element.classList.toggle('held', store.held);
    this.revealInspected();
  }

  /** Loads are compared, so each has a column; where weights take turns, the name says more. */
  private renderHeads(order: ScoreOrder): void {
    const pairs = order === 'lower' || (order === 'higher' && this.store.picks.some(isCompared));
    const heads = order === 'lower' ? [t('load A'), t('load B')] : [t('weight A'), t('weight B')];
    setText(this.heads[2]!, pairs ? heads[0]! : t('endpoint'));
    setText(this.heads[3]!, pairs ? heads[1]! : '');
    this.element.classList.toggle('unscored', !pairs);
  }

  /** Below the last row: why there are no more. */
  private footOf({ oldestPickMs }: ChannelView, listed: number): string {
    const { query } = this.store;
    if (listed === 0) return query.filter === '' ? t('No pick since.') : t('No pick matches the filter.');
    if (listed >= query.rows.limit || oldestPickMs === null) return '';
    return t('Single picks are kept back to {0}.', timeOfDay(oldestPickMs));
  }

  private renderRows(channel: ChannelView, picks: readonly PickRow[]): void {
    const names = new Map(namedEndpoints(channel).map(({ id, label }) => [id, label]));
    const present = new Set(picks.map(({ key }) => key));
    for (const key of this.rows.keys()) if (!present.has(key)) this.rows.delete(key);
    const focusable = picks.find(({ key }) => key === this.store.query.inspect)?.key ?? picks[0]?.key;
    const children: Node[] = [];
    const separators = new Set<string>();
    const between = separatorsBetween(channel, picks);
    for (const [index, pick] of picks.entries()) {
      for (const separator of between.get(index) ?? []) {
        separators.add(separator.key);
        children.push(this.separator(separator));
      }
      const row = this.row(pick, names, channel.scoreOrder);
      row.update(pick, pick.key === this.store.query.inspect, pick.key === focusable);
      children.push(row.element);
    }
    for (const key of this.separators.keys()) if (!separators.has(key)) this.separators.delete(key);
    setChildren(this.body, children);
  }

  private row(pick: PickRow, names: ReadonlyMap<number, string>, order: ScoreOrder): PickTableRow {
    let row = this.rows.get(pick.key);
    if (!row) this.rows.set(pick.key, (row = new PickTableRow(pick, this.looks, names, order)));
    return row;
  }

  private separator({ key, text }: Separator): HTMLTableRowElement {
    let row = this.separators.get(key);
    if (!row) {
      row = element('tr', 'separator', element('td', { colspan: String(this.columns) }, element('span', '', text)));
      this.separators.set(key, row);
    }
    return row;
  }

  /** A pick that was just chosen, here or among the neighbours, is scrolled to. */
  private revealInspected(): void {
    const { inspecting, query } = this.store;
    // Once more when the explanation is there: the list is lower then.
    const shown = `${query.inspect ?? ''} ${inspecting}`;
    if (shown === this.revealed) return;
    this.revealed = shown;
    const row = query.inspect === undefined ? undefined : this.rows.get(query.inspect)?.element;
    if (row) requestAnimationFrame(() => row.scrollIntoView({ block: 'nearest' }));
  }

  private scrolled(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (scrollTop > 0) this.store.hold();
    else this.left();
    if (scrollTop + clientHeight > scrollHeight - 200 && this.store.paused) this.store.wantRows(0, this.store.query.rows.limit + 60);
  }

  /** What is scrolled away from the top stays held, or the rows would run from under the reader. */
  private left(): void {
    const attended = this.element.matches(':hover') || this.element.contains(document.activeElement);
    if (!attended && this.scroller.scrollTop === 0) this.store.release();
  }

  private clicked(event: MouseEvent): void {
    const key = keyOf(event.target);
    if (key !== undefined) this.store.inspect(key);
  }

  private walk(event: KeyboardEvent): void {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.step(key === 'ArrowDown' ? 1 : -1, event);
    else if (key === 'Enter') {
      const focused = keyOf(event.target);
      if (focused !== undefined) this.store.inspect(focused);
    }
  }

  private step(by: number, event: KeyboardEvent): void {
    const focused = keyOf(event.target);
    if (focused === undefined) return;
    event.preventDefault();
    this.move(focused, by);
  }

  /** Goes to the next (1) or previous (-1) row of the list. */
  move(from: number, by: number): void {
    const { picks, query } = this.store;
    const next = picks[picks.findIndex(({ key }) => key === from) + by];
    if (!next) return;
    this.rows.get(next.key)?.element.focus();
    if (query.inspect !== undefined) this.store.inspect(next.key);
  }
}

function keyOf(target: EventTarget | null): number | undefined {
  const row = target instanceof Element ? target.closest<HTMLElement>('tr[data-key]') : null;
  return row ? Number(row.dataset.key) : undefined;
}

class PickTableRow {
  readonly element: HTMLTableRowElement;
  private readonly ms = element('td', 'ms');
  private readonly outcome = element('td', 'outcome');
  private drawnOutcome: PickRow['outcome'] | undefined;

  constructor(pick: PickRow, looks: Looks, names: ReadonlyMap<number, string>, order: ScoreOrder) {
    const nameOf = (endpoint: number) => capped(names.get(endpoint) ?? t('an endpoint that is gone'), 80);
    const cells = isCompared(pick) ? pair(pick, looks, nameOf, order) : [single(pick, looks, nameOf)];
    this.element = element(
      'tr',
      { 'data-key': String(pick.key), 'data-reason': pick.reason },
      timeCell(pick.timeMs),
      element('td', { class: 'method', title: capped(pick.method) }, foreign(shortMethod(pick.method))),
      ...cells.map(({ cell }) => cell),
      element('td', 'reason', reasonTag(pick)),
      this.outcome,
      this.ms,
    );
    this.element.tabIndex = -1;
    drawBars(cells);
  }

  update(pick: PickRow, selected: boolean, focusable: boolean): void {
    if (this.drawnOutcome !== pick.outcome) this.renderOutcome(pick);
    if (this.element.classList.toggle('selected', selected)) setAttribute(this.element, 'aria-current', 'true');
    else setAttribute(this.element, 'aria-current', null);
    const tabIndex = focusable ? 0 : -1;
    if (this.element.tabIndex !== tabIndex) this.element.tabIndex = tabIndex;
  }

  private renderOutcome(pick: PickRow): void {
    const { outcome } = pick;
    this.drawnOutcome = outcome;
    const failed = outcome !== null && outcome.code !== 'OK';
    this.ms.classList.toggle('red', failed);
    setText(this.ms, millisecondsOf(pick));
    setAttribute(this.ms, 'title', outcome ? capped(outcome.code) : null);
    const code = outcome?.code ?? pick.code;
    setChildren(this.outcome, code === null ? [] : [outcomeWord(code)]);
  }
}

/** Bars compare the candidates of one pick: the longer one is full. */
function drawBars(cells: readonly CandidateCell[]): void {
  const longest = Math.max(...cells.map(({ score }) => score ?? 0));
  for (const { bar, score } of cells) {
    if (bar && score !== null && longest > 0) setStyle(bar, '--part', Math.max(0.02, score / longest).toFixed(3));
  }
}

function millisecondsOf({ outcome, reason }: PickRow): string {
  if (!outcome) return reason === 'queued' || reason === 'failed' || reason === 'dropped' ? '' : '…';
  const text = outcome.latencyMs === null ? '–' : latency(outcome.latencyMs);
  return outcome.code === 'OK' ? text : `✕ ${text}`;
}

function outcomeWord(code: string): Node {
  return code === 'OK' ? element('span', 'muted', code) : element('span', 'red', '✕ ', foreign(code));
}

/** Seconds are enough under the minute that the header says; a wide list shows the minute in each row. */
function timeCell(timeMs: number): HTMLElement {
  const { hourMinute, seconds, milliseconds } = clock(timeMs);
  const minute = element('span', 'minute', `${hourMinute.slice(3)}:`);
  return element('td', { class: 'time', title: exactTime(timeMs) }, minute, `${seconds}.${milliseconds}`);
}

interface CandidateCell {
  readonly cell: HTMLElement;
  readonly bar?: HTMLElement;
  readonly score: number | null;
}

type NameOf = (endpoint: number) => string;

/** The two that were compared; of more, the chosen one and the strongest of the others. */
function pair(pick: PickRow, looks: Looks, nameOf: NameOf, order: ScoreOrder): CandidateCell[] {
  return strongest(pick, order, 2).map((candidate, index) => {
    const chosen = candidate.endpoint === pick.endpoint;
    return candidateCell(candidate, index === 0 ? 'a' : 'b', chosen, looks, nameOf);
  });
}

function candidateCell(
  candidate: Candidate,
  side: 'a' | 'b',
  chosen: boolean,
  looks: Looks,
  nameOf: NameOf,
): CandidateCell {
  const { endpoint, score } = candidate;
  const look = looks.of(endpoint);
  const number = score === null ? '–' : exactLoad(score);
  const bar = element('span', `bar ${look.colour === null ? 'series-other' : `series-${look.colour}`}`);
  const name = nameOf(endpoint);
  const cell = element(
    'td',
    {
      class: `${side} ${chosen ? 'chosen' : 'loser'}`,
      title: chosen ? t('{0}, chosen', name) : name,
      'data-endpoint': String(endpoint),
    },
    element(
      'div',
      'candidate',
      mark(look, chosen),
      element('span', 'sr-only', chosen ? t('{0}, chosen', name) : name),
      element('span', number.length > 4 ? 'number long' : 'number', number),
      bar,
    ),
  );
  return { cell, bar, score };
}

/** One candidate, or none: nothing is compared, the name says more. */
function single(pick: PickRow, looks: Looks, nameOf: NameOf): CandidateCell {
  const cell = element('td', { class: 'single', colspan: '2' });
  if (pick.endpoint !== null) {
    cell.dataset.endpoint = String(pick.endpoint);
    cell.append(mark(looks.of(pick.endpoint), true), foreign(nameOf(pick.endpoint), { class: 'chosen-name' }));
  } else {
    const code = pick.code === null ? null : foreign(pick.code, { title: capped(pick.code) });
    cell.append(
      pick.reason === 'queued' ? element('span', 'muted', t('no endpoint')) : element('span', 'red', '✕ ', code),
    );
  }
  return { cell, score: null };
}

const commonReasons: ReadonlySet<Reason> = new Set(['lower', 'untold', 'only', 'turn', 'key']);

/** What is the rule is muted; what is rare is tagged. */
function reasonTag(pick: PickRow): HTMLElement {
  const plain = commonReasons.has(pick.reason);
  const className = pick.reason === 'failed' || pick.reason === 'dropped' ? 'tag red' : plain ? 'muted' : 'tag';
  const tag = element('span', className, reasonWord(pick.reason), pick.raced ? '*' : null);
  if (pick.raced) tag.title = t('Read while completions raced it: the numbers do not explain the choice.');
  return tag;
}

export function reasonWord(reason: Reason): string {
  switch (reason) {
    case 'lower':
      return t('lower');
    case 'tie':
      return t('tie');
    case 'forced':
      return t('forced');
    case 'only':
      return t('only');
    case 'unhealthy':
      return t('sick');
    case 'probe':
      return t('probe');
    case 'turn':
      return t('turn');
    case 'key':
      return t('key');
    case 'nokey':
      return t('no key');
    case 'untold':
      return '–';
    case 'queued':
      return t('queued');
    case 'failed':
      return t('refused');
    case 'dropped':
      return t('dropped');
  }
}

interface Separator {
  readonly key: string;
  readonly text: string;
}

/** What stands before the pick of an index: a generation that began after it, or the minute that it belongs to. */
function separatorsBetween(channel: ChannelView, picks: readonly PickRow[]): Map<number, Separator[]> {
  const between = new Map<number, Separator[]>();
  const put = (index: number, separator: Separator) => between.set(index, [...(between.get(index) ?? []), separator]);
  const generations = channel.events.filter((event) => event.kind === 'generation');
  for (const [index, pick] of picks.entries()) {
    const newer = picks[index - 1];
    if (!newer) continue;
    if (newer.generation !== pick.generation) put(index, generationSeparator(newer, generations));
    const minute = clock(pick.timeMs).hourMinute;
    if (clock(newer.timeMs).hourMinute !== minute) put(index, { key: `minute ${pick.key}`, text: minute });
  }
  return between;
}

function generationSeparator(first: PickRow, generations: readonly EventRow[]): Separator {
  const event = generations.find((each) => each.kind === 'generation' && each.generation === first.generation);
  const lost = event?.kind === 'generation' && event.historyLost;
  const text = lost ? t('generation {0}, history lost', first.generation) : t('generation {0}', first.generation);
  return { key: `generation ${first.key}`, text: `◆ ${text}` };
}
