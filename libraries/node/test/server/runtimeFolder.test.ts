import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../backends';
import { Child, descriptorOf, endChildren } from './children';
import { describeClient } from './debugClient';

/*
 * Faults of the runtime folder. To root nothing is refused, so root has the programs run as somebody else.
 */

const isRoot = process.getuid?.() === 0;
const user = isRoot ? 54321 : undefined;
const stranger = 54322;

describe('a program whose runtime folder', () => {
  let root: string;
  const mounts: string[] = [];

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'ps-'));
    chmodSync(root, 0o755);
  });

  afterEach(async () => {
    await endChildren();
    for (const mount of mounts.splice(0)) run('umount', mount);
    rmSync(root, { recursive: true });
  });

  function own(folder: string, mode = 0o700): string {
    mkdirSync(folder, { recursive: true });
    if (user !== undefined) chownSync(folder, user, user);
    chmodSync(folder, mode);
    return folder;
  }

  /** The program makes its calls, and says why it cannot be attached to, once. */
  async function assertRunsOn(child: Child, why: RegExp): Promise<void> {
    await until(() => child.err.includes('cannot be attached to') || child.isOver);
    const before = await child.figures();
    await until(() => child.err !== '');
    let { calls, failed } = before;
    while (calls < before.calls + 20) ({ calls, failed } = await child.figures());
    assert.equal(failed, 0);
    assert.equal(await child.end(), 0);
    const said = child.err.split('\n').filter((line) => line.includes('PickscopeWarning'));
    assert.equal(said.length, 1, child.err);
    assert.match(said[0]!, why);
    assert.match(said[0]!, /Name one in PICKSCOPE_RUNTIME_DIR .* The program runs on without it\.$/);
  }

  const faults: Readonly<Record<string, { why: RegExp; make: (folder: string) => void }>> = {
    'cannot be written to': { why: /EACCES: permission denied/, make: (folder) => void own(folder, 0o500) },
    'cannot be entered': { why: /EACCES: permission denied/, make: (folder) => void own(folder, 0o600) },
    'cannot be made': { why: /EACCES: permission denied, mkdir/, make: (folder) => own(path.dirname(folder), 0o500) },
    'is open to others': {
      why: /is open to other users \(mode 770, not 700\)/,
      make: (folder) => void own(folder, 0o770),
    },
    'is a symbolic link': {
      why: /is a symbolic link/,
      make: (folder) => {
        own(path.dirname(folder));
        symlinkSync(own(path.join(root, 'elsewhere')), folder);
      },
    },
    'is a file': {
      why: /is not a folder/,
      make: (folder) => {
        own(path.dirname(folder));
        writeFileSync(folder, '');
      },
    },
    'can be replaced by others': {
      why: /could be replaced by other users, who may change what is in \S+\/a;/,
      make: (folder) => {
        own(folder);
        chmodSync(path.dirname(folder), 0o777);
      },
    },
  };
  const faultsByRoot: typeof faults = {
    'belongs to another': {
      why: /belongs to another user \(uid 54322\)/,
      make: (folder) => chownSync(own(folder), stranger, stranger),
    },
    "lies in another's folder": {
      why: /could be replaced by other users, who may change what is in \S+\/a;/,
      make: (folder) => {
        own(folder);
        chownSync(path.dirname(folder), stranger, stranger);
      },
    },
    "lies in a group's folder": {
      why: /could be replaced by other users, who may change what is in \S+\/a;/,
      make: (folder) => {
        own(folder);
        chownSync(path.dirname(folder), user!, stranger);
        chmodSync(path.dirname(folder), 0o770);
      },
    },
  };
  const faultsOfMounts: typeof faults = {
    'is mounted read-only': {
      why: /EROFS: read-only file system/,
      make: (folder) => {
        mount(own(folder), `ro,mode=700,uid=${user}`);
      },
    },
    'is on a full disk': {
      why: /ENOSPC: no space left on device, write/,
      make: (folder) => {
        mount(own(folder), `size=4k,mode=700,uid=${user}`);
        writeFileSync(path.join(folder, 'full'), Buffer.alloc(4096));
      },
    },
    'has no room for one more file': {
      why: /ENOSPC/,
      make: (folder) => {
        mount(own(folder), `size=4k,nr_inodes=1,mode=700,uid=${user}`);
      },
    },
  };
  const cases = { ...faults, ...(isRoot && faultsByRoot), ...(canMount() && faultsOfMounts) };

  function mount(folder: string, options: string): void {
    assert.equal(run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder), 0);
    mounts.push(folder);
  }

  for (const [fault, { why, make }] of Object.entries(cases)) {
    it(`${fault} runs on, and is told once why it cannot be attached to`, async () => {
      const folder = path.join(root, 'a', 'run');
      make(folder);
      const before = contentOf(folder);
      const child = await Child.start(folder, { uid: user });
      await assertRunsOn(child, why);
      assert.deepEqual(contentOf(folder), before, 'nothing is left behind');
    });
  }

  for (const fault of Object.keys(cases).filter((it) => ['cannot be written to', 'is on a full disk'].includes(it))) {
    it(`${fault} takes the next one that can be used`, async () => {
      const folder = path.join(root, 'a', 'run');
      cases[fault]!.make(folder);
      const home = own(path.join(root, 'home'));
      const child = await Child.start(folder, { uid: user, env: { HOME: home } });
      const { address, token } = await descriptorOf(path.join(home, '.local/state/pickscope'), child);
      assert.equal((await describeClient(address, token)).process?.pid, child.pid);
      assert.equal(await child.end(), 0);
      assert.equal(child.err, '');
    });
  }

  function canMount(): boolean {
    if (!isRoot || process.platform !== 'linux') return false;
    const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
    const can = run('mount', '-t', 'tmpfs', 'tmpfs', folder) === 0;
    if (can) run('umount', folder);
    rmSync(folder, { recursive: true });
    return can;
  }
});

function contentOf(folder: string): string[] {
  return existsSync(folder) && statSync(folder).isDirectory() ? readdirSync(folder) : [];
}

function run(command: string, ...args: string[]): number | null {
  return spawnSync(command, args, { stdio: 'ignore' }).status;
}
