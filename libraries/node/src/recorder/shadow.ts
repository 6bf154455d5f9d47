import { remaining } from '../policies/decay';
import { isFailure } from '../policies/failures';

/** ns; after this long a completion counts 1/e: go-zero's decayTime, so that averages of all policies can be compared. */
const decayTime = 10e9;
const fullSuccess = 1000;

/**
 * What is shown of an endpoint whose policy keeps no averages: kept by the observer, and no part of any choice.
 *
 * Each average is that of all completions, weighted by their age: Σ x·e^(−age/10 s) / Σ e^(−age/10 s). go-zero's weighs
 * a completion by the time since the one before and truncates, which shows too little under load; this one has no bias.
 */
export class Shadow {
  /** Mean latency, ns; 0 before the first completion. */
  lag = 0;
  /** Mean success, 0..1000. */
  success = fullSuccess;
  /** Time of the last pick, ns. */
  picked = -Infinity;
  /** Sum of the weights, as of `last`. */
  private weight = 0;
  /** Time of the last completion, ns. */
  private last = -Infinity;

  /** A call that took `latency` ended at `now` (ns). */
  complete(latency: number, now: number, code: number): void {
    this.weight = this.weight * remaining(now - this.last, decayTime) + 1;
    this.last = now;
    this.lag += (latency - this.lag) / this.weight;
    this.success += ((isFailure(code) ? 0 : fullSuccess) - this.success) / this.weight;
  }
}
