import type {
  ChannelView,
  ChartView,
  Frame,
  PanelCommand,
  PickRow,
  Query,
  TimeSpan,
  WantedRows,
} from '../messages/panel';
import type { Host } from './host';

const firstWindowSeconds = 120;
const shortestWindowSeconds = 1;
/** The part of a live window that counts as its end. */
const liveEnd = 0.1;
/** What a live client is remembered of; a recording may reach further. */
const longestWindowSeconds = 15 * 60;
const firstRows: WantedRows = { skip: 0, limit: 60 };
/** A query costs the host an answer: each frame of a drag would be too many. */
const leastMsBetweenQueries = 50;
/** Until the charts know their width. */
const firstPoints = 120;

export type Section = 'endpoints' | 'events';

/** The charts, in causal order: who gets how much, what was compared, what made the load, and what callers saw. */
export const measures = ['picksPerSecond', 'load', 'lagMs', 'latencyMs', 'success', 'inflight'] as const;
export type Measure = (typeof measures)[number];

/** A column of the table of endpoints, and which way; null: by address. */
export interface Sorting {
  readonly column: string;
  readonly descending: boolean;
}

/** What the panel keeps when it is thrown away: where the reader was, never data. */
export interface PersistedState {
  /** Id of the client that the query is about. */
  readonly client: string | undefined;
  readonly query: Query;
  readonly open: Readonly<Record<Section, boolean>>;
  /** Slots whose lines are switched off. */
  readonly hiddenSlots: readonly number[];
  readonly charts: readonly Measure[];
  readonly sorting: Sorting | null;
  /** Charts are shown as tables. */
  readonly asTables: boolean;
  /** The heat strip is shown also where the panel is narrow. */
  readonly heat: boolean;
  /** Which one is in front, where a pick is inspected and an endpoint is asked about. */
  readonly front: Front;
}

export type Front = 'pick' | 'endpoint';

const firstState: PersistedState = {
  client: undefined,
  query: { windowSeconds: firstWindowSeconds, points: firstPoints, filter: '', rows: firstRows },
  open: { endpoints: true, events: false },
  hiddenSlots: [],
  charts: ['picksPerSecond', 'load', 'lagMs'],
  sorting: null,
  asTables: false,
  heat: false,
  front: 'pick',
};

/** What was changed since a view was drawn: what came from the host, where the pointer is, or anything else that the reader did. */
export type Changed = 'frame' | 'chart' | 'hover' | 'reader';

export interface Hover {
  /** Endpoint whose line is lit. */
  readonly endpoint: number | null;
  /** Begin of the bucket under the crosshair. */
  readonly timeMs: number | null;
}

/** What is shown and why; every view draws itself from this alone. */
export class Store {
  frame: Frame | undefined;
  chart: ChartView | undefined;
  query: Query;
  open: Readonly<Record<Section, boolean>>;
  hiddenSlots: ReadonlySet<number>;
  charts: readonly Measure[];
  sorting: Sorting | null;
  asTables: boolean;
  heat: boolean;
  /** Ids of the endpoints in the order of the table's rows, without those that are not looked for. */
  tableOrder: readonly number[] = [];
  hover: Hover = { endpoint: null, timeMs: null };

  private client: string | undefined;
  /** Chosen, and not shown yet. */
  private awaited: { readonly client: string; readonly channel: number | undefined } | undefined;
  private front: Front;
  private asking = false;
  private askedAt = -Infinity;
  private listeners: ((what: Changed) => void)[] = [];

  /** @param query What to show first, where nothing was kept. */
  constructor(
    private readonly host: Host<PersistedState>,
    query?: Query,
  ) {
    const kept = { ...firstState, ...(query && { client: query.client, query }), ...host.restore() };
    this.client = kept.client;
    this.query = kept.query;
    this.open = kept.open;
    this.hiddenSlots = new Set(kept.hiddenSlots);
    this.charts = kept.charts;
    this.sorting = kept.sorting;
    this.asTables = kept.asTables;
    this.heat = kept.heat;
    this.front = kept.front;
  }

  /** Calls back after each change; those by the reader, and of the pointer, are worth drawing at once. */
  subscribe(listener: (what: Changed) => void): void {
    this.listeners.push(listener);
  }

  get channel(): ChannelView | undefined {
    return this.frame?.channel;
  }

  get paused(): boolean {
    return this.query.untilMs !== undefined;
  }

  /** The list stands still while more come. */
  get held(): boolean {
    return this.query.rows.newest !== undefined;
  }

  /** What is explained, of one pick or of one endpoint: one at a time, the one that was asked for last. */
  get explained(): Front | undefined {
    const { query, channel } = this;
    const there = {
      pick: query.inspect !== undefined && channel?.inspection !== undefined,
      endpoint: query.ask !== undefined && channel?.answer !== undefined,
    };
    const other = this.front === 'pick' ? 'endpoint' : 'pick';
    return there[this.front] ? this.front : there[other] ? other : undefined;
  }

  /** A pick is explained: the host answered for the one that is asked for. */
  get inspecting(): boolean {
    return this.explained === 'pick';
  }

  /** Channels stand side by side in place of one. */
  get comparing(): boolean {
    return this.query.compare !== undefined;
  }

  get picks(): readonly PickRow[] {
    return this.channel?.picks ?? [];
  }

  /** The time axis of the charts, as it is asked for; undefined: nothing is there to be shown. */
  get span(): TimeSpan | undefined {
    const toMs = this.query.untilMs ?? this.channel?.atMs;
    return toMs === undefined ? undefined : { fromMs: toMs - this.query.windowSeconds * 1000, toMs };
  }

  receive(frame: Frame): void {
    // It was under way when the reader held the list, which must not move any more; the answer to that follows.
    const newest = frame.channel?.picks[0]?.key ?? 0;
    if (newest > (this.query.rows.newest ?? Infinity)) return;
    this.frame = frame;
    this.forgetWhatIsGone(frame);
    if (frame.channel && isEmptied(frame.channel)) this.release();
    this.fitRecording(frame);
    this.changed('frame');
  }

  /** A recording that is shorter than the window fills it. */
  private fitRecording({ attachment, reach }: Frame): void {
    if (attachment.state !== 'recording' || attachment.read < 1 || !reach) return;
    const seconds = Math.max(shortestWindowSeconds, (reach.toMs - reach.fromMs) / 1000);
    if (this.query.windowSeconds > seconds) this.change({ windowSeconds: seconds });
  }

  receiveChart(chart: ChartView | undefined): void {
    this.chart = chart;
    this.changed('chart');
  }

  /** Ids and moments are of one client: what is not there any more cannot be asked for. */
  private forgetWhatIsGone({ attachment, channel, channels, reach }: Frame): void {
    const client = attachment.state === 'none' ? undefined : attachment.client.id;
    const { query } = this;
    const another = client !== undefined && this.client !== undefined && client !== this.client;
    this.client = client ?? this.client;
    if (another) this.change({ channel: this.takeAwaited(client), ...atOnce });
    else if (query.channel !== undefined && channels.length > 0 && !channels.some(({ id }) => id === query.channel))
      this.change({ channel: undefined, ...atOnce });
    else if (query.untilMs !== undefined && channel && reach && query.untilMs < reach.fromMs) this.resume();
  }

  /** The channel for which this client was chosen. */
  private takeAwaited(client: string): number | undefined {
    const { awaited } = this;
    this.awaited = undefined;
    return awaited?.client === client ? awaited.channel : undefined;
  }

  /** Asks the host, once for all that changes until the next turn, and less often while something is dragged. */
  ask(): void {
    if (this.asking) return;
    this.asking = true;
    const wait = this.askedAt + leastMsBetweenQueries - performance.now();
    if (wait > 0) setTimeout(() => this.post(), wait);
    else queueMicrotask(() => this.post());
  }

  private post(): void {
    this.asking = false;
    this.askedAt = performance.now();
    this.host.post({ type: 'query', query: this.query });
  }

  /** The answer to the action "picture". */
  sendPicture(png: Uint8Array): void {
    this.host.post({ type: 'picture', png });
  }

  command(command: PanelCommand): void {
    this.host.post({ type: 'command', command });
  }

  // ── What is shown ──────────────────────────────────────────────────────────────────────────────────────────────

  setFilter(filter: string): void {
    if (filter !== this.query.filter) this.change({ filter, rows: firstRows });
  }

  /** Of the filter: white space within quotation marks belongs to a word. */
  get words(): readonly string[] {
    return this.query.filter.match(/(?:"[^"]*"?|[^\s"])+/g) ?? [];
  }

  /** Puts a word into the filter, or takes it out; with it go its alternatives, of which a pick can have only one. */
  toggleWord(word: string, alternatives: readonly string[] = []): void {
    const { words } = this;
    const others = words.filter((each) => each !== word && !alternatives.includes(each));
    this.setFilter((words.includes(word) ? others : [...others, word]).join(' '));
  }

  chooseChannel(channel: number): void {
    this.change({ channel, compare: undefined, ...atOnce });
  }

  /** Another client: in an editor tab for it alone, else for all panels. Its channel is asked for as soon as it is shown. */
  chooseClient(client: string, channel?: number): void {
    if (client === this.client) {
      if (channel !== undefined) this.chooseChannel(channel);
      return;
    }
    const { frame } = this;
    this.awaited = { client, channel };
    this.change({ compare: undefined, ...(frame?.place === 'editor' && { client, channel, ...atOnce }) });
    const attached = frame?.clients.find(({ id }) => id === client)?.attached ?? true;
    if (!attached) this.command({ name: 'attach', client });
    else if (frame?.place !== 'editor') this.command({ name: 'select', client });
  }

  compare(compare: Query['compare']): void {
    this.change({ compare });
  }

  /** Why this endpoint was taken, and why not; null: no longer asked. */
  askWhy(endpoint: number | null): void {
    if (endpoint !== null) this.front = 'endpoint';
    this.change({ ask: endpoint ?? undefined });
  }

  // ── Time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The view stands still at what is seen now; the host goes on counting. */
  pause(): void {
    const atMs = this.channel?.atMs;
    if (!this.paused && atMs !== undefined) this.change({ untilMs: atMs });
  }

  /** Back to live, or to the end of a recording; what was asked of a past moment is closed. */
  resume(): void {
    this.change({ untilMs: undefined, selection: undefined, inspect: undefined, rows: firstRows });
  }

  /** Shows everything as it was at this moment, however little there was before it. */
  showMoment(timeMs: number): void {
    const { reach } = this.frame ?? {};
    this.change({ untilMs: clamp(timeMs, reach?.fromMs ?? timeMs, reach?.toMs ?? timeMs) });
  }

  /** Shows this part of the reach. Longer than it may be, it keeps its end. */
  showSpan({ fromMs, toMs }: TimeSpan): void {
    const { reach } = this.frame ?? {};
    // Whole milliseconds: a window that is moved must not become another length by the way.
    const windowSeconds = clamp(Math.round(toMs - fromMs) / 1000, shortestWindowSeconds, this.longestWindow);
    const least = (reach?.fromMs ?? -Infinity) + windowSeconds * 1000;
    const untilMs = clamp(toMs, Math.min(least, reach?.toMs ?? Infinity), reach?.toMs ?? Infinity);
    this.change({ windowSeconds, untilMs });
  }

  /** Later by so much, or earlier; the view is paused then. */
  scrub(byMs: number): void {
    const { span } = this;
    if (span) this.showSpan({ fromMs: span.fromMs + byMs, toMs: span.toMs + byMs });
  }

  /**
   * The window becomes so many times as long; this moment stays where it is. A live view stays live at its end, and where it
   * becomes longer; who looks closer at an earlier moment wants that one to stay.
   */
  zoom(factor: number, aroundMs?: number): void {
    const { span } = this;
    if (!span) return;
    const windowSeconds = clamp(this.query.windowSeconds * factor, shortestWindowSeconds, this.longestWindow);
    const nearEnd = span.toMs - (span.toMs - span.fromMs) * liveEnd;
    if (aroundMs === undefined || (!this.paused && (factor > 1 || aroundMs > nearEnd))) {
      this.change({ windowSeconds });
      return;
    }
    const applied = windowSeconds / this.query.windowSeconds;
    const toMs = aroundMs + (span.toMs - aroundMs) * applied;
    this.showSpan({ fromMs: toMs - windowSeconds * 1000, toMs });
  }

  /** Shares, reasons, answers and the list are of this part from now on; the view stands still for it. */
  select(selection: TimeSpan | undefined): void {
    const untilMs = this.query.untilMs ?? this.channel?.atMs;
    if (selection && untilMs !== undefined) this.change({ selection, untilMs, rows: firstRows });
    else if (this.query.selection) this.change({ selection: undefined, rows: firstRows });
  }

  /** Moves so that this moment is within the window, a third from its end where it is not yet. */
  goTo(timeMs: number): void {
    const { span } = this;
    if (!span) return;
    const windowMs = span.toMs - span.fromMs;
    const toMs = timeMs > span.fromMs && timeMs <= span.toMs ? span.toMs : timeMs + windowMs / 3;
    this.showSpan({ fromMs: toMs - windowMs, toMs });
  }

  private get longestWindow(): number {
    const { reach, place } = this.frame ?? {};
    if (place !== 'recording' || !reach) return longestWindowSeconds;
    return Math.max(shortestWindowSeconds, (reach.toMs - reach.fromMs) / 1000);
  }

  /** How many points a line has room for. */
  setPoints(points: number): void {
    if (points !== this.query.points) this.change({ points });
  }

  // ── The list ───────────────────────────────────────────────────────────────────────────────────────────────────

  inspect(pick: number): void {
    const untilMs = this.query.untilMs ?? this.channel?.atMs;
    if (untilMs === undefined) return;
    this.front = 'pick';
    const { newest = Infinity, ...rows } = this.query.rows;
    // One that is newer than the held list is in the list again: the pause holds that as well.
    this.change({ inspect: pick, untilMs, ...(pick > newest && { rows }) });
  }

  closeInspector(): void {
    if (this.query.inspect !== undefined) this.change({ inspect: undefined });
  }

  /** The rows that the list has in view, and some around them. */
  wantRows(skip: number, limit: number): void {
    const { rows } = this.query;
    if (rows.skip !== skip || rows.limit !== limit) this.change({ rows: { ...rows, skip, limit } });
  }

  /** The list stands still under the reader's eyes. */
  hold(): void {
    const newest = this.picks[0]?.key;
    if (this.held || this.paused || !this.channel?.live || newest === undefined) return;
    this.change({ rows: { ...this.query.rows, newest } });
  }

  release(): void {
    if (this.held) this.change({ rows: firstRows });
  }

  // ── How it is shown ────────────────────────────────────────────────────────────────────────────────────────────

  toggleSection(section: Section): void {
    this.open = { ...this.open, [section]: !this.open[section] };
    this.kept();
  }

  toggleLine(slot: number): void {
    const hidden = new Set(this.hiddenSlots);
    if (!hidden.delete(slot)) hidden.add(slot);
    this.hiddenSlots = hidden;
    this.kept();
  }

  /** This line alone, of all these; once more: all of them. */
  showOnly(slot: number, slots: readonly number[]): void {
    const others = slots.filter((each) => each !== slot);
    const alone = !this.hiddenSlots.has(slot) && others.every((each) => this.hiddenSlots.has(each));
    this.hiddenSlots = new Set(alone ? [] : others);
    this.kept();
  }

  toggleChart(measure: Measure): void {
    const shown = new Set(this.charts);
    if (!shown.delete(measure)) shown.add(measure);
    this.charts = measures.filter((each) => shown.has(each));
    this.kept();
  }

  toggleHeat(): void {
    this.heat = !this.heat;
    this.kept();
  }

  showAsTables(asTables: boolean): void {
    this.asTables = asTables;
    this.kept();
  }

  /** By this column, then the other way round, then by address again. */
  sortBy(column: string): void {
    const { sorting } = this;
    if (sorting?.column !== column) this.sorting = { column, descending: true };
    else this.sorting = sorting.descending ? { column, descending: false } : null;
    this.kept();
  }

  setHover(hover: Partial<Hover>): void {
    const next = { ...this.hover, ...hover };
    if (next.endpoint === this.hover.endpoint && next.timeMs === this.hover.timeMs) return;
    this.hover = next;
    this.changed('hover');
  }

  private kept(): void {
    this.persist();
    this.changed('reader');
  }

  private change(part: Partial<Query>): void {
    this.query = { ...this.query, ...part };
    this.ask();
    this.kept();
  }

  private persist(): void {
    const { client, query, open, hiddenSlots, charts, sorting, asTables, heat, front } = this;
    this.host.persist({ client, query, open, hiddenSlots: [...hiddenSlots], charts, sorting, asTables, heat, front });
  }

  private changed(what: Changed): void {
    for (const listener of this.listeners) listener(what);
  }
}

/** All that the list stood still at has left the ring: empty, it would hold nothing but the reader up. */
function isEmptied({ matching, held }: ChannelView): boolean {
  return matching === 0 && held > 0;
}

/** Of another channel nothing is known that this one was asked for. */
const atOnce = {
  untilMs: undefined,
  selection: undefined,
  inspect: undefined,
  ask: undefined,
  rows: firstRows,
} satisfies Partial<Query>;

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
