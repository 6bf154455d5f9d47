import assert from 'node:assert/strict';
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import { readRecording, RecordingError, recordingHeader } from '@pickscope/protocol/recording';
import type { Random } from '../../simulator/random';
import { decodeMessage } from '../../src/attachment/decode';
import type { Answer, ChannelView, ChartView, Query, TimeSpan } from '../../src/messages/panel';
import { ClientModel } from '../../src/model/clientModel';
import { comparison } from '../../src/model/comparison';
import type { ExportFormat } from '../../src/model/export';
import type { StreamMessage } from '../../src/model/streamMessage';
import type { Stream } from './mutator';

/*
 * One input, read by whatever reads what comes from a client, and what must hold afterwards.
 */

/** The files under test, by their addresses. */
export const readers = /\/(src\/model\/\w+|src\/attachment\/decode|protocol\/src\/recording)\.ts/;

const filters = [
  '',
  '',
  'ok',
  'error',
  '>1ms',
  '-lower',
  'endpoint:10.0',
  'method:Get',
  '5',
  'method:',
  '>x',
  'lost:1|2 lag:>=0',
  'generation:>1',
];
const nowMs = Date.UTC(2026, 0, 15, 14, 2, 30);

/** A model that outlives some streams, as in an attachment; small, so that its bounds are reached. */
export function newModel(): ClientModel {
  return new ClientModel({ pickBudgetBytes: 6000 });
}

/**
 * Reads the input, in one of the ways in which it may come, and asks for a view every other time, for what is costlier less
 * often: what it breaks is still broken after the next. @throws where something does not hold.
 */
export async function tryInput(input: Stream, model: ClientModel, random: Random): Promise<void> {
  const way = random.below(4);
  if (way === 0) await readAsRecording(input, model, random);
  else readAsStream(input, model, way === 1 ? fromBinaryMessage : decodeMessage);
  if (random.below(50) === 0) model.clear();
  if (random.below(2) === 0) assertView(model, queryOf(random), random);
  const since = model.rowsSince(model.process?.instance ?? '');
  assert.ok(since >= 0n && since < 1n << 65n);
}

/** Both decoders say the same: two models, each fed by one of them, show the same. */
export function assertSameByBothDecoders(input: Stream): void {
  const models = [fromBinaryMessage, decodeMessage].map((decode) => {
    const model = newModel();
    readAsStream(input, model, decode);
    return model;
  });
  const query = { windowSeconds: 5, points: 120, filter: '', rows: { skip: 0, limit: 50 } };
  const [a, b] = models.map((model) => JSON.stringify([model.view(query, nowMs), model.chart(query, nowMs)]));
  assert.equal(a, b);
}

function fromBinaryMessage(bytes: Uint8Array): StreamMessage {
  return fromBinary(WatchResponseSchema, bytes);
}

/** As gRPC does: what is no message ends the stream. */
function readAsStream(input: Stream, model: ClientModel, decode: (bytes: Uint8Array) => StreamMessage): void {
  for (const bytes of input) {
    let message: StreamMessage;
    try {
      message = decode(bytes);
    } catch {
      return;
    }
    model.apply(message);
  }
}

async function readAsRecording(input: Stream, model: ClientModel, random: Random): Promise<void> {
  const written = input.map((bytes) => new BinaryWriter().bytes(bytes).finish());
  const file = Buffer.concat([recordingHeader(), ...written]);
  if (random.below(4) === 0) file[random.below(file.length)] = random.below(256);
  const size = 1 + random.below(4000);
  try {
    for await (const message of readRecording(chunks(file, size))) model.apply(message);
  } catch (error) {
    if (!(error instanceof RecordingError)) throw error;
  }
}

function* chunks(file: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}

function queryOf(random: Random): Query {
  return {
    windowSeconds: random.below(200) === 0 ? 900 : random.below(4),
    filter: filters[random.below(filters.length)]!,
    points: random.below(400),
    rows: {
      skip: random.below(50),
      limit: random.below(30),
      ...(random.below(4) === 0 && { newest: random.below(300) }),
    },
    ...(random.below(3) === 0 && { channel: random.below(6) }),
    ...(random.below(3) === 0 && { inspect: random.below(200) }),
    ...(random.below(4) === 0 && { untilMs: nowMs - random.below(60_000) }),
    ...(random.below(4) === 0 && { ask: random.below(20) }),
    ...(random.below(4) === 0 && { selection: spanOf(random) }),
    ...(random.below(4) === 0 && { compare: random.below(2) === 0 ? 'clients' : 'channels' }),
  };
}

/** Not always one that ends after it begins. */
function spanOf(random: Random): TimeSpan {
  return { fromMs: nowMs - random.below(60_000), toMs: nowMs - random.below(60_000) };
}

// ── What must hold ───────────────────────────────────────────────────────────────────────────────────────────────────

const maxText = 256;
const maxTexts = { addresses: 20, resolver: 100, path: 16 };

function assertView(model: ClientModel, query: Query, random: Random): void {
  for (const { target, picksPerSecond } of model.channels(nowMs)) {
    assertText(target);
    assertCount(picksPerSecond);
  }
  assertCount(model.refusedCalls);
  const view = model.view(query, nowMs);
  if (!view) return;
  assertFinite(view, 'view');
  assertCounts(view);
  assertPicks(view);
  assertEndpoints(view);
  assert.ok(view.picks.length <= query.rows.limit && view.events.length <= 500);
  if (view.answer) assertAnswer(view.answer);
  if (random.below(2) === 0) assertChart(model.chart(query, nowMs)!);
  if (query.compare) assertComparison(model, query);
  if (random.below(4) === 0) assertExport(model, query, random.below(2) === 0 ? 'csv' : 'jsonl');
}

function assertExport(model: ClientModel, query: Query, format: ExportFormat): void {
  for (const text of model.exportPicks(query, nowMs, format, { addresses: true, methods: false }))
    assert.ok(text.length < 1_000_000);
}

/** The client beside itself, where clients are compared. */
function assertComparison(model: ClientModel, query: Query): void {
  const client = { id: 'a', name: '', pid: 0, folder: '', language: '', attached: true };
  const compared = { client, model, live: true };
  const made = comparison(compared, [compared], query, nowMs);
  if (!made) return;
  assertFinite(made, 'comparison');
  assert.ok(made.columns.length <= 12 && made.rows.length <= 200);
  for (const { cells } of made.rows) assert.equal(cells.length, made.columns.length);
}

/** No number in it is NaN or infinite, save in typed arrays; no text is longer than is shown. */
function assertFinite(value: unknown, path: string): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value), `${path} is ${value}`);
  else if (typeof value === 'string') assertText(value);
  else if (value instanceof Float64Array)
    assert.ok(
      value.every((each) => Math.abs(each) !== Infinity),
      path,
    );
  else if (typeof value === 'object' && value !== null)
    for (const key in value) assertFinite((value as Record<string, unknown>)[key], `${path}.${key}`);
  else assert.ok(typeof value !== 'bigint' && typeof value !== 'function', `${path} cannot be sent`);
}

function assertText(text: string): void {
  // Notes of all policies of a path stand one after the other.
  assert.ok(text.length <= maxTexts.path * (maxText + 1), `a text of ${text.length}`);
}

function assertCount(value: number | null): void {
  assert.ok(value === null || value >= 0, `a count of ${value}`);
}

function assertCounts(view: ChannelView): void {
  const { totals, drops, reasons } = view;
  for (const counts of [totals, drops, reasons])
    for (const count of Object.values(counts) as number[]) assertCount(count);
  for (const count of [view.picksPerSecond, view.picksSeen, view.newer, view.matching]) assertCount(count);
  for (const count of [view.endpointsLeftOut, view.channelsLeftOut, view.methodsLeftOut]) assertCount(count);
  assert.ok(view.matching <= view.retained, `${view.matching} of ${view.retained} match`);
  assert.ok(view.picks.length <= view.matching || view.filterError);
  assert.ok(view.fairness === null || (view.fairness > 0 && view.fairness <= 1 + 1e-9), `fairness ${view.fairness}`);
}

function assertPicks({ picks, endpoints, formerEndpoints }: ChannelView): void {
  const known = new Set([0, ...endpoints.map(({ id }) => id), ...formerEndpoints.map(({ id }) => id)]);
  for (const [index, pick] of picks.entries()) {
    assert.ok(index === 0 || pick.key < picks[index - 1]!.key, 'newest first');
    assert.ok(known.has(pick.endpoint ?? 0), 'an endpoint of a pick is named');
    assert.ok(pick.candidates.length <= 64 && pick.rejected.length <= 16);
  }
}

function assertEndpoints({ endpoints }: ChannelView): void {
  assert.equal(new Set(endpoints.map(({ id }) => id)).size, endpoints.length, 'no endpoint twice');
  for (const row of endpoints) {
    for (const count of [row.picks, row.started, row.neverStarted, row.failures, row.picksPerSecond])
      assertCount(count);
    assert.ok(row.share === null || (row.share >= 0 && row.share <= 1), `share ${row.share}`);
    for (const reading of [row.lagMs, row.peakMs, row.success, row.inflight]) assertCount(reading);
    assert.ok(row.addresses.length <= maxTexts.addresses && row.addresses.every((text) => text.length <= maxText));
  }
}

/** Each pick counts in one category. */
function assertAnswer({ total, undecided, notListed, notHeld, notTold, notDrawn, lost, taken }: Answer): void {
  const apart = [undecided, notListed, notHeld, notTold, notDrawn];
  const counts = [...apart, ...Object.values(lost), ...Object.values(taken)];
  for (const count of counts) assertCount(count);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    total,
  );
}

function assertChart(chart: ChartView): void {
  assertFinite(chart, 'chart');
  const { series, overview } = chart;
  for (const { endpoint, state, ...lines } of series.endpoints)
    for (const values of [state, ...Object.values(lines)])
      assert.equal(values.length, series.times.length, `endpoint ${endpoint}`);
  for (const values of [overview.picksPerSecond, overview.failuresPerSecond])
    assert.equal(values.length, overview.times.length);
}
