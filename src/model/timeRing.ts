import { remainder } from './pickRing';

/**
 * Numbers per bucket of time, as many buckets as there are: a bucket takes the place of the one that is a whole
 * round older. Each column has a value that means "nothing was written": 0 for counts, NaN for readings.
 *
 * Buckets are numbered from the Unix epoch: bucket n begins at n * bucketMs.
 */
export class TimeRing<Column extends string> {
  /** Which bucket each place holds; 0: none, as no client lives in 1970. */
  private readonly numbers: Float64Array;
  private readonly places: number;
  private readonly columns: readonly { readonly values: Float32Array | Float64Array; readonly empty: number }[];
  readonly values: Readonly<Record<Column, Float32Array | Float64Array>>;
  /** The newest bucket that was written; 0: none. */
  newest = 0;
  /** No bucket before this one was written. */
  private oldest = Infinity;
  /** The bucket that was opened last: nearly always the next one, too. */
  private openedFromMs = Infinity;
  private openedToMs = -Infinity;
  private openedPlace = 0;
  /** By how many buckets all was moved back: those that were written then are numbered by so much more. */
  private moved = 0;

  /**
   * @param empty the columns, with the value of each where nothing was written.
   * @param onTaken is told of a place that a new bucket takes.
   */
  constructor(
    readonly bucketMs: number,
    reachMs: number,
    empty: Readonly<Record<Column, number>>,
    array: typeof Float32Array | typeof Float64Array = Float32Array,
    private readonly onTaken?: (place: number) => void,
  ) {
    this.places = Math.ceil(reachMs / bucketMs);
    this.numbers = new Float64Array(this.places);
    const names = Object.keys(empty) as Column[];
    this.values = Object.fromEntries(names.map((name) => [name, new array(this.places)])) as Record<
      Column,
      Float32Array | Float64Array
    >;
    this.columns = names.map((name) => ({ values: this.values[name], empty: empty[name] }));
  }

  bucketOf(ms: number): number {
    return Math.floor(ms / this.bucketMs);
  }

  /** The place of this moment's bucket in the columns, to write to. */
  open(ms: number): number {
    if (ms >= this.openedFromMs && ms < this.openedToMs) return this.openedPlace;
    const bucket = Math.max(1, this.bucketOf(ms));
    const number = bucket + this.moved;
    const place = remainder(number, this.places);
    if (this.numbers[place] !== number) {
      this.numbers[place] = number;
      for (const column of this.columns) column.values[place] = column.empty;
      this.onTaken?.(place);
    }
    // A clock that was set back makes the newest bucket an older one.
    if (bucket > this.newest || this.newest - bucket > this.places) this.newest = bucket;
    if (bucket < this.oldest) this.oldest = bucket;
    this.openedFromMs = bucket * this.bucketMs;
    this.openedToMs = (bucket + 1) * this.bucketMs;
    this.openedPlace = place;
    return place;
  }

  /** Begin of the bucket that was opened last, ms. */
  get openedMs(): number {
    return this.openedFromMs;
  }

  /** The place of a bucket in the columns, to read; -1: nothing was written. */
  find(bucket: number): number {
    const number = bucket + this.moved;
    const place = remainder(number, this.places);
    return bucket > 0 && this.numbers[place] === number ? place : -1;
  }

  /** Sum of a column over the buckets from (inclusive) to (exclusive). */
  sum(column: Column, from: number, to: number): number {
    return this.sumOf([column], from, to);
  }

  /** Sum of a column over the buckets that begin in a span. */
  sumBetween(column: Column, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): number {
    return this.sumOf([column], Math.ceil(fromMs / this.bucketMs), Math.ceil(toMs / this.bucketMs));
  }

  /** As sum(), of several columns. */
  sumOf(columns: readonly Column[], from: number, to: number): number {
    let sum = 0;
    for (let bucket = Math.max(this.oldest, from, to - this.places); bucket < to; bucket++) {
      const place = this.find(bucket);
      if (place >= 0) for (const column of columns) sum += this.values[column][place]!;
    }
    return sum;
  }

  /** Visits what was written in the buckets from (inclusive) to (exclusive), by its places. */
  forEach(from: number, to: number, visit: (place: number) => void): void {
    for (let bucket = Math.max(this.oldest, from, this.newest - this.places + 1); bucket < to; bucket++) {
      if (bucket > this.newest) return;
      const place = this.find(bucket);
      if (place >= 0) visit(place);
    }
  }

  /** The newest bucket in [from, to) in which the column was written; -1: none. */
  lastWritten(column: Column, from: number, to: number): number {
    const values = this.values[column];
    const first = Math.max(this.oldest, from, to - this.places);
    for (let bucket = Math.min(to - 1, this.newest); bucket >= first; bucket--) {
      const place = this.find(bucket);
      if (place >= 0 && !Number.isNaN(values[place])) return bucket;
    }
    return -1;
  }

  /** The newest value that was written in the buckets [from, to); NaN: none. */
  last(column: Column, from: number, to: number): number {
    const bucket = this.lastWritten(column, from, to);
    return bucket < 0 ? NaN : this.values[column][this.find(bucket)]!;
  }

  /** All that was written is of so much earlier; to the nearest bucket. */
  moveBack(ms: number): void {
    const step = Math.round(ms / this.bucketMs);
    this.moved += step;
    this.newest = Math.max(0, this.newest - step);
    this.oldest = Math.max(1, this.oldest - step);
    this.openedToMs = -Infinity;
  }

  clear(): void {
    this.numbers.fill(0);
    this.newest = 0;
    this.openedToMs = -Infinity;
    this.oldest = Infinity;
  }
}
