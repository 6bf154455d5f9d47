import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import path from 'node:path';
import type { Attachment } from '../../src/attachment/attachment';
import type { AttachmentState } from '../../src/attachment/attachmentState';
import { until } from '../unit/waiting';
import { Proxy } from './proxy';
import { Scene, kill, markers, morePicks, shown } from './scene';

const lossOf = ({ state }: Attachment) => (state.kind === 'lost' ? state.loss.kind : state.kind);

/** All states that an attachment goes through. */
function statesOf(attachment: Attachment): AttachmentState[] {
  const states = [attachment.state];
  attachment.on('change', () => states.push(attachment.state));
  return states;
}

describe('faults, as a person sees them', function () {
  this.timeout(60_000);
  const scene = new Scene();

  before(() => scene.open());
  after(() => scene.close());
  afterEach(async () => {
    scene.closeWindows();
    await scene.endClients();
  });

  for (const bytes of [1, 300]) {
    it(`a client that is killed with ${bytes} bytes of a message on the wire, and restarts`, async () => {
      const first = scene.start();
      const descriptor = await scene.descriptorOf(first);
      const socket = path.join(scene.runtimeFolder, `proxy-${bytes}.sock`);
      const proxy = await Proxy.open(socket, descriptor.address.slice('unix:'.length));
      const window = scene.window();
      const attachment = window.attach({ ...descriptor, address: `unix:${socket}` });
      await morePicks(attachment);
      await proxy.breakOffAfter(bytes);
      await kill(first);
      proxy.close();
      await until(() => attachment.state.kind === 'lost');
      const { picksSeen, totals } = shown(attachment);
      assert.ok(picksSeen > 0 && totals.completed > 0, 'what was received stays');
      assert.ok(['closed', 'gone', 'unreachable'].includes(lossOf(attachment)), lossOf(attachment));

      const second = scene.start();
      await until(() => attachment.identity.pid === second.pid);
      await morePicks(attachment);
      const { events } = shown(attachment);
      assert.ok(markers(attachment).some(({ kind }) => kind === 'restart'));
      assert.ok(events.some((event) => event.kind === 'restart' && event.pid === second.pid));
      assert.equal(window.attachments.all.length, 1);
    });
  }

  it('a client that is stopped for longer than the silence, and goes on', async () => {
    const client = scene.start();
    const attachment = scene.window(700).attach(await scene.descriptorOf(client));
    await morePicks(attachment);
    client.kill('SIGSTOP');
    await until(() => lossOf(attachment) === 'silent');
    assert.ok(shown(attachment).picksSeen > 0, 'what was received stays');
    await until(() => attachment.state.kind === 'lost' && attachment.state.tries > 1);
    assert.equal(lossOf(attachment), 'silent', 'its socket still takes connections');
    client.kill('SIGCONT');
    await morePicks(attachment);
    assert.ok(!markers(attachment).some(({ kind }) => kind === 'restart'));
    assert.ok(!shown(attachment).events.some(({ kind }) => kind === 'restart'), 'it is the same process');
  });

  it('a window that was busy for longer than the silence does not take its client for lost', async () => {
    const attachment = scene.window(500).attach(await scene.descriptorOf(scene.start()));
    await morePicks(attachment);
    const states = statesOf(attachment);
    block(1200);
    await morePicks(attachment);
    assert.deepEqual(
      states.map(({ kind }) => kind),
      ['live'],
    );
  });

  it('a descriptor that is deleted: the attached one stays, and is found again after a loss', async () => {
    const client = scene.start();
    const descriptor = await scene.descriptorOf(client);
    const window = scene.window(500);
    const attachment = window.attach(descriptor);
    await morePicks(attachment);
    rmSync(scene.fileOf(descriptor), { force: true });
    await window.discovery.scan();
    await morePicks(attachment);
    client.kill('SIGSTOP');
    await until(() => attachment.state.kind === 'lost');
    rmSync(scene.fileOf(descriptor), { force: true });
    await window.discovery.scan();
    assert.equal(lossOf(attachment), 'silent', 'its process runs: it has not ended');
    client.kill('SIGCONT');
    await morePicks(attachment);
  });

  it('a client that comes back after the clock was set back', async () => {
    const first = scene.start();
    const window = scene.window();
    const attachment = window.attach(await scene.descriptorOf(first));
    await morePicks(attachment);
    const { now } = Date;
    try {
      Date.now = () => now() + 3_600_000;
      await kill(first);
      await until(() => attachment.state.kind === 'lost');
    } finally {
      Date.now = now;
    }
    await window.discovery.scan();
    await window.discovery.scan();
    const second = scene.start();
    await until(() => attachment.identity.pid === second.pid);
    await morePicks(attachment);
  });

  it('a window whose clock jumps goes on', async () => {
    const attachment = scene.window(1000).attach(await scene.descriptorOf(scene.start()));
    await morePicks(attachment);
    const states = statesOf(attachment);
    const { now } = Date;
    try {
      for (const jumpMs of [3_600_000, -3_600_000]) {
        Date.now = () => now() + jumpMs;
        await morePicks(attachment);
        assert.ok(Math.abs(shown(attachment).atMs - now()) < 10_000, 'the picture stays at the time of the client');
      }
    } finally {
      Date.now = now;
    }
    assert.deepEqual(
      states.map(({ kind }) => kind),
      ['live'],
    );
  });

  for (const others of ['fork', 'cluster', 'threads'] as const) {
    it(`${others}: each is a client of its own`, async () => {
      const count = others === 'fork' ? 2 : 3;
      const parent = scene.start(others);
      await until(() => scene.announced().length === count);
      const clients = scene.announced();
      assert.equal(new Set(clients.map(({ instance }) => instance)).size, count);
      assert.equal(new Set(clients.map(({ pid }) => pid)).size, others === 'threads' ? 1 : count);
      const names = new Set(clients.map(({ name }) => name));
      assert.equal(names.size, others === 'threads' ? count : 1, [...names].join());
      const window = scene.window();
      const attachments = clients.map((client) => window.attach(client));
      for (const attachment of attachments) await morePicks(attachment);
      await kill(parent);
      for (const attachment of attachments) await until(() => attachment.state.kind === 'lost');
    });
  }

  it('more windows than may watch: the last one takes the first place that is free', async () => {
    const descriptor = await scene.descriptorOf(scene.start());
    const windows = Array.from({ length: 8 }, () => scene.window());
    const attachments = windows.map((window) => window.attach(descriptor));
    for (const attachment of attachments) await morePicks(attachment);
    const last = scene.window().attach(descriptor);
    await until(() => last.state.kind === 'refused');
    assert.ok(last.state.kind === 'refused' && last.state.refusal.kind === 'tooManyWatchers');
    assert.notEqual(last.state.nextTryMs, null);
    windows[3]!.close();
    await morePicks(last);
    for (const [index, attachment] of attachments.entries()) if (index !== 3) await morePicks(attachment);
  });

  it('a channel that is idle until its policy is gone, then used again', async () => {
    const client = scene.start();
    const attachment = scene.window().attach(await scene.descriptorOf(client));
    await morePicks(attachment);
    client.send('rest');
    await until(() => shown(attachment).state === 'IDLE');
    const before = shown(attachment);
    client.send('call');
    await until(() => shown(attachment).state === 'READY');
    await morePicks(attachment);
    const after = shown(attachment);
    assert.equal(after.id, before.id, 'it is the same channel');
    assert.deepEqual(after.policyPath, ['p2c_ewma']);
    assert.ok(markers(attachment).at(-1)?.historyLost, 'the new policy knows nothing of the calls before');
    await until(() => shown(attachment).totals.completed > before.totals.completed);
  });
});

/** As another extension does that computes for long in the same process. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
