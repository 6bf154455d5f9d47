import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EventEmitter } from 'vscode';
import { Attachments } from '../../src/attachment/attachments';
import { OpenedRecording, type RecordingBytes } from '../../src/attachment/openedRecording';
import { Recorder } from '../../src/attachment/recorder';
import { Discovery } from '../../src/discovery/discovery';
import type { AttachablePrograms } from '../../src/launch/attachablePrograms';
import type { Frame } from '../../src/messages/panel';
import { LiveSource } from '../../src/views/panelSource';
import { RecordingSource } from '../../src/views/recordingEditor';
import { descriptorFor, startClient } from '../unit/attachment/announcedClient';
import type { FakeDebugServer } from '../unit/attachment/debugServer';
import { TestRuntimeFolder } from '../unit/discovery/runtimeFolder';
import { LogLines } from '../unit/logs';
import { queryOf } from '../unit/model/queries';
import { until } from '../unit/waiting';

describe('what a panel shows of clients', () => {
  let folder: TestRuntimeFolder;
  let discovery: Discovery;
  let attachments: Attachments;
  let recorder: Recorder;
  let orders: FakeDebugServer;
  let billing: FakeDebugServer;

  beforeEach(async () => {
    folder = new TestRuntimeFolder();
    const log = new LogLines();
    const streams = {
      log,
      loadStream: async () => (await import('../../src/attachment/stream')).readStream,
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
    orders = await startClient(folder, 'orders-api');
    billing = await startClient(folder, 'billing');
    for (const server of [orders, billing]) await attach(server);
  });
  afterEach(async () => {
    await recorder.stopAll();
    attachments.dispose();
    discovery.dispose();
    orders.kill();
    billing.kill();
    folder.remove();
  });

  async function attach(server: FakeDebugServer): Promise<void> {
    const attachment = attachments.attach({ kind: 'client', client: descriptorFor(server) });
    await until(() => attachment.state.kind === 'live');
  }

  function sourceOf(place: 'side' | 'editor'): LiveSource {
    const programs = { on: false, onDidChange: new EventEmitter<void>().event } as unknown as AttachablePrograms;
    return new LiveSource(
      place,
      { attachments, discovery, programs, recorder, changes: () => 0 },
      'what it was called',
    );
  }

  const said = ({ attachment }: Frame) =>
    `${attachment.state} ${'client' in attachment ? attachment.client.name : ''}`.trim();

  it('is the selected one in the side panel, and the same one always in a tab', () => {
    const [side, tab] = [sourceOf('side'), sourceOf('editor')];
    const ofOrders = queryOf({ client: orders.instance });
    assert.equal(said(side.frame(queryOf(), 0)), 'live billing');
    assert.equal(said(tab.frame(ofOrders, 0)), 'live orders-api');
    attachments.select(orders.instance);
    assert.equal(said(side.frame(queryOf(), 0)), 'live orders-api');
    attachments.select(billing.instance);
    assert.equal(said(tab.frame(ofOrders, 0)), 'live orders-api');
    assert.equal(tab.frame(ofOrders, 0).place, 'editor');
  });

  it('says in a tab that its client was detached, and when; and goes on when it is attached again', async () => {
    const tab = sourceOf('editor');
    const query = queryOf({ client: orders.instance });
    assert.equal(said(tab.frame(query, 1000)), 'live orders-api');
    attachments.detach(orders.instance);
    assert.equal(said(tab.frame(query, 2000)), 'lost orders-api');
    const { attachment } = tab.frame(query, 9000);
    assert.ok(attachment.state === 'lost' && attachment.atMs === 2000 && attachment.nextTryMs === null);
    assert.match(attachment.reason, /not attached any more/);
    await attach(orders);
    assert.equal(said(tab.frame(query, 9500)), 'live orders-api');
  });

  it('names in a tab that was restored a client that never came back', () => {
    assert.equal(said(sourceOf('editor').frame(queryOf({ client: 'gone' }), 0)), 'lost what it was called');
  });

  it('tells of what is recorded, in the panels of that client', async () => {
    const file = folder.file('one.pickscope');
    await recorder.start(attachments.get(orders.instance)!, file);
    const tab = sourceOf('editor');
    const { recording } = tab.frame(queryOf({ client: orders.instance }), 0);
    assert.equal(recording!.file, 'one.pickscope');
    assert.equal(tab.frame(queryOf({ client: billing.instance }), 0).recording, undefined);
    await recorder.stop(orders.instance);
    assert.equal(tab.frame(queryOf({ client: orders.instance }), 0).recording, undefined);
  });
});

describe('what a panel shows of a recording', () => {
  const bytes = readFileSync(path.join('test', 'recordings', '1.2.pickscope'));

  async function frameOf(source: RecordingBytes): Promise<Frame> {
    const recording = new OpenedRecording(source, {
      pickBudgetBytes: 1_000_000,
      loadReader: () => import('../../src/attachment/recordingMessages'),
    });
    await recording.whole;
    const shown = new RecordingSource(recording, 'one.pickscope');
    return shown.frame(queryOf(), shown.atMs());
  }

  it('is its client at its end, with all of its channels', async () => {
    const { attachment, channel, channels, reach, place } = await frameOf({ bytes });
    assert.equal(place, 'recording');
    assert.ok(attachment.state === 'recording' && attachment.read === 1 && attachment.damage === '');
    assert.equal(attachment.client.name, 'orders-api');
    assert.equal(channels.length, 3);
    assert.ok(channel!.totals.completed > 0);
    assert.ok(Math.abs(channel!.atMs - reach!.toMs) < 1);
  });

  it('sets its channels side by side', async () => {
    const recording = new OpenedRecording(
      { bytes },
      { pickBudgetBytes: 1_000_000, loadReader: () => import('../../src/attachment/recordingMessages') },
    );
    await recording.whole;
    const { comparison } = new RecordingSource(recording, 'one').frame(queryOf({ compare: 'channels' }), 0);
    assert.equal(comparison!.columns.length, 3);
  });

  it('says what is wrong with it, in words', async () => {
    const damage = async (source: RecordingBytes) => {
      const { attachment } = await frameOf(source);
      return attachment.state === 'recording' ? attachment.damage : '';
    };
    const newer = Uint8Array.from(bytes);
    newer[10] = 9;
    assert.match(await damage({ bytes: newer }), /Update the extension/);
    assert.match(await damage({ bytes: bytes.subarray(0, 9999) }), /ends in the middle of a message/);
    assert.match(await damage({ bytes: Buffer.from('something else') }), /not a recording/);
    assert.match(await damage({ path: '/nowhere/one.pickscope' }), /cannot be read\. \(ENOENT/);
  });
});
