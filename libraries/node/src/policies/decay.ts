/** Below it, the terms that are left out are less than the last bit of a double. */
const small = 0.01;

/**
 * How much of an average still counts: e^(−age/decayTime), 1 for an age below 0.
 *
 * Under load ages are far shorter than the decay time; there seven terms of the series say the same as Math.exp, which
 * takes as long as reading the clock (`npm run bench -- picks`).
 *
 * @param age In the unit of decayTime.
 */
export function remaining(age: number, decayTime: number): number {
  const x = age / decayTime;
  if (x >= small) return Math.exp(-x);
  if (x <= 0) return 1;
  // Multiplied rather than divided: each step waits for the one before.
  return 1 - x * (1 - x * (1 / 2 - x * (1 / 6 - x * (1 / 24 - x * (1 / 120 - x * (1 / 720))))));
}
