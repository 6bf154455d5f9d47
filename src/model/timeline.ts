/** What held since when; ms. */
export interface TimelineEntry<T> {
  readonly sinceMs: number;
  readonly value: T;
}

/** A value that changes now and then, with its past: answers what it was at a moment. Keeps the newest entries. */
export class Timeline<T> {
  private entries: TimelineEntry<T>[] = [];

  constructor(private readonly capacity = 500) {}

  get latest(): TimelineEntry<T> | undefined {
    return this.entries[this.entries.length - 1];
  }

  get oldest(): TimelineEntry<T> | undefined {
    return this.entries[0];
  }

  /** The value from this moment on. A moment before the last change counts as that one: time does not run back. */
  set(sinceMs: number, value: T): void {
    this.entries.push({ sinceMs: Math.max(sinceMs, this.latest?.sinceMs ?? -Infinity), value });
    if (this.entries.length > this.capacity) this.entries.shift();
  }

  /** What held at this moment; undefined: nothing is known of it. */
  at(ms: number): TimelineEntry<T> | undefined {
    const { latest } = this;
    // Mostly it is asked what holds now.
    return latest && latest.sinceMs <= ms ? latest : this.entries[this.countUntil(ms) - 1];
  }

  /** What held in a span, oldest first: the first one may be from before it. */
  during(fromMs: number, toMs: number): TimelineEntry<T>[] {
    const first = Math.max(0, this.countUntil(fromMs) - 1);
    return this.entries.slice(first, Math.max(first, this.countUntil(toMs))).filter(({ sinceMs }) => sinceMs < toMs);
  }

  /** How many entries begin up to this moment. */
  private countUntil(ms: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.sinceMs <= ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Everything was so much earlier. */
  moveBack(ms: number): void {
    this.entries = this.entries.map(({ sinceMs, value }) => ({ sinceMs: sinceMs - ms, value }));
  }

  /** Keeps what holds now. */
  forgetPast(): void {
    this.entries = this.entries.slice(-1);
  }
}
