import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  ChangeSchema,
  ChangesSchema,
  CompletionBatchSchema,
  PickBatchSchema,
  WatchResponseSchema,
  type Change,
} from '@pickscope/protocol/messages';
import {
  candidateCapacity,
  completionCapacity,
  pickCapacity,
  rejectedCapacity,
  type CompletionRing,
  type PickRing,
} from '../recorder/rings';
import { ColumnWriter, type Span } from './columns';

/*
 * Rows of the rings, and what else there is to tell, as messages.
 */

/** Rows of one message, and candidates of all its rows: far below the 4 MB that a gRPC client takes. */
const maxRows = 4096;
const maxCandidates = 16_384;
const maxDelta = 2 ** 32 - 1;
const maxCallDelta = 2 ** 31 - 1;

const messageField = WatchResponseSchema.field;

/** A PickBatch or CompletionBatch, encoded. */
export interface Batch {
  readonly rows: number;
  readonly bytes: Uint8Array;
}

/** Of a message of the stream, everything but its number. */
export type Body = NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>;

/** A message of the stream, encoded, without its number. */
export function encode(body: Body): Uint8Array {
  return toBinary(WatchResponseSchema, create(WatchResponseSchema, { body }));
}

/** As `encode`, of a batch. */
export function encodeBatch(body: 'picks' | 'completions', { bytes }: Batch): Uint8Array {
  return new BinaryWriter().tag(messageField[body].number, WireType.LengthDelimited).bytes(bytes).finish();
}

export function encodeChange(change: Change): Uint8Array {
  return toBinary(ChangeSchema, change);
}

/** As `encode`, of changes that are encoded. */
export function encodeChanges(changes: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter().tag(messageField.changes.number, WireType.LengthDelimited).fork();
  const { number } = ChangesSchema.field.changes;
  for (const bytes of changes) writer.tag(number, WireType.LengthDelimited).bytes(bytes);
  return writer.join().finish();
}

/** The message as it is sent. */
export function numbered(sequence: number, body: Uint8Array): Uint8Array {
  const number = new BinaryWriter().tag(messageField.sequence.number, WireType.Varint).uint32(sequence).finish();
  const message = new Uint8Array(number.length + body.length);
  message.set(number);
  message.set(body, number.length);
  return message;
}

/** The picks from position `from` on, as many as fit into one batch; at least one, which must be there. */
export function pickBatch(ring: PickRing, from: number): Batch {
  const { field } = PickBatchSchema;
  const { rows, candidates, rejected } = spansFrom(ring, from);
  const columns = new ColumnWriter();
  columns.uint32(field.rows, rows.count);
  addTimes(columns, field, ring, rows);
  columns.uint32s(field.attempt, ring.attempt, rows);
  columns.uint32s(field.channel, ring.channel, rows);
  columns.uint32s(field.generation, ring.generation, rows);
  columns.uint32s(field.method, ring.method, rows);
  columns.uint32s(field.result, ring.result, rows);
  columns.uint32s(field.reason, ring.reason, rows);
  columns.uint32s(field.policy, ring.policy, rows);
  columns.uint32s(field.endpoint, ring.endpoint, rows);
  columns.uint32s(field.code, ring.code, rows);
  columns.uint32s(field.flags, ring.flags, rows);
  columns.uint32s(field.candidateCount, ring.candidateCount, rows);
  columns.uint32s(field.candidateEndpoint, ring.candidateEndpoint, candidates);
  columns.doubles(field.candidateLagNs, ring.candidateLag, candidates);
  columns.floats(field.candidateSuccess, ring.candidateSuccess, candidates);
  columns.uint32s(field.candidateInflight, ring.candidateInflight, candidates);
  columns.doubles(field.candidateScore, ring.candidateScore, candidates);
  columns.doubles(field.candidateIdleNs, ring.candidateIdle, candidates);
  columns.uint32s(field.candidateHealthy, ring.candidateHealthy, candidates);
  columns.uint32s(field.rejectedDraws, ring.rejectedDraws, rows);
  columns.uint32s(field.rejectedEndpoint, ring.rejectedEndpoint, rejected);
  columns.floats(field.rejectedSuccess, ring.rejectedSuccess, rejected);
  columns.doubles(field.candidatePeakNs, ring.candidatePeak, candidates, NaN);
  return { rows: rows.count, bytes: columns.finish() };
}

export function completionBatch(ring: CompletionRing, from: number): Batch {
  const { field } = CompletionBatchSchema;
  const rows = rowsFrom(ring, completionCapacity, from);
  const columns = new ColumnWriter();
  columns.uint32(field.rows, rows.count);
  addTimes(columns, field, ring, rows);
  columns.uint32s(field.attempt, ring.attempt, rows);
  columns.uint32s(field.channel, ring.channel, rows);
  columns.uint32s(field.method, ring.method, rows);
  columns.uint32s(field.endpoint, ring.endpoint, rows);
  columns.uint32s(field.code, ring.code, rows);
  columns.doubles(field.latencyNs, ring.latency, rows);
  columns.doubles(field.lagNs, ring.lag, rows);
  columns.floats(field.success, ring.success, rows);
  columns.uint32s(field.inflight, ring.inflight, rows);
  columns.uint32s(field.flags, ring.flags, rows);
  columns.doubles(field.peakNs, ring.peak, rows, NaN);
  return { rows: rows.count, bytes: columns.finish() };
}

interface Timed {
  readonly head: number;
  readonly time: Float64Array;
  readonly call: Float64Array;
}

type TimeFields = typeof PickBatchSchema.field | typeof CompletionBatchSchema.field;

function addTimes(columns: ColumnWriter, field: TimeFields, ring: Timed, rows: Span): void {
  const first = rows.from % rows.capacity;
  columns.fixed64(field.baseTimeNs, ring.time[first]!);
  columns.rises(field.timeDeltaNs, ring.time, rows);
  columns.fixed64(field.baseCall, ring.call[first]!);
  columns.differences(field.callDelta, ring.call, rows);
}

/** The rows from position `from` on that go into one batch: it ends where a delta would not fit. */
function rowsFrom(ring: Timed, capacity: number, from: number): Span {
  const end = Math.min(ring.head, from + maxRows);
  let position = from + 1;
  for (; position < end; position++) {
    const [row, before] = [position % capacity, (position - 1) % capacity];
    if (ring.time[row]! - ring.time[before]! > maxDelta) break;
    if (Math.abs(ring.call[row]! - ring.call[before]!) > maxCallDelta) break;
  }
  return { from, count: position - from, capacity };
}

/** Picks that go into one batch, with their candidates and rejected endpoints, which stand one after the other too. */
function spansFrom(ring: PickRing, from: number): { rows: Span; candidates: Span; rejected: Span } {
  const most = rowsFrom(ring, pickCapacity, from).count;
  const candidateStart = ring.candidateStart[from % pickCapacity]!;
  const rejectedStart = ring.rejectedStart[from % pickCapacity]!;
  let [count, candidates, rejected] = [0, 0, 0];
  for (; count < most; count++) {
    const row = (from + count) % pickCapacity;
    // Something was added whose row was not.
    if (ring.candidateStart[row] !== candidateStart + candidates) break;
    if (ring.rejectedStart[row] !== rejectedStart + rejected) break;
    const ofRow = ring.candidateCount[row]!;
    if (count > 0 && candidates + ofRow > maxCandidates) break;
    candidates += ofRow;
    rejected += ofRow * ring.rejectedDraws[row]!;
  }
  return {
    rows: { from, count, capacity: pickCapacity },
    candidates: { from: candidateStart, count: candidates, capacity: candidateCapacity },
    rejected: { from: rejectedStart, count: rejected, capacity: rejectedCapacity },
  };
}
