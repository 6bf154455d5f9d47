import { CompletionFlag, PickFlag } from '@pickscope/protocol/messages';
import type { Reason } from '../messages/panel';
import type { ClientClock } from './clock';
import type { Channel, Endpoint, Generation, Readings } from './entities';
import { LastFound } from './lastFound';
import { BoundedMap } from './boundedMap';
import { drewCandidates, logRatio, type Pairs, type Part, type Stretch } from './decisions';
import type { Methods } from './methods';
import { inFlight, lastCode, pickedAgain, type PickRing } from './pickRing';
import type { Received } from './received';
import type { PolicyRecord, Registry } from './registry';
import type { CompletionColumns, PickColumns } from './streamMessage';

/** By the ring's column: PickReason as it is, then what was raced, then PickResult's queued, failed and dropped. */
export const reasons: readonly Reason[] = [
  'untold',
  'only',
  'lower',
  'tie',
  'forced',
  'unhealthy',
  'probe',
  'turn',
  'key',
  'nokey',
  'raced',
  'queued',
  'failed',
  'dropped',
];
export const racedReason = 10;
/** The last one that comes with a chosen endpoint. */
export const lastPickReason = racedReason;
const completedResult = 1;

/** More of one row are not kept, so that one forged row cannot take the ring. */
const maxCandidates = 64;
const maxRejectedDraws = 16;
const maxAttempt = 1023;

/** What is known of an endpoint at a moment; NaN: the policy, or whoever looks on, keeps none. */
export interface Reading {
  lagNs: number;
  peakNs: number;
  success: number;
  inflight: number;
  /** Kept by the observer, not by the policy. */
  derived: boolean;
}

interface Completion extends Reading {
  endMs: number;
  withEndpoint: boolean;
  code: number;
  latencyNs: number;
}

/** Where a batch is read: the row, its place on the clock and among calls, and where its candidates begin. */
interface Cursor {
  row: number;
  ms: number;
  /** After the batch's base. */
  ns: number;
  readonly baseMs: number;
  /** Rows up to then, likewise after the base, are here already. */
  readonly knownNs: number;
  call: number;
  attempt: number;
  candidate: number;
  rejected: number;
}

/** Applies batches of picks and completions: to the ring, row by row, and to the aggregates. */
export class PickIntake {
  /** Completions whose pick did not come yet, and may never: by call and attempt, the newest. */
  private readonly waiting = new BoundedMap<number, Completion>(4096);

  private readonly channelOf: LastFound<Channel>;
  private readonly generationOf: LastFound<Generation>;
  private readonly policyOf: LastFound<PolicyRecord>;

  /** The candidate that is being applied: the same object for each, as there are many. */
  private readonly reading: Reading = { lagNs: NaN, peakNs: NaN, success: NaN, inflight: 0, derived: false };

  /** The endpoints of the candidates of the pick that is being applied, and what part each had in it; likewise. */
  private readonly drawn: (Endpoint | undefined)[] = [];
  private readonly part: Part = { reason: 0, held: false, listed: true, drew: false };

  /** The completion that is being applied, likewise. */
  private readonly scratch: Completion = {
    endMs: 0,
    withEndpoint: false,
    code: 0,
    latencyNs: NaN,
    lagNs: NaN,
    peakNs: NaN,
    success: NaN,
    inflight: 0,
    derived: false,
  };

  constructor(
    private readonly registry: Registry,
    private readonly clock: ClientClock,
    private readonly received: Received,
    private readonly ring: PickRing,
    private readonly pairs: Pairs,
    private readonly methods: Methods,
    private readonly onOutcome: (key: number) => void,
  ) {
    this.channelOf = new LastFound(registry.channelOf);
    this.generationOf = new LastFound(registry.generationOf);
    this.policyOf = new LastFound(registry.policyOf);
  }

  /** What came was so much earlier. */
  moveBack(ms: number): void {
    this.ring.moveBack(ms);
    for (const completion of this.waiting.values()) completion.endMs -= ms;
  }

  forgetCalls(): void {
    this.waiting.clear();
    this.ring.forgetCalls();
  }

  applyPicks(batch: PickColumns): void {
    for (const found of [this.channelOf, this.generationOf, this.policyOf]) found.forget();
    const rows = Math.min(batch.rows, longest(batch.timeDeltaNs, batch.attempt, batch.channel, batch.result));
    const cursor = this.begin(batch, 'picks');
    for (; cursor.row < rows; cursor.row++) {
      advance(cursor, batch);
      const channel = this.channelOf.get(at(batch.channel, cursor.row));
      if (channel && cursor.ns > cursor.knownNs) this.applyPick(batch, cursor, channel);
      const candidates = at(batch.candidateCount, cursor.row);
      cursor.candidate += candidates;
      cursor.rejected += candidates * at(batch.rejectedDraws, cursor.row);
    }
    if (rows > 0) this.end(cursor, 'picks', batch);
  }

  applyCompletions(batch: CompletionColumns): void {
    const rows = Math.min(batch.rows, longest(batch.timeDeltaNs, batch.attempt, batch.channel, batch.latencyNs));
    const cursor = this.begin(batch, 'completions');
    for (; cursor.row < rows; cursor.row++) {
      advance(cursor, batch);
      if (cursor.ns > cursor.knownNs) this.applyCompletion(batch, cursor);
    }
    if (rows > 0) this.end(cursor, 'completions', batch);
  }

  private begin({ baseTimeNs, baseCall }: PickColumns | CompletionColumns, kind: 'picks' | 'completions'): Cursor {
    const ms = this.clock.toMs(baseTimeNs);
    const knownNs = Number(this.received.knownRows(kind) - baseTimeNs);
    return { row: 0, ms, baseMs: ms, ns: 0, knownNs, call: Number(baseCall), attempt: 1, candidate: 0, rejected: 0 };
  }

  private end(
    { ns, ms }: Cursor,
    kind: 'picks' | 'completions',
    { baseTimeNs }: PickColumns | CompletionColumns,
  ): void {
    this.received.sawRows(kind, baseTimeNs + BigInt(ns));
    this.clock.saw(ms);
  }

  private applyPick(batch: PickColumns, cursor: Cursor, channel: Channel): void {
    const { ring } = this;
    const { row, ms, call, attempt } = cursor;
    const given = at(batch.candidateCount, row);
    const candidates = Math.max(0, Math.min(given, maxCandidates, batch.candidateEndpoint.length - cursor.candidate));
    const draws = candidates < given ? 0 : Math.min(at(batch.rejectedDraws, row), maxRejectedDraws);
    this.endPickedAgain(call, attempt, ms);
    const slot = ring.append(call, attempt, candidates * (1 + draws));
    ring.candidates[slot] = candidates;
    ring.rejectedDraws[slot] = draws;
    const policy = this.policyOf.get(at(batch.policy, row));
    const chosen = this.writeRow(batch, cursor, slot, policy?.name ?? 0);
    ring.channel[slot] = channel.id;

    channel.picksSeen++;
    channel.reasonColumns[ring.reason[slot]!]![channel.reasons.open(ms)]!++;
    if (chosen) countPick(chosen, ms);
    // A policy that shows no scores leaves zeros where they would be.
    const scored = policy?.scoreOrder !== 'none';
    this.reading.derived = (ring.flags[slot]! & PickFlag.DERIVED) !== 0;
    for (let index = 0; index < candidates; index++)
      this.applyCandidate(batch, cursor, index, ring.entry(slot, index), scored, chosen);
    this.applyDecision(slot, channel, ms, chosen);
    for (let draw = 0; draw < draws; draw++) this.applyRejected(batch, cursor.rejected, slot, draw, ms);
    if (this.waiting.size > 0) this.joinWaiting(slot, call, attempt);
  }

  /** @returns The endpoint that was chosen. */
  private writeRow(batch: PickColumns, { row, ms }: Cursor, slot: number, policyName: number): Endpoint | undefined {
    const { ring } = this;
    const flags = at(batch.flags, row);
    const reason = reasonOf(at(batch.result, row), at(batch.reason, row), flags);
    ring.timeMs[slot] = ms;
    ring.generation[slot] = this.generationOf.get(at(batch.generation, row))?.id ?? 0;
    ring.method[slot] = this.methods.numberOf(at(batch.method, row));
    ring.policy[slot] = policyName;
    ring.reason[slot] = reason;
    const chosen = reason > lastPickReason ? undefined : this.registry.endpointOf.get(at(batch.endpoint, row));
    ring.endpoint[slot] = chosen?.id ?? 0;
    ring.code[slot] = Math.min(at(batch.code, row), lastCode);
    ring.flags[slot] = flags;
    return chosen;
  }

  private applyCandidate(
    batch: PickColumns,
    { candidate, ms }: Cursor,
    index: number,
    entry: number,
    scored: boolean,
    chosen: Endpoint | undefined,
  ): void {
    const { ring } = this;
    const from = candidate + index;
    const endpoint = this.registry.endpointOf.get(at(batch.candidateEndpoint, from));
    const score = scored ? at(batch.candidateScore, from) : NaN;
    const { reading } = this;
    reading.lagNs = at(batch.candidateLagNs, from);
    reading.peakNs = orNaN(batch.candidatePeakNs, from);
    reading.success = at(batch.candidateSuccess, from);
    reading.inflight = at(batch.candidateInflight, from);
    ring.entryEndpoint[entry] = endpoint?.id ?? 0;
    ring.entryLagNs[entry] = reading.lagNs;
    ring.entryPeakNs[entry] = reading.peakNs;
    ring.entrySuccess[entry] = reading.success;
    ring.entryInflight[entry] = reading.inflight;
    ring.entryScore[entry] = score;
    ring.entryIdleMs[entry] = at(batch.candidateIdleNs, from) / 1e6;
    ring.entryHealthy[entry] = batch.candidateHealthy[from] ? 1 : 0;
    this.drawn[index] = endpoint;
    if (!endpoint) return;
    // The count is from before the pick, which adds a call to the chosen one.
    if (endpoint === chosen) reading.inflight++;
    const place = endpoint.readings.open(ms);
    if (isKept(reading)) writeReading(endpoint.readings, place, reading);
    if (Math.abs(score) < maxReading) writeLoad(endpoint.readings, place, score);
  }

  /** Counts the pick whose row was written, and for each endpoint what part it had in it. */
  private applyDecision(slot: number, channel: Channel, ms: number, taken: Endpoint | undefined): void {
    const { ring, part, drawn } = this;
    // Nothing that another channel's endpoints are told to do here is counted there.
    const chosen = taken?.channel === channel ? taken : undefined;
    const candidates = ring.candidates[slot]!;
    part.reason = ring.reason[slot]!;
    part.drew = drewCandidates(part.reason, candidates);
    countIn(channel.stretches.at(ms), part, candidates);
    if (part.reason > lastPickReason) return;
    const winner = chosen ? indexIn(drawn, candidates, chosen) : -1;
    if (chosen) {
      placePart(part, chosen, ms);
      chosen.decisions.addTaken(ms, part, winner >= 0 && isUnmeasured(ring, slot, ring.entry(slot, winner)));
    }
    for (let loser = 0; loser < candidates; loser++) {
      const endpoint = drawn[loser];
      if (endpoint?.channel === channel && endpoint !== chosen && indexIn(drawn, loser, endpoint) < 0)
        this.applyLoss(slot, endpoint, loser, chosen, winner, ms);
    }
  }

  /** @param winner which candidate the chosen one is; -1: none. */
  private applyLoss(
    slot: number,
    endpoint: Endpoint,
    loser: number,
    chosen: Endpoint | undefined,
    winner: number,
    ms: number,
  ): void {
    const { ring, part } = this;
    placePart(part, endpoint, ms);
    endpoint.decisions.addLost(ms, part);
    if (!chosen) return;
    const order = endpoint.channel.path.at(ms)?.value.scoreOrder ?? 'none';
    const isDecidedBy = winner >= 0 && part.reason !== racedReason;
    const score = isDecidedBy ? ring.entryScore[ring.entry(slot, winner)]! : NaN;
    this.pairs.add(ms, endpoint, chosen, logRatio(order, score, ring.entryScore[ring.entry(slot, loser)]!));
  }

  private applyRejected(batch: PickColumns, rejected: number, slot: number, draw: number, ms: number): void {
    const { ring, drawn } = this;
    const candidates = ring.candidates[slot]!;
    for (let index = 0; index < candidates; index++) {
      const from = rejected + draw * candidates + index;
      const entry = ring.entry(slot, candidates * (draw + 1) + index);
      const endpoint = this.registry.endpointOf.get(at(batch.rejectedEndpoint, from));
      ring.entryEndpoint[entry] = endpoint?.id ?? 0;
      ring.entrySuccess[entry] = at(batch.rejectedSuccess, from);
      drawn[index] = endpoint;
      if (endpoint && indexIn(drawn, index, endpoint) < 0) endpoint.decisions.addRejected(ms);
    }
  }

  private applyCompletion(batch: CompletionColumns, { row, ms, call, attempt }: Cursor): void {
    const { ring } = this;
    const endpoint = this.registry.endpointOf.get(at(batch.endpoint, row));
    const completion = this.scratch;
    completion.endMs = ms;
    completion.withEndpoint = endpoint !== undefined;
    completion.code = Math.min(at(batch.code, row), lastCode);
    completion.latencyNs = at(batch.latencyNs, row);
    completion.lagNs = at(batch.lagNs, row);
    completion.peakNs = orNaN(batch.peakNs, row);
    completion.success = at(batch.success, row);
    completion.inflight = at(batch.inflight, row);
    completion.derived = (at(batch.flags, row) & CompletionFlag.DERIVED) !== 0;
    this.recordCompletion(completion, at(batch.channel, row), endpoint);
    const key = ring.find(call, attempt, completion.withEndpoint);
    if (key === 0) {
      this.waiting.set(joinKey(call, attempt), { ...completion });
    } else if (ring.outcome[ring.slot(key)] === inFlight) {
      this.endCall(ring.slot(key), completion);
      this.onOutcome(key);
    }
  }

  private recordCompletion(completion: Completion, wireChannel: number, endpoint: Endpoint | undefined): void {
    const { endMs, code } = completion;
    const channel = code === 0 ? undefined : this.registry.channelOf.get(wireChannel);
    if (channel) channel.reasons.values.errors[channel.reasons.open(endMs)]!++;
    if (!endpoint) return;
    const { readings } = endpoint;
    const place = readings.open(endMs);
    readings.values.ended[place]!++;
    if (code !== 0) readings.values.failures[place]!++;
    endpoint.latencies.add(endMs, completion.latencyNs);
    if (isKept(completion)) writeReading(readings, place, completion);
  }

  private joinWaiting(slot: number, call: number, attempt: number): void {
    const completion = this.waiting.get(joinKey(call, attempt));
    if (completion?.withEndpoint !== (this.ring.endpoint[slot] !== 0)) return;
    this.waiting.delete(joinKey(call, attempt));
    this.endCall(slot, completion);
  }

  /** An attempt that is picked for again never started where it was picked before: its connection was gone by then. */
  private endPickedAgain(call: number, attempt: number, ms: number): void {
    const { ring } = this;
    const key = ring.find(call, attempt, true);
    if (key === 0 || ring.outcome[ring.slot(key)] !== inFlight) return;
    const unknown = { latencyNs: NaN, lagNs: NaN, peakNs: NaN, success: NaN, inflight: 0, derived: false };
    this.endCall(ring.slot(key), { ...unknown, code: pickedAgain, endMs: ms, withEndpoint: true });
    this.onOutcome(key);
  }

  private endCall(slot: number, completion: Completion): void {
    const { ring } = this;
    ring.outcome[slot] = completion.code;
    ring.endMs[slot] = completion.endMs;
    ring.latencyNs[slot] = completion.latencyNs;
    ring.lagAfterNs[slot] = completion.lagNs;
    ring.successAfter[slot] = completion.success;
    ring.inflightAfter[slot] = completion.inflight;
  }
}

function advance(cursor: Cursor, batch: PickColumns | CompletionColumns): void {
  cursor.ns += at(batch.timeDeltaNs, cursor.row);
  cursor.ms = cursor.baseMs + cursor.ns / 1e6;
  cursor.call += at(batch.callDelta, cursor.row);
  cursor.attempt = Math.min(batch.attempt[cursor.row] ?? 1, maxAttempt);
}

/** A row's value of a column; an empty column has the default everywhere. */
function at(column: ArrayLike<number>, row: number): number {
  return column[row] ?? 0;
}

/** As at(), for a column that says "none" where it is empty. */
function orNaN(column: ArrayLike<number>, row: number): number {
  return column[row] ?? NaN;
}

/** More than any reading; buckets hold them in single precision. */
const maxReading = 1e30;

/** Records what was known of an endpoint at this moment; what nobody keeps is NaN and stays out. */
export function recordReading({ readings }: Endpoint, ms: number, reading: Reading): void {
  if (isKept(reading)) writeReading(readings, readings.open(ms), reading);
}

/** A count has no NaN: without either average nobody kept it. */
function isKept({ lagNs, success }: Reading): boolean {
  return !Number.isNaN(lagNs) || !Number.isNaN(success);
}

function writeReading({ values }: Readings, place: number, reading: Reading): void {
  const { lagNs, peakNs, success, inflight, derived } = reading;
  if (lagNs >= 0 && lagNs < maxReading) values.lagMs[place] = lagNs / 1e6;
  if (peakNs > 0 && peakNs < maxReading) values.peakMs[place] = peakNs / 1e6;
  if (success >= 0 && success < maxReading) values.success[place] = success;
  values.inflight[place] = inflight;
  values.derived[place] = derived ? 1 : 0;
}

function writeLoad({ values: { load, meanLoad, loads } }: Readings, place: number, score: number): void {
  load[place] = score;
  const before = loads[place]!++;
  meanLoad[place] = before === 0 ? score : meanLoad[place]! + (score - meanLoad[place]!) / loads[place]!;
}

function countPick(endpoint: Endpoint, ms: number): void {
  const { readings } = endpoint;
  const place = readings.open(ms);
  readings.values.picks[place]!++;
  readings.values.lastPickMs[place] = ms - readings.openedMs;
}

/** Where an endpoint is among the first so many; -1: it is not. As indexOf(), which takes longer where there are two. */
function indexIn(endpoints: readonly (Endpoint | undefined)[], count: number, endpoint: Endpoint): number {
  for (let index = 0; index < count; index++) if (endpoints[index] === endpoint) return index;
  return -1;
}

/** What the endpoint was then. One that is held is listed: so it is mostly asked once. */
function placePart(part: Part, endpoint: Endpoint, ms: number): void {
  part.held = endpoint.isHeldAt(ms);
  part.listed = part.held || endpoint.isListedAt(ms);
}

function countIn(stretch: Stretch, { reason, drew }: Part, candidates: number): void {
  stretch.picks++;
  if (reason > lastPickReason) return;
  stretch.decided++;
  if (!drew) return;
  stretch.drawn++;
  stretch.candidates += candidates;
}

/** It won by a load next to nothing: its latency was not known when it was read, to a policy that keeps it. */
export function isUnmeasured(ring: PickRing, slot: number, entry: number): boolean {
  const compared = reasons[ring.reason[slot]!] === 'lower';
  return compared && ring.entryLagNs[entry] === 0 && (ring.flags[slot]! & PickFlag.DERIVED) === 0;
}

function reasonOf(result: number, reason: number, flags: number): number {
  if (result <= completedResult) {
    if ((flags & PickFlag.RACED) !== 0) return racedReason;
    return reason < racedReason ? reason : 0;
  }
  return result + lastPickReason - completedResult < reasons.length ? result + lastPickReason - completedResult : 0;
}

/** A column is empty or has a value for each row; a forged count of rows is bounded by what is really there. */
function longest(...columns: readonly ArrayLike<unknown>[]): number {
  return Math.max(...columns.map((column) => column.length));
}

/** Calls count up from 1 and attempts are few, so both fit in one number. */
function joinKey(call: number, attempt: number): number {
  return call * (maxAttempt + 1) + attempt;
}
