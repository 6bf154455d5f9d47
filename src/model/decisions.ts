import type { Endpoint } from './entities';
import { TimeRing } from './timeRing';

/*
 * Who was taken, who lost and against whom, by buckets of time: what "why not this one?" is answered from where single picks
 * do not reach back.
 */

/** Reasons of decided picks, by their numbers in the ring's column; those that follow chose nothing. */
export const decidedReasons = 11;
/** Numbers of 'turn' to 'nokey': they choose by other means than by drawing candidates. */
const firstUndrawn = 7;
const lastUndrawn = 9;

/** Whether the picker drew candidates, so that one that is not among them might have been. */
export function drewCandidates(reason: number, candidates: number): boolean {
  return candidates > 0 && (reason < firstUndrawn || reason > lastUndrawn);
}

/** Columns of an endpoint's decisions: taken and lost by reason, then these. */
const takenAt = 0;
const lostAt = takenAt + decidedReasons;
const unmeasuredAt = lostAt + decidedReasons;
const rejectedAt = unmeasuredAt + 1;
const unheldAt = rejectedAt + 1;
const unlistedAt = unheldAt + 1;
const undrawnAt = unlistedAt + 1;
const columns = undrawnAt + 1;

/** An endpoint's part in a pick. */
export interface Part {
  /** Number of the reason. */
  reason: number;
  /** Whether a picker may have held it then: READY, as far as is known. */
  held: boolean;
  /** Whether it was among the resolver's addresses then. */
  listed: boolean;
  /** See drewCandidates(). */
  drew: boolean;
}

/** What decisions an endpoint had a part in, over a span. */
export interface Decisions {
  readonly taken: readonly number[];
  readonly lost: readonly number[];
  readonly takenUnmeasured: number;
  readonly rejectedDraws: number;
  /** Taken or lost though it was not held, but listed. */
  readonly unheld: number;
  /** Taken or lost though the resolver had left it out. */
  readonly unlisted: number;
  /** Taken or lost, while held, in picks that drew no candidates. */
  readonly undrawn: number;
}

export class DecisionRing {
  private readonly times: TimeRing<never>;
  private readonly counts: Uint32Array;

  constructor(bucketMs: number, places: number) {
    this.counts = new Uint32Array(places * columns);
    this.times = new TimeRing(bucketMs, bucketMs * places, {}, Float32Array, (place) =>
      this.counts.fill(0, place * columns, (place + 1) * columns),
    );
  }

  addTaken(ms: number, part: Part, unmeasured: boolean): void {
    const row = this.addPart(ms, part, takenAt);
    if (unmeasured) this.counts[row + unmeasuredAt]!++;
  }

  addLost(ms: number, part: Part): void {
    this.addPart(ms, part, lostAt);
  }

  addRejected(ms: number): void {
    this.counts[this.times.open(ms) * columns + rejectedAt]!++;
  }

  /** Over the buckets from (inclusive) to (exclusive). */
  sum(from: number, to: number): Decisions {
    const sums = new Float64Array(columns);
    this.times.forEach(from, to, (place) => {
      for (let column = 0; column < columns; column++) sums[column]! += this.counts[place * columns + column]!;
    });
    return {
      taken: [...sums.subarray(takenAt, lostAt)],
      lost: [...sums.subarray(lostAt, unmeasuredAt)],
      takenUnmeasured: sums[unmeasuredAt]!,
      rejectedDraws: sums[rejectedAt]!,
      unheld: sums[unheldAt]!,
      unlisted: sums[unlistedAt]!,
      undrawn: sums[undrawnAt]!,
    };
  }

  moveBack(ms: number): void {
    this.times.moveBack(ms);
  }

  clear(): void {
    this.times.clear();
  }

  private addPart(ms: number, { reason, held, listed, drew }: Part, at: number): number {
    const row = this.times.open(ms) * columns;
    this.counts[row + at + reason]!++;
    if (!listed) this.counts[row + unlistedAt]!++;
    else if (!held) this.counts[row + unheldAt]!++;
    else if (!drew) this.counts[row + undrawnAt]!++;
    return row;
  }
}

/** More winners against whom one endpoint lost, or pairs in all, are not told apart: they are left out. */
const maxWinners = 64;
export const maxPairs = 5000;
/** Columns of a pair: picks, those of which the ratio of the scores is known, and the sum of its logarithms. */
const pairColumns = 3;

/** Picks that one endpoint lost to another one. */
export interface Pair {
  readonly loser: number;
  readonly winner: number;
  readonly picks: number;
  /** Geometric mean of the ratio of the scores, 1 or more; null: not known of any. */
  readonly ratio: number | null;
}

/** Who lost to whom, of all channels of a client. */
export class Pairs {
  private readonly times: TimeRing<never>;
  /** By place: the columns of all pairs in its bucket. As long as there were pairs when they were made. */
  private readonly rows: (Float32Array | undefined)[] = [];
  private readonly loser = new Uint32Array(maxPairs);
  private readonly winner = new Uint32Array(maxPairs);
  /** Begin of the bucket in which it was seen last. */
  private readonly lastMs = new Float64Array(maxPairs);
  /** Where each pair is looked up. */
  private readonly indexes: (Map<number, number> | undefined)[] = [];
  private count = 0;
  private readonly free: number[] = [];
  private sweptBucket = 0;

  constructor(
    readonly bucketMs: number,
    private readonly places: number,
  ) {
    this.times = new TimeRing(bucketMs, bucketMs * places, {}, Float32Array, (place) => this.rows[place]?.fill(0));
  }

  /** @param logRatio by how much the winner's score was the better one; NaN: not known. */
  add(ms: number, loser: Endpoint, winner: Endpoint, logRatio: number): void {
    const place = this.times.open(ms);
    const index = loser.lostTo.get(winner.id) ?? this.admit(loser, winner);
    if (index < 0) return;
    this.lastMs[index] = this.times.openedMs;
    const row = this.rowAt(place, index);
    const at = index * pairColumns;
    row[at]!++;
    if (Number.isNaN(logRatio)) return;
    row[at + 1]!++;
    row[at + 2]! += logRatio;
  }

  /** The pairs of an endpoint over the buckets from (inclusive) to (exclusive). */
  of(endpoint: number, from: number, to: number): Pair[] {
    const pairs: Pair[] = [];
    for (let index = 0; index < this.count; index++) {
      if (this.loser[index] !== endpoint && this.winner[index] !== endpoint) continue;
      const pair = this.sum(index, from, to);
      if (pair.picks > 0) pairs.push(pair);
    }
    return pairs;
  }

  moveBack(ms: number): void {
    for (let index = 0; index < this.count; index++) this.lastMs[index]! -= ms;
    this.sweptBucket = 0;
    this.times.moveBack(ms);
  }

  clear(): void {
    this.times.clear();
  }

  private sum(index: number, from: number, to: number): Pair {
    let [picks, known, logs] = [0, 0, 0];
    this.times.forEach(from, to, (place) => {
      const at = index * pairColumns;
      picks += this.rows[place]?.[at] ?? 0;
      known += this.rows[place]?.[at + 1] ?? 0;
      logs += this.rows[place]?.[at + 2] ?? 0;
    });
    const ratio = known > 0 ? Math.exp(logs / known) : null;
    return { loser: this.loser[index]!, winner: this.winner[index]!, picks, ratio };
  }

  /** @returns -1: there is no room. */
  private admit(loser: Endpoint, winner: Endpoint): number {
    if (this.free.length === 0 && this.count === maxPairs) this.sweep();
    if (loser.lostTo.size >= maxWinners) return -1;
    const index = this.free.pop() ?? (this.count < maxPairs ? this.count++ : -1);
    if (index < 0) return -1;
    this.loser[index] = loser.id;
    this.winner[index] = winner.id;
    this.indexes[index] = loser.lostTo;
    loser.lostTo.set(winner.id, index);
    return index;
  }

  /** Gives the room of pairs that were not seen for so long that nothing is kept of them. At most once a bucket. */
  private sweep(): void {
    const { newest } = this.times;
    if (newest === this.sweptBucket) return;
    this.sweptBucket = newest;
    const forgottenMs = (newest - this.places) * this.bucketMs;
    for (let index = 0; index < this.count; index++) {
      if (this.lastMs[index]! > forgottenMs || !this.indexes[index]) continue;
      this.indexes[index]!.delete(this.winner[index]!);
      this.indexes[index] = undefined;
      this.free.push(index);
    }
  }

  private rowAt(place: number, index: number): Float32Array {
    const row = this.rows[place];
    const length = (index + 1) * pairColumns;
    if (row && row.length >= length) return row;
    const longer = new Float32Array(Math.min(maxPairs * pairColumns, Math.max(2 * length, this.count * pairColumns)));
    if (row) longer.set(row);
    return (this.rows[place] = longer);
  }
}

/** Picks of a channel while the same endpoints were listed and held, within one bucket of decisions. */
export interface Stretch {
  readonly bucket: number;
  readonly beginMs: number;
  endMs: number;
  /** Of whatever result. */
  picks: number;
  /** That chose an endpoint. */
  decided: number;
  /** That drew candidates, and how many of them in all. */
  drawn: number;
  candidates: number;
}

const maxStretches = 2000;
/** How far back a late pick is looked for. */
const recentStretches = 8;

/** The stretches of a channel: cut where a bucket ends, and where an endpoint comes to be listed or held, or no longer is. */
export class Stretches {
  private stretches: Stretch[] = [];
  private cuts: number[] = [];
  private current: Stretch | undefined;

  constructor(private readonly bucketMs: number) {}

  /** The one of a moment, to count in. */
  at(ms: number): Stretch {
    const { current } = this;
    if (current && ms >= current.beginMs && ms < current.endMs) return current;
    const found = this.stretches.slice(-recentStretches).find((one) => ms >= one.beginMs && ms < one.endMs);
    return (this.current = found ?? this.begin(ms));
  }

  /** Other endpoints are listed or held from this moment on. */
  cut(ms: number): void {
    this.cuts.push(ms);
    if (this.cuts.length > maxStretches) this.cuts.shift();
    for (const stretch of this.stretches.slice(-recentStretches))
      if (stretch.beginMs < ms && ms < stretch.endMs) stretch.endMs = ms;
  }

  /** Of the buckets from (inclusive) to (exclusive). */
  within(from: number, to: number): Stretch[] {
    return this.stretches.filter(({ bucket }) => bucket >= from && bucket < to);
  }

  moveBack(ms: number): void {
    const buckets = Math.round(ms / this.bucketMs);
    this.stretches = this.stretches.map((one) => ({
      ...one,
      bucket: one.bucket - buckets,
      beginMs: one.beginMs - ms,
      // Those to come begin where buckets do.
      endMs: one.beginMs - ms,
    }));
    this.cuts = this.cuts.map((cut) => cut - ms);
    this.current = undefined;
  }

  clear(): void {
    this.stretches = [];
    this.current = undefined;
  }

  private begin(ms: number): Stretch {
    const bucket = Math.floor(ms / this.bucketMs);
    let beginMs = bucket * this.bucketMs;
    let endMs = beginMs + this.bucketMs;
    for (const cut of this.cuts) {
      if (cut <= ms) beginMs = Math.max(beginMs, cut);
      else endMs = Math.min(endMs, cut);
    }
    const stretch = { bucket, beginMs, endMs, picks: 0, decided: 0, drawn: 0, candidates: 0 };
    this.stretches.push(stretch);
    if (this.stretches.length > maxStretches) this.stretches.shift();
    return stretch;
  }
}

/**
 * The logarithm of the ratio of two scores, by which the winner's is the better one; NaN: not known, or the winner's is
 * worse, as it was not taken for its score.
 */
export function logRatio(scoreOrder: 'lower' | 'higher' | 'none', winner: number, loser: number): number {
  if (!(winner > 0 && loser > 0) || scoreOrder === 'none') return NaN;
  const ratio = scoreOrder === 'lower' ? loser / winner : winner / loser;
  return ratio >= 1 && ratio < Infinity ? Math.log(ratio) : NaN;
}
