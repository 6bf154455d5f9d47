import { socketPath } from '../../src/server/announcement';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import assert from 'node:assert/strict';
import type Fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../backends';
import { Child, descriptorOf, endChildren } from './children';
import { describeClient } from './debugClient';

/** Who runs the program, and who is on the same machine. Only root can be both of them. */
const [user, intruder] = [54321, 54322];

/** What somebody tries, and how it ends: the code of the error, or 'done'. */
const attempts = {
  'lists the folder': (fs, folder) => fs.readdirSync(folder),
  'reads the descriptor': (fs, _folder, descriptor) => fs.readFileSync(descriptor),
  'writes the descriptor': (fs, _folder, descriptor) => fs.writeFileSync(descriptor, '{}'),
  'removes the descriptor': (fs, _folder, descriptor) => fs.unlinkSync(descriptor),
  'removes the socket': (fs, _folder, _descriptor, socket) => fs.unlinkSync(socket),
  'plants a file': (fs, folder) => fs.writeFileSync(`${folder}/${'a'.repeat(32)}.json`, '{}'),
  'moves the folder away': (fs, folder) => fs.renameSync(folder, `${folder}.old`),
  'removes the folder': (fs, folder) => fs.rmSync(folder, { recursive: true }),
  'opens the folder': (fs, folder) => fs.chmodSync(folder, 0o777),
} satisfies Record<string, (fs: typeof Fs, folder: string, descriptor: string, socket: string) => unknown>;

if (process.getuid?.() === 0) {
  describe('another user of the machine', () => {
    let root: string;
    let folder: string;

    beforeEach(() => {
      root = mkdtempSync(path.join(tmpdir(), 'ps-'));
      // As the system's temporary folder is: everybody may make something there.
      chmodSync(root, 0o1777);
      folder = path.join(root, 'run');
    });

    afterEach(async () => {
      await endChildren();
      rmSync(root, { recursive: true });
    });

    for (const [opened, mode] of [
      ['', 0o700],
      [' where it was opened by mistake', 0o755],
    ] as const) {
      it(`can neither read, nor connect, nor plant anything in a runtime folder${opened}`, async () => {
        const child = await Child.start(folder, { uid: user });
        const descriptor = await descriptorOf(folder, child);
        chmodSync(folder, mode);
        const results = trespass(folder, descriptor);
        if (mode === 0o755) delete results['lists the folder'];
        assert.deepEqual(new Set(Object.values(results)), new Set(['EACCES', 'EPERM']), JSON.stringify(results));
        assert.equal(Object.keys(results).length, mode === 0o755 ? 9 : 10);
        // Root, whom nothing is refused, finds all as it was.
        assert.equal((await describeClient(descriptor.address, descriptor.token)).process?.pid, child.pid);
      });
    }

    it('finds them closed also where the mask of the program closes nothing', async () => {
      // With a mask that closes nothing.
      const child = await Child.start(folder, { uid: user }, 'unmasked.ts');
      const { address, instance } = await descriptorOf(folder, child);
      assert.equal(statSync(folder).mode & 0o777, 0o700);
      for (const file of [address.slice('unix:'.length), path.join(folder, `${instance}.json`)]) {
        assert.equal(statSync(file).mode & 0o777, 0o600, file);
      }
    });

    const plants: Readonly<Record<string, (folder: string) => void>> = {
      'a folder of its own': (it) => as(intruder, `fs.mkdirSync(${JSON.stringify(it)}, { mode: 0o700 })`),
      'an open folder': (it) =>
        as(intruder, `fs.mkdirSync(${JSON.stringify(it)}); fs.chmodSync(${JSON.stringify(it)}, 0o777)`),
      'a link to a folder of its own': (it) =>
        as(intruder, `fs.mkdirSync('${it}.there'); fs.symlinkSync('${it}.there', ${JSON.stringify(it)})`),
      "a link to a folder of the user's": (it) => {
        const there = ownFolder(`${it}.there`);
        as(intruder, `fs.symlinkSync(${JSON.stringify(there)}, ${JSON.stringify(it)})`);
      },
    };

    for (const [plant, make] of Object.entries(plants)) {
      it(`plants ${plant}: the program uses another one`, async () => {
        make(path.join(root, 'pickscope'));
        const home = ownFolder(path.join(root, 'home'));
        const env = { XDG_RUNTIME_DIR: root, HOME: home, PICKSCOPE_RUNTIME_DIR: '' };
        const child = await Child.start(folder, { uid: user, env });
        const descriptor = await descriptorOf(path.join(home, '.local/state/pickscope'), child);
        assert.match(descriptor.address, /^unix:.*\/home\/\.local/);
        assert.deepEqual(readdirSync(path.join(root, 'pickscope')), []);
      });
    }

    it('had a folder where everybody may rename: the program does not trust it afterwards either', async () => {
      chmodSync(root, 0o777);
      ownFolder(folder);
      const child = await Child.start(folder, { uid: user });
      await until(() => child.err !== '');
      assert.match(child.err, /could be replaced by other users/);
    });

    function ownFolder(it: string): string {
      mkdirSync(it, { mode: 0o700 });
      chownSync(it, user, user);
      return it;
    }

    function trespass(it: string, { address, instance }: Descriptor): Record<string, string> {
      const socket = socketPath(it, instance);
      assert.equal(address, `unix:${socket}`);
      const trials = Object.entries(attempts).map(([name, attempt]) => `[${JSON.stringify(name)}, ${String(attempt)}]`);
      const paths = [it, path.join(it, `${instance}.json`), socket].map((file) => JSON.stringify(file)).join(', ');
      return JSON.parse(
        as(
          intruder,
          `const results = {};
           for (const [name, attempt] of [${trials.join(', ')}]) {
             try { attempt(fs, ${paths}); results[name] = 'done'; } catch (error) { results[name] = error.code; }
           }
           require('net').connect(${JSON.stringify(socket)})
             .on('connect', () => { results.connects = 'done'; say(); })
             .on('error', (error) => { results.connects = error.code; say(); });
           const say = () => { console.log(JSON.stringify(results)); process.exit(); };`,
        ),
      ) as Record<string, string>;
    }
  });
}

/** Runs code as another user. @returns What it says. */
function as(uid: number, code: string): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', `const fs = require('fs'); ${code}`], {
    uid,
    gid: uid,
    cwd: '/',
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}
