import * as grpc from '@grpc/grpc-js';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Recorder } from '../../src/recorder/recorder';
import { openServer, type OpenServer } from '../../src/server/listen';
import { describeProcess } from '../../src/server/process';
import { until } from '../backends';
import { descriptors } from '../preload/watcher';
import { Child, descriptorOf, endChildren } from './children';
import { describeClient, Watcher } from './debugClient';

describe('a debug server whose files are taken away', () => {
  const variable = process.env.PICKSCOPE_RUNTIME_DIR;
  const instance = randomBytes(16).toString('hex');
  /** What somebody else has written. */
  const another = '{}';
  let folder: string;
  let server: OpenServer;
  let watcher: Watcher;
  let before: Descriptor;

  beforeEach(() => {
    folder = path.join(mkdtempSync(path.join(tmpdir(), 'ps-')), 'run');
    process.env.PICKSCOPE_RUNTIME_DIR = folder;
  });

  afterEach(async () => {
    watcher.close();
    server.close();
    await endChildren();
    rmSync(path.dirname(folder), { recursive: true });
  });

  after(() => {
    if (variable === undefined) delete process.env.PICKSCOPE_RUNTIME_DIR;
    else process.env.PICKSCOPE_RUNTIME_DIR = variable;
  });

  async function open(tcp?: number): Promise<void> {
    const self = () => describeProcess(instance, 'cart', ['1.14.0']);
    server = await openServer(grpc, new Recorder(), self, { tcp, timing: { heal: 20 } });
    before = descriptors(folder)[0]!;
    watcher = new Watcher(before.address, before.token);
    await until(() => watcher.messages.length > 0);
  }

  const heartbeats = () => watcher.cases().filter((it) => it === 'heartbeat').length;

  /** It can be attached to as before, and who was attached has noticed nothing. */
  async function assertHealed(): Promise<void> {
    await until(() => descriptors(folder).length === 1 && isThere(descriptors(folder)[0]!.address));
    assert.deepEqual(descriptors(folder)[0], before);
    assert.equal((await describeClient(before.address, before.token)).process?.instance, instance);
    const seen = heartbeats();
    await until(() => heartbeats() > seen);
    assert.equal(watcher.error, undefined);
    for (const file of [socketOf(before), descriptorFile()]) assert.equal(statSync(file).mode & 0o777, 0o600);
  }

  const descriptorFile = () => path.join(folder, `${instance}.json`);

  const losses: Readonly<Record<string, () => void>> = {
    'its socket': () => rmSync(socketOf(before)),
    'its descriptor': () => rmSync(descriptorFile()),
    'the whole folder': () => rmSync(folder, { recursive: true }),
    'the folder, moved': () => renameSync(folder, `${folder}.old`),
    'its socket, for another file': () => {
      rmSync(socketOf(before));
      writeFileSync(socketOf(before), another);
    },
    'its descriptor, for another file': () => {
      rmSync(descriptorFile());
      writeFileSync(descriptorFile(), another);
    },
  };

  for (const [loss, lose] of Object.entries(losses)) {
    it(`is attachable again after the loss of ${loss}`, async () => {
      await open();
      const made = [socketOf(before), descriptorFile()].map((file) => statSync(file).mtimeMs);
      lose();
      await until(() => {
        const now = [socketOf(before), descriptorFile()].map((file) => statSync(file, { throwIfNoEntry: false }));
        return now.every((it, i) => it && it.mtimeMs > made[i]! && it.size !== another.length);
      });
      await assertHealed();
      server.close();
      assert.ok(!existsSync(socketOf(before)) && !existsSync(descriptorFile()), 'what it made anew, it removes');
    });
  }

  it('is attachable again on TCP after the loss of its descriptor', async () => {
    await open(0);
    rmSync(descriptorFile());
    await until(() => descriptors(folder).length === 1);
    assert.deepEqual(descriptors(folder)[0], before);
    assert.equal((await describeClient(before.address, before.token)).process?.instance, instance);
  });

  it('tries again for as long as it cannot', async () => {
    await open();
    renameSync(folder, `${folder}.old`);
    writeFileSync(folder, '');
    // The other folders of this user are not to be had for this test.
    const kept = { ...process.env };
    for (const name of ['HOME', 'XDG_RUNTIME_DIR', 'XDG_STATE_HOME']) process.env[name] = '/dev/null';
    try {
      await until(() => heartbeats() > 1);
      assert.equal(watcher.error, undefined);
      rmSync(folder);
      await until(() => descriptors(folder).length === 1);
    } finally {
      process.env = kept;
    }
    assert.equal((await describeClient(before.address, before.token)).process?.instance, instance);
  });

  it('does not keep its process alive, and leaves nothing behind', async () => {
    await open();
    mkdirSync(path.join(folder, 'child'), { mode: 0o700 });
    const child = await Child.start(path.join(folder, 'child'));
    const { address } = await descriptorOf(path.join(folder, 'child'), child);
    rmSync(address.slice('unix:'.length));
    assert.equal(await child.end(), 0);
    assert.deepEqual(descriptors(path.join(folder, 'child')), []);
  });
});

function socketOf({ address }: Descriptor): string {
  return address.slice('unix:'.length);
}

function isThere(address: string): boolean {
  return !address.startsWith('unix:') || existsSync(address.slice('unix:'.length));
}
