import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { PickRing } from '../../../src/model/pickRing';
import { Selection } from '../../../src/model/selection';

const rowBytes = 162;

/** A selection of the rows with a code, and the same as a plain list of all rows that there ever were. */
class Pair {
  readonly ring: PickRing;
  readonly selection: Selection;
  private readonly rows: boolean[] = [];

  constructor(capacity: number) {
    this.ring = new PickRing(rowBytes * capacity);
    this.selection = new Selection(this.ring, (slot) => this.ring.code[slot] === 1);
  }

  /** @param share how many of the rows are wanted. */
  append(count: number, share: number, random: () => number): void {
    for (let row = 0; row < count; row++) {
      const wanted = random() < share;
      this.ring.code[this.ring.append(1, 1, 0)] = wanted ? 1 : 0;
      this.rows.push(wanted);
    }
  }

  flip(key: number): void {
    if (!this.ring.has(key)) return;
    const wanted = !this.rows[key - 1];
    this.rows[key - 1] = wanted;
    this.ring.code[this.ring.slot(key)] = wanted ? 1 : 0;
    this.selection.reconsider(key);
  }

  /** Keys of the wanted rows that the ring has, oldest first. */
  wanted(from: number, to: number): number[] {
    const keys: number[] = [];
    for (let key = Math.max(from, this.ring.oldest); key < Math.min(to, this.ring.next); key++)
      if (this.rows[key - 1]) keys.push(key);
    return keys;
  }

  check(from: number, to: number, skip: number, limit: number): void {
    const { selection } = this;
    selection.update();
    const wanted = this.wanted(from, to);
    assert.equal(selection.count(from, to), wanted.length);
    assert.deepEqual(selection.newest(from, to, skip, limit), wanted.toReversed().slice(skip, skip + limit));
    const walked: number[] = [];
    for (let key = selection.first(from, to); key < to; key = selection.first(key + 1, to)) walked.push(key);
    assert.deepEqual(walked, wanted);
  }
}

describe('Selection', () => {
  const step = fc.record({
    rows: fc.oneof(fc.nat(20), fc.nat(700)),
    share: fc.constantFrom(0, 0.002, 0.1, 0.9, 1),
    flips: fc.array(fc.nat(1000), { maxLength: 5 }),
    clear: fc.nat(30).map((one) => one === 0),
    seed: fc.integer({ min: 1, max: 1e6 }),
    span: fc.tuple(fc.nat(1000), fc.nat(1000)),
    skip: fc.oneof(fc.nat(5), fc.nat(800)),
    limit: fc.nat(100),
  });

  it('counts, pages and walks any span as a plain list does, while rows come, go and are reconsidered', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 700 }),
        fc.array(step, { minLength: 1, maxLength: 12 }),
        (capacity, steps) => {
          const pair = new Pair(capacity);
          for (const { rows, share, flips, clear, seed, span, skip, limit } of steps) {
            pair.append(rows, share, minstd(seed));
            for (const back of flips) pair.flip(pair.ring.next - back);
            if (clear) pair.ring.clear();
            const [from, to] = span.map((back) => pair.ring.next - back).sort((a, b) => a - b) as [number, number];
            pair.check(from, to, skip, limit);
            pair.check(0, Infinity, skip, limit);
          }
        },
      ),
    );
  });

  it('begins with the rows that are there', () => {
    const pair = new Pair(500);
    pair.append(1200, 0.5, minstd(7));
    const late = new Selection(pair.ring, (slot) => pair.ring.code[slot] === 1);
    late.update();
    assert.deepEqual(late.newest(0, Infinity, 0, 1000), pair.wanted(0, Infinity).toReversed());
  });
});

function minstd(seed: number): () => number {
  return () => (seed = (seed * 16807) % 2147483647) / 2147483647;
}
