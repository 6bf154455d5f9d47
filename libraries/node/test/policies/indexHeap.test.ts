import fc from 'fast-check';
import assert from 'node:assert/strict';
import { IndexHeap } from '../../src/policies/indexHeap';

describe('a heap of indices', () => {
  it('gives them by key, then by rank, whatever comes and goes in between', () => {
    const key = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true }));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.nat(), fc.boolean()), { minLength: 1 }), (entries) => {
        const ranks = entries.map(([, rank], index) => rank * entries.length + index);
        const heap = new IndexHeap(ranks);
        const held: number[] = [];
        const before = (a: number, b: number) => entries[a]![0] - entries[b]![0] || ranks[a]! - ranks[b]!;
        const takeFirst = () => {
          const expected = held.sort(before).shift();
          assert.equal(heap.first, expected);
          assert.equal(heap.leastKey, entries[expected!]![0]);
          assert.equal(heap.pop(), expected);
          assert.equal(heap.size, held.length);
        };
        for (const [index, [entryKey, , take]] of entries.entries()) {
          heap.push(index, entryKey);
          held.push(index);
          if (take) takeFirst();
        }
        while (held.length > 0) takeFirst();
        assert.deepEqual([heap.first, heap.leastKey], [undefined, Infinity]);
      }),
    );
  });
});
