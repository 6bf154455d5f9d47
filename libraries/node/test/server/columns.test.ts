import { fromBinary } from '@bufbuild/protobuf';
import { PickBatchSchema } from '@pickscope/protocol/messages';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { ColumnWriter, type Span } from '../../src/server/columns';

const capacity = 40;
/** Wherever it begins, around the ring's end too. */
const span = fc.record({
  from: fc.nat(3 * capacity),
  count: fc.integer({ min: 1, max: capacity }),
  capacity: fc.constant(capacity),
});

function ringOf<T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(one, { minLength: capacity, maxLength: capacity });
}

const uint = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 0xffff_ffff }));

function valuesIn(ring: ArrayLike<number>, { from, count }: Span): number[] {
  return Array.from({ length: count }, (_, i) => ring[(from + i) % capacity]!);
}

function steps(values: readonly number[]): number[] {
  return values.map((value, i) => value - (values[i - 1] ?? values[0]!));
}

describe('ColumnWriter', () => {
  const { field } = PickBatchSchema;

  it('writes columns that protobuf-es reads, from anywhere in a ring', () => {
    const rings = fc.record({
      attempts: ringOf(uint),
      results: ringOf(fc.nat(255)),
      scores: ringOf(fc.double()),
      successes: ringOf(fc.float()),
      calls: ringOf(fc.nat(2 ** 30)),
    });
    const written = fc.property(span, rings, (rows, { attempts, results, scores, successes, calls }) => {
      const times = Float64Array.from(calls).sort();
      // Where the ring turns around, time falls; what would be less than nothing is nothing.
      const rises = steps(valuesIn(times, rows)).map((step) => Math.max(0, step));
      const columns = new ColumnWriter();
      columns.uint32(field.rows, rows.count);
      columns.fixed64(field.baseCall, 2 ** 53 - 1);
      columns.rises(field.timeDeltaNs, times, rows);
      columns.differences(field.callDelta, Float64Array.from(calls), rows);
      columns.uint32s(field.attempt, Uint32Array.from(attempts), rows);
      columns.uint32s(field.result, Uint8Array.from(results), rows);
      columns.doubles(field.candidateScore, Float64Array.from(scores), rows);
      columns.floats(field.candidateSuccess, Float32Array.from(successes), rows);
      const batch = fromBinary(PickBatchSchema, columns.finish());
      assert.equal(batch.rows, rows.count);
      assert.equal(batch.baseCall, 2n ** 53n - 1n);
      assert.deepEqual(batch.timeDeltaNs, rises);
      assert.deepEqual(batch.callDelta, steps(valuesIn(calls, rows)));
      assertColumn(batch.attempt, valuesIn(attempts, rows));
      assertColumn(batch.result, valuesIn(results, rows));
      assertColumn(batch.candidateScore, valuesIn(scores, rows));
      assertColumn(batch.candidateSuccess, valuesIn(successes, rows));
    });
    fc.assert(written, { seed: 4, numRuns: 500 });
  });

  it('leaves out a column that is absent throughout, and no other', () => {
    const whole = { from: 5, count: capacity, capacity };
    const columns = new ColumnWriter();
    columns.uint32s(field.code, new Uint8Array(capacity), whole);
    columns.doubles(field.candidatePeakNs, new Float64Array(capacity).fill(NaN), whole, NaN);
    columns.floats(field.rejectedSuccess, new Float32Array(capacity), whole);
    assert.equal(columns.finish().length, 0);
    columns.doubles(field.candidatePeakNs, new Float64Array(capacity).fill(NaN, 1), whole, NaN);
    assert.equal(fromBinary(PickBatchSchema, columns.finish()).candidatePeakNs[capacity - 5], 0);
  });

  it('writes a message that is larger than any before, and leaves those that are finished', () => {
    const many = 100_000;
    const whole = { from: 0, count: many, capacity: many };
    const small = new ColumnWriter();
    small.uint32(field.rows, 7);
    const first = small.finish();
    const large = new ColumnWriter();
    large.uint32(field.rows, many);
    large.doubles(field.candidateScore, new Float64Array(many).fill(0.5), whole);
    large.uint32s(field.attempt, new Uint32Array(many).fill(0xffff_ffff), whole);
    const batch = fromBinary(PickBatchSchema, large.finish());
    assert.equal(batch.rows, many);
    assert.ok(batch.candidateScore.length === many && batch.candidateScore.every((score) => score === 0.5));
    assert.ok(batch.attempt.length === many && batch.attempt.every((attempt) => attempt === 0xffff_ffff));
    assert.equal(fromBinary(PickBatchSchema, first).rows, 7);
  });
});

/** An empty column stands for zeros. */
function assertColumn(column: readonly number[], expected: readonly number[]): void {
  if (column.length > 0) assert.deepEqual(column, expected);
  else assert.ok(expected.every((value) => value === 0));
}
