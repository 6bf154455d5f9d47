import { IndexHeap } from './indexHeap';

/** Picks; a turn that should begin with a pick does so in spite of how its begin was rounded. */
const rounding = 1e-6;

/**
 * Whose turn it is, by weight. Of a total weight W, one with weight w has its turns W/w picks apart: the first begins at
 * once, and each should be had before the next one begins. Of those whose turn has begun, the one that is to be over first
 * goes first. After any number of picks, each has then been picked less than once more or less than its share. A pick
 * takes O(log n).
 *
 * This is earliest eligible virtual deadline first (Stoica and Abdel-Wahab, 1995) with equal slices. If turns did not have
 * to begin (as in Envoy's EDF scheduler), a heavy one would go first many times in a row where many light ones have the
 * same deadline.
 */
export class WeightedTurns {
  /** The one that would have been next instead of the last; undefined: no other one's turn had begun. */
  runnerUp: number | undefined;
  /** How many picks there were. */
  private clock = 0;
  /** How many picks lie between two turns; Infinity: it has none. */
  private readonly intervals: Float64Array;
  /** How many turns were had; what was owed before is taken off. */
  private readonly taken: Float64Array;
  private readonly begun: IndexHeap;
  private readonly waiting: IndexHeap;

  /**
   * @param weights At least one above 0.
   * @param owed By how many picks each is behind its share, as `owed` of the turns before gave it.
   * @param ranks Who goes first where deadlines are equal; the lesser one does.
   */
  constructor(weights: readonly number[], owed: readonly number[], ranks: readonly number[]) {
    const total = sum(weights);
    this.intervals = Float64Array.from(weights, (weight) => total / weight);
    // What is owed to all together stems from those that left or came; as in the paper, it is shared out by weight.
    const surplus = sum(owed.filter((_, index) => weights[index]! > 0));
    this.taken = Float64Array.from(weights, (weight, index) => (surplus * weight) / total - owed[index]!);
    this.begun = new IndexHeap(ranks);
    this.waiting = new IndexHeap(ranks);
    for (const [index, weight] of weights.entries()) if (weight > 0) this.wait(index);
  }

  next(): number {
    this.beginTurns();
    const index = this.begun.pop();
    this.runnerUp = this.begun.first;
    this.clock++;
    this.taken[index]!++;
    this.wait(index);
    return index;
  }

  /** By how many picks one is behind its share; negative: ahead of it. */
  owed(index: number): number {
    const interval = this.intervals[index]!;
    return interval === Infinity ? 0 : this.clock / interval - this.taken[index]!;
  }

  private wait(index: number): void {
    this.waiting.push(index, this.taken[index]! * this.intervals[index]!);
  }

  /** Lets those begin whose time has come; if none has, the next one. */
  private beginTurns(): void {
    const { begun, waiting } = this;
    while (waiting.leastKey <= this.clock + rounding || begun.size === 0) {
      const index = waiting.pop();
      begun.push(index, (this.taken[index]! + 1) * this.intervals[index]!);
    }
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
