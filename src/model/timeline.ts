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
    return this.entries.at(-1);
  }

  /** The value from this moment on. A moment before the last change counts as that one: time does not run back. */
  set(sinceMs: number, value: T): void {
    this.entries.push({ sinceMs: Math.max(sinceMs, this.latest?.sinceMs ?? -Infinity), value });
    if (this.entries.length > this.capacity) this.entries.shift();
  }

  /** What held at this moment; undefined: nothing is known of it. */
  at(ms: number): TimelineEntry<T> | undefined {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle]!.sinceMs <= ms) low = middle + 1;
      else high = middle;
    }
    return this.entries[low - 1];
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
