import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bundle } from '../../../libraries/node/test/server/children';
import { descriptorOf } from './runtimeFolder';

/** Who looks for clients, and who is on the same machine. Only root can be both of them. */
const [user, intruder] = [54321, 54322];

if (process.getuid?.() === 0) {
  describe('Discovery, where another user of the machine', () => {
    let root: string;

    beforeEach(() => {
      root = mkdtempSync(path.join(tmpdir(), 'ps-'));
      chmodSync(root, 0o1777);
    });

    afterEach(() => rmSync(root, { recursive: true }));

    function folderOf(uid: number, name = 'run'): string {
      const folder = path.join(root, name);
      mkdirSync(folder, { mode: 0o700 });
      chownSync(folder, uid, uid);
      return folder;
    }

    function plant(uid: number, folder: string, name: string, mode = 0o600): string {
      const descriptor = descriptorOf({ name });
      const file = path.join(folder, `${descriptor.instance}.json`);
      writeFileSync(file, JSON.stringify(descriptor), { mode });
      chownSync(file, uid, uid);
      return file;
    }

    async function found(...folders: string[]): Promise<{ names: string[]; problems: string[] }> {
      const program = await bundle(path.join(__dirname, 'lookAround.ts'));
      const options = { uid: user, gid: user, cwd: '/', encoding: 'utf8' } as const;
      const { stdout, stderr } = spawnSync(process.execPath, [program, ...folders], options);
      assert.equal(stderr, '');
      return JSON.parse(stdout) as { names: string[]; problems: string[] };
    }

    it('has a folder, closed or open, or a link to one, does not look there', async () => {
      const [closed, open] = [folderOf(intruder), folderOf(intruder, 'open')];
      plant(intruder, closed, 'planted');
      plant(user, open, 'planted');
      chmodSync(open, 0o777);
      symlinkSync(folderOf(user, 'there'), path.join(root, 'link'));
      plant(user, path.join(root, 'there'), 'planted');
      const { names, problems } = await found(closed, open, path.join(root, 'link'));
      assert.deepEqual(names, []);
      assert.equal(
        problems.filter((it) => /belongs to another user \(uid 54322\)|is a symbolic link/.test(it)).length,
        3,
      );
    });

    it('has put descriptors into a folder of ours, finds ours alone', async () => {
      const folder = folderOf(user);
      plant(user, folder, 'ours');
      plant(intruder, folder, "another's");
      plant(user, folder, 'written by another', 0o666);
      const outside = plant(intruder, folderOf(intruder, 'outside'), 'linked');
      symlinkSync(outside, path.join(folder, `${'a'.repeat(32)}.json`));
      linkSync(outside, path.join(folder, `${'b'.repeat(32)}.json`));
      assert.equal(spawnSync('mkfifo', [path.join(folder, `${'c'.repeat(32)}.json`)]).status, 0);
      const { names, problems } = await found(folder);
      assert.deepEqual(names, ['ours']);
      assert.equal(problems.length, 5);
    });

    it('could put another folder in the place of ours, does not look there', async () => {
      const folder = folderOf(user);
      plant(user, folder, 'ours');
      chmodSync(root, 0o777);
      const { names, problems } = await found(folder);
      assert.deepEqual(names, []);
      assert.match(problems[0]!, /could be replaced by other users, who may change what is in /);
    });
  });
}
