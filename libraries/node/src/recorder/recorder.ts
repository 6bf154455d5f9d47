import { PickResult, type Change } from '@pickscope/protocol/messages';
import { monotonicNs } from '../clock';
import type { Decision, EndpointStatus } from '../policies/picker';
import { Entities, type ChannelRecord, type EndpointRecord } from './entities';
import { MethodDictionary } from './methods';
import { Rows } from './rows';

/** Reads along: is told of each change at once, and that there are new rows. */
export interface Watcher {
  changed(change: Change): void;
  /** Something was counted, the first time since a watcher has read. */
  stirred(): void;
  /** Its counters changed, the first time since a watcher has read counters. */
  counted(record: ChannelRecord | EndpointRecord): void;
}

/** One attempt of a call, from its first pick to its end. */
export class Attempt {
  /** Of its last completed pick, until that turns out never to start. */
  endpoint: EndpointRecord | undefined = undefined;
  /** What the picker knew of that endpoint, where it keeps any. */
  status: EndpointStatus | undefined = undefined;
  /** Whether it ever had a completed pick. */
  picked = false;
  started = false;
  /** ns; NaN: nobody watched then. */
  startedAt = NaN;
  /** By grpc-js's clock, ms since the Unix epoch; NaN: unknown. */
  startedWallMs = NaN;
  ended = false;

  /**
   * @param attempt 1 for the first, retries and hedges count on.
   */
  constructor(
    readonly channel: ChannelRecord,
    readonly call: number,
    readonly attempt: number,
    readonly methodName: string,
  ) {}
}

/** What a policy of ours decided, and the endpoints that its indices stand for. */
export interface RecordedDecision {
  readonly decision: Decision;
  readonly endpoints: readonly EndpointRecord[];
}

/**
 * Counts every call, always, and keeps rows of picks and completions while someone watches.
 *
 * All of it runs inside of calls. While nobody watches, no clock is read.
 */
export class Recorder {
  readonly methods = new MethodDictionary();
  readonly entities = new Entities((change) => {
    for (const watcher of this.watchers) watcher.changed(change);
  });
  /** undefined: nobody watches. */
  rows: Rows | undefined;
  /** Rises when a watcher reads counters; `touched` of a channel or endpoint is its value when it last counted. */
  private reading = 1;
  private readonly watchers = new Set<Watcher>();
  /** Whether the watchers know that there is something to read. */
  private told = false;
  private lastCall = 0;

  get watcherCount(): number {
    return this.watchers.size;
  }

  watch(watcher: Watcher): void {
    this.watchers.add(watcher);
    this.rows ??= new Rows(this.methods);
    this.told = false;
    this.reading++;
  }

  unwatch(watcher: Watcher): void {
    this.watchers.delete(watcher);
    if (this.watchers.size > 0) return;
    this.rows = undefined;
    for (const { endpoints } of this.entities.channels) {
      for (const endpoint of endpoints) endpoint.shadow = undefined;
    }
  }

  /** A watcher reads what there is: it has to be told of what comes after. */
  read(): void {
    this.told = false;
  }

  /** A watcher reads the counters of those that it was told of: it has to be told of what counts after. */
  readCounters(): void {
    this.reading++;
  }

  /** An id for a call that begins. */
  nextCall(): number {
    return ++this.lastCall;
  }

  attemptBegan(channel: ChannelRecord, call: number, attempt: number, methodName: string): Attempt {
    channel.open++;
    return new Attempt(channel, call, attempt, methodName);
  }

  /**
   * @param endpoint Of a COMPLETED pick.
   * @param code Status code of a FAILED or DROPPED one, else 0.
   * @param time When it was picked, ns; NaN: now.
   */
  picked(
    attempt: Attempt,
    result: PickResult,
    endpoint: EndpointRecord | undefined,
    code: number,
    decision: RecordedDecision | undefined,
    time = NaN,
  ): void {
    this.settle(attempt);
    this.countPick(attempt.channel, result);
    if (result === PickResult.COMPLETED && endpoint) {
      attempt.picked = true;
      attempt.endpoint = endpoint;
      attempt.status = endpoint.status;
      endpoint.counters.picks++;
      endpoint.counters.pending++;
      this.touch(endpoint);
    }
    if (!this.rows) return;
    this.rows.pick(attempt, result, endpoint, statusCode(code), decision, time);
    this.stir();
  }

  /**
   * The attempt's stream was created.
   *
   * @param wallMs When, by grpc-js's clock, ms since the Unix epoch; NaN: it does not tell.
   */
  started(attempt: Attempt, wallMs = NaN): void {
    const { endpoint } = attempt;
    attempt.started = true;
    attempt.startedWallMs = wallMs;
    if (!endpoint) return;
    const { counters } = endpoint;
    counters.pending--;
    counters.started++;
    counters.inflight++;
    this.touch(endpoint);
    if (!this.rows) return;
    attempt.startedAt = monotonicNs();
    this.stir();
  }

  /**
   * @param time When it ended, ns; NaN: now.
   */
  ended(attempt: Attempt, code: number, time = NaN): void {
    if (attempt.ended) return;
    attempt.ended = true;
    const { channel, endpoint } = attempt;
    if (!attempt.picked) {
      channel.counters.endedUnpicked++;
      this.touch(channel);
    }
    if (endpoint && attempt.started) {
      endpoint.counters.ended[statusCode(code)]!++;
      endpoint.counters.inflight--;
      this.touch(endpoint);
    }
    if (this.rows) {
      this.rows.completion(attempt, statusCode(code), time);
      this.stir();
    }
    this.settle(attempt);
    channel.open--;
    if (channel.closing) this.entities.closeChannel(channel);
  }

  /** A picked attempt that picks again, or ends, without having started, never did. */
  private settle(attempt: Attempt): void {
    const { endpoint } = attempt;
    if (!endpoint || attempt.started) return;
    endpoint.counters.pending--;
    endpoint.counters.neverStarted++;
    this.touch(endpoint);
    attempt.endpoint = undefined;
    attempt.status = undefined;
  }

  private countPick(channel: ChannelRecord, result: PickResult): void {
    const { counters } = channel;
    this.touch(channel);
    if (result === PickResult.COMPLETED) counters.completed++;
    else if (result === PickResult.QUEUED) counters.queued++;
    else if (result === PickResult.FAILED) counters.failed++;
    else counters.dropped++;
  }

  private touch(record: ChannelRecord | EndpointRecord): void {
    if (record.touched === this.reading) return;
    record.touched = this.reading;
    for (const watcher of this.watchers) watcher.counted(record);
  }

  private stir(): void {
    if (this.told) return;
    this.told = true;
    for (const watcher of this.watchers) watcher.stirred();
  }
}

/** A code outside of gRPC's counts as UNKNOWN. */
function statusCode(code: number): number {
  return code >= 0 && code <= 16 ? code : 2;
}
