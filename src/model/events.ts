import type { EventRow, Marker } from '../messages/panel';

const maxEvents = 2000;

/** Drops that follow each other this closely are one event. */
const dropsTogetherMs = 1000;

/** A rebuilt picker this soon after the change of state that caused it is one marker with it. */
const causeMs = 1000;

/** The channel of an event that concerns all of them. */
export const allChannels = 0;

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
export type NewEvent = DistributiveOmit<EventRow, 'key'>;

/** What happened, oldest first; the newest 2000. */
export class EventLog {
  private entries: { readonly channel: number; readonly event: EventRow }[] = [];
  private nextKey = 1;

  add(channel: number, event: NewEvent): void {
    this.entries.push({ channel, event: { ...event, key: this.nextKey++ } });
    if (this.entries.length > maxEvents) this.entries.shift();
  }

  /** Drops come with every flush while they last: those within a second are added to one event. */
  addDrops(timeMs: number, picks: number, completions: number): void {
    const last = this.entries.at(-1)?.event;
    if (last?.kind === 'drops' && timeMs - last.timeMs < dropsTogetherMs) {
      const event = { ...last, picks: last.picks + picks, completions: last.completions + completions };
      this.entries[this.entries.length - 1] = { channel: allChannels, event };
    } else {
      this.add(allChannels, { kind: 'drops', timeMs, picks, completions });
    }
  }

  /** The channel's events up to this moment, newest first. */
  of(channel: number, untilMs: number): EventRow[] {
    return this.entries
      .filter((entry) => entry.channel === channel || entry.channel === allChannels)
      .map((entry) => entry.event)
      .filter((event) => event.timeMs <= untilMs)
      .reverse();
  }

  /** Everything was so much earlier. */
  moveBack(ms: number): void {
    this.entries = this.entries.map(({ channel, event }) => ({
      channel,
      event: { ...event, timeMs: event.timeMs - ms },
    }));
  }

  clear(): void {
    this.entries = [];
  }
}

/** The markers that events make in the charts; events newest first, markers oldest first. */
export function markersOf(events: readonly EventRow[], sinceMs: number): Marker[] {
  const markers: Marker[] = [];
  for (const event of events.filter(({ timeMs }) => timeMs >= sinceMs).reverse()) {
    const marker = markerOf(event);
    if (!marker) continue;
    const last = markers.at(-1);
    if (event.kind === 'generation' && last && isCause(event, last)) {
      const { generation, historyLost } = event;
      markers[markers.length - 1] = { ...last, generation, historyLost };
    } else markers.push(marker);
  }
  return markers;
}

/** Only what changes who can be picked, or what is known: a way from CONNECTING to TRANSIENT_FAILURE is no marker. */
function markerOf(event: EventRow): Marker | undefined {
  const { timeMs } = event;
  switch (event.kind) {
    case 'generation':
      return { timeMs, kind: 'generation', generation: event.generation, historyLost: event.historyLost };
    case 'endpointState':
      if (event.to === 'READY') return { timeMs, kind: 'ready', endpoint: event.endpoint, historyLost: false };
      if (event.from === 'READY') return { timeMs, kind: 'notReady', endpoint: event.endpoint, historyLost: false };
      return undefined;
    case 'resolver':
      return { timeMs, kind: 'resolver', historyLost: false };
    case 'restart':
      return { timeMs, kind: 'restart', historyLost: true };
    case 'drops':
      return { timeMs, kind: 'drops', historyLost: false };
    default:
      return undefined;
  }
}

function isCause(event: Extract<EventRow, { kind: 'generation' }>, marker: Marker): boolean {
  const kind = { endpointReady: 'ready', endpointNotReady: 'notReady', resolverUpdate: 'resolver', unknown: '' }[
    event.cause
  ];
  return marker.kind === kind && marker.generation === undefined && event.timeMs - marker.timeMs < causeMs;
}
