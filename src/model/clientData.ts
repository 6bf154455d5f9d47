import type { DropTotals } from '../messages/panel';
import { Dictionary } from './dictionary';
import { shareMs } from './endpointTable';
import { EventLog } from './events';
import { compileFilter } from './filter';
import { PickRing } from './pickRing';
import { Registry } from './registry';
import { Selection } from './selection';
import { Timeline } from './timeline';

/** Selections that are kept up: one for each filter of each panel that is open, and those without a filter. */
const maxSelections = 6;

/** All that is kept of a client: intakes write it, views read it. */
export class ClientData {
  readonly registry = new Registry();
  readonly events = new EventLog();
  /** Methods and names of policies. */
  readonly texts = new Dictionary();
  readonly ring: PickRing;
  /** Whether the client was watched: not before attaching, nor while the stream was lost. */
  readonly watched = new Timeline<boolean>();
  /** What the client could not send, over all streams. */
  readonly drops = new Timeline<DropTotals>();
  private readonly selections = new Map<string, Selection>();

  constructor(pickBudgetBytes: number) {
    this.ring = new PickRing(pickBudgetBytes);
  }

  /** The picks of a channel that match a filter, up to date; undefined: the filter is malformed. */
  selection(channel: number, filter: string): Selection | undefined {
    const name = `${channel} ${filter.trim()}`;
    const selection = this.selections.get(name) ?? this.select(channel, filter);
    if (!selection) return undefined;
    // Entered anew, so that the one that was not asked for the longest is the first to go.
    this.selections.delete(name);
    this.selections.set(name, selection);
    if (this.selections.size > maxSelections) this.selections.delete([...this.selections.keys()][0]!);
    selection.update();
    return selection;
  }

  /** The token for which the filter is malformed. */
  malformedToken(filter: string): string {
    const compiled = this.compile(filter);
    return compiled.ok ? '' : compiled.token;
  }

  /** The call of the pick with this key ended. */
  onOutcome(key: number): void {
    for (const selection of this.selections.values()) selection.reconsider(key);
  }

  /** How much of the last 10 s before this moment was watched, at least one second. */
  watchedSeconds(atMs: number): number {
    const entry = this.watched.at(atMs);
    const sinceMs = entry?.value ? entry.sinceMs : -Infinity;
    return Math.min(Math.max(atMs - sinceMs, 1000), shareMs) / 1000;
  }

  private select(channel: number, filter: string): Selection | undefined {
    const { ring } = this;
    const compiled = this.compile(filter);
    if (!compiled.ok) return undefined;
    return new Selection(ring, (slot) => ring.channel[slot] === channel && compiled.matches(slot));
  }

  private compile(filter: string) {
    return compileFilter(filter, this.ring, {
      method: (number) => this.texts.text(number),
      endpoint: (id) => this.registry.endpoints.get(id)?.addresses.join(' ') ?? '',
    });
  }
}
