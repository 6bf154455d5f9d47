import * as grpc from '@grpc/grpc-js';
import { ConnectivityState } from '@pickscope/protocol/messages';
import { readRecording } from '@pickscope/protocol/recording';
import assert from 'node:assert/strict';
import {
  createReadStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { saveRecording } from '../../src/server/recordingFile';
import { until } from '../backends';
import { Child, descriptorOf, endChildren } from './children';
import { Messages } from './debugClient';
import { Serving } from './serving';

const keep = { seconds: 60, bytes: 16 << 20 };

describe('the debug server that keeps the last seconds', () => {
  let serving: Serving;

  afterEach(() => serving.close());

  it('shows them to one who attaches later, then goes on', async () => {
    serving = await Serving.start({ keep });
    const { feed, recorder } = serving;
    feed.calls(300);
    recorder.entities.setEndpointState(feed.endpoint, ConnectivityState.TRANSIENT_FAILURE, 'refused');
    feed.calls(20, '/shop.Cart/Add');
    const late = serving.watch({ past: true });
    const old = serving.watch();
    await until(() => [late, old].every((it) => it.cases().includes('snapshotEnd')));
    await until(() => late.picks() === 320);
    assert.equal(late.changes().at(-1)?.entity.value?.$typeName, 'pickscope.v1.Endpoint');
    assert.equal(old.picks(), 0, 'one that does not ask gets what happens from now on');
    feed.calls(7);
    await until(() => late.picks() === 327 && old.picks() === 7);
    for (const { messages } of [late, old]) {
      const [first] = messages;
      assert.ok(first?.body.case === 'process');
      assert.equal(first.body.value.keepSeconds, 60);
      assert.ok(first.body.value.capabilities.includes('past'));
      assert.deepEqual(
        messages.map(({ sequence }) => sequence),
        messages.map((_, i) => i + 1),
      );
    }
  });

  it('lets in eight watchers all the same, and tells the ninth what to do', async () => {
    serving = await Serving.start({ keep });
    serving.feed.calls(10);
    const eight = Array.from({ length: 8 }, (_, i) => serving.watch({ past: i % 2 === 0 }));
    await until(() => eight.every((watcher) => watcher.cases().includes('snapshotEnd')));
    const ninth = serving.watch({ past: true });
    await until(() => ninth.error !== undefined);
    assert.equal(ninth.error?.code, grpc.status.RESOURCE_EXHAUSTED);
    assert.equal(
      ninth.error.details,
      '8 watchers are attached already, and no more are let in: detach one of them, then attach again.',
    );
    eight[0]!.close();
    const left = () => serving.recorder.watcherCount === 8;
    await until(left);
    const tenth = serving.watch({ past: true });
    await until(() => tenth.picks() === 10);
  });

  it('ends a reader that falls behind what is kept, whatever it left in its connection, and gives its place away', async () => {
    serving = await Serving.start({ keep: { seconds: 60, bytes: 1 << 20 } });
    const fill = async () => {
      for (let i = 0; i < 20; i++) {
        serving.feed.calls(2000);
        serving.past!.catchUp();
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await fill();
    const reader = serving.stall({ past: true });
    const others = Array.from({ length: 7 }, () => serving.watch());
    await until(() => others.every((watcher) => watcher.cases().includes('snapshotEnd')));
    await fill();
    assert.ok(serving.past!.size <= 1 << 20);
    reader.resume();
    await until(() => reader.status !== undefined);
    assert.equal(reader.status, String(grpc.status.ABORTED));
    const next = serving.watch({ past: true });
    await until(() => next.cases().includes('heartbeat'));
  });

  it('keeps nothing, and says so, unless it was told to', async () => {
    serving = await Serving.start();
    serving.feed.calls(10);
    const watcher = serving.watch({ past: true });
    await until(() => watcher.cases().includes('snapshotEnd'));
    const [first] = watcher.messages;
    assert.ok(first?.body.case === 'process');
    assert.equal(first.body.value.keepSeconds, 0);
    assert.ok(!first.body.value.capabilities.includes('past'));
    assert.equal(watcher.picks(), 0);
  });
});

describe('a recording', () => {
  let folder: string;
  let serving: Serving | undefined;

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'ps-'))));

  afterEach(async () => {
    serving?.close();
    serving = undefined;
    await endChildren();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  it('is written where it is asked for, for the user alone, and never over something', async () => {
    serving = await Serving.start({ keep });
    serving.feed.calls(25);
    const { past } = serving;
    const file = path.join(folder, 'incident.pickscope');
    assert.equal(await saveRecording(past, file), file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal((await recorded(file)).picks(), 25);
    const before = readFileSync(file);
    const link = path.join(folder, 'link');
    symlinkSync(path.join(folder, 'elsewhere'), link);
    for (const taken of [file, link])
      await assert.rejects(saveRecording(past, taken), /EEXIST: file already exists, .*\/(incident|link)/);
    assert.deepEqual(readFileSync(file), before);
    assert.deepEqual(readdirSync(folder), ['incident.pickscope', 'link']);
    await assert.rejects(saveRecording(past, path.join(folder, 'none', 'a')), /ENOENT: .*none\/a/);
  });

  it('of nothing is refused, with what to do', async () => {
    await assert.rejects(
      saveRecording(undefined),
      /Nothing is kept .* start it with PICKSCOPE_KEEP=60s .* startDebugServer\({ keep/,
    );
    const warnings: string[] = [];
    serving = await Serving.start({ keep: { seconds: 60, bytes: 1000 }, warn: (line) => warnings.push(line) });
    await assert.rejects(
      saveRecording(serving.past),
      /Nothing is kept of this process any more: .* PICKSCOPE_KEEP_BYTES/,
    );
    assert.equal(warnings.length, 1);
  });

  it('is written at a signal, by a program that goes on', async () => {
    const runtime = path.join(folder, 'run');
    const recordings = path.join(folder, 'recordings');
    const child = await Child.start(runtime, {
      env: {
        PICKSCOPE_KEEP: '60s',
        PICKSCOPE_RECORD_SIGNAL: 'SIGUSR2',
        PICKSCOPE_RECORDINGS: recordings,
        PICKSCOPE_NAME: '../a name',
      },
    });
    const { token } = await descriptorOf(runtime, child);
    for (let written = 1; written <= 2; written++) {
      const { calls } = await child.figures();
      await callsAfter(child, calls + 50);
      child.process.kill('SIGUSR2');
      await until(() => child.err.split('\n').length > written);
    }
    const names = readdirSync(recordings).sort();
    assert.match(
      names.join(' '),
      new RegExp(`^(\\.\\.-a-name-${child.pid}-\\d{8}T\\d{6}\\.\\d{3}Z\\.pickscope ?){2}$`),
    );
    const files = names.map((name) => path.join(recordings, name));
    assert.equal(child.err, files.map((file) => `Pickscope: the last seconds are recorded in ${file}\n`).join(''));
    assert.equal(statSync(recordings).mode & 0o777, 0o700);
    for (const file of files) {
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.ok(!readFileSync(file).includes(token));
      assertExact(await recorded(file));
    }
    const [first, second] = await Promise.all(files.map(recorded));
    assert.ok(second!.picks() >= first!.picks() + 50);
    assert.equal((await child.figures()).failed, 0);
    assert.equal(await child.end(), 0, 'it ends by itself');
  });

  it('goes to a folder of the user’s own where none is named, and to none that is open to others', async () => {
    const home = path.join(folder, 'home');
    const state = path.join(home, '.local/state/pickscope');
    const env = { HOME: home, PICKSCOPE_KEEP: '60s', PICKSCOPE_RECORD_SIGNAL: 'SIGURG' };
    const child = await Child.start(path.join(folder, 'run'), { env });
    await callsAfter(child, 1);
    child.process.kill('SIGURG');
    await until(() => child.err !== '');
    const [name] = readdirSync(path.join(state, 'recordings'));
    assert.equal(child.err, `Pickscope: the last seconds are recorded in ${path.join(state, 'recordings', name!)}\n`);
    assert.equal(statSync(path.join(state, 'recordings')).mode & 0o777, 0o700);
    rmSync(path.join(state, 'recordings'), { recursive: true });
    mkdirSync(path.join(state, 'recordings'), { mode: 0o755 });
    child.process.kill('SIGURG');
    await until(() => child.err.includes('no recording'));
    assert.match(child.err, /no recording is written\. .*recordings is open to other users .* PICKSCOPE_RECORDINGS\n$/);
  });

  it('is refused in words where what was asked for makes no sense, and the program runs on', async () => {
    const env = { PICKSCOPE_KEEP: 'forever', PICKSCOPE_RECORD_SIGNAL: 'SIGUSR2' };
    const child = await Child.start(path.join(folder, 'run'), { env });
    await callsAfter(child, 1);
    child.process.kill('SIGUSR2');
    await until(() => child.err.includes('no recording'));
    assert.match(
      child.err,
      /PickscopeWarning: "forever" is no time to keep \(PICKSCOPE_KEEP\): write 60s, 2m, or at most 24h\./,
    );
    assert.match(child.err, /Pickscope: no recording is written\. Nothing is kept of this process/);
    assert.equal(await child.end(), 0);
  });

  it('is written at no signal that ends programs', async () => {
    const env = { PICKSCOPE_KEEP: '60s', PICKSCOPE_RECORD_SIGNAL: 'SIGTERM' };
    const child = await Child.start(path.join(folder, 'run'), { env });
    await callsAfter(child, 1);
    assert.match(child.err, /PickscopeWarning: No recording is written at SIGTERM .*\. Use SIGUSR2, SIGURG, SIGIO\./);
    child.process.kill('SIGTERM');
    assert.equal(await child.ended, 'SIGTERM');
  });
});

async function callsAfter(child: Child, calls: number): Promise<void> {
  while ((await child.figures()).calls < calls) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** What a recording file says; all of it can be read. */
async function recorded(file: string): Promise<Messages> {
  const result = new Messages();
  for await (const message of readRecording(createReadStream(file))) result.messages.push(message);
  return result;
}

/** The rows of a recording are all that was counted from its beginning to its end. */
function assertExact(recording: Messages): void {
  assert.ok(recording.picks() > 0);
  assert.equal(recording.drops(), undefined);
  const began = recording.cases().indexOf('snapshotEnd');
  const counted = recording.messages.map(({ body }) => {
    const channels = body.case === 'counters' ? body.value.channels : [];
    return channels.reduce((sum, it) => sum + Number(it.picksCompleted + it.picksQueued), 0);
  });
  // They are absolute, and those of a program with one channel only rise.
  assert.equal(recording.picks(), Math.max(...counted) - Math.max(...counted.slice(0, began)));
}
