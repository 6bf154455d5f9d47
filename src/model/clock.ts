import type { Clock } from '@pickscope/protocol/messages';

/** Pairs that differ by less than this are one clock, read with jitter: following them would reorder what happened. */
const jitterMs = 2;

/** How far the live edge may run ahead of the newest message: heartbeats come about once a second. */
const maxLeadMs = 2000;

/** Places the client's monotonic nanoseconds on its wall clock, in ms since the Unix epoch. */
export class ClientClock {
  private offsetMs: number | undefined;
  private newestMs: number | undefined;

  /**
   * Takes a pair of the same moment on both clocks. A wall clock that was set forward, or a machine that slept, moves what
   * comes after.
   *
   * @returns By how much the wall clock was set back: so much earlier is all that came before, by the new clock. Ms; 0 if it
   *   was not.
   */
  adjust(pair: Clock): number {
    const before = this.offsetMs;
    const offsetMs = Number(pair.wallUnixNs - pair.monotonicNs) / 1e6;
    if (before === undefined || Math.abs(offsetMs - before) > jitterMs) this.offsetMs = offsetMs;
    this.newestMs = this.toMs(pair.monotonicNs);
    return before === undefined ? 0 : Math.max(0, before - this.offsetMs!);
  }

  toMs(monotonicNs: bigint): number {
    return Number(monotonicNs) / 1e6 + (this.offsetMs ?? 0);
  }

  /** Another process counts its monotonic time from elsewhere. */
  forgetOffset(): void {
    this.offsetMs = undefined;
  }

  /** Something happened then; the next pair overrules it, so that one absurd time does no lasting harm. */
  saw(ms: number): void {
    if (this.newestMs === undefined || ms > this.newestMs) this.newestMs = ms;
  }

  /** The newest moment that the stream told of; undefined: none yet. */
  get latestMs(): number | undefined {
    return this.newestMs;
  }

  /**
   * The moment to show as "now": the watcher's clock, kept within what the client told. So a client on a machine
   * whose clock is wrong, a lost stream and a recording all show their newest data.
   */
  liveEdge(nowMs: number): number {
    if (this.newestMs === undefined) return nowMs;
    return Math.min(Math.max(nowMs, this.newestMs), this.newestMs + maxLeadMs);
  }
}
