interface Event {
  /** ns */
  readonly at: number;
  /** Events of one time happen in the order in which they were added. */
  readonly order: number;
  readonly happen: () => void;
}

/** Virtual time: what is to happen, by when it is. A binary heap. */
export class EventQueue {
  /** Time of the event that happens, or happened last, ns. */
  now = 0;
  private readonly heap: Event[] = [];
  private added = 0;

  /** @param at ns; not before `now`. */
  add(at: number, happen: () => void): void {
    const { heap } = this;
    const event = { at, order: this.added++, happen };
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = event;
  }

  /** Lets everything happen, and what that adds, until nothing is left. */
  run(): void {
    for (let event = this.take(); event; event = this.take()) {
      this.now = event.at;
      event.happen();
    }
  }

  private take(): Event | undefined {
    const { heap } = this;
    const earliest = heap[0];
    const last = heap.pop();
    if (heap.length > 0) this.sink(last!);
    return earliest;
  }

  /** Puts an event where the earliest was, and down to its place. */
  private sink(event: Event): void {
    const { heap } = this;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, event)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
