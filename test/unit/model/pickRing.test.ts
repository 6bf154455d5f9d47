import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { PickRing } from '../../../src/model/pickRing';

interface Row {
  readonly key: number;
  readonly call: number;
  readonly endpoint: number;
  readonly timeMs: number;
  readonly entries: readonly number[];
}

/** Room for 16 rows, and for 32 entries. */
const smallBudget = 1;

describe('PickRing', () => {
  const appended = fc.record({
    call: fc.nat(12),
    endpoint: fc.nat(2),
    entries: fc.nat(9),
    laterMs: fc.nat(2),
    forget: fc.nat(30).map((one) => one === 0),
  });

  it('keeps the newest rows with their entries, and finds the newest of a call, like a plain list does', () => {
    fc.assert(
      fc.property(fc.array(appended, { minLength: 1, maxLength: 80 }), (steps) => {
        const ring = new PickRing(smallBudget);
        const rows: Row[] = [];
        let timeMs = 0;
        let joinable = 0;
        for (const { call, endpoint, entries, laterMs, forget } of steps) {
          if (forget) {
            ring.forgetCalls();
            joinable = rows.length;
          }
          timeMs += laterMs;
          const slot = ring.append(call, 1, entries);
          const key = rows.length + 1;
          ring.endpoint[slot] = endpoint;
          ring.timeMs[slot] = timeMs;
          const values = Array.from({ length: entries }, (_, index) => key * 10 + index);
          for (const [index, value] of values.entries()) ring.entryEndpoint[ring.entry(slot, index)] = value;
          rows.push({ key, call, endpoint, timeMs, entries: values });
          check(ring, rows, joinable);
        }
      }),
    );
  });

  function check(ring: PickRing, rows: readonly Row[], joinable: number): void {
    assert.equal(ring.next, rows.length + 1);
    assert.ok(ring.next - ring.oldest <= ring.capacity);
    assert.ok(ring.has(rows.length), 'the newest row is there');
    const kept = rows.filter(({ key }) => ring.has(key));
    assert.deepEqual(kept, rows.slice(ring.oldest - 1));
    for (const row of kept) {
      const slot = ring.slot(row.key);
      assert.equal(ring.call[slot], row.call);
      assert.deepEqual(
        row.entries.map((_, index) => ring.entryEndpoint[ring.entry(slot, index)]),
        row.entries,
      );
    }
    for (let call = 0; call <= 12; call++) {
      for (const withEndpoint of [true, false]) {
        const real = kept.findLast(
          (row) => row.call === call && (row.endpoint !== 0) === withEndpoint && row.key > joinable,
        );
        assert.equal(ring.find(call, 1, withEndpoint), real?.key ?? 0);
      }
    }
    const middleMs = rows.at(-1)!.timeMs - 3;
    assert.equal(ring.firstAfter(middleMs), kept.find(({ timeMs }) => timeMs > middleMs)?.key ?? ring.next);
  }

  it('stays within its budget', () => {
    const budget = 10_000_000;
    const ring = new PickRing(budget);
    const bytes = Object.values(ring).reduce<number>(
      (sum, value) => sum + (ArrayBuffer.isView(value) ? value.byteLength : 0),
      0,
    );
    assert.ok(bytes <= budget && bytes > budget * 0.99, `${bytes} of ${budget} bytes`);
  });

  it('is empty once cleared, and goes on with new keys', () => {
    const ring = new PickRing(smallBudget);
    ring.append(1, 1, 2);
    ring.clear();
    assert.equal(ring.has(1), false);
    assert.equal(ring.find(1, 1, false), 0);
    ring.append(1, 1, 2);
    assert.equal(ring.find(1, 1, false), 2);
  });
});
