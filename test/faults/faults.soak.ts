import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { until } from '../unit/waiting';
import { kill, morePicks, Scene, shown } from './scene';

/** After which a real window takes a client for lost. */
const silenceMs = 5000;
const stopMs = 30_000;
/** A client looks every five seconds whether it is still announced; then comes the next try. */
const patienceMs = 60_000;

async function within(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + patienceMs; Date.now() < end && !condition();) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok(condition(), condition.toString());
}

describe('faults that take their time, as a person sees them', () => {
  const scene = new Scene();

  before(() => scene.open());
  after(() => scene.close());
  afterEach(async () => {
    scene.closeWindows();
    await scene.endClients();
  });

  it('a client that is stopped for half a minute', async () => {
    const client = scene.start();
    const window = scene.window(silenceMs);
    const attachment = window.attach(await scene.descriptorOf(client));
    await morePicks(attachment);
    const { picksSeen } = shown(attachment);
    client.kill('SIGSTOP');
    await within(() => attachment.state.kind === 'lost');
    await new Promise((resolve) => setTimeout(resolve, stopMs));
    assert.ok(attachment.state.kind === 'lost' && attachment.state.loss.kind === 'silent');
    const { tries } = attachment.state;
    assert.ok(tries > 0 && tries < 10, `${tries} tries in half a minute`);
    const goesOnMs = Date.now();
    client.kill('SIGCONT');
    await within(() => attachment.state.kind === 'live');
    console.log(`      stopped ${stopMs / 1000} s: ${tries} tries, live again ${Date.now() - goesOnMs} ms after`);
    await morePicks(attachment);
    assert.ok(shown(attachment).picksSeen >= picksSeen);
    // None of the tries holds a place among the watchers.
    for (let i = 0; i < 7; i++) await morePicks(scene.window().attach(await scene.descriptorOf(client)));
  });

  it('a socket that is deleted while attached, and the stream lost after', async () => {
    const client = scene.start();
    const descriptor = await scene.descriptorOf(client);
    const attachment = scene.window(700).attach(descriptor);
    await morePicks(attachment);
    rmSync(descriptor.address.slice('unix:'.length));
    await morePicks(attachment);
    client.kill('SIGSTOP');
    await within(() => attachment.state.kind === 'lost' && attachment.state.loss.kind === 'unreachable');
    const goesOnMs = Date.now();
    client.kill('SIGCONT');
    await within(() => attachment.state.kind === 'live');
    console.log(`      socket deleted: live again ${Date.now() - goesOnMs} ms after`);
    await morePicks(attachment);
  });

  it('socket and descriptor that are deleted before anybody attached', async () => {
    const client = scene.start();
    const descriptor = await scene.descriptorOf(client);
    const window = scene.window();
    window.look();
    await until(() => window.discovery.clients.length === 1);
    rmSync(scene.fileOf(descriptor));
    rmSync(descriptor.address.slice('unix:'.length));
    await until(() => window.discovery.clients.length === 0);
    await within(() => window.discovery.clients.length === 1);
    await morePicks(window.attach(window.discovery.clients[0]!.descriptor));
  });

  it('a socket that is deleted: whoever attaches then waits, and needs to do nothing', async () => {
    const descriptor = await scene.descriptorOf(scene.start());
    rmSync(descriptor.address.slice('unix:'.length));
    const attachment = scene.window().attach(descriptor);
    await within(() => attachment.state.kind === 'lost' && attachment.state.loss.kind === 'unreachable');
    await within(() => attachment.state.kind === 'live');
  });

  it('a client that is killed and started again, ten times', async () => {
    let client = scene.start();
    const window = scene.window();
    const attachment = window.attach(await scene.descriptorOf(client));
    for (let i = 0; i < 10; i++) {
      await morePicks(attachment);
      await kill(client);
      await within(() => attachment.state.kind === 'lost');
      client = scene.start();
      await within(() => attachment.identity.pid === client.pid);
    }
    await morePicks(attachment);
    assert.equal(window.attachments.all.length, 1);
    assert.equal(shown(attachment).events.filter(({ kind }) => kind === 'restart').length, 10);
  });
});
