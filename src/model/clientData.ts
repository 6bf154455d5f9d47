import type { DropTotals, FilterError, TimeSpan } from '../messages/panel';
import { BoundedMap } from './boundedMap';
import { Pairs } from './decisions';
import { Dictionary } from './dictionary';
import { EventLog } from './events';
import { compileFilter } from './filter';
import { Methods } from './methods';
import { PickRing } from './pickRing';
import { reachOf, type Reach } from './reach';
import { Registry } from './registry';
import { Selection } from './selection';
import { Timeline } from './timeline';

/** Selections, and series and what else is costly to make, that are kept: some for each panel that is open. */
const maxSelections = 16;
const maxMade = 12;

/** How long after the newest moment that was told of the time before it may still change: batches do not come in order. */
const settledAfterMs = 1000;

/** Where what is known of a client ends at present. */
export interface Edge {
  /** The moment that is shown as "now". */
  readonly atMs: number;
  /** The newest moment that the client told of. */
  readonly toldMs: number;
  /** ClientModel.chartVersion. */
  readonly version: number;
}

/** All that is kept of a client: intakes write it, views read it. */
export class ClientData {
  readonly reach: Reach;
  readonly registry: Registry;
  readonly events = new EventLog();
  /** Methods and names of policies. */
  readonly texts = new Dictionary();
  readonly methods = new Methods(this.texts);
  readonly ring: PickRing;
  readonly pairs: Pairs;
  /** Whether the client was watched: not before attaching, nor while the stream was lost. */
  readonly watched = new Timeline<boolean>();
  /** What the client could not send, over all streams. */
  readonly drops = new Timeline<DropTotals>();
  private readonly selections = new BoundedMap<string, Selection | FilterError>(maxSelections);
  /** Up to which version each thing holds that was made. */
  private readonly made = new BoundedMap<string, { readonly value: unknown; readonly until: number }>(maxMade);

  constructor(pickBudgetBytes: number, reachMs: number) {
    this.ring = new PickRing(pickBudgetBytes);
    this.reach = reachOf(reachMs);
    this.registry = new Registry(this.reach);
    this.pairs = new Pairs(this.reach.decisionMs, Math.ceil(this.reach.ms / this.reach.decisionMs));
  }

  /** The picks of a channel that a filter wants, up to date; all of them where it could not be read, and why not. */
  picksOf(channel: number, filter: string): { readonly wanted: Selection; readonly filterError?: FilterError } {
    const wanted = this.selections.renew(`${channel} ${filter.trim()}`, () => this.select(channel, filter));
    if (!(wanted instanceof Selection)) return { wanted: this.allPicksOf(channel), filterError: wanted };
    wanted.update();
    return { wanted };
  }

  /** All picks of a channel, up to date. */
  allPicksOf(channel: number): Selection {
    return this.picksOf(channel, '').wanted;
  }

  /**
   * What charts show of the time up to a moment: made once, or, while that may still change, once for each version.
   *
   * @param key tells it from all else that is made.
   */
  charted<T>(key: string, untilMs: number, { toldMs, version }: Edge, make: () => T): T {
    const until = untilMs <= toldMs - settledAfterMs ? Infinity : version;
    if (this.made.get(key)?.until !== until) this.made.delete(key);
    return this.made.renew(key, () => ({ value: make(), until })).value as T;
  }

  /** From the oldest to the newest moment of what is kept; undefined: the client was never watched. */
  reachAt(edgeMs: number): TimeSpan | undefined {
    const { oldest } = this.watched;
    if (!oldest) return undefined;
    return { fromMs: Math.min(Math.max(oldest.sinceMs, edgeMs - this.reach.ms), edgeMs), toMs: edgeMs };
  }

  /** The wall clock was set back: by it, all that is kept was so much earlier. */
  moveBack(ms: number): void {
    const { channels, endpoints, generations } = this.registry;
    for (const each of [...channels.values(), ...endpoints.values(), this.pairs, this.events, this.watched, this.drops])
      each.moveBack(ms);
    for (const generation of generations.values()) if (generation.sinceMs !== null) generation.sinceMs -= ms;
  }

  /** What was known of the past changed. */
  forgetMade(): void {
    this.made.clear();
  }

  /** The call of the pick with this key ended. */
  onOutcome(key: number): void {
    for (const selection of this.selections.values()) if (selection instanceof Selection) selection.reconsider(key);
  }

  /** How much of a span was watched, for rates: at least a second of a longer one. */
  watchedSeconds({ fromMs, toMs }: TimeSpan): number {
    const parts = this.watched.during(fromMs, toMs);
    let watchedMs = 0;
    for (const [index, { sinceMs, value }] of parts.entries())
      if (value) watchedMs += Math.min(parts[index + 1]?.sinceMs ?? toMs, toMs) - Math.max(sinceMs, fromMs);
    return Math.max(watchedMs, Math.min(1000, toMs - fromMs)) / 1000;
  }

  private select(channel: number, filter: string): Selection | FilterError {
    const { ring, texts, registry } = this;
    const compiled = compileFilter(filter, ring, {
      method: (number) => texts.text(number),
      endpoint: (id) => registry.endpoints.get(id)?.addresses.join('\n') ?? '',
      generation: (id) => registry.generations.get(id)?.wireId ?? NaN,
    });
    if (!compiled.ok) return compiled.error;
    return new Selection(ring, (slot) => ring.channel[slot] === channel && compiled.matches(slot));
  }
}
