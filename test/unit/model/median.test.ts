import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { medianOf, weightedMedianOf } from '../../../src/model/median';

describe('The median', () => {
  it('is the middle one of the sorted values, the lower one of two', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, 1, 2))), (values) => {
        const sorted = values.toSorted((a, b) => a - b);
        assert.equal(medianOf(values), sorted[Math.ceil(sorted.length / 2) - 1] ?? null);
      }),
    );
  });

  it('of values with weights is that of as many values', () => {
    const weighted = fc.tuple(fc.oneof(fc.integer(), fc.constant(NaN)), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(fc.array(weighted), (values) => {
        const all = values.flatMap(([value, weight]) =>
          Number.isNaN(value) ? [] : new Array<number>(weight).fill(value),
        );
        assert.equal(weightedMedianOf(values), medianOf(all));
      }),
    );
  });
});
