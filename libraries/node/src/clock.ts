// Not the global of that name: that is a getter, and takes longer at each reading.
import { performance } from 'node:perf_hooks';

/** The clock of picks and of the stream: whole nanoseconds since the start of the process, monotonic. */
export function monotonicNs(): number {
  return Math.round(performance.now() * 1e6);
}
