import type { RowPredicate } from './filter';
import type { PickRing } from './pickRing';

/** The rows of the ring that a predicate wants, kept up with the ring: each row is tested once, and when its call ends. */
export class Selection {
  private readonly wanted: Uint8Array;
  // The keys that were tested: from (inclusive) to (exclusive).
  private from: number;
  private to: number;
  private count = 0;

  constructor(
    private readonly ring: PickRing,
    private readonly matches: RowPredicate,
  ) {
    this.wanted = new Uint8Array(ring.capacity);
    this.from = this.to = ring.oldest;
  }

  /** Takes in the rows that came, and takes out those that went. */
  update(): void {
    const { ring } = this;
    if (ring.oldest >= this.to) {
      this.from = this.to = ring.oldest;
      this.count = 0;
    }
    // First those that went: rows that came may lie in their slots.
    for (; this.from < ring.oldest; this.from++) this.count -= this.wanted[ring.slot(this.from)]!;
    for (; this.to < ring.next; this.to++) {
      const slot = ring.slot(this.to);
      const wanted = this.matches(slot) ? 1 : 0;
      this.wanted[slot] = wanted;
      this.count += wanted;
    }
  }

  /** The row's outcome is known now. */
  reconsider(key: number): void {
    if (key < this.from || key >= this.to) return;
    const slot = this.ring.slot(key);
    const wanted = this.matches(slot) ? 1 : 0;
    this.count += wanted - this.wanted[slot]!;
    this.wanted[slot] = wanted;
  }

  /** How many rows before this key are wanted. */
  countBefore(end: number): number {
    let count = this.count;
    for (let key = Math.max(end, this.from); key < this.to; key++) count -= this.wanted[this.ring.slot(key)]!;
    return count;
  }

  /** Keys of the newest rows before this key, newest first. */
  newestBefore(end: number, limit: number): number[] {
    const keys: number[] = [];
    for (let key = Math.min(end, this.to) - 1; key >= this.from && keys.length < limit; key--) {
      if (this.wanted[this.ring.slot(key)]) keys.push(key);
    }
    return keys;
  }

  /** Key of the oldest row; 0: none. */
  oldest(): number {
    for (let key = this.from; key < this.to; key++) if (this.wanted[this.ring.slot(key)]) return key;
    return 0;
  }
}
