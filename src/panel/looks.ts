import type { ChannelView, EndpointSeries } from '../messages/panel';

/**
 * How an endpoint looks wherever it is shown: colour, dash and mark follow from its slot. The counts of them are
 * coprime, so that 210 slots pass before a combination comes again.
 */
export const colours = 6;
export const dashes: readonly (readonly number[])[] = [[], [7, 3], [2, 3], [8, 3, 2, 3], [4, 3]];

/** In a box of 10 by 10. */
export const marks: readonly string[] = [
  'M5 1a4 4 0 1 0 0 8a4 4 0 1 0 0-8z',
  'M1.4 1.4h7.2v7.2h-7.2z',
  'M5 .9l4.4 7.9h-8.8z',
  'M5 .4l4.6 4.6l-4.6 4.6l-4.6-4.6z',
  'M5 9.1l-4.4-7.9h8.8z',
  'M5 .4l1.3 3.1l3.3.3l-2.5 2.2l.8 3.3l-2.9-1.8l-2.9 1.8l.8-3.3l-2.5-2.2l3.3-.3z',
  'M3.5 .9h3v2.6h2.6v3h-2.6v2.6h-3v-2.6h-2.6v-3h2.6z',
];

export interface Look {
  /** Index of a colour; null: one of the folded ones, grey. */
  readonly colour: number | null;
  readonly dash: readonly number[];
  readonly mark: string;
}

/** The style class that gives an element its colour. */
export function colourClass({ colour }: Look): string {
  return colour === null ? 'series-other' : `series-${colour}`;
}

/** What series, picks and events name: an endpoint of the table, or one that is there no longer. */
export interface NamedEndpoint {
  readonly id: number;
  readonly label: string;
  readonly slot: number;
}

/** Those of the table first. */
export function namedEndpoints({ endpoints, formerEndpoints }: ChannelView): readonly NamedEndpoint[] {
  return [...endpoints, ...formerEndpoints];
}

/** So many lines can be told apart; the others are folded into one band. */
export const mostLines = 12;

/** Which series have lines of their own, which are folded. */
export interface ChartedLines {
  readonly own: readonly EndpointSeries[];
  readonly folded: readonly EndpointSeries[];
  /** What the end of each own line says. */
  readonly labels: readonly string[];
}

export class Looks {
  private looks = new Map<number, Look>();
  /** Ids of the endpoints that have a line of their own, in the table's order. */
  charted: readonly number[] = [];

  update(channel: ChannelView): void {
    const bySlot = (endpoints: readonly NamedEndpoint[]) => [...endpoints].sort((a, b) => a.slot - b.slot);
    const candidates = [...bySlot(channel.endpoints), ...bySlot(channel.formerEndpoints)];
    const own = new Set(candidates.slice(0, mostLines).map(({ id }) => id));
    const named = namedEndpoints(channel);
    this.charted = named.filter(({ id }) => own.has(id)).map(({ id }) => id);
    this.looks = new Map(named.map(({ id, slot }) => [id, own.has(id) ? lookOf(slot) : folded]));
  }

  of(endpoint: number): Look {
    return this.looks.get(endpoint) ?? folded;
  }
}

const folded: Look = { colour: null, dash: [], mark: marks[0]! };

/** Of a slot that has a line of its own. */
export function lookOf(slot: number): Look {
  return { colour: slot % colours, dash: dashes[slot % dashes.length]!, mark: marks[slot % marks.length]! };
}
