import type { ChannelView, Frame, PanelCommand, PickRow, Query } from '../messages/panel';
import type { Host } from './host';

/** Length of the charts' time axis. */
const windowSeconds = 120;
const firstLimit = 100;
const mostRows = 1000;

export type Section = 'endpoints' | 'events';

/** What the panel keeps when it is thrown away: where the reader was, never data. */
export interface PersistedState {
  /** Id of the client that the query is about. */
  readonly client: string | undefined;
  readonly query: Query;
  readonly open: Readonly<Record<Section, boolean>>;
  /** Slots whose lines are switched off. */
  readonly hiddenSlots: readonly number[];
}

/** The list as it was when the pointer or the focus came to it. */
export interface Held {
  readonly picks: readonly PickRow[];
  readonly atMs: number;
  readonly picksSeen: number;
}

export interface Hover {
  /** Endpoint whose line is lit. */
  readonly endpoint: number | null;
  /** Moment under the crosshair. */
  readonly timeMs: number | null;
}

/** What is shown and why; every view draws itself from this alone. */
export class Store {
  frame: Frame | undefined;
  query: Query;
  open: Readonly<Record<Section, boolean>>;
  hiddenSlots: ReadonlySet<number>;
  held: Held | undefined;
  hover: Hover = { endpoint: null, timeMs: null };

  private client: string | undefined;
  private listeners: ((byReader: boolean) => void)[] = [];

  constructor(private readonly host: Host<PersistedState>) {
    const kept = host.restore();
    this.client = kept?.client;
    this.query = kept?.query ?? { windowSeconds, filter: '', limit: firstLimit };
    this.open = kept?.open ?? { endpoints: true, events: false };
    this.hiddenSlots = new Set(kept?.hiddenSlots);
  }

  /** Calls back after each change; `byReader` ones are worth drawing at once. */
  subscribe(listener: (byReader: boolean) => void): void {
    this.listeners.push(listener);
  }

  get channel(): ChannelView | undefined {
    return this.frame?.channel;
  }

  get paused(): boolean {
    return this.query.untilMs !== undefined;
  }

  /** A pick is explained: the host answered for the one that is asked for. */
  get inspecting(): boolean {
    return this.query.inspect !== undefined && this.channel?.inspection !== undefined;
  }

  /** The picks to list: of the frame, or the held ones, with what became known of them meanwhile. */
  get picks(): readonly PickRow[] {
    const { channel, held } = this;
    if (!channel) return [];
    if (!held) return channel.picks;
    const known = new Map(channel.picks.map((pick) => [pick.key, pick]));
    return held.picks.map((pick) => known.get(pick.key) ?? pick);
  }

  receive(frame: Frame): void {
    const before = this.channel;
    this.frame = frame;
    if (before && before.id !== frame.channel?.id) this.held = undefined;
    this.forgetWhatIsGone(frame);
    this.changed(false);
  }

  /** Ids and moments are of one client: what is not there any more cannot be asked for. */
  private forgetWhatIsGone({ attachment, channel, channels }: Frame): void {
    const client = attachment.state === 'none' ? undefined : attachment.client.id;
    const { query } = this;
    const another = client !== undefined && this.client !== undefined && client !== this.client;
    this.client = client ?? this.client;
    if (another) {
      this.change({ channel: undefined, untilMs: undefined, inspect: undefined, limit: firstLimit });
    } else if (query.channel !== undefined && channels.length > 0 && !channels.some(({ id }) => id === query.channel)) {
      this.change({ channel: undefined });
    } else if (query.untilMs !== undefined && channel && !reachesBackTo(channel, query.untilMs)) {
      this.resume();
    }
  }

  ask(): void {
    this.host.post({ type: 'query', query: this.query });
  }

  command(command: PanelCommand): void {
    this.host.post({ type: 'command', command });
  }

  setFilter(filter: string): void {
    if (filter === this.query.filter) return;
    this.held = undefined;
    this.change({ filter, limit: firstLimit });
  }

  /** Puts a word into the filter, or takes it out; with it go its alternatives, of which a pick can have only one. */
  toggleWord(word: string, alternatives: readonly string[] = []): void {
    const words = this.query.filter.split(/\s+/).filter((each) => each !== '');
    const others = words.filter((each) => each !== word && !alternatives.includes(each));
    this.setFilter((words.includes(word) ? others : [...others, word]).join(' '));
  }

  chooseChannel(channel: number): void {
    this.held = undefined;
    this.change({ channel, untilMs: undefined, inspect: undefined, limit: firstLimit });
  }

  /** The view stands still at what is seen now; the host goes on counting. */
  pause(): void {
    const atMs = this.held?.atMs ?? this.channel?.atMs;
    if (this.paused || atMs === undefined) return;
    this.change({ untilMs: atMs });
    this.held = undefined;
  }

  resume(): void {
    this.held = undefined;
    this.change({ untilMs: undefined, inspect: undefined, limit: firstLimit });
  }

  inspect(pick: number): void {
    const untilMs = this.query.untilMs ?? this.held?.atMs ?? this.channel?.atMs;
    if (untilMs === undefined) return;
    this.held = undefined;
    this.change({ inspect: pick, untilMs });
  }

  closeInspector(): void {
    if (this.query.inspect !== undefined) this.change({ inspect: undefined });
  }

  showMore(): void {
    const { channel, query } = this;
    if (this.held || !channel || channel.matching <= query.limit || channel.picks.length < query.limit) return;
    if (query.limit < mostRows) this.change({ limit: Math.min(mostRows, query.limit + firstLimit) });
  }

  hold(): void {
    const { channel } = this;
    if (this.held || this.paused || !channel?.live) return;
    this.held = { picks: this.picks, atMs: channel.atMs, picksSeen: channel.picksSeen };
  }

  release(): void {
    if (!this.held) return;
    this.held = undefined;
    this.changed(true);
  }

  /** Hides what was shown so far; the host keeps it, and the counts stay exact. */
  toggleSection(section: Section): void {
    this.open = { ...this.open, [section]: !this.open[section] };
    this.persist();
    this.changed(true);
  }

  toggleLine(slot: number): void {
    const hidden = new Set(this.hiddenSlots);
    if (!hidden.delete(slot)) hidden.add(slot);
    this.hiddenSlots = hidden;
    this.persist();
    this.changed(true);
  }

  setHover(hover: Partial<Hover>): void {
    const next = { ...this.hover, ...hover };
    if (next.endpoint === this.hover.endpoint && next.timeMs === this.hover.timeMs) return;
    this.hover = next;
    this.changed(true);
  }

  private change(part: Partial<Query>): void {
    this.query = { ...this.query, ...part };
    this.persist();
    this.ask();
    this.changed(true);
  }

  private persist(): void {
    this.host.persist({ client: this.client, query: this.query, open: this.open, hiddenSlots: [...this.hiddenSlots] });
  }

  private changed(byReader: boolean): void {
    for (const listener of this.listeners) listener(byReader);
  }
}

function reachesBackTo(channel: ChannelView, atMs: number): boolean {
  return channel.oldestPickMs !== null && channel.oldestPickMs <= atMs;
}
