import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { maxDescriptorLength, processStart } from '@pickscope/protocol/descriptor';
import { Discovery } from '../../../src/discovery/discovery';
import { LogLines } from '../logs';
import { until } from '../waiting';
import { descriptorOf, TestRuntimeFolder } from './runtimeFolder';

describe('Discovery', () => {
  let folder: TestRuntimeFolder;
  let log: LogLines;
  let discovery: Discovery;

  beforeEach(() => {
    folder = new TestRuntimeFolder();
    log = new LogLines();
    discovery = new Discovery({ folders: () => [folder.path, folder.file('made-later')], log });
  });
  afterEach(() => {
    discovery.dispose();
    folder.remove();
  });

  const names = () => discovery.clients.map(({ descriptor }) => descriptor.name);

  it('finds the clients that run', async () => {
    const descriptor = descriptorOf();
    folder.announce(descriptor);
    await discovery.scan();
    assert.deepEqual(
      discovery.clients.map((client) => client.descriptor),
      [descriptor],
    );
    assert.ok(Math.abs(discovery.clients[0]!.appearedMs - Date.now()) < 60_000);
    assert.deepEqual(log.lines, []);
  });

  it('sees clients come and go while someone watches', async () => {
    const first = descriptorOf({ name: 'first' });
    const watch = discovery.watch();
    folder.announce(first);
    await until(() => names().includes('first'));
    folder.announce(descriptorOf({ name: 'second' }));
    await until(() => names().length === 2);
    folder.withdraw(first);
    await until(() => names().join() === 'second');
    watch.dispose();
  });

  it('finds two hundred that come one after the other, before they have all come, and sees them go', async () => {
    const all = Array.from({ length: 200 }, (_, index) => descriptorOf({ name: `client-${index}`, hostName: 'other' }));
    let changes = 0;
    discovery.on('change', () => changes++);
    const watch = discovery.watch();
    await discovery.scan();
    for (const [index, descriptor] of all.entries()) {
      folder.announce(descriptor);
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (index === 199) assert.ok(names().length > 0, 'they do not put off the scan that would find them');
    }
    await until(() => names().length === 200);
    assert.equal(new Set(names()).size, 200);
    assert.ok(changes < 100, `${changes} changes`);
    for (const descriptor of all.slice(1)) folder.withdraw(descriptor);
    await until(() => names().length === 1);
    watch.dispose();
    assert.deepEqual(log.lines, []);
  });

  it('looks once more for all who ask while it looks, not once for each', async () => {
    await discovery.scan();
    const { scans } = discovery;
    const first = discovery.scan();
    await Promise.resolve();
    await Promise.all([first, ...Array.from({ length: 100 }, () => discovery.scan())]);
    assert.ok(discovery.scans - scans <= 2, `${discovery.scans - scans} scans`);
  });

  it('tells that a client has made itself known anew', async () => {
    const descriptor = descriptorOf();
    folder.announce(descriptor);
    await discovery.scan();
    let changes = 0;
    discovery.on('change', () => changes++);
    folder.announce({ ...descriptor, address: 'unix:/tmp/other.sock' });
    await discovery.scan();
    assert.equal(changes, 1);
  });

  it('sees a folder that is made later', async () => {
    const watch = discovery.watch();
    await discovery.scan();
    mkdirSync(folder.file('made-later'), { mode: 0o700 });
    const descriptor = descriptorOf({ name: 'late' });
    folder.write(`made-later/${descriptor.instance}.json`, JSON.stringify(descriptor));
    await until(() => names().includes('late'));
    watch.dispose();
  });

  it('sees a process that was killed and left its descriptor', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const descriptor = descriptorOf({ pid: child.pid!, processStart: processStart(child.pid!) });
    folder.announce(descriptor);
    const watch = discovery.watch();
    await until(() => names().length === 1);
    child.kill('SIGKILL');
    await until(() => names().length === 0);
    watch.dispose();
    assert.ok(log.lines.some((line) => line.includes(`process ${child.pid} has ended`)));
    assert.ok(existsSync(folder.file(`${descriptor.instance}.json`)), 'it is not ours to remove');
  });

  it('ignores a client whose socket is gone, as after the end of a worker thread', async () => {
    folder.announce(descriptorOf({ name: 'worker', address: `unix:${folder.file('gone.sock')}` }));
    await discovery.scan();
    assert.deepEqual(names(), []);
    assert.ok(log.lines.some((line) => line.includes('gone.sock is not there')));
  });

  describe('of Go, which leaves its descriptor and its socket behind', () => {
    const socket = () => folder.file('client.sock');
    const address = () => `unix:${socket()}`;

    /** A process that listens at the socket, as a client does. */
    async function startListening(): Promise<ChildProcess> {
      const listen = `require('node:net').createServer((one) => one.on('error', () => {})).listen(process.argv[1])`;
      const child = spawn(process.execPath, ['-e', listen, socket()], { stdio: 'ignore' });
      await until(() => existsSync(socket()));
      return child;
    }

    const ended = async (child: ChildProcess) => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };

    it('finds it while it runs, and no longer when it was killed', async () => {
      const child = await startListening();
      folder.announce(
        descriptorOf({ language: 'go', address: address(), pid: child.pid!, processStart: processStart(child.pid!) }),
      );
      await discovery.scan();
      assert.equal(names().length, 1);
      await ended(child);
      assert.ok(existsSync(socket()), 'its socket is still there');
      await discovery.scan();
      assert.deepEqual(names(), []);
    });

    it('is not misled by another process that was given its pid', async () => {
      if (processStart(process.pid) === '') return;
      folder.announce(descriptorOf({ language: 'go', address: address(), processStart: '1' }));
      const child = await startListening();
      await discovery.scan();
      assert.deepEqual(names(), []);
      await ended(child);
    });

    for (const hostName of [hostname(), 'container']) {
      it(`leaves out a socket that nobody listens at, though its process may run, on ${hostName === 'container' ? 'another host' : 'this one'}`, async () => {
        await ended(await startListening());
        folder.announce(descriptorOf({ language: 'go', address: address(), hostName }));
        await discovery.scan();
        assert.deepEqual(names(), []);
        assert.ok(log.lines.some((line) => line.includes('nobody listens at')));
        assert.deepEqual(discovery.problems, [], 'that is no fault of the folder');
      });
    }

    it('does not flicker: a dead one never shows, nor does one that lives ever go', async () => {
      await ended(await startListening());
      rmSync(socket());
      const child = await startListening();
      folder.announce(descriptorOf({ name: 'alive', language: 'go', address: address(), hostName: 'container' }));
      folder.announce(descriptorOf({ name: 'dead', language: 'go', address: address(), processStart: '1' }));
      const seen = new Set<string>();
      discovery.on('scanned', () => seen.add(names().join()));
      for (let scans = 0; scans < 5; scans++) await discovery.scan();
      assert.deepEqual([...seen], ['alive']);
      await ended(child);
    });

    // Elsewhere the system does not say what a process has come to.
    if (process.platform === 'linux') {
      it('sees that it has ended, though nobody has asked how it ended', async () => {
        // The shell becomes a program that knows nothing of the child that it started before.
        const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
        const [said] = (await once(parent.stdout, 'data')) as [Buffer];
        const pid = Number(said.toString());
        await until(() => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '));
        folder.announce(descriptorOf({ language: 'go', pid, processStart: processStart(pid) }));
        await discovery.scan();
        assert.deepEqual(names(), []);
        await ended(parent);
      });
    }
  });

  it('does not take another process with the same pid for the client', async () => {
    if (processStart(process.pid) === '') return;
    folder.announce(descriptorOf({ processStart: '1' }));
    await discovery.scan();
    assert.deepEqual(names(), []);
  });

  it('keeps a client of another machine or container, whose processes it cannot see', async () => {
    folder.announce(descriptorOf({ hostName: 'container', pid: 4_000_000 }));
    await discovery.scan();
    assert.equal(names().length, 1);
  });

  it('lists a client once that is announced in two folders', async () => {
    const descriptor = descriptorOf();
    folder.announce(descriptor);
    mkdirSync(folder.file('made-later'), { mode: 0o700 });
    folder.write(`made-later/${descriptor.instance}.json`, JSON.stringify(descriptor));
    await discovery.scan();
    assert.equal(names().length, 1);
  });

  describe('ignores, and says so once,', () => {
    const token = descriptorOf().token;
    const cases: [string, () => void, RegExp][] = [
      ['what is not JSON', () => folder.write('a.json', `{"token":"${token}`), /a\.json: it is not JSON/],
      [
        'a descriptor without token',
        () => folder.write('a.json', JSON.stringify({ ...descriptorOf(), token: 1 })),
        /"token"/,
      ],
      ['what is too long', () => folder.write('a.json', ' '.repeat(maxDescriptorLength + 1)), /longer than/],
      ['a file that others can read', () => folder.write('a.json', JSON.stringify(descriptorOf()), 0o644), /mode 644/],
      ['a folder', () => mkdirSync(folder.file('a.json')), /not a regular file/],
      ['a named pipe', () => execFileSync('mkfifo', [folder.file('a.json')]), /not a regular file/],
      [
        'a symbolic link',
        () => {
          folder.write('real', JSON.stringify(descriptorOf()));
          symlinkSync(folder.file('real'), folder.file('a.json'));
        },
        /a\.json: ELOOP/,
      ],
    ];
    for (const [what, make, message] of cases) {
      it(what, async () => {
        make();
        await discovery.scan();
        await discovery.scan();
        assert.deepEqual(names(), []);
        assert.equal(log.lines.length, 1, log.lines.join('\n'));
        assert.deepEqual(discovery.problems, log.lines);
        assert.match(log.lines[0]!, message);
        assert.ok(!log.lines[0]!.includes(token), 'a token is never logged');
        assert.ok(existsSync(folder.file('a.json')), 'it is not ours to remove');
      });
    }
  });

  it('does not look into a folder that is open to others', async () => {
    folder.announce(descriptorOf());
    chmodSync(folder.path, 0o755);
    await discovery.scan();
    assert.deepEqual(names(), []);
    assert.match(log.lines[0]!, /open to other users/);
  });

  it('does not follow a link to a folder', async () => {
    const other = new TestRuntimeFolder();
    other.announce(descriptorOf());
    symlinkSync(other.path, folder.file('made-later'));
    await discovery.scan();
    assert.deepEqual(names(), []);
    assert.match(log.lines[0]!, /symbolic link/);
    other.remove();
  });

  it('stops looking when nobody watches', async () => {
    const first = discovery.watch();
    const second = discovery.watch();
    first.dispose();
    first.dispose();
    folder.announce(descriptorOf({ name: 'seen' }));
    await until(() => names().includes('seen'));
    second.dispose();
    await discovery.scan();
    let scans = 0;
    discovery.on('scanned', () => scans++);
    // One that watches the same folder sees the change no sooner than a watcher that had been forgotten.
    const other = new Discovery({ folders: () => [folder.path], log });
    other.watch();
    folder.announce(descriptorOf({ name: 'unseen' }));
    await until(() => other.clients.length === 2);
    other.dispose();
    assert.equal(scans, 0);
  });

  it('survives its folder being removed', async () => {
    const watch = discovery.watch();
    folder.announce(descriptorOf());
    await until(() => names().length === 1);
    rmSync(folder.path, { recursive: true });
    await until(() => names().length === 0);
    watch.dispose();
  });
});
