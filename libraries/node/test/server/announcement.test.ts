import type { Descriptor } from '@pickscope/protocol/descriptor';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { inRuntimeFolder, socketPath, sweep } from '../../src/server/announcement';

describe('the runtime folder', () => {
  let root: string;

  beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'ps-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  /** An environment in which only folders below `root` come into question. */
  const environment = (folder: string) => ({ PICKSCOPE_RUNTIME_DIR: folder, HOME: path.join(root, 'home') });

  async function openRuntimeFolder(env: NodeJS.ProcessEnv): Promise<string> {
    let opened = '';
    await inRuntimeFolder((folder) => Promise.resolve(void (opened = folder)), env);
    return opened;
  }

  it('is made for the user alone', async () => {
    const folder = path.join(root, 'a', 'b');
    assert.equal(await openRuntimeFolder(environment(folder)), folder);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  it('is another one where the first is open to others, a link, or no folder', async () => {
    const open = path.join(root, 'open');
    mkdirSync(open, { mode: 0o755 });
    const link = path.join(root, 'link');
    symlinkSync(root, link);
    const file = path.join(root, 'file');
    writeFileSync(file, '');
    for (const folder of [open, link, file, path.join(root, 'long'.repeat(30))]) {
      assert.notEqual(await openRuntimeFolder(environment(folder)), folder);
    }
  });

  it('gives a socket a path of at most 100 bytes', async () => {
    const folder = await openRuntimeFolder(environment(path.join(root, 'long'.repeat(30))));
    assert.ok(Buffer.byteLength(socketPath(folder, '0'.repeat(32))) <= 100);
  });

  describe('is swept', () => {
    const instance = '0123456789abcdef'.repeat(2);

    function leave(fields: Partial<Descriptor>): { file: string; socket: string } {
      const file = path.join(root, `${instance}.json`);
      const socket = socketPath(root, instance);
      const descriptor: Descriptor = {
        descriptorVersion: 1,
        instance,
        pid: process.pid,
        processStart: '',
        hostName: hostname(),
        name: 'n',
        folder: 'f',
        language: 'node',
        address: `unix:${socket}`,
        token: 'a'.repeat(64),
        ...fields,
      };
      writeFileSync(file, JSON.stringify(descriptor), { mode: 0o600 });
      writeFileSync(socket, '');
      return { file, socket };
    }

    it('of what a process that is gone has left', async () => {
      const pid = endedProcess();
      const { file, socket } = leave({ pid });
      await sweep(root, hostname());
      assert.ok(!existsSync(file) && !existsSync(socket));
    });

    it('of what a worker thread has left whose process goes on', async () => {
      const { file, socket } = leave({});
      rmSync(socket);
      await sweep(root, hostname());
      assert.ok(!existsSync(file));
    });

    it('of a descriptor that was not finished', async () => {
      const { file } = leave({ pid: endedProcess() });
      renameSync(file, `${file}.new`);
      await sweep(root, hostname());
      assert.deepEqual(readdirSync(root), []);
    });

    it('without waiting where someone has put a named pipe', async () => {
      assert.equal(spawnSync('mkfifo', [path.join(root, `${'a'.repeat(32)}.json`)]).status, 0);
      await sweep(root, hostname());
    });

    it('of nothing else', async () => {
      const pid = endedProcess();
      const foreign = path.join(root, `${'f'.repeat(32)}.json`);
      writeFileSync(foreign, '{"pid": 1}');
      for (const fields of [{}, { pid, hostName: 'another' }]) {
        const { file, socket } = leave(fields);
        await sweep(root, hostname());
        assert.ok(existsSync(file) && existsSync(socket) && existsSync(foreign));
      }
    });

    it('of no file outside, wherever a descriptor points', async () => {
      const pid = endedProcess();
      const outside = path.join(root, 'home');
      writeFileSync(outside, '');
      leave({ pid, address: `unix:${outside}` });
      await sweep(root, hostname());
      assert.ok(existsSync(outside));
    });
  });
});

/** The id of a process that was. */
function endedProcess(): number {
  return spawnSync(process.execPath, ['-e', ''], { env: {} }).pid;
}
