import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ChangesSchema,
  CountersSchema,
  DropCause,
  DropsSchema,
  HeartbeatSchema,
  SnapshotBeginSchema,
  SnapshotEndSchema,
  StringsSchema,
  WatchResponseSchema,
  type Change,
  type Process,
} from '@pickscope/protocol/messages';
import { monotonicNs } from '../clock';
import { clockPair } from '../recorder/clock';
import type { ChannelRecord, EndpointRecord } from '../recorder/entities';
import type { Recorder, Watcher } from '../recorder/recorder';
import { channelCounters, completionBatch, encode, encodeBatch, endpointCounters, pickBatch } from './batches';

/** ms between what happens and its message. */
const flushDelay = 50;
/** ms between heartbeats, and between counters. */
const pulse = 1000;
/** Changes of one message: of the largest, resolver updates, no more than a gRPC client takes (4 MB). */
const maxChanges = 150;
/** Endpoints whose counters go into one message. */
const maxCounters = 10_000;
/** Changes that may wait for a slow reader; with more it has to begin anew. */
const maxPendingChanges = 10_000;

/** Where the messages go. */
export interface WatchSink {
  /** Whether what was written before has not been taken yet. */
  readonly full: boolean;
  /** @param message A WatchResponse, encoded. */
  write(message: Uint8Array): void;
  /** The reader has lost changes: it must open another stream. */
  abort(): void;
}

/** One Watch stream: the snapshot, then what happens, flush after flush. */
export class WatchStream implements Watcher {
  private sequence = 0;
  private readonly pendingChanges: Change[] = [];
  private pickPosition: number;
  private completionPosition: number;
  private methodsSent = 0;
  /** The recorder's tick when counters were sent last. */
  private countersTick = -1;
  private readonly drops = { picks: 0, completions: 0, cause: DropCause.UNSPECIFIED, changed: false };
  /** Their last counts have not been sent. */
  private readonly removedEndpoints = new Set<EndpointRecord>();
  private flushTimer: NodeJS.Timeout | undefined;
  private readonly pulseTimer: NodeJS.Timeout;

  constructor(
    private readonly recorder: Recorder,
    process: Process,
    private readonly sink: WatchSink,
  ) {
    recorder.watch(this);
    this.pickPosition = recorder.rows!.picks.head;
    this.completionPosition = recorder.rows!.completions.head;
    this.send({ case: 'process', value: process });
    this.send({ case: 'snapshotBegin', value: create(SnapshotBeginSchema) });
    this.sendMethods();
    this.sendChanges([...recorder.entities.snapshot()]);
    this.sendCounters();
    this.send({ case: 'snapshotEnd', value: create(SnapshotEndSchema) });
    this.pulseTimer = setInterval(() => this.beat(), pulse).unref();
  }

  close(): void {
    clearTimeout(this.flushTimer);
    clearInterval(this.pulseTimer);
    this.recorder.unwatch(this);
  }

  changed(change: Change): void {
    if (this.pendingChanges.length >= maxPendingChanges && !this.sink.full) this.flush();
    if (this.pendingChanges.length >= maxPendingChanges) {
      this.close();
      this.sink.abort();
      return;
    }
    this.pendingChanges.push(change);
    this.stirred();
  }

  departed(endpoint: EndpointRecord): void {
    this.removedEndpoints.add(endpoint);
  }

  stirred(): void {
    this.flushTimer ??= setTimeout(() => this.flush(), flushDelay).unref();
  }

  private beat(): void {
    // What the flush itself writes is not the reader's fault.
    const { full } = this.sink;
    this.flush();
    if (full) return;
    this.sendCounters();
    this.sendDrops();
    this.send({ case: 'heartbeat', value: create(HeartbeatSchema, { clock: clockPair() }) });
  }

  private flush(): void {
    clearTimeout(this.flushTimer);
    this.flushTimer = undefined;
    this.recorder.read();
    // Asked once: a flush is bounded, and goes out whole or not at all.
    const { full } = this.sink;
    if (!full) {
      this.sendMethods();
      this.sendChanges(this.pendingChanges.splice(0));
    }
    this.sendPicks(full);
    this.sendCompletions(full);
  }

  private sendMethods(): void {
    const { names } = this.recorder.methods;
    if (this.methodsSent === names.length) return;
    const values = names.slice(this.methodsSent);
    const ids = values.map((_, i) => this.methodsSent + i);
    this.methodsSent = names.length;
    this.send({ case: 'strings', value: create(StringsSchema, { ids, values }) });
  }

  private sendChanges(changes: readonly Change[]): void {
    for (let from = 0; from < changes.length; from += maxChanges) {
      const part = changes.slice(from, from + maxChanges);
      this.send({ case: 'changes', value: create(ChangesSchema, { changes: part }) });
    }
  }

  private sendPicks(full: boolean): void {
    const { picks } = this.recorder.rows!;
    const available = picks.firstAvailable(this.pickPosition);
    this.drop('picks', available - this.pickPosition, DropCause.RING_FULL);
    this.pickPosition = available;
    while (this.pickPosition < picks.head && !full) {
      const batch = pickBatch(picks, this.pickPosition);
      this.pickPosition += batch.rows;
      this.sink.write(encodeBatch(++this.sequence, 'picks', batch));
    }
    this.drop('picks', picks.head - this.pickPosition, DropCause.SLOW_WATCHER);
    this.pickPosition = picks.head;
  }

  private sendCompletions(full: boolean): void {
    const { completions } = this.recorder.rows!;
    const available = completions.firstAvailable(this.completionPosition);
    this.drop('completions', available - this.completionPosition, DropCause.RING_FULL);
    this.completionPosition = available;
    while (this.completionPosition < completions.head && !full) {
      const batch = completionBatch(completions, this.completionPosition);
      this.completionPosition += batch.rows;
      this.sink.write(encodeBatch(++this.sequence, 'completions', batch));
    }
    this.drop('completions', completions.head - this.completionPosition, DropCause.SLOW_WATCHER);
    this.completionPosition = completions.head;
  }

  private drop(rows: 'picks' | 'completions', count: number, cause: DropCause): void {
    if (count === 0) return;
    this.drops[rows] += count;
    this.drops.cause = cause;
    this.drops.changed = true;
  }

  private sendDrops(): void {
    const { picks, completions, cause, changed } = this.drops;
    if (!changed) return;
    this.drops.changed = false;
    const value = create(DropsSchema, { picks: BigInt(picks), completions: BigInt(completions), cause });
    this.send({ case: 'drops', value });
  }

  private sendCounters(): void {
    const { channels } = this.recorder.entities;
    const isNew = ({ touched }: ChannelRecord | EndpointRecord) => touched > this.countersTick;
    const changedChannels = [...channels].filter(isNew);
    const present = [...channels].flatMap((channel) => [...channel.endpoints]);
    const endpoints = [...present, ...this.removedEndpoints].filter(isNew);
    this.countersTick = this.recorder.tick;
    for (const endpoint of this.removedEndpoints) {
      if (endpoint.counters.settled) this.removedEndpoints.delete(endpoint);
    }
    for (let from = 0; from < Math.max(changedChannels.length, endpoints.length); from += maxCounters) {
      const value = create(CountersSchema, {
        timeNs: BigInt(monotonicNs()),
        channels: changedChannels.slice(from, from + maxCounters).map(channelCounters),
        endpoints: endpoints.slice(from, from + maxCounters).map(endpointCounters),
      });
      this.send({ case: 'counters', value });
    }
  }

  private send(body: NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>): void {
    this.sink.write(encode(create(WatchResponseSchema, { sequence: ++this.sequence, body })));
  }
}
