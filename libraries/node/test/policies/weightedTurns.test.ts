import fc from 'fast-check';
import assert from 'node:assert/strict';
import { WeightedTurns } from '../../src/policies/weightedTurns';

const rounding = 1e-6;

const anyWeights = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.double({ min: 1e-6, max: 2 ** 32, noNaN: true })), {
    minLength: 1,
    maxLength: 12,
  })
  .filter((weights) => weights.some((weight) => weight > 0));

function turnsOf(weights: readonly number[], owed = weights.map(() => 0)): WeightedTurns {
  return new WeightedTurns(weights, owed, [...weights.keys()]);
}

function picks(turns: WeightedTurns, count: number): number[] {
  return Array.from({ length: count }, () => turns.next());
}

function shares(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** How far counts are from shares at most, after each of the picks. */
function farthest(sequence: readonly number[], weights: readonly number[]): number {
  const counts = weights.map(() => 0);
  const expected = shares(weights);
  let most = 0;
  for (const [clock, picked] of sequence.entries()) {
    counts[picked]!++;
    for (const [index, count] of counts.entries()) {
      most = Math.max(most, Math.abs(count - (clock + 1) * expected[index]!));
    }
  }
  return most;
}

describe('weighted turns', () => {
  it('are mixed evenly', () => {
    assert.equal(picks(turnsOf([5, 1, 1]), 14).join(''), '01002000100200');
    assert.equal(picks(turnsOf([1, 4]), 10).join(''), '1011110111');
    assert.equal(picks(turnsOf([1, 1, 1]), 6).join(''), '012012');
  });

  it('are within one of the share after any number of picks', () => {
    fc.assert(
      fc.property(anyWeights, (weights) => {
        assert.ok(farthest(picks(turnsOf(weights), 300), weights) <= 1 + rounding);
      }),
    );
  });

  it('are within two of the share in any window', () => {
    fc.assert(
      fc.property(anyWeights, fc.nat({ max: 200 }), fc.integer({ min: 1, max: 100 }), (weights, start, length) => {
        const turns = turnsOf(weights);
        picks(turns, start);
        assert.ok(farthest(picks(turns, length), weights) <= 2 + rounding);
      }),
    );
  });

  it('let a heavy one not go first many times in a row because many light ones have one deadline', () => {
    const weights = [100, ...Array.from({ length: 100 }, () => 1)];
    const sequence = picks(turnsOf(weights), 2000);
    assert.ok(farthest(sequence, weights) <= 1);
    assert.doesNotMatch(sequence.map((index) => (index === 0 ? 'h' : 'l')).join(''), /hhh|lll/);
  });

  it('are exact over whole rounds', () => {
    const weights = [7, 0, 3, 11];
    const counts = weights.map(() => 0);
    for (const index of picks(turnsOf(weights), 21 * 1000)) counts[index]!++;
    assert.deepEqual(counts, [7000, 0, 3000, 11000]);
  });

  it('go on from what was owed', () => {
    fc.assert(
      fc.property(
        anyWeights,
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 40 }),
        (weights, runs) => {
          const sequence: number[] = [];
          let turns = turnsOf(weights);
          for (const run of runs) {
            sequence.push(...picks(turns, run));
            const owed = weights.map((_, index) => turns.owed(index));
            turns = turnsOf(weights, owed);
          }
          assert.ok(farthest(sequence, weights) <= 1 + rounding);
        },
      ),
    );
  });

  it('share what is owed to all together by weight, when some left that were owed something or had too much', () => {
    const turns = turnsOf([1, 1, 2, 0], [0.6, 0, 0, 0.5]);
    const owed = [0, 1, 2, 3].map((index) => Number(turns.owed(index).toFixed(9)));
    assert.deepEqual(owed, [0.45, -0.15, -0.3, 0]);
    assert.equal(picks(turns, 6).join(''), '021202');
  });

  it('tell who would have been next, if its turn had begun', () => {
    const turns = turnsOf([1, 1]);
    turns.next();
    assert.equal(turns.runnerUp, 1);
    turns.next();
    assert.equal(turns.runnerUp, undefined);
  });

  it('break ties by rank', () => {
    const turns = new WeightedTurns([1, 1, 1], [0, 0, 0], [3, 1, 2]);
    assert.equal(picks(turns, 6).join(''), '120120');
  });
});
