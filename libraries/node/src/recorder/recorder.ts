import { PickReason, PickResult, type Change } from '@pickscope/protocol/messages';
import type { Decision, Reason } from '../policies/picker';
import { monotonicNs } from './clock';
import { Entities, type ChannelRecord, type EndpointRecord, type EndpointStatusSource } from './entities';
import { MethodDictionary } from './methods';
import { CompletionRing, PickRing, type CompletionRow, type PickRow } from './rings';

/** Reads along: is told of each change at once, and that there are new rows. */
export interface Watcher {
  changed(change: Change): void;
  /** Something happened since the rows were read last. */
  stirred(): void;
  /** An endpoint was removed; its counters may still change. */
  departed(endpoint: EndpointRecord): void;
}

/** One attempt of a call, from its first pick to its end. */
export interface Attempt {
  readonly channel: ChannelRecord;
  readonly call: number;
  /** 1 for the first, retries and hedges count on. */
  readonly attempt: number;
  readonly method: number;
  /** Of its last completed pick, until that turns out never to start. */
  endpoint: EndpointRecord | undefined;
  /** The picker's state of that endpoint, where it keeps any. */
  status: EndpointStatusSource | undefined;
  /** Whether it ever had a completed pick. */
  picked: boolean;
  /** ns; NaN: it has not started. */
  startedAt: number;
  ended: boolean;
}

/** What a policy of ours decided, and the endpoints that its indices stand for. */
export interface RecordedDecision {
  readonly decision: Decision;
  readonly endpoints: readonly EndpointRecord[];
}

/**
 * Counts every call, always, and keeps rows of picks and completions while someone watches.
 */
export class Recorder {
  readonly methods = new MethodDictionary();
  readonly entities = new Entities(
    (change) => {
      for (const watcher of this.watchers) watcher.changed(change);
    },
    (endpoint) => {
      for (const watcher of this.watchers) watcher.departed(endpoint);
    },
  );
  /** undefined: nobody watches. */
  rows: { readonly picks: PickRing; readonly completions: CompletionRing } | undefined;
  /** Rises with every count; `touched` of a channel or endpoint is its value when its counters last changed. */
  tick = 0;
  private readonly watchers = new Set<Watcher>();
  private lastCall = 0;
  private readonly pickRow: PickRow = {
    time: 0,
    call: 0,
    attempt: 0,
    channel: 0,
    generation: 0,
    method: 0,
    result: 0,
    reason: 0,
    policy: 0,
    endpoint: 0,
    code: 0,
    candidates: 0,
    rejectedDraws: 0,
  };
  private readonly completionRow: CompletionRow = {
    time: 0,
    call: 0,
    attempt: 0,
    channel: 0,
    method: 0,
    endpoint: 0,
    code: 0,
    latency: 0,
    lag: 0,
    success: 0,
    inflight: 0,
  };

  get watcherCount(): number {
    return this.watchers.size;
  }

  watch(watcher: Watcher): void {
    this.watchers.add(watcher);
    this.rows ??= { picks: new PickRing(), completions: new CompletionRing() };
  }

  unwatch(watcher: Watcher): void {
    this.watchers.delete(watcher);
    if (this.watchers.size === 0) this.rows = undefined;
  }

  /** An id for a call that begins. */
  nextCall(): number {
    return ++this.lastCall;
  }

  attemptBegan(channel: ChannelRecord, call: number, attempt: number, method: string): Attempt {
    channel.open++;
    return {
      channel,
      call,
      attempt,
      method: this.methods.idOf(method),
      endpoint: undefined,
      status: undefined,
      picked: false,
      startedAt: NaN,
      ended: false,
    };
  }

  /**
   * @param endpoint Of a COMPLETED pick.
   * @param code Status code of a FAILED or DROPPED one, else 0.
   */
  picked(
    attempt: Attempt,
    result: PickResult,
    endpoint: EndpointRecord | undefined,
    code: number,
    decision: RecordedDecision | undefined,
  ): void {
    this.settle(attempt);
    this.countPick(attempt.channel, result);
    if (result === PickResult.COMPLETED && endpoint) {
      attempt.picked = true;
      attempt.endpoint = endpoint;
      attempt.status = decision && endpoint.status;
      endpoint.counters.picks++;
      endpoint.counters.pending++;
      endpoint.touched = ++this.tick;
    }
    if (this.rows) this.writePick(attempt, result, endpoint, code, decision);
    this.stir();
  }

  /** The attempt's stream was created. */
  started(attempt: Attempt): void {
    const { endpoint } = attempt;
    attempt.startedAt = monotonicNs();
    if (!endpoint) return;
    endpoint.counters.pending--;
    endpoint.counters.started++;
    endpoint.touched = ++this.tick;
    this.stir();
  }

  ended(attempt: Attempt, code: number): void {
    if (attempt.ended) return;
    attempt.ended = true;
    const { channel, endpoint } = attempt;
    const now = monotonicNs();
    if (!attempt.picked) {
      channel.counters.endedUnpicked++;
      channel.touched = ++this.tick;
    }
    if (endpoint && !Number.isNaN(attempt.startedAt)) {
      endpoint.counters.ended[statusCode(code)]!++;
      endpoint.touched = ++this.tick;
    }
    if (this.rows) this.writeCompletion(attempt, code, now);
    this.settle(attempt);
    channel.open--;
    if (channel.closing) this.entities.closeChannel(channel);
    this.stir();
  }

  /** A picked attempt that picks again, or ends, without having started, never did. */
  private settle(attempt: Attempt): void {
    const { endpoint } = attempt;
    if (!endpoint || !Number.isNaN(attempt.startedAt)) return;
    endpoint.counters.pending--;
    endpoint.counters.neverStarted++;
    endpoint.touched = ++this.tick;
    attempt.endpoint = undefined;
    attempt.status = undefined;
  }

  private countPick(channel: ChannelRecord, result: PickResult): void {
    const { counters } = channel;
    channel.touched = ++this.tick;
    if (result === PickResult.COMPLETED) counters.completed++;
    else if (result === PickResult.QUEUED) counters.queued++;
    else if (result === PickResult.FAILED) counters.failed++;
    else counters.dropped++;
  }

  private writePick(
    attempt: Attempt,
    result: PickResult,
    endpoint: EndpointRecord | undefined,
    code: number,
    decision: RecordedDecision | undefined,
  ): void {
    const { pickRow: row, rows } = this;
    const { generation } = attempt.channel;
    row.time = monotonicNs();
    row.call = attempt.call;
    row.attempt = attempt.attempt;
    row.channel = attempt.channel.message.id;
    row.generation = generation?.id ?? 0;
    row.method = attempt.method;
    row.result = result;
    row.reason = decision ? reasons[decision.decision.reason] : PickReason.UNSPECIFIED;
    row.policy = generation?.policy ?? 0;
    row.endpoint = endpoint?.message.id ?? 0;
    row.code = statusCode(code);
    row.candidates = 0;
    row.rejectedDraws = 0;
    if (decision) this.writeDecision(decision);
    rows!.picks.add(row);
  }

  private writeDecision({ decision, endpoints }: RecordedDecision): void {
    const { pickRow: row, rows } = this;
    const idOf = (index: number) => endpoints[index]?.message.id ?? 0;
    row.candidates = decision.candidateCount;
    row.rejectedDraws = decision.rejectedDraws;
    for (let i = 0; i < decision.candidateCount; i++) {
      const candidate = decision.candidates[i]!;
      rows!.picks.addCandidate(idOf(candidate.endpoint), candidate);
    }
    for (let i = 0; i < decision.rejectedDraws * decision.candidateCount; i++) {
      rows!.picks.addRejected(idOf(decision.rejectedEndpoints[i]!), decision.rejectedSuccess[i]!);
    }
  }

  private writeCompletion(attempt: Attempt, code: number, now: number): void {
    const { completionRow: row } = this;
    const { endpoint, status } = attempt;
    // A completion that belongs to an earlier picker does not reach the state of the present one.
    const reached = status !== undefined && endpoint?.status === status && !Number.isNaN(attempt.startedAt);
    row.time = now;
    row.call = attempt.call;
    row.attempt = attempt.attempt;
    row.channel = attempt.channel.message.id;
    row.method = attempt.method;
    row.endpoint = endpoint?.message.id ?? 0;
    row.code = statusCode(code);
    row.latency = now - attempt.startedAt;
    row.lag = reached ? status.lag : NaN;
    row.success = reached ? status.success : NaN;
    row.inflight = reached ? status.inflight : 0;
    this.rows!.completions.add(row);
  }

  private stir(): void {
    for (const watcher of this.watchers) watcher.stirred();
  }
}

const reasons: Readonly<Record<Reason, PickReason>> = {
  only_one: PickReason.ONLY_ONE,
  better_score: PickReason.BETTER_SCORE,
  tie: PickReason.TIE,
  forced: PickReason.FORCED,
  no_healthy_pair: PickReason.NO_HEALTHY_PAIR,
  probe: PickReason.PROBE,
  turn: PickReason.TURN,
  key: PickReason.KEY,
  no_key: PickReason.NO_KEY,
};

/** A code outside of gRPC's counts as UNKNOWN. */
function statusCode(code: number): number {
  return code >= 0 && code <= 16 ? code : 2;
}
