import { CompletionFlag, PickFlag, PickReason, type PickResult } from '@pickscope/protocol/messages';
import { monotonicNs } from '../clock';
import { emptyCandidate, type Candidate, type Reason } from '../policies/picker';
import type { EndpointRecord } from './entities';
import type { MethodDictionary } from './methods';
import type { Attempt, RecordedDecision } from './recorder';
import { CompletionRing, PickRing, type CompletionRow, type PickRow } from './rings';
import { Shadow } from './shadow';

/** Candidates that are told of one pick: a message of the stream must not become too long to be taken. */
const maxCandidates = 4096;

/** Writes the picks and completions that watchers get, and keeps the averages that are shown where a policy keeps none. */
export class Rows {
  readonly picks = new PickRing();
  readonly completions = new CompletionRing();
  private readonly pickRow = emptyPickRow();
  private readonly completionRow = emptyCompletionRow();
  private readonly derived = emptyCandidate();

  constructor(private readonly methods: MethodDictionary) {}

  /**
   * @param time When it was picked, ns; NaN: now.
   * @param decision Of a policy that tells.
   */
  pick(
    attempt: Attempt,
    result: PickResult,
    endpoint: EndpointRecord | undefined,
    code: number,
    decision: RecordedDecision | undefined,
    time: number,
  ): void {
    const { pickRow: row } = this;
    const { generation, message } = attempt.channel;
    row.time = orNow(time);
    row.call = attempt.call;
    row.attempt = attempt.attempt;
    row.channel = message.id;
    row.generation = generation?.id ?? 0;
    row.method = this.methods.idOf(attempt.methodName);
    row.result = result;
    row.reason = PickReason.UNSPECIFIED;
    row.policy = generation?.policy ?? 0;
    row.endpoint = idOf(endpoint);
    row.code = code;
    row.flags = row.candidates = row.rejectedDraws = 0;
    if (decision) this.addDecision(decision);
    else if (endpoint && !endpoint.status) this.addChosen(endpoint);
    this.picks.add(row);
    if (endpoint && row.flags === derivedFlag) shadowOf(endpoint).picked = row.time;
  }

  completion(attempt: Attempt, code: number, time: number): void {
    const { completionRow: row } = this;
    const { endpoint, status } = attempt;
    row.time = orNow(time);
    row.call = attempt.call;
    row.attempt = attempt.attempt;
    row.channel = attempt.channel.message.id;
    row.method = this.methods.idOf(attempt.methodName);
    row.endpoint = idOf(endpoint);
    row.code = code;
    row.latency = latencyOf(attempt, row.time);
    row.lag = row.success = row.peak = NaN;
    row.inflight = row.flags = 0;
    // A completion that belongs to an earlier picker does not reach the state of the present one.
    if (attempt.started && endpoint && endpoint.status === status) this.addStatus(attempt, endpoint, code);
    this.completions.add(row);
  }

  private addStatus(attempt: Attempt, endpoint: EndpointRecord, code: number): void {
    const { completionRow: row } = this;
    const { status } = endpoint;
    if (status) {
      row.lag = status.lag;
      row.success = status.success;
      row.inflight = status.inflight;
      row.peak = status.peak ?? NaN;
      return;
    }
    const shadow = shadowOf(endpoint);
    // Of a call that began before anyone watched, the latency is known too coarsely.
    if (!Number.isNaN(attempt.startedAt)) shadow.complete(row.latency, row.time, code);
    row.lag = shadow.lag;
    row.success = shadow.success;
    row.inflight = endpoint.counters.inflight;
    row.flags = CompletionFlag.DERIVED;
  }

  private addDecision({ decision, endpoints }: RecordedDecision): void {
    const { pickRow: row } = this;
    row.reason = reasons[decision.reason];
    row.candidates = Math.min(decision.candidateCount, maxCandidates);
    row.rejectedDraws = row.candidates < decision.candidateCount ? 0 : decision.rejectedDraws;
    for (let i = 0; i < row.candidates; i++) {
      const candidate = decision.candidates[i]!;
      const endpoint = endpoints[candidate.endpoint];
      if (endpoint && !endpoint.status) this.addDerived(endpoint, candidate, candidate.idle);
      else this.picks.addCandidate(idOf(endpoint), candidate);
    }
    for (let i = 0; i < row.rejectedDraws * row.candidates; i++) {
      this.picks.addRejected(idOf(endpoints[decision.rejectedEndpoints[i]!]), decision.rejectedSuccess[i]!);
    }
  }

  /** The one that was chosen, where the policy does not tell what it compared. */
  private addChosen(endpoint: EndpointRecord): void {
    this.pickRow.candidates = 1;
    this.addDerived(endpoint, unscored, this.pickRow.time - shadowOf(endpoint).picked);
  }

  /** @param known What the policy does tell of it. */
  private addDerived(endpoint: EndpointRecord, known: Candidate, idle: number): void {
    const { derived } = this;
    const shadow = shadowOf(endpoint);
    derived.lag = shadow.lag;
    derived.success = shadow.success;
    derived.inflight = endpoint.counters.inflight;
    derived.score = known.score;
    derived.idle = idle;
    derived.healthy = known.healthy;
    this.picks.addCandidate(endpoint.message.id, derived);
    this.pickRow.flags = derivedFlag;
  }
}

const derivedFlag: number = PickFlag.DERIVED;

function idOf(endpoint: EndpointRecord | undefined): number {
  return endpoint ? endpoint.message.id : 0;
}

function orNow(time: number): number {
  return Number.isNaN(time) ? monotonicNs() : time;
}

function shadowOf(endpoint: EndpointRecord): Shadow {
  return (endpoint.shadow ??= new Shadow());
}

/** ns; to the millisecond, by grpc-js's own clock, if the call started while nobody watched. NaN: it never started. */
function latencyOf({ started, startedAt, startedWallMs }: Attempt, now: number): number {
  if (!started) return NaN;
  return Number.isNaN(startedAt) ? Math.max(0, Date.now() - startedWallMs) * 1e6 : now - startedAt;
}

const unscored: Candidate = { ...emptyCandidate(), score: NaN };

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

function emptyPickRow(): PickRow {
  return {
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
    flags: 0,
    candidates: 0,
    rejectedDraws: 0,
  };
}

function emptyCompletionRow(): CompletionRow {
  return {
    time: 0,
    call: 0,
    attempt: 0,
    channel: 0,
    method: 0,
    endpoint: 0,
    code: 0,
    flags: 0,
    latency: NaN,
    lag: NaN,
    success: NaN,
    inflight: 0,
    peak: NaN,
  };
}
