import type { DropTotals, FilterError, Series } from '../messages/panel';
import { BoundedMap } from './boundedMap';
import { Dictionary } from './dictionary';
import { shareMs } from './endpointTable';
import type { Channel } from './entities';
import { EventLog } from './events';
import { compileFilter } from './filter';
import { Methods } from './methods';
import { PickRing } from './pickRing';
import { Registry } from './registry';
import { Selection } from './selection';
import { series, type Span } from './series';
import { Timeline } from './timeline';

/** Selections and series that are kept up: some for each panel that is open. */
const maxKept = 6;

/** All that is kept of a client: intakes write it, views read it. */
export class ClientData {
  readonly registry = new Registry();
  readonly events = new EventLog();
  /** Methods and names of policies. */
  readonly texts = new Dictionary();
  readonly methods = new Methods(this.texts);
  readonly ring: PickRing;
  /** Whether the client was watched: not before attaching, nor while the stream was lost. */
  readonly watched = new Timeline<boolean>();
  /** What the client could not send, over all streams. */
  readonly drops = new Timeline<DropTotals>();
  private readonly selections = new BoundedMap<string, Selection | FilterError>(maxKept);
  private readonly seriesOf = new BoundedMap<string, Series>(maxKept);

  constructor(pickBudgetBytes: number) {
    this.ring = new PickRing(pickBudgetBytes);
  }

  /** The picks of a channel that match a filter, up to date; or what is wrong with the filter. */
  selection(channel: number, filter: string): Selection | FilterError {
    const selection = this.selections.renew(`${channel} ${filter.trim()}`, () => this.select(channel, filter));
    if (selection instanceof Selection) selection.update();
    return selection;
  }

  /** All picks of a channel, up to date. */
  allPicks(channel: number): Selection {
    return this.selection(channel, '') as Selection;
  }

  /** The lines of whole seconds: made once a second, not once a frame. */
  series(channel: Channel, span: Span): Series {
    return this.seriesOf.renew(`${channel.id} ${span.from} ${span.to}`, () => series(channel, span, this.watched));
  }

  /** The wall clock was set back: by it, all that is kept was so much earlier. */
  moveBack(ms: number): void {
    const { channels, endpoints, generations } = this.registry;
    for (const each of [...channels.values(), ...endpoints.values(), this.events, this.watched, this.drops])
      each.moveBack(ms);
    for (const generation of generations.values()) if (generation.sinceMs !== null) generation.sinceMs -= ms;
    this.forgetSeries();
  }

  forgetSeries(): void {
    this.seriesOf.clear();
  }

  /** The call of the pick with this key ended. */
  onOutcome(key: number): void {
    for (const selection of this.selections.values()) if (selection instanceof Selection) selection.reconsider(key);
  }

  /** How much of the last 10 s before this moment was watched, at least one second. */
  watchedSeconds(atMs: number): number {
    const entry = this.watched.at(atMs);
    const sinceMs = entry?.value ? entry.sinceMs : -Infinity;
    return Math.min(Math.max(atMs - sinceMs, 1000), shareMs) / 1000;
  }

  private select(channel: number, filter: string): Selection | FilterError {
    const { ring, texts, registry } = this;
    const compiled = compileFilter(filter, ring, {
      method: (number) => texts.text(number),
      endpoint: (id) => registry.endpoints.get(id)?.addresses.join('\n') ?? '',
    });
    if (!compiled.ok) return compiled.error;
    return new Selection(ring, (slot) => ring.channel[slot] === channel && compiled.matches(slot));
  }
}
