/** The calls of a simulation that ended, in the order in which they ended; and what they tell. */
export class CallLog {
  /** ns */
  readonly started: number[] = [];
  /** Index of the backend. */
  readonly backend: number[] = [];
  /** ns */
  readonly latency: number[] = [];
  /** gRPC status code. */
  readonly code: number[] = [];

  add(started: number, backend: number, latency: number, code: number): void {
    this.started.push(started);
    this.backend.push(backend);
    this.latency.push(latency);
    this.code.push(code);
  }

  get length(): number {
    return this.started.length;
  }

  /** The latency that a ratio of all calls does not exceed, ns (nearest rank); NaN: there were no calls. */
  percentile(ratio: number): number {
    const sorted = Float64Array.from(this.latency).sort();
    return sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)] ?? NaN;
  }

  /** Ratio of all calls that took longer than `latency` ns. */
  ratioAbove(latency: number): number {
    return this.latency.filter((each) => each > latency).length / this.length;
  }

  /** Ratio of all calls that ended with another code than OK. */
  errorRate(): number {
    return this.code.filter((code) => code !== 0).length / this.length;
  }

  /** How many calls a backend got that started from `from` to before `to` (ns). */
  count(backend: number, from = 0, to = Infinity): number {
    return this.filter(from, to, backend);
  }

  /** The ratio that a backend got of all calls that started from `from` to before `to` (ns); NaN: there were none. */
  share(backend: number, from = 0, to = Infinity): number {
    return this.filter(from, to, backend) / this.filter(from, to);
  }

  private filter(from: number, to: number, backend?: number): number {
    let count = 0;
    for (let index = 0; index < this.length; index++) {
      const started = this.started[index]!;
      if (started >= from && started < to && (backend === undefined || this.backend[index] === backend)) count++;
    }
    return count;
  }
}
