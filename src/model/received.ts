import type { Clock } from '@pickscope/protocol/messages';

/** Heartbeats come each second: what claims to be of so long after the newest is taken for an error. Ns. */
const maxLead = 10_000_000_000n;

/** Newest times, in monotonic ns of the client; 0: none. */
interface Newest {
  picks: bigint;
  completions: bigint;
  /** Of anything. */
  all: bigint;
}

/**
 * How far the streams of the present process were received. A stream that begins in the past tells again what came
 * since; by this it is known what of it is known. Batches of picks come before those of completions, so a stream may
 * end where it told more of the ones than of the others.
 */
export class Received {
  private newest: Newest = { picks: 0n, completions: 0n, all: 0n };
  /** As it was when the present stream began. */
  private before: Newest = this.newest;
  private newestPair: bigint | undefined;
  /** Of anything in the present stream. */
  private reached = 0n;
  private isResumed = false;

  /** Rows up to then are there, of picks and of completions: what to ask a stream of the past for. */
  get rowsSince(): bigint {
    const { picks, completions } = this.newest;
    return picks < completions ? picks : completions;
  }

  /** The present stream began within what was received before: its snapshot is older than what is known. */
  get resumed(): boolean {
    return this.isResumed;
  }

  /** The present stream still tells what was received before. */
  get retold(): boolean {
    return this.isResumed && this.reached <= this.before.all;
  }

  /** Picks, or completions, up to this time are there already. */
  knownRows(kind: 'picks' | 'completions'): bigint {
    return this.before[kind];
  }

  /** Whether a message other than rows, of this time, was received before. */
  knows(ns: bigint): boolean {
    return this.isResumed && ns <= this.before.all;
  }

  /** @param whole Whether the entities are known that this process had when it was heard of last. */
  beginStream(clock: Clock | undefined, whole: boolean): void {
    this.before = clock ? { ...this.newest } : { picks: 0n, completions: 0n, all: 0n };
    this.isResumed = whole && clock !== undefined && clock.monotonicNs < this.before.all;
    this.reached = 0n;
    if (clock) this.beat(clock);
  }

  /** A pair of clocks, which holds against times that are absurd by it. */
  beat({ monotonicNs }: Clock): void {
    this.reached = later(this.reached, monotonicNs);
    if (this.retold) return;
    this.newestPair = monotonicNs;
    const most = monotonicNs + maxLead;
    const { picks, completions, all } = this.newest;
    this.newest = {
      picks: earlier(picks, most),
      completions: earlier(completions, most),
      all: later(earlier(all, most), monotonicNs),
    };
  }

  /** A change, or counters. */
  saw(ns: bigint): void {
    this.reached = later(this.reached, ns);
    if (this.newestPair !== undefined) this.newest.all = later(this.newest.all, earlier(ns, this.newestPair + maxLead));
  }

  sawRows(kind: 'picks' | 'completions', ns: bigint): void {
    this.saw(ns);
    if (this.newestPair !== undefined)
      this.newest[kind] = later(this.newest[kind], earlier(ns, this.newestPair + maxLead));
  }

  /** Another process: its time is another. */
  forget(): void {
    this.newest = { picks: 0n, completions: 0n, all: 0n };
    this.newestPair = undefined;
  }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function earlier(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
