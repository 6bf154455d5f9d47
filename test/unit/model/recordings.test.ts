import assert from 'node:assert/strict';
import { createReadStream, readdirSync } from 'node:fs';
import path from 'node:path';
import { create, type Message } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import {
  PickReason,
  PickResult,
  WatchResponseSchema,
  type Change,
  type CompletionBatch,
  type PickBatch,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { encodeRecorded, readRecording, recordingHeader } from '@pickscope/protocol/recording';
import type { ChannelView, PickRow, Reason } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { queryOf } from './queries';

const folder = path.join(import.meta.dirname, '..', '..', 'recordings');
const recordings = readdirSync(folder).filter((name) => name.endsWith('.pickscope'));

async function messagesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<WatchResponse[]> {
  const messages: WatchResponse[] = [];
  for await (const message of readRecording(chunks)) messages.push(message);
  return messages;
}

// ── What a recording says, read plainly ────────────────────────────────────────────────────────────────────────────

interface ToldPick {
  readonly call: number;
  readonly attempt: number;
  readonly method: string;
  readonly reason: Reason;
  readonly address: string;
  readonly candidates: readonly { readonly address: string; readonly inflight: number }[];
  /** undefined: it did not end, as far as it was told. */
  readonly latencyMs: number | null | undefined;
}

interface ToldEndpoint {
  readonly address: string;
  removed: boolean;
  counts: { picks: number; started: number; neverStarted: number; failures: number };
}

interface ToldChannel {
  readonly target: string;
  readonly endpoints: Map<number, ToldEndpoint>;
  completed: number;
  picks: ToldPick[];
}

const reasonWords: Readonly<Partial<Record<number, Reason>>> = {
  [PickReason.ONLY_ONE]: 'only',
  [PickReason.BETTER_SCORE]: 'lower',
  [PickReason.TIE]: 'tie',
  [PickReason.FORCED]: 'forced',
  [PickReason.NO_HEALTHY_PAIR]: 'unhealthy',
  [PickReason.PROBE]: 'probe',
  [PickReason.TURN]: 'turn',
  [PickReason.KEY]: 'key',
  [PickReason.NO_KEY]: 'nokey',
};
const resultWords: Readonly<Partial<Record<number, Reason>>> = {
  [PickResult.QUEUED]: 'queued',
  [PickResult.FAILED]: 'failed',
  [PickResult.DROPPED]: 'dropped',
};

/** All channels, by their ids, with all that the messages tell of them. */
function told(messages: readonly WatchResponse[]): Map<number, ToldChannel> {
  const channels = new Map<number, ToldChannel>();
  const strings = new Map<number, string>([[0, '']]);
  const ends = endsOf(messages);
  for (const { body } of messages) {
    if (body.case === 'strings')
      for (const [index, id] of body.value.ids.entries()) strings.set(id, body.value.values[index]!);
    else if (body.case === 'changes') for (const change of body.value.changes) noteEntity(channels, change);
    else if (body.case === 'picks') notePicks(channels, strings, ends, body.value);
    else if (body.case === 'counters') {
      for (const each of body.value.channels) channels.get(each.channel)!.completed = Number(each.picksCompleted);
      for (const each of body.value.endpoints) {
        const ended = each.codes.map((code, index) => (code === 0 ? 0 : Number(each.completionsByCode[index])));
        const failures = ended.reduce((sum, count) => sum + count, 0);
        const [picks, started, neverStarted] = [each.picks, each.started, each.neverStarted].map(Number);
        const counts = { picks: picks!, started: started!, neverStarted: neverStarted!, failures };
        for (const { endpoints } of channels.values()) Object.assign(endpoints.get(each.endpoint) ?? {}, { counts });
      }
    }
  }
  return channels;
}

function noteEntity(channels: Map<number, ToldChannel>, { entity }: Change): void {
  if (entity.case === 'channel' && !channels.has(entity.value.id))
    channels.set(entity.value.id, { target: entity.value.target, endpoints: new Map(), completed: 0, picks: [] });
  if (entity.case !== 'endpoint') return;
  const { id, channel, addresses, removed } = entity.value;
  const { endpoints } = channels.get(channel)!;
  const counts = { picks: 0, started: 0, neverStarted: 0, failures: 0 };
  if (!endpoints.has(id)) endpoints.set(id, { address: addresses[0]!, removed, counts });
  endpoints.get(id)!.removed = removed;
}

/** The latencies of ended calls, by call, attempt and whether there was an endpoint. */
function endsOf(messages: readonly WatchResponse[]): Map<string, number> {
  const ends = new Map<string, number>();
  for (const { body } of messages) {
    if (body.case !== 'completions') continue;
    const batch = body.value;
    for (const [row, call] of callsOf(batch).entries())
      ends.set(`${call} ${batch.attempt[row] ?? 1} ${(batch.endpoint[row] ?? 0) > 0}`, batch.latencyNs[row] ?? 0);
  }
  return ends;
}

function callsOf({ rows, baseCall, callDelta }: PickBatch | CompletionBatch): number[] {
  let call = Number(baseCall);
  return Array.from({ length: rows }, (_, row) => (call += callDelta[row] ?? 0));
}

function notePicks(
  channels: ReadonlyMap<number, ToldChannel>,
  strings: ReadonlyMap<number, string>,
  ends: ReadonlyMap<string, number>,
  batch: PickBatch,
): void {
  let candidate = 0;
  for (const [row, call] of callsOf(batch).entries()) {
    const { endpoints, picks } = channels.get(batch.channel[row]!)!;
    const count = batch.candidateCount[row] ?? 0;
    const drawn = Array.from({ length: count }, (_, index) => ({
      address: endpoints.get(batch.candidateEndpoint[candidate + index]!)!.address,
      inflight: batch.candidateInflight[candidate + index] ?? 0,
    }));
    candidate += count;
    const attempt = batch.attempt[row] ?? 1;
    const endpoint = batch.endpoint[row] ?? 0;
    const latencyNs = ends.get(`${call} ${attempt} ${endpoint > 0}`);
    picks.push({
      call,
      attempt,
      method: strings.get(batch.method[row]!)!,
      reason: resultWords[batch.result[row]!] ?? reasonWords[batch.reason[row] ?? 0] ?? 'untold',
      address: endpoints.get(endpoint)?.address ?? '',
      candidates: drawn,
      latencyMs: latencyNs === undefined ? undefined : Number.isNaN(latencyNs) ? null : latencyNs / 1e6,
    });
  }
}

// ── What the model shows of it ─────────────────────────────────────────────────────────────────────────────────────

function shownPicks({ picks, endpoints, formerEndpoints }: ChannelView): ToldPick[] {
  const address = (id: number | null) =>
    [...endpoints, ...formerEndpoints].find((endpoint) => endpoint.id === id)?.addresses[0] ?? '';
  const plain = ({ call, attempt, method, reason, endpoint, candidates, outcome }: PickRow): ToldPick => ({
    call,
    attempt,
    method,
    reason,
    address: address(endpoint),
    candidates: candidates.map((one) => ({ address: address(one.endpoint), inflight: one.inflight })),
    latencyMs: outcome === null ? undefined : outcome.latencyMs,
  });
  return picks.map(plain).reverse();
}

function assertShown(messages: readonly WatchResponse[]): void {
  const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
  for (const message of messages) model.apply(message);
  const channels = [...told(messages).values()];
  const shown = model.channels(0).sort((a, b) => a.id - b.id);
  assert.deepEqual(
    shown.map(({ target }) => target),
    channels.map(({ target }) => target),
  );
  for (const [index, { id }] of shown.entries()) {
    const view = model.view(queryOf({ channel: id }), 0)!;
    const { endpoints, completed, picks } = channels[index]!;
    assert.deepEqual(shownPicks(view), picks);
    assert.equal(view.totals.completed, completed);
    const present = [...endpoints.values()].filter(({ removed }) => !removed);
    assert.deepEqual(
      view.endpoints.map((row) => ({
        address: row.addresses[0],
        removed: false,
        counts: { picks: row.picks, started: row.started, neverStarted: row.neverStarted, failures: row.failures },
      })),
      present.sort((a, b) => (a.address < b.address ? -1 : 1)),
    );
  }
}

// ── A version to come ──────────────────────────────────────────────────────────────────────────────────────────────

/** As a client of version 1.9 might have sent it: fields, values of enums and a kind of message that nobody knows yet. */
function fromTheFuture(messages: readonly WatchResponse[]): WatchResponse[] {
  return messages.flatMap((message) => {
    addUnknownFields(message);
    const { body } = message;
    if (body.case === 'process') body.value.protocolMinor = 9;
    if (body.case === 'picks') {
      const { rows, reason } = body.value;
      const mixed = Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? 77 : (reason[row] ?? 0)));
      Object.assign(body.value, { reason: mixed });
    }
    if (body.case === 'changes')
      for (const { entity } of body.value.changes)
        if (entity.case === 'subconn' || entity.case === 'channel') Object.assign(entity.value, { state: 42 });
    const unknownKind = create(WatchResponseSchema, { sequence: message.sequence + 1 });
    addUnknownFields(unknownKind);
    return [message, unknownKind];
  });
}

/** To this message and all in it: a number, 8 bytes, a text and 4 bytes. */
function addUnknownFields(message: Message): void {
  message.$unknown = [
    { no: 500, wireType: WireType.Varint, data: Uint8Array.of(0xff, 0x01) },
    { no: 501, wireType: WireType.Bit64, data: new Uint8Array(8) },
    { no: 502, wireType: WireType.LengthDelimited, data: Uint8Array.of(3, 97, 98, 99) },
    { no: 503, wireType: WireType.Bit32, data: new Uint8Array(4) },
  ];
  for (const value of Object.values(message) as unknown[]) {
    for (const inner of [value].flat())
      if (isMessage(inner)) addUnknownFields(inner);
      else if (isOneof(inner) && isMessage(inner.value)) addUnknownFields(inner.value);
  }
}

function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && '$typeName' in value;
}

function isOneof(value: unknown): value is { readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'case' in value && 'value' in value;
}

describe('Recordings of', () => {
  const read = (name: string) => messagesOf(createReadStream(path.join(folder, name)));

  it('every version of the protocol that ever landed are there', () => {
    assert.deepEqual(recordings, ['1.0.pickscope', '1.1.pickscope', '1.2.pickscope']);
  });

  for (const name of recordings) {
    it(`${path.parse(name).name} show what they tell, to the last pick`, async () => {
      const messages = await read(name);
      const process = messages[0]!.body;
      assert.ok(process.case === 'process');
      assert.equal(`${process.value.protocolMajor}.${process.value.protocolMinor}.pickscope`, name);
      assertShown(messages);
    });
  }

  it('a version to come are read, whatever they have that is not known', async () => {
    const future = fromTheFuture(await read(recordings.at(-1)!));
    const messages = await messagesOf([recordingHeader(), ...future.map(encodeRecorded)]);
    assert.ok(messages.some(({ body }) => body.case === undefined));
    assert.ok(
      messages.every(({ $unknown }) => $unknown?.length === 4),
      'the fields went through the file',
    );
    assertShown(messages);
    const picks = [...told(messages).values()].flatMap((channel) => channel.picks);
    assert.ok(picks.some(({ reason }) => reason === 'untold'));
  });
});
