import type { Process } from '@pickscope/protocol/messages';
import { monotonicNs } from '../clock';
import type { KeepLimits } from './keep';
import { WatchStream, type Dropped, type Source, type WatchSink } from './watch';

/** Parts of the kept time, and of the bytes, after which a segment is followed by another. */
const segmentsOfPast = 4;
/** Bytes that a message takes besides its own: the objects that hold it. */
const entryOverhead = 256;

/** A message without its number, or rows that were left out. */
export type Entry = Uint8Array | Dropped;

/** A stretch of the stream: all that existed when it began, and what happened then. */
interface Segment {
  /** When it began, ns of the monotonic clock. */
  readonly begun: number;
  /** Empty when it is no longer kept. */
  entries: Entry[];
  bytes: number;
  /** How many of the entries tell what existed when it began, and their bytes; the others happened. */
  existed: number;
  existedBytes: number;
  kept: boolean;
  next: Segment | undefined;
}

/**
 * Keeps the last seconds of the stream, as one that watches all the time would get it, in a bounded number of bytes: an
 * older segment goes when the one after it is older than the kept time, or when there are too many bytes.
 */
export class Past {
  /** As the program itself, but telling that something is kept. */
  readonly source: Source;
  private readonly stream: WatchStream;
  private oldest: Segment | undefined;
  private newest: Segment | undefined;
  private bytes = 0;
  private closed = false;

  /**
   * @param warn Told, as a sentence, when nothing can be kept any more.
   * @param now ns; the monotonic clock.
   */
  constructor(
    source: Source,
    private readonly limits: KeepLimits,
    private readonly warn: (line: string) => void,
    private readonly now = monotonicNs,
  ) {
    this.source = { ...source, describe: () => this.described(source.describe()) };
    this.stream = new WatchStream(this.source, {
      full: false,
      write: (body) => this.add(body),
      drop: (dropped) => this.add(dropped),
      abort: () => undefined,
      flushed: () => this.turn(),
    });
    this.beginSegment(now());
  }

  /** Seconds that are kept; 0: what exists takes more than may be kept. */
  get seconds(): number {
    return this.closed ? 0 : Math.ceil(this.limits.seconds);
  }

  /** Bytes that are kept, with the objects that hold them. */
  get size(): number {
    return this.bytes;
  }

  close(): void {
    this.closed = true;
    this.stream.close();
    while (this.oldest) this.dropOldest();
  }

  /** Makes what has happened up to now a part of the past. */
  catchUp(): void {
    if (this.closed) return;
    this.stream.beat();
    this.turn();
  }

  /** All that is kept, in the order in which it came, behind what existed when it began. */
  entries(): Entry[] {
    this.catchUp();
    const position = this.from(0);
    const entries: Entry[] = [];
    for (let entry = position.take(); entry; entry = position.take()) entries.push(entry);
    return entries;
  }

  /**
   * Gives a reader what is kept, then what happens.
   *
   * @param since ns: what ended before is not wanted.
   */
  watch(sink: WatchSink, since: number): Replay {
    this.catchUp();
    return new Replay(this, this.from(since), sink);
  }

  private described(process: Process): Process {
    if (!this.closed)
      Object.assign(process, { keepSeconds: this.seconds, capabilities: [...process.capabilities, 'past'] });
    return process;
  }

  private from(since: number): Position {
    let segment = this.oldest;
    while (segment?.next && segment.next.begun < since) segment = segment.next;
    return new Position(segment);
  }

  private add(entry: Entry): void {
    // Where not even the newest segment found room, what comes is left out until the next one begins.
    if (!this.newest) return;
    const bytes = entryOverhead + (entry instanceof Uint8Array ? entry.buffer.byteLength : 0);
    this.newest.entries.push(entry);
    this.newest.bytes += bytes;
    this.bytes += bytes;
    while (this.bytes > this.limits.bytes) this.dropOldest();
  }

  /** Begins another segment if it is time, and drops those that are too old. */
  private turn(): void {
    const now = this.now();
    if (this.isFull(this.newest, now)) {
      this.stream.beat();
      this.beginSegment(now);
    }
    const until = now - this.limits.seconds * 1e9;
    while (this.oldest?.next && this.oldest.next.begun <= until) this.dropOldest();
  }

  private isFull(segment: Segment | undefined, now: number): boolean {
    if (!segment) return true;
    const happened = segment.bytes - segment.existedBytes;
    // A snapshot that is large must not be taken often.
    const enough = Math.max(this.limits.bytes / segmentsOfPast, segment.existedBytes);
    return happened >= enough || now - segment.begun >= (this.limits.seconds * 1e9) / segmentsOfPast;
  }

  private beginSegment(now: number): void {
    const segment: Segment = {
      begun: now,
      entries: [],
      existed: 0,
      bytes: 0,
      existedBytes: 0,
      kept: true,
      next: undefined,
    };
    if (this.newest) this.newest.next = segment;
    else this.oldest = segment;
    this.newest = segment;
    this.stream.begin();
    segment.existed = segment.entries.length;
    segment.existedBytes = segment.bytes;
    if (segment.kept && segment.bytes <= this.limits.bytes / 2) return;
    this.close();
    this.warn(
      'What exists in this process (its channels and endpoints) takes more than half of what PICKSCOPE_KEEP_BYTES allows, so ' +
        'nothing is kept of the past. Raise PICKSCOPE_KEEP_BYTES.',
    );
  }

  private dropOldest(): void {
    const segment = this.oldest!;
    this.oldest = segment.next;
    if (!this.oldest) this.newest = undefined;
    this.bytes -= segment.bytes;
    // A reader that still stands there holds nothing else.
    segment.kept = false;
    segment.entries = [];
    segment.next = undefined;
  }
}

/** Where a reader of the past stands. */
class Position {
  private index = 0;

  /** @param segment undefined: nothing is kept. */
  constructor(private segment: Segment | undefined) {}

  /** Whether what comes next is no longer kept. */
  get lost(): boolean {
    return !this.segment?.kept;
  }

  /** The next entry, which is passed; undefined: there is none yet. */
  take(): Entry | undefined {
    while (this.segment?.next && this.index === this.segment.entries.length) {
      this.segment = this.segment.next;
      // The reader knows what existed then: it was told of every change.
      this.index = this.segment.existed;
    }
    const entry = this.segment?.entries[this.index];
    if (entry) this.index++;
    return entry;
  }
}

/** One reader on its way from the past to the present. */
export class Replay {
  private live: WatchStream | undefined;
  private closed = false;

  constructor(
    private readonly past: Past,
    private readonly position: Position,
    private readonly sink: WatchSink,
  ) {
    this.proceed();
  }

  /** Gives the reader more of the past, as much as it takes; to be called whenever it has taken what it was given. */
  proceed(): void {
    this.live?.proceed();
    while (!this.live && !this.closed && !this.sink.full) {
      if (this.position.lost) this.giveUp();
      else if (!this.pass()) this.goLive();
    }
  }

  close(): void {
    this.closed = true;
    this.live?.close();
  }

  /** From the last message that is kept on: nothing twice, and nothing missing. */
  private goLive(): void {
    this.past.catchUp();
    if (this.position.lost) return;
    while (this.pass());
    this.live = new WatchStream(this.past.source, this.sink);
  }

  private giveUp(): void {
    this.close();
    this.sink.abort();
  }

  /** Passes one entry on. @returns false: there is none. */
  private pass(): boolean {
    const entry = this.position.take();
    if (entry) put(entry, this.sink);
    return entry !== undefined;
  }
}

/** Tells a reader of an entry. */
export function put(entry: Entry, sink: WatchSink): void {
  if (entry instanceof Uint8Array) sink.write(entry);
  else sink.drop(entry);
}
