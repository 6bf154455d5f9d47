/** Of the outcome column: status codes up to the last one, or that the call is still in flight, or was picked for again. */
export const inFlight = 255;
export const pickedAgain = 254;
export const lastCode = 253;

/** Steps along a chain of the index before a completion counts as one of an unknown pick: bounds forged chains. */
const maxChain = 256;

/** How many candidates and rejected ones an average row is given room for. */
const entriesPerRow = 2;

/**
 * The newest picks, one row each, in columns of typed arrays: a row costs no object. Rows have keys that rise by one
 * and are never used again; when the ring is full the oldest row goes. Whoever appends writes the columns.
 *
 * A row's candidates, then its rejected draws, are entries of a ring of their own, from entryStart on, modulo
 * entryCapacity. A row also goes when its entries are needed.
 */
export class PickRing {
  readonly capacity: number;
  readonly entryCapacity: number;

  // Columns of rows. Ids are the model's own, not the client's, except call and attempt.
  readonly timeMs: Float64Array;
  readonly call: Float64Array;
  readonly attempt: Uint16Array;
  readonly channel: Uint32Array;
  readonly generation: Uint32Array;
  readonly method: Uint16Array;
  readonly policy: Uint16Array;
  readonly reason: Uint8Array;
  readonly endpoint: Uint32Array;
  readonly code: Uint8Array;
  readonly flags: Uint8Array;
  readonly entryStart: Float64Array;
  readonly candidates: Uint8Array;
  readonly rejectedDraws: Uint8Array;
  /** A status code, inFlight or pickedAgain. */
  readonly outcome: Uint8Array;
  readonly endMs: Float64Array;
  readonly latencyNs: Float64Array;
  readonly lagAfterNs: Float64Array;
  readonly successAfter: Float32Array;
  readonly inflightAfter: Uint32Array;

  // Columns of entries.
  readonly entryEndpoint: Uint32Array;
  readonly entryLagNs: Float64Array;
  readonly entryPeakNs: Float32Array;
  readonly entrySuccess: Float32Array;
  readonly entryInflight: Uint32Array;
  readonly entryScore: Float64Array;
  readonly entryIdleMs: Float32Array;
  readonly entryHealthy: Uint8Array;

  /** Key of the oldest row kept, and of the row to come; equal: the ring is empty. */
  oldest = 1;
  next = 1;
  private entryNext = 0;
  /** Key of the first row that came since it was cleared. */
  private firstKept = 1;

  // The index by call and attempt: per hash the slot + 1 of its newest row, and per row that of the row before.
  private readonly newestOf: Int32Array;
  private readonly before: Int32Array;
  private firstJoinable = 1;

  constructor(budgetBytes: number) {
    this.capacity = Math.max(16, Math.floor(budgetBytes / bytesPerRow()));
    this.entryCapacity = entriesPerRow * this.capacity;
    const rows = this.capacity;
    this.timeMs = new Float64Array(rows);
    this.call = new Float64Array(rows);
    this.attempt = new Uint16Array(rows);
    this.channel = new Uint32Array(rows);
    this.generation = new Uint32Array(rows);
    this.method = new Uint16Array(rows);
    this.policy = new Uint16Array(rows);
    this.reason = new Uint8Array(rows);
    this.endpoint = new Uint32Array(rows);
    this.code = new Uint8Array(rows);
    this.flags = new Uint8Array(rows);
    this.entryStart = new Float64Array(rows);
    this.candidates = new Uint8Array(rows);
    this.rejectedDraws = new Uint8Array(rows);
    this.outcome = new Uint8Array(rows);
    this.endMs = new Float64Array(rows);
    this.latencyNs = new Float64Array(rows);
    this.lagAfterNs = new Float64Array(rows);
    this.successAfter = new Float32Array(rows);
    this.inflightAfter = new Uint32Array(rows);
    const entries = this.entryCapacity;
    this.entryEndpoint = new Uint32Array(entries);
    this.entryLagNs = new Float64Array(entries);
    this.entryPeakNs = new Float32Array(entries);
    this.entrySuccess = new Float32Array(entries);
    this.entryInflight = new Uint32Array(entries);
    this.entryScore = new Float64Array(entries);
    this.entryIdleMs = new Float32Array(entries);
    this.entryHealthy = new Uint8Array(entries);
    this.newestOf = new Int32Array(rows);
    this.before = new Int32Array(rows);
  }

  /** Where the row of this key lies in the columns. */
  slot(key: number): number {
    return remainder(key, this.capacity);
  }

  has(key: number): boolean {
    return Number.isInteger(key) && key >= this.oldest && key < this.next;
  }

  /** Makes room for a row with so many entries, entered in the index; returns its slot, with the call in flight. */
  append(call: number, attempt: number, entries: number): number {
    const key = this.next++;
    const slot = this.slot(key);
    if (key - this.oldest >= this.capacity) this.oldest = key - this.capacity + 1;
    while (
      this.oldest < key &&
      this.entryNext + entries - this.entryStart[this.slot(this.oldest)]! > this.entryCapacity
    )
      this.oldest++;
    this.entryStart[slot] = this.entryNext;
    this.entryNext += entries;
    this.call[slot] = call;
    this.attempt[slot] = attempt;
    this.outcome[slot] = inFlight;
    const hash = this.hash(call, attempt);
    this.before[slot] = this.newestOf[hash]!;
    this.newestOf[hash] = slot + 1;
    return slot;
  }

  /** Where a row's entry lies in the columns of entries. */
  entry(slot: number, index: number): number {
    return remainder(this.entryStart[slot]! + index, this.entryCapacity);
  }

  /**
   * Key of the newest row of this call and attempt with an endpoint (or without one); 0: none is kept. Old rows need
   * not be taken out of the index: along a chain keys only fall, so a link to a slot that was used anew shows itself.
   */
  find(call: number, attempt: number, withEndpoint: boolean): number {
    let slot = this.newestOf[this.hash(call, attempt)]! - 1;
    let above = Infinity;
    for (let steps = 0; slot >= 0 && steps < maxChain; steps++) {
      const key = this.keyAt(slot);
      if (key >= above || key < Math.max(this.oldest, this.firstJoinable)) return 0;
      const same = this.call[slot] === call && this.attempt[slot] === attempt;
      if (same && (this.endpoint[slot] !== 0) === withEndpoint) return key;
      above = key;
      slot = this.before[slot]! - 1;
    }
    return 0;
  }

  /** Rows so far are of another process: what comes from now on ends none of their calls. */
  forgetCalls(): void {
    this.firstJoinable = this.next;
  }

  /** Key of the first row after this moment. Rows come in the order of their times. */
  firstAfter(ms: number): number {
    return this.first((time) => time > ms);
  }

  /** Key of the first row at this moment or after it. */
  firstAt(ms: number): number {
    return this.first((time) => time >= ms);
  }

  /** Whether it has all rows that came from this moment on, since it was cleared. */
  holdsSince(ms: number): boolean {
    return this.oldest === this.firstKept || (this.oldest < this.next && this.timeMs[this.slot(this.oldest)]! < ms);
  }

  /** All rows are of so much earlier. */
  moveBack(ms: number): void {
    for (const column of [this.timeMs, this.endMs]) column.forEach((time, slot) => (column[slot] = time - ms));
  }

  clear(): void {
    this.oldest = this.firstKept = this.next;
  }

  private first(isWithin: (time: number) => boolean): number {
    let low = this.oldest;
    let high = this.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (isWithin(this.timeMs[this.slot(middle)]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The newest key that lies, or lay, in this slot. */
  private keyAt(slot: number): number {
    const newest = this.next - 1;
    return newest - remainder(newest - slot + this.capacity, this.capacity);
  }

  private hash(call: number, attempt: number): number {
    return remainder(Math.abs(call + attempt * 7919), this.capacity);
  }
}

/** As %, of whole numbers that are not negative; that one is slow where they have more than 32 bits, as counts in time have. */
export function remainder(value: number, divisor: number): number {
  return value - Math.floor(value / divisor) * divisor;
}

function bytesPerRow(): number {
  const columns = 6 * 8 + 5 * 4 + 3 * 2 + 6;
  const entry = 2 * 8 + 5 * 4 + 1;
  const index = 2 * 4;
  return columns + entriesPerRow * entry + index;
}
