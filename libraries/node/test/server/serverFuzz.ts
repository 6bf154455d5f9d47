import assert from 'node:assert/strict';
import net from 'node:net';
import { until } from '../backends';
import { Child, descriptorOf } from './children';
import { Watcher } from './debugClient';
import { hostileInput } from './hostileInputs';

/** Connections at a time. */
const lanes = 20;
/** ms that an input is given to be answered, if it waits for an answer. */
const patience = 5;
/** Bytes that the program may keep more than before. */
const maxGrowth = 16e6;

/** How a run went. */
export interface Outcome {
  readonly inputs: number;
  readonly calls: number;
  /** Bytes. */
  readonly growth: number;
  /** Inputs by kind. */
  readonly kinds: ReadonlyMap<string, number>;
}

/** Sends hostile inputs to the debug server of a program that makes calls meanwhile, and asserts that it does not mind. */
export async function fuzz(runtimeFolder: string, firstSeed: number, inputs: number): Promise<Outcome> {
  // Its heap is bounded, so that what is kept without bound shows.
  const nodeOptions = ['--expose-gc', '--max-old-space-size=128'];
  const child = await Child.start(runtimeFolder, { nodeOptions, env: { PICKSCOPE_KEEP: '10s' } });
  const { address, token } = await descriptorOf(runtimeFolder, child);
  await send(address, token, firstSeed - 500, 500, child);
  const before = await settled(child);
  const kinds = await send(address, token, firstSeed, inputs, child);
  const after = await settled(child);
  assert.equal(after.failed, 0, 'the calls of the program have failed');
  assert.ok(after.calls > before.calls, 'the program makes no calls any more');
  const growth = after.memory - before.memory;
  assert.ok(growth < maxGrowth, `${growth} bytes more than before`);
  await assertServes(address, token);
  assert.equal(await child.end(), 0);
  assert.equal(child.err, '');
  return { inputs, calls: after.calls - before.calls, growth, kinds };
}

/** Figures when what was sent has been dealt with. */
async function settled(child: Child) {
  const before = await child.figures();
  for (;;) {
    const now = await child.figures();
    if (now.calls >= before.calls + 50) return now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function send(address: string, token: string, first: number, count: number, child: Child) {
  const kinds = new Map<string, number>();
  let next = first;
  const lane = async () => {
    while (next < first + count) {
      const seed = next++;
      const { kind, bytes } = hostileInput(seed, token);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      await sendOne(address, bytes, seed % 2 === 0);
      assert.ok(!child.isOver, `the program ended at about input ${seed}, ${kind}: ${child.err}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return kinds;
}

/** @param waits Whether the connection stays for an answer. */
async function sendOne(address: string, bytes: Buffer, waits: boolean): Promise<void> {
  const socket = net.connect(address.slice('unix:'.length));
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, patience);
    socket.once('data', () => waits && resolve());
    // Most are cut off: that is what they are for.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.write(bytes, () => !waits && socket.end());
  });
  socket.destroy();
}

/** Places may still be held by connections that were cut off; a watcher tries again, as ours do. */
async function assertServes(address: string, token: string): Promise<void> {
  for (;;) {
    const watcher = new Watcher(address, token);
    await until(() => watcher.error !== undefined || (watcher.picks() > 0 && watcher.cases().includes('heartbeat')));
    watcher.close();
    if (!watcher.error) return;
  }
}
