import assert from 'node:assert/strict';
import { createReadStream, existsSync, statSync, writeFileSync } from 'node:fs';
import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { WatchResponseSchema, type WatchResponse } from '@pickscope/protocol/messages';
import { readRecording } from '@pickscope/protocol/recording';
import type { Attachment } from '../../../src/attachment/attachment';
import { Attachments } from '../../../src/attachment/attachments';
import { Recorder, type Recording, type RecordingFailure } from '../../../src/attachment/recorder';
import { OpenedRecording } from '../../../src/attachment/openedRecording';
import { Discovery } from '../../../src/discovery/discovery';
import { TestRuntimeFolder } from '../discovery/runtimeFolder';
import { queryOf } from '../model/queries';
import { LogLines } from '../logs';
import { until } from '../waiting';
import { descriptorFor, startClient, stopClient } from './announcedClient';
import type { FakeDebugServer } from './debugServer';

describe('Recorder', () => {
  let folder: TestRuntimeFolder;
  let discovery: Discovery;
  let attachments: Attachments;
  let recorder: Recorder;
  let servers: FakeDebugServer[];
  let failures: [Recording, RecordingFailure][];

  beforeEach(() => {
    folder = new TestRuntimeFolder();
    servers = [];
    failures = [];
    const log = new LogLines();
    const streams = {
      log,
      loadStream: async () => (await import('../../../src/attachment/stream')).readStream,
      tokenFor: () => Promise.resolve(''),
    };
    discovery = new Discovery({ folders: () => [folder.path], log });
    attachments = new Attachments({
      ...streams,
      discovery,
      memory: { get: () => [], keys: () => [], update: () => Promise.resolve() },
      pickBudgetBytes: () => 1_000_000,
      reattach: () => true,
      autoAttach: () => [],
    });
    recorder = new Recorder({ ...streams, attachments });
    recorder.on('failed', (recording, failure) => failures.push([recording, failure]));
  });
  afterEach(async () => {
    await recorder.stopAll();
    attachments.dispose();
    discovery.dispose();
    servers.forEach((server) => server.kill());
    folder.remove();
  });

  async function start(): Promise<FakeDebugServer> {
    const server = await startClient(folder);
    servers.push(server);
    return server;
  }

  /** Attaches to a new client, and records it. */
  async function record(file = folder.file('one.pickscope')): Promise<[FakeDebugServer, Attachment]> {
    const server = await start();
    const attachment = attachments.attach({ kind: 'client', client: descriptorFor(server) });
    await until(() => attachment.state.kind === 'live');
    await recorder.start(attachment, file);
    await until(() => server.watchers.length === 2);
    return [server, attachment];
  }

  const heartbeat = (seconds: number) => ({
    case: 'heartbeat' as const,
    value: { clock: { monotonicNs: BigInt(seconds) * 1_000_000_000n, wallUnixNs: 1n << 60n } },
  });

  /** To be waited for: no other message is that long. */
  const long = { case: 'strings' as const, value: { ids: [1], values: ['x'.repeat(1000)] } };

  /** What the file holds, by kind. */
  async function recorded(file = folder.file('one.pickscope')): Promise<string[]> {
    const kinds: string[] = [];
    for await (const { body } of readRecording(createReadStream(file))) kinds.push(body.case ?? 'empty');
    return kinds;
  }

  /** Of the file once it is on the disk. */
  const has = (bytes: number, file = folder.file('one.pickscope')) => until(() => statSync(file).size >= bytes);

  const snapshot = ['process', 'snapshotBegin', 'snapshotEnd'];

  it('writes each message as it came, by a stream of its own, for the user alone', async () => {
    const [server, attachment] = await record();
    server.send(heartbeat(5));
    server.send({ case: 'picks', value: { rows: 2, baseTimeNs: 6_000_000_000n, timeDeltaNs: [0, 5] } });
    server.send(long);
    await until(() => recorder.of(attachment.id)!.bytes > 1000);
    const recording = await recorder.stop(attachment.id);
    assert.equal(recording!.bytes, statSync(recording!.file).size);
    assert.deepEqual(await recorded(), [...snapshot, 'heartbeat', 'picks', 'strings']);
    assert.equal(statSync(recording!.file).mode & 0o777, 0o600);
    assert.equal(recorder.of(attachment.id), undefined);
    await until(() => server.watchers[1]!.cancelled);
    assert.ok(!server.watchers[0]!.cancelled);
  });

  it('holds what shows the same as the live client did', async () => {
    const said: WatchResponse[] = [];
    for await (const message of readRecording(createReadStream('test/recordings/1.2.pickscope'))) said.push(message);
    const server = await start();
    server.sendSnapshot = () => said.forEach(({ body }) => server.send(body));
    const attachment = attachments.attach({ kind: 'client', client: descriptorFor(server) });
    await recorder.start(attachment, folder.file('one.pickscope'));
    // The file may end within a message for now.
    const written = async () => (await recorded().catch(() => [])).length;
    await until(async () => attachment.model.version >= said.length && (await written()) >= said.length);
    await recorder.stop(attachment.id);
    const opened = new OpenedRecording(
      { path: folder.file('one.pickscope') },
      { pickBudgetBytes: 1_000_000, loadReader: () => import('../../../src/attachment/recordingMessages') },
    );
    await opened.whole;
    assert.equal(opened.damage, undefined);
    assert.deepEqual(opened.model!.channels(0), attachment.model.channels(0));
    for (const { id } of attachment.model.channels(0)) {
      const query = queryOf({ channel: id, windowSeconds: 60, untilMs: attachment.model.reach(0)!.toMs });
      assert.deepEqual(opened.model!.view(query, 0)!.totals, attachment.model.view(query, 0)!.totals);
      assert.deepEqual(opened.model!.view(query, 0)!.picks, attachment.model.view(query, 0)!.picks);
      assert.deepEqual(opened.model!.view(query, 0)!.endpoints, attachment.model.view(query, 0)!.endpoints);
    }
  });

  it('closes a file to others that was there before', async () => {
    writeFileSync(folder.file('one.pickscope'), 'what was there before, and longer than a header is', { mode: 0o644 });
    const [, attachment] = await record();
    await recorder.stop(attachment.id);
    assert.equal(statSync(folder.file('one.pickscope')).mode & 0o777, 0o600);
    await recorded();
  });

  it('has what came in the file without being stopped', async () => {
    await record();
    await has(12 + 60);
    assert.deepEqual(await recorded(), snapshot);
  });

  it('goes on in the same file when the stream was lost, and asks for what came since', async () => {
    const [server, attachment] = await record();
    server.send(heartbeat(5));
    await until(() => recorder.of(attachment.id)!.bytes > 100);
    server.watchers[1]!.end();
    await until(() => server.watchers.length === 3);
    assert.equal(server.watchers[2]!.request.pastSinceNs, 4_000_000_000n);
    server.send(long);
    await until(() => recorder.of(attachment.id)!.bytes > 1000);
    await recorder.stop(attachment.id);
    assert.deepEqual(await recorded(), [...snapshot, 'heartbeat', ...snapshot, 'strings']);
    assert.deepEqual(failures, []);
  });

  it('follows a client that restarts into the same file', async () => {
    const [first, attachment] = await record();
    stopClient(folder, first);
    const second = await start();
    await until(() => second.watchers.length === 2);
    assert.ok(second.watchers.every(({ request }) => request.pastSinceNs === 0n));
    // Attachment and recording came back in either order; of the snapshot each has three messages.
    for (const watcher of second.watchers) watcher.write(create(WatchResponseSchema, { sequence: 4, body: long }));
    await until(() => recorder.of(attachment.id)!.bytes > 1000);
    await recorder.stop(attachment.id);
    assert.deepEqual(await recorded(), [...snapshot, ...snapshot, 'strings']);
  });

  it('ends when the client is detached', async () => {
    const [server, attachment] = await record();
    attachments.detach(attachment.id);
    await until(() => server.watchers[1]!.cancelled);
    assert.deepEqual(recorder.all, []);
    assert.deepEqual(failures, []);
  });

  it('says that the client has no place for one more watcher', async () => {
    const server = await start();
    const attachment = attachments.attach({ kind: 'client', client: descriptorFor(server) });
    await until(() => attachment.state.kind === 'live');
    server.refuseWatch = { code: status.RESOURCE_EXHAUSTED, details: 'at most 8' };
    await recorder.start(attachment, folder.file('one.pickscope'));
    await until(() => failures.length === 1);
    assert.deepEqual(failures[0]![1], { kind: 'tooManyWatchers' });
    assert.deepEqual(recorder.all, []);
    assert.equal(attachment.state.kind, 'live');
  });

  it('says that the disk is full, and ends', async function () {
    if (!existsSync('/dev/full')) this.test!.title += ' (no such device here)';
    else {
      const [server] = await record('/dev/full');
      await until(() => failures.length === 1);
      const [, failure] = failures[0]!;
      assert.match(failure.kind === 'file' ? failure.detail : failure.kind, /ENOSPC/);
      await until(() => server.watchers[1]!.cancelled);
    }
  });

  it('refuses a file that cannot be written', async () => {
    const server = await start();
    const attachment = attachments.attach({ kind: 'client', client: descriptorFor(server) });
    await assert.rejects(recorder.start(attachment, folder.file('none/one.pickscope')), /ENOENT/);
    assert.deepEqual(recorder.all, []);
  });
});
