/**
 * Seeded random numbers: sfc32 (Chris Doty-Humphrey's Small Fast Chaotic generator, of PractRand), which passes the usual
 * statistical tests and needs 128 bits of state. The same seed gives the same numbers on every machine.
 */
export class Random {
  private a = 0x9e3779b9;
  private b = 0x243f6a88;
  private c = 0xb7e15162;
  private counter: number;

  constructor(seed: number) {
    this.counter = seed | 0;
    // Until the seed has reached every bit of the state.
    for (let round = 0; round < 16; round++) this.next();
  }

  /** From 0 to below 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A sample of the exponential distribution. */
  exponential(mean: number): number {
    return -Math.log(1 - this.next()) * mean;
  }
}
