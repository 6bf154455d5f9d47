/**
 * How far back aggregates reach, and how long their buckets are. There are always about as many: what reaches further is
 * coarser, and costs no more memory.
 */
export interface Reach {
  readonly ms: number;
  /** Of what was read, and of counts. */
  readonly readingMs: number;
  /** Of the client's own totals, and of latencies. */
  readonly secondMs: number;
  /** Of who won and lost against whom, and why. */
  readonly decisionMs: number;
}

export const liveReachMs = 15 * 60_000;
const maxReachMs = 4 * 60 * 60_000;

/** Lengths of buckets that people read as time. */
export const bucketLengths: readonly number[] = [
  250, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];

/** @param ms How long what is to be shown lasts; what is live reaches back 15 minutes, a recording up to 4 hours. */
export function reachOf(ms: number): Reach {
  const reachMs = ms > liveReachMs ? Math.min(ms, maxReachMs) : liveReachMs;
  const readingMs = bucketLength(reachMs / 3600);
  return { ms: reachMs, readingMs, secondMs: Math.max(1000, readingMs), decisionMs: bucketLength(reachMs / 180) };
}

/** The shortest that is not shorter than this, and a multiple of another one. */
export function bucketLength(leastMs: number, multipleOfMs = 1): number {
  return bucketLengths.find((ms) => ms >= leastMs && ms % multipleOfMs === 0) ?? bucketLengths.at(-1)!;
}
