import fc from 'fast-check';
import assert from 'node:assert/strict';
import { remaining } from '../../src/policies/decay';

describe('what remains of an average', () => {
  it('is e^(−age/decayTime), to the last bit, however short or long the age', () => {
    const exponents = fc.double({ min: -320, max: 5, noNaN: true });
    fc.assert(
      fc.property(exponents, (exponent) => {
        const age = 10 ** exponent;
        assert.ok(Math.abs(remaining(age, 1) - Math.exp(-age)) <= Number.EPSILON);
      }),
      { numRuns: 2000 },
    );
    for (const age of [0.0099, 0.01, 0.0101]) assert.ok(Math.abs(remaining(age, 1) - Math.exp(-age)) < 2e-16);
  });

  it('is all of it where no time passed, and nothing of what is infinitely old', () => {
    assert.deepEqual([remaining(0, 1), remaining(-5, 1), remaining(Infinity, 1)], [1, 1, 0]);
  });
});
