import type { RowPredicate } from './filter';
import { remainder, type PickRing } from './pickRing';

/** Rows are counted by blocks of so many keys: a page, or a count, reads a number a block, and rows of few blocks. */
const blockRows = 64;

/**
 * The rows of the ring that a predicate wants, kept up with the ring: each row is tested once, and when its call ends.
 * Answers are as quick at any depth. Spans are of keys, from (inclusive) to (exclusive).
 */
export class Selection {
  // Both are rings by key, of whole blocks: one more than the rows need, which may begin and end within one.
  private readonly wanted: Uint8Array;
  private readonly counts: Uint8Array;
  // The keys that were tested.
  private from: number;
  private to: number;

  constructor(
    private readonly ring: PickRing,
    private readonly matches: RowPredicate,
  ) {
    const blocks = Math.ceil(ring.capacity / blockRows) + 1;
    this.wanted = new Uint8Array(blocks * blockRows);
    this.counts = new Uint8Array(blocks);
    this.from = this.to = ring.oldest;
  }

  /** Takes in the rows that came, and takes out those that went. */
  update(): void {
    const { ring } = this;
    if (ring.oldest >= this.to) {
      this.wanted.fill(0);
      this.counts.fill(0);
      this.from = this.to = ring.oldest;
    }
    // First those that went: rows that came may lie in their places.
    for (let place = this.place(this.from); this.from < ring.oldest; this.from++, place = this.after(place))
      if (this.wanted[place]) this.want(place, 0);
    let slot = ring.slot(this.to);
    for (let place = this.place(this.to); this.to < ring.next; this.to++, place = this.after(place)) {
      if (this.matches(slot)) this.want(place, 1);
      if (++slot === ring.capacity) slot = 0;
    }
  }

  /** The row's outcome is known now. */
  reconsider(key: number): void {
    if (key >= this.from && key < this.to) this.want(this.place(key), this.matches(this.ring.slot(key)) ? 1 : 0);
  }

  count(from: number, to: number): number {
    const start = Math.max(from, this.from);
    const end = Math.min(to, this.to);
    let count = 0;
    for (let key = start, place = this.place(start); key < end; key++, place = this.after(place)) {
      if (place % blockRows === 0 && key + blockRows <= end) {
        count += this.counts[place / blockRows]!;
        key += blockRows - 1;
        place += blockRows - 1;
      } else {
        count += this.wanted[place]!;
      }
    }
    return count;
  }

  /** Keys of the newest rows of the span below so many that are skipped, newest first. */
  newest(from: number, to: number, skip: number, limit: number): number[] {
    const start = Math.max(from, this.from);
    const end = Math.min(to, this.to);
    const keys: number[] = [];
    let left = skip;
    for (
      let key = end - 1, place = this.place(key);
      key >= start && keys.length < limit;
      key--, place = this.before(place)
    ) {
      const begin = place + 1 - blockRows;
      const ofBlock = begin % blockRows === 0 && key + 1 - blockRows >= start ? this.counts[begin / blockRows]! : NaN;
      if (ofBlock <= left) {
        left -= ofBlock;
        key += 1 - blockRows;
        place = begin;
      } else if (this.wanted[place]) {
        if (left > 0) left--;
        else keys.push(key);
      }
    }
    return keys;
  }

  /** Key of the first row of the span; `to`: there is none. So all can be walked, oldest first, while the ring turns over. */
  first(from: number, to: number): number {
    const end = Math.min(to, this.to);
    const start = Math.max(from, this.from);
    for (let key = start, place = this.place(start); key < end; key++, place = this.after(place)) {
      if (this.wanted[place]) return key;
      if (place % blockRows === 0 && this.counts[place / blockRows] === 0) {
        key += blockRows - 1;
        place += blockRows - 1;
      }
    }
    return to;
  }

  private want(place: number, wanted: 0 | 1): void {
    this.counts[Math.floor(place / blockRows)]! += wanted - this.wanted[place]!;
    this.wanted[place] = wanted;
  }

  /** Blocks are aligned to whole multiples of their length, in keys as in places. */
  private place(key: number): number {
    return remainder(key, this.wanted.length);
  }

  private after(place: number): number {
    return place + 1 === this.wanted.length ? 0 : place + 1;
  }

  private before(place: number): number {
    return (place || this.wanted.length) - 1;
  }
}
