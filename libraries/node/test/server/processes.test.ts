import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../backends';
import { descriptors } from '../preload/watcher';
import { Child, descriptorOf, endChildren } from './children';
import { describeClient } from './debugClient';

describe('processes that belong together', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'ps-'))));

  afterEach(async () => {
    await endChildren();
    rmSync(folder, { recursive: true });
  });

  /** Two workers of a cluster, a child, two threads and the first one. */
  async function family(env: NodeJS.ProcessEnv = {}): Promise<Child> {
    const first = await Child.start(folder, { env }, 'family.ts');
    await until(() => descriptors(folder).length === 6 || first.isOver);
    assert.ok(!first.isOver, first.err);
    return first;
  }

  it('are attached one by one, each its own: cluster workers, children and threads', async () => {
    const first = await family();
    const found = descriptors(folder);
    assert.equal(new Set(found.map(({ address }) => address)).size, 6);
    assert.equal(new Set(found.map(({ pid }) => pid)).size, 4, 'threads have the pid of their process');
    assert.equal(found.filter(({ pid, name }) => pid === first.pid && /\(thread \d+\)$/.test(name)).length, 2);
    for (const { address, token, instance, pid, name } of found) {
      const { process: described } = await describeClient(address, token);
      assert.deepEqual([described?.instance, described?.pid, described?.name], [instance, pid, name]);
      const others = found.filter((it) => it.token !== token);
      await assert.rejects(describeClient(address, others[0]!.token), /token is missing or wrong/);
    }
  });

  it('share an address of PICKSCOPE_LISTEN by leaving it to one, whom everybody reaches there', async () => {
    const port = await freePort();
    const first = await family({ PICKSCOPE_LISTEN: String(port), PICKSCOPE_TOKEN: 'a token that was agreed on' });
    const found = descriptors(folder);
    const [onTcp, ...more] = found.filter(({ address }) => address === `127.0.0.1:${port}`);
    assert.ok(onTcp && more.length === 0);
    assert.equal(new Set(found.map(({ address }) => address)).size, 6);
    for (let i = 0; i < 20; i++) {
      const { process: described } = await describeClient(onTcp.address, 'a token that was agreed on');
      assert.equal(described?.instance, onTcp.instance);
    }
    for (const { address, token, instance } of found) {
      assert.equal((await describeClient(address, token)).process?.instance, instance);
    }
    await until(
      () => first.err.match(/is taken, so this process can only be attached to on its machine/g)?.length === 5,
    );
  });

  it('each have a port of their own where any will do', async () => {
    await family({ PICKSCOPE_LISTEN: '0' });
    const addresses = descriptors(folder).map(({ address }) => address);
    assert.equal(new Set(addresses).size, 6, addresses.join());
    assert.ok(addresses.every((it) => /^127\.0\.0\.1:[1-9]\d*$/.test(it)));
  });

  it('are swept when they are gone: a thread that was ended, processes that were killed', async () => {
    const first = await family();
    first.process.send('end a thread');
    await until(() => readdirSync(folder).filter((name) => name.endsWith('.sock')).length === 5);
    // A killed process cannot remove anything.
    await endChildren();
    await until(() => descriptors(folder).every(({ pid }) => !isRunning(pid)));
    assert.ok(readdirSync(folder).length > 0);
    const next = await Child.start(folder);
    const { instance } = await descriptorOf(folder, next);
    assert.deepEqual(
      descriptors(folder).map((it) => it.instance),
      [instance],
    );
    assert.equal(readdirSync(folder).length, 2);
    assert.equal(await next.end(), 0);
    assert.deepEqual(readdirSync(folder), []);
  });
});

function freePort(): Promise<number> {
  const server = net.createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
