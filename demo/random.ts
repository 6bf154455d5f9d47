/** A sample of the exponential distribution: latencies above their least, and gaps of a Poisson process. */
export function exponential(mean: number): number {
  return -Math.log(1 - Math.random()) * mean;
}
