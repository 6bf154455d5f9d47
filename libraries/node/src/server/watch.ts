import { create } from '@bufbuild/protobuf';
import {
  DropCause,
  HeartbeatSchema,
  SnapshotBeginSchema,
  SnapshotEndSchema,
  StringsSchema,
  type Change,
  type Process,
} from '@pickscope/protocol/messages';
import { monotonicNs } from '../clock';
import { clockPair } from '../recorder/clock';
import type { ChannelRecord, EndpointRecord } from '../recorder/entities';
import type { Recorder, Watcher } from '../recorder/recorder';
import { pickCapacity } from '../recorder/rings';
import { completionBatch, encode, encodeBatch, encodeChange, encodeChanges, pickBatch, type Body } from './batches';
import { encodeCounters } from './counters';

/** ms between what happens and its message, at most. */
const flushDelay = 50;
/** Rows that come between two flushes, so that the rings hold what comes when a flush is late. */
const rowsOfFlush = pickCapacity / 4;
/** ms between heartbeats, and between counters. */
const pulse = 1000;
/** Bytes of changes in one message, and one change more: a gRPC client takes 4 MB. */
const maxMessageBytes = 1 << 20;
/** Endpoints whose counters go into one message, of 250 bytes at most. */
const maxCounters = 10_000;
/** Bytes of changes that may wait for a slow reader; with more it has to begin anew. */
const maxPendingBytes = 4 << 20;
/** What a change takes besides its bytes. */
const changeOverhead = 200;

/** What the streams tell of. */
export interface Source {
  readonly recorder: Recorder;
  readonly describe: () => Process;
  /** Calls to the debug server that were refused so far. */
  readonly refusedCalls: () => number;
}

/** Rows that a stream leaves out. */
export interface Dropped {
  readonly picks: number;
  readonly completions: number;
  readonly cause: DropCause;
}

/** Where the messages go. */
export interface WatchSink {
  /** Whether what was written before has not been taken yet. */
  readonly full: boolean;
  /** @param body A WatchResponse without its number, encoded; nobody changes it any more. */
  write(body: Uint8Array): void;
  /** These have been left out since the last time. */
  drop(dropped: Dropped): void;
  /** The reader has lost changes: it must open another stream. */
  abort(): void;
  /** What had happened is written. */
  flushed?(): void;
}

/** Tells what happens, flush after flush, from now on; and when asked to, all that exists. */
export class WatchStream implements Watcher {
  private readonly pendingChanges: Uint8Array[] = [];
  private pendingBytes = 0;
  private pickPosition: number;
  private completionPosition: number;
  private methodsSent: number;
  private readonly drops = { picks: 0, completions: 0, cause: DropCause.UNSPECIFIED };
  /**
   * Those whose counters have changed since they were sent, removed ones too. Bounded by what exists and the changes that
   * may be pending, for each removal is one.
   */
  private readonly countedChannels = new Set<ChannelRecord>();
  private readonly countedEndpoints = new Set<EndpointRecord>();
  private flushTimer: NodeJS.Timeout | undefined;
  /** When it was, and how many rows there had been. */
  private lastFlush = { ns: monotonicNs(), rows: 0 };
  /** ms from what happens to the next flush, by how fast rows came before the last one. */
  private delay = flushDelay;
  /** The reader had not taken what was written before, so that rows wait in the rings. */
  private behind = false;
  private readonly pulseTimer: NodeJS.Timeout;

  constructor(
    private readonly source: Source,
    private readonly sink: WatchSink,
  ) {
    const { recorder } = source;
    recorder.watch(this);
    this.pickPosition = recorder.rows!.picks.head;
    this.completionPosition = recorder.rows!.completions.head;
    this.lastFlush.rows = Math.max(this.pickPosition, this.completionPosition);
    this.methodsSent = recorder.methods.names.length;
    this.pulseTimer = setInterval(() => {
      this.beat();
      this.sink.flushed?.();
    }, pulse).unref();
  }

  /** Tells who this is and all that exists, for a reader that begins here. */
  begin(): void {
    const { channels } = this.source.recorder.entities;
    this.send({ case: 'process', value: this.source.describe() });
    this.send({ case: 'snapshotBegin', value: create(SnapshotBeginSchema) });
    this.methodsSent = 0;
    this.sendMethods();
    this.sendChanges([...this.source.recorder.entities.snapshot()].map(encodeChange));
    this.sendCounters(
      [...channels],
      [...channels].flatMap(({ endpoints }) => [...endpoints]),
    );
    this.send({ case: 'snapshotEnd', value: create(SnapshotEndSchema) });
  }

  close(): void {
    clearTimeout(this.flushTimer);
    clearInterval(this.pulseTimer);
    this.source.recorder.unwatch(this);
  }

  changed(change: Change): void {
    const bytes = encodeChange(change);
    this.pendingBytes += bytes.length + changeOverhead;
    this.pendingChanges.push(bytes);
    if (this.pendingBytes > maxPendingBytes && !this.sink.full) this.flush();
    if (this.pendingBytes > maxPendingBytes) {
      this.close();
      this.sink.abort();
      return;
    }
    this.stirred();
  }

  counted(record: ChannelRecord | EndpointRecord): void {
    if ('endpoints' in record) this.countedChannels.add(record);
    else this.countedEndpoints.add(record);
  }

  stirred(): void {
    this.flushTimer ??= setTimeout(() => {
      this.flushTimer = undefined;
      this.flush();
      this.sink.flushed?.();
    }, this.delay).unref();
  }

  /** The reader has taken what was written: it gets what waited for that. */
  proceed(): void {
    if (this.behind) this.flush();
  }

  /** Tells all that has happened so far, with the counters. */
  beat(): void {
    // What the flush itself writes is not the reader's fault.
    const { full } = this.sink;
    this.flush();
    if (full) return;
    this.sendCounters([...this.countedChannels], [...this.countedEndpoints]);
    this.sendDrops();
    const refusedCalls = BigInt(this.source.refusedCalls());
    this.send({ case: 'heartbeat', value: create(HeartbeatSchema, { clock: clockPair(), refusedCalls }) });
  }

  private flush(): void {
    this.source.recorder.read();
    this.adaptDelay();
    // Asked once: a flush is bounded, and goes out whole or not at all.
    const { full } = this.sink;
    if (!full) {
      this.sendMethods();
      this.sendChanges(this.pendingChanges.splice(0));
      this.pendingBytes = 0;
    }
    this.sendPicks(full);
    this.sendCompletions(full);
    this.behind = full;
  }

  private adaptDelay(): void {
    const { picks, completions } = this.source.recorder.rows!;
    const before = this.lastFlush;
    const now = { ns: monotonicNs(), rows: Math.max(picks.head, completions.head) };
    if (now.rows === before.rows) return;
    const msOfRow = (now.ns - before.ns) / 1e6 / (now.rows - before.rows);
    this.delay = Math.min(flushDelay, msOfRow * rowsOfFlush);
    this.lastFlush = now;
  }

  /** At most 4,098 names of 256 characters: that fits into one message. */
  private sendMethods(): void {
    const { names } = this.source.recorder.methods;
    if (this.methodsSent === names.length) return;
    const values = names.slice(this.methodsSent);
    const ids = values.map((_, i) => this.methodsSent + i);
    this.methodsSent = names.length;
    this.send({ case: 'strings', value: create(StringsSchema, { ids, values }) });
  }

  private sendChanges(changes: readonly Uint8Array[]): void {
    let part: Uint8Array[] = [];
    let bytes = 0;
    for (const change of changes) {
      part.push(change);
      bytes += change.length;
      if (bytes < maxMessageBytes) continue;
      this.sink.write(encodeChanges(part));
      [part, bytes] = [[], 0];
    }
    if (part.length > 0) this.sink.write(encodeChanges(part));
  }

  private sendPicks(full: boolean): void {
    const { picks } = this.source.recorder.rows!;
    const available = picks.firstAvailable(this.pickPosition);
    this.drop('picks', available - this.pickPosition);
    this.pickPosition = available;
    while (this.pickPosition < picks.head && !full) {
      const batch = pickBatch(picks, this.pickPosition);
      this.pickPosition += batch.rows;
      this.sink.write(encodeBatch('picks', batch));
    }
  }

  private sendCompletions(full: boolean): void {
    const { completions } = this.source.recorder.rows!;
    const available = completions.firstAvailable(this.completionPosition);
    this.drop('completions', available - this.completionPosition);
    this.completionPosition = available;
    while (this.completionPosition < completions.head && !full) {
      const batch = completionBatch(completions, this.completionPosition);
      this.completionPosition += batch.rows;
      this.sink.write(encodeBatch('completions', batch));
    }
  }

  /** Newer rows have taken the place of these. */
  private drop(rows: 'picks' | 'completions', count: number): void {
    if (count === 0) return;
    this.drops[rows] += count;
    this.drops.cause = this.behind ? DropCause.SLOW_WATCHER : DropCause.RING_FULL;
  }

  private sendDrops(): void {
    const { picks, completions } = this.drops;
    if (picks + completions === 0) return;
    this.sink.drop({ ...this.drops });
    this.drops.picks = this.drops.completions = 0;
  }

  private sendCounters(channels: readonly ChannelRecord[], endpoints: readonly EndpointRecord[]): void {
    this.source.recorder.readCounters();
    this.countedChannels.clear();
    this.countedEndpoints.clear();
    for (let from = 0; from < Math.max(channels.length, endpoints.length); from += maxCounters) {
      const to = from + maxCounters;
      this.sink.write(encodeCounters(monotonicNs(), channels.slice(from, to), endpoints.slice(from, to)));
    }
  }

  private send(body: Body): void {
    this.sink.write(encode(body));
  }
}
