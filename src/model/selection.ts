import type { RowPredicate } from './filter';
import { remainder, type PickRing } from './pickRing';

/** Rows are counted by blocks of so many keys: a page, or a count, reads a number a block, and rows of few blocks. */
const blockRows = 256;

/**
 * The rows of the ring that a predicate wants, kept up with the ring: each row is tested once, and when its call ends.
 * Answers are as quick at any depth. Spans are of keys, from (inclusive) to (exclusive).
 */
export class Selection {
  // Both are rings by key, of whole blocks: one more than the rows need, which may begin and end within one.
  private readonly blocks: number;
  private readonly wanted: Uint8Array;
  private readonly counts: Uint16Array;
  // The keys that were tested.
  private from: number;
  private to: number;

  constructor(
    private readonly ring: PickRing,
    private readonly matches: RowPredicate,
  ) {
    this.blocks = Math.ceil(ring.capacity / blockRows) + 1;
    this.wanted = new Uint8Array(this.blocks * blockRows);
    this.counts = new Uint16Array(this.blocks);
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
    for (; this.from < ring.oldest; this.from++) this.want(this.from, 0);
    for (; this.to < ring.next; this.to++) if (this.matches(ring.slot(this.to))) this.want(this.to, 1);
  }

  /** The row's outcome is known now. */
  reconsider(key: number): void {
    if (key >= this.from && key < this.to) this.want(key, this.matches(this.ring.slot(key)) ? 1 : 0);
  }

  count(from: number, to: number): number {
    let count = 0;
    this.forBlocks(from, to, (first, end, place, ofBlock) => {
      if (end - first === blockRows) count += ofBlock;
      else for (let index = place; index < place + end - first; index++) count += this.wanted[index]!;
      return true;
    });
    return count;
  }

  /** Keys of the newest rows of the span below so many that are skipped, newest first. */
  newest(from: number, to: number, skip: number, limit: number): number[] {
    const keys: number[] = [];
    let left = skip;
    this.forBlocks(from, to, (first, end, place, ofBlock) => {
      if (end - first === blockRows && left >= ofBlock) {
        left -= ofBlock;
        return true;
      }
      for (let key = end - 1; key >= first && keys.length < limit; key--) {
        if (this.wanted[place + key - first] && left-- <= 0) keys.push(key);
      }
      return keys.length < limit;
    });
    return keys;
  }

  /** Key of the oldest row of the span; `to`: there is none. */
  oldest(from: number, to: number): number {
    const end = Math.min(to, this.to);
    for (let key = Math.max(from, this.from); key < end; key++) {
      const place = this.place(key);
      if (this.wanted[place]) return key;
      if (place % blockRows === 0 && this.counts[place / blockRows] === 0) key += blockRows - 1;
    }
    return to;
  }

  /**
   * Visits the blocks of a span in which something is wanted, newest first, until told not to go on: the part of the block
   * that is in the span, where its first row lies, and how many are wanted in the whole block.
   */
  private forBlocks(
    from: number,
    to: number,
    visit: (first: number, end: number, place: number, ofBlock: number) => boolean,
  ): void {
    const start = Math.max(from, this.from);
    let end = Math.min(to, this.to);
    while (end > start) {
      const begin = Math.floor((end - 1) / blockRows) * blockRows;
      const first = Math.max(begin, start);
      const place = this.place(first);
      const ofBlock = this.counts[Math.floor(place / blockRows)]!;
      if (ofBlock > 0 && !visit(first, end, place, ofBlock)) return;
      end = first;
    }
  }

  private want(key: number, wanted: 0 | 1): void {
    const place = this.place(key);
    this.counts[Math.floor(place / blockRows)]! += wanted - this.wanted[place]!;
    this.wanted[place] = wanted;
  }

  /** Blocks are aligned to whole multiples of their length, in keys as in places. */
  private place(key: number): number {
    return remainder(key, this.wanted.length);
  }
}
