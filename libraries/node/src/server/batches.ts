import { create } from '@bufbuild/protobuf';
import {
  ChannelCountersSchema,
  CompletionBatchSchema,
  EndpointCountersSchema,
  PickBatchSchema,
  type ChannelCounters,
  type CompletionBatch,
  type EndpointCounters,
  type PickBatch,
} from '@pickscope/protocol/messages';
import type { ChannelRecord, EndpointRecord } from '../recorder/entities';
import { completionCapacity, pickCapacity, type CompletionRing, type PickRing } from '../recorder/rings';

/*
 * Rows of the rings and counters as messages.
 */

/** Rows of one message, and candidates of all its rows: far below the 4 MB that a gRPC client takes. */
const maxRows = 4096;
const maxCandidates = 16_384;
const maxDelta = 2 ** 32 - 1;
const maxCallDelta = 2 ** 31 - 1;

/** The picks from position `from` on, as many as fit into one batch; at least one, which must be there. */
export function pickBatch(ring: PickRing, from: number): PickBatch {
  const at = withinSize(ring, rowsFrom(ring, pickCapacity, from));
  const [candidates, rejected] = sideIndices(ring, at);
  return create(PickBatchSchema, {
    rows: at.length,
    ...deltas(ring, at),
    attempt: column(ring.attempt, at),
    channel: column(ring.channel, at),
    generation: column(ring.generation, at),
    method: column(ring.method, at),
    result: column(ring.result, at),
    reason: column(ring.reason, at),
    policy: column(ring.policy, at),
    endpoint: column(ring.endpoint, at),
    code: column(ring.code, at),
    flags: column(ring.flags, at),
    candidateCount: column(ring.candidateCount, at),
    candidateEndpoint: column(ring.candidateEndpoint, candidates),
    candidateLagNs: column(ring.candidateLag, candidates),
    candidateSuccess: column(ring.candidateSuccess, candidates),
    candidateInflight: column(ring.candidateInflight, candidates),
    candidateScore: column(ring.candidateScore, candidates),
    candidateIdleNs: column(ring.candidateIdle, candidates),
    candidateHealthy: column(ring.candidateHealthy, candidates).map((healthy) => healthy !== 0),
    candidatePeakNs: column(ring.candidatePeak, candidates, NaN),
    rejectedDraws: column(ring.rejectedDraws, at),
    rejectedEndpoint: column(ring.rejectedEndpoint, rejected),
    rejectedSuccess: column(ring.rejectedSuccess, rejected),
  });
}

export function completionBatch(ring: CompletionRing, from: number): CompletionBatch {
  const at = rowsFrom(ring, completionCapacity, from);
  return create(CompletionBatchSchema, {
    rows: at.length,
    ...deltas(ring, at),
    attempt: column(ring.attempt, at),
    channel: column(ring.channel, at),
    method: column(ring.method, at),
    endpoint: column(ring.endpoint, at),
    code: column(ring.code, at),
    latencyNs: column(ring.latency, at),
    lagNs: column(ring.lag, at),
    success: column(ring.success, at),
    inflight: column(ring.inflight, at),
    flags: column(ring.flags, at),
    peakNs: column(ring.peak, at, NaN),
  });
}

export function channelCounters({ message, counters }: ChannelRecord): ChannelCounters {
  return create(ChannelCountersSchema, {
    channel: message.id,
    picksCompleted: BigInt(counters.completed),
    picksQueued: BigInt(counters.queued),
    picksFailed: BigInt(counters.failed),
    picksDropped: BigInt(counters.dropped),
    endedUnpicked: BigInt(counters.endedUnpicked),
  });
}

export function endpointCounters({ message, counters, status, shadow }: EndpointRecord): EndpointCounters {
  const codes = [...counters.ended.keys()].filter((code) => counters.ended[code]! > 0);
  const averages = status ?? shadow;
  return create(EndpointCountersSchema, {
    endpoint: message.id,
    picks: BigInt(counters.picks),
    started: BigInt(counters.started),
    neverStarted: BigInt(counters.neverStarted),
    codes,
    completionsByCode: codes.map((code) => BigInt(counters.ended[code]!)),
    lagNs: averages?.lag ?? NaN,
    success: averages?.success ?? NaN,
    inflight: status?.inflight ?? (shadow ? counters.inflight : 0),
    peakNs: status?.peak ?? NaN,
    derived: averages !== undefined && averages === shadow,
  });
}

interface Timed {
  readonly head: number;
  readonly time: Float64Array;
  readonly call: Float64Array;
}

/** The indices of the rows from position `from` on that go into one batch: it ends where a delta would not fit. */
function rowsFrom(ring: Timed, capacity: number, from: number): number[] {
  const at = [from % capacity];
  const end = Math.min(ring.head, from + maxRows);
  for (let position = from + 1; position < end; position++) {
    const [row, before] = [position % capacity, at.at(-1)!];
    const time = ring.time[row]! - ring.time[before]!;
    if (time > maxDelta || Math.abs(ring.call[row]! - ring.call[before]!) > maxCallDelta) break;
    at.push(row);
  }
  return at;
}

function withinSize(ring: PickRing, at: readonly number[]): readonly number[] {
  let candidates = 0;
  const end = at.findIndex((row) => (candidates += ring.candidateCount[row]!) > maxCandidates);
  return end === -1 ? at : at.slice(0, Math.max(1, end));
}

function deltas(ring: Timed, at: readonly number[]) {
  const first = at[0]!;
  const difference = (column: Float64Array) => at.map((it, i) => column[it]! - column[i === 0 ? first : at[i - 1]!]!);
  return {
    baseTimeNs: BigInt(ring.time[first]!),
    timeDeltaNs: difference(ring.time),
    baseCall: BigInt(ring.call[first]!),
    callDelta: difference(ring.call),
  };
}

function sideIndices(ring: PickRing, at: readonly number[]): [candidates: number[], rejected: number[]] {
  const candidates: number[] = [];
  const rejected: number[] = [];
  for (const row of at) {
    const count = ring.candidateCount[row]!;
    for (let i = 0; i < count; i++) candidates.push(ring.candidateIndex(ring.candidateStart[row]! + i));
    const rejectedCount = count * ring.rejectedDraws[row]!;
    for (let i = 0; i < rejectedCount; i++) rejected.push(ring.rejectedIndex(ring.rejectedStart[row]! + i));
  }
  return [candidates, rejected];
}

/** The values at these indices; empty where all are `absent`, which the reader then takes them for. */
function column(values: Readonly<ArrayLike<number>>, at: readonly number[], absent = 0): number[] {
  const result = new Array<number>(at.length);
  let empty = true;
  for (let i = 0; i < at.length; i++) {
    const value = values[at[i]!]!;
    result[i] = value;
    empty &&= Object.is(value, absent);
  }
  return empty ? [] : result;
}
