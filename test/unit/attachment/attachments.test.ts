import assert from 'node:assert/strict';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import type { Memento } from 'vscode';
import type { Attachment } from '../../../src/attachment/attachment';
import { Attachments, type AttachmentsOptions } from '../../../src/attachment/attachments';
import { knownClients } from '../../../src/attachment/knownClients';
import { Discovery } from '../../../src/discovery/discovery';
import { TestRuntimeFolder } from '../discovery/runtimeFolder';
import { LogLines } from '../logs';
import { until } from '../waiting';
import { descriptorFor, startClient, stopClient } from './announcedClient';
import { certificate, certificateFile, serverCredentials } from './certificates';
import { FakeDebugServer } from './debugServer';

describe('Attachments', () => {
  let folder: TestRuntimeFolder;
  let log: LogLines;
  let discovery: Discovery;
  let attachments: Attachments;
  let memory: FakeMemento;
  let servers: FakeDebugServer[];
  let tokens: Map<string, string>;
  let settings: { reattach: boolean; autoAttach: string[]; tlsRootsFile: string };
  let silenceMs: number | undefined;

  beforeEach(() => {
    folder = new TestRuntimeFolder();
    log = new LogLines();
    memory = new FakeMemento();
    servers = [];
    tokens = new Map();
    settings = { reattach: true, autoAttach: [], tlsRootsFile: '' };
    silenceMs = undefined;
    openWindow();
  });
  afterEach(() => {
    closeWindow();
    servers.forEach((server) => server.kill());
    folder.remove();
  });

  function openWindow(): void {
    discovery = new Discovery({ folders: () => [folder.path], log });
    const options: AttachmentsOptions = {
      discovery,
      memory,
      log,
      ...(silenceMs !== undefined && { silenceMs }),
      pickBudgetBytes: () => 1_000_000,
      reattach: () => settings.reattach,
      autoAttach: () => settings.autoAttach,
      loadStream: async () => (await import('../../../src/attachment/stream')).readStream,
      tokenFor: (address) => Promise.resolve(tokens.get(address) ?? ''),
      tlsRootsFile: () => settings.tlsRootsFile,
    };
    attachments = new Attachments(options);
  }

  function closeWindow(): void {
    attachments.dispose();
    discovery.dispose();
  }

  async function reloadWindow(): Promise<void> {
    await attachments.remember();
    closeWindow();
    openWindow();
    await attachments.restore();
  }

  /** Go has nothing that runs when a program is killed: all but what listened stays. */
  async function killAsGo(server: FakeDebugServer): Promise<void> {
    const socket = server.address.slice('unix:'.length);
    server.kill();
    await until(() => !existsSync(socket));
    writeFileSync(socket, '');
  }

  /** Starts a client that makes itself known. */
  async function start(name?: string): Promise<FakeDebugServer> {
    const server = await startClient(folder, name);
    servers.push(server);
    return server;
  }

  function attach(server: FakeDebugServer): Attachment {
    return attachments.attach({ kind: 'client', client: descriptorFor(server) });
  }

  const becomes = (attachment: Attachment | undefined, kind: Attachment['state']['kind']) =>
    until(() => attachment?.state.kind === kind);

  it('attaches to a client, and feeds its model', async () => {
    const server = await start();
    const attachment = attach(server);
    assert.equal(attachment.state.kind, 'connecting');
    await becomes(attachment, 'live');
    assert.equal(attachments.selected, attachment);
    assert.ok(attachment.model.hasSnapshot);
    assert.equal(attachment.identity.pid, process.pid);
    const { version } = attachment.model;
    server.send({ case: 'heartbeat', value: {} });
    await until(() => attachment.model.version > version);
  });

  it('asks a client that was lost for what came since', async () => {
    const server = await start();
    const attachment = attach(server);
    await becomes(attachment, 'live');
    const clock = { monotonicNs: 5_000_000_000n, wallUnixNs: 1n << 60n };
    server.send({ case: 'heartbeat', value: { clock } });
    server.send({ case: 'picks', value: { rows: 2, baseTimeNs: 6_000_000_000n, timeDeltaNs: [0, 5] } });
    server.send({ case: 'completions', value: { rows: 1, baseTimeNs: 6_000_000_003n, timeDeltaNs: [0] } });
    await until(() => attachment.model.rowsSince(server.instance) > 0n);
    server.watchers[0]!.end();
    await until(() => server.watchers.length === 2);
    assert.deepEqual(
      server.watchers.map(({ request }) => request.pastSinceNs),
      [0n, 6_000_000_003n],
    );
  });

  it('attaches to an address with the token that was entered for it', async () => {
    const server = new FakeDebugServer();
    servers.push(server);
    await server.listen('127.0.0.1:0');
    const target = { kind: 'address', address: server.address } as const;
    const attachment = attachments.attach(target);
    assert.deepEqual([attachment.identity.name, attachment.identity.pid], [server.address, 0]);
    await becomes(attachment, 'refused');
    assert.ok(attachment.state.kind === 'refused');
    assert.deepEqual(attachment.state.refusal, { kind: 'wrongToken' });
    tokens.set(server.address, server.token);
    attachments.retry(attachment.id);
    await becomes(attachment, 'live');
    assert.equal(attachment.identity.name, 'orders-api');
  });

  it('attaches over TLS to a client that announced its certificate, and to nobody else', async () => {
    const server = new FakeDebugServer();
    servers.push(server);
    await server.listen('127.0.0.1:0', serverCredentials('pinned'));
    const announced = (name: 'pinned' | 'server') => ({ ...descriptorFor(server), certificate: certificate(name) });
    folder.announce(announced('server'));
    const attachment = attachments.attach({ kind: 'client', client: announced('server') });
    await becomes(attachment, 'refused');
    assert.ok(attachment.state.kind === 'refused' && attachment.state.refusal.kind === 'wrongCertificate');
    assert.equal(attachment.state.nextTryMs, null, 'no storm of tries');
    folder.announce(announced('pinned'));
    await becomes(attachment, 'live');
  });

  it('attaches over TLS to an address, with the token for it, by a root of the file', async () => {
    const server = new FakeDebugServer();
    servers.push(server);
    await server.listen('127.0.0.1:0', serverCredentials('server'));
    const address = server.address.replace('127.0.0.1', 'https://localhost');
    tokens.set(address, server.token);
    const attachment = attachments.attach({ kind: 'address', address });
    await becomes(attachment, 'refused');
    assert.ok(attachment.state.kind === 'refused' && attachment.state.refusal.kind === 'wrongCertificate');
    assert.equal(server.asked, 0, 'the token went to nobody');
    settings.tlsRootsFile = certificateFile('root');
    attachments.retry(attachment.id);
    await becomes(attachment, 'live');
    await attachments.remember();
    assert.ok(!`${memory.text()} ${log.lines.join()}`.includes(server.token));
  });

  it('takes a place among the watchers by itself as soon as there is one', async () => {
    const server = await start();
    server.refuseWatch = { code: status.RESOURCE_EXHAUSTED, details: '' };
    const attachment = attach(server);
    await becomes(attachment, 'refused');
    server.refuseWatch = undefined;
    await becomes(attachment, 'live');
  });

  it('goes on with a client that made itself known anew, elsewhere or with another token', async () => {
    const server = await start();
    server.token = 'f'.repeat(64);
    const attachment = attach(server);
    server.token = 'e'.repeat(64);
    await becomes(attachment, 'refused');
    folder.announce(descriptorFor(server));
    await becomes(attachment, 'live');
  });

  it('does not attach twice to the same client, but tries it again', async () => {
    const server = await start();
    server.refuseWatch = { code: status.RESOURCE_EXHAUSTED, details: '' };
    const attachment = attach(server);
    await becomes(attachment, 'refused');
    server.refuseWatch = undefined;
    assert.equal(attach(server), attachment);
    await becomes(attachment, 'live');
    assert.equal(attachments.all.length, 1);
  });

  it('opens a new stream after a gap, and goes on', async () => {
    const server = await start();
    const attachment = attach(server);
    await becomes(attachment, 'live');
    server.send({ case: 'heartbeat', value: {} }, 99);
    await until(() => server.watchers.length === 2 && attachment.state.kind === 'live');
  });

  it('takes a client that says nothing any more for lost, and finds it again', async () => {
    closeWindow();
    silenceMs = 300;
    openWindow();
    const server = await start();
    const attachment = attach(server);
    await until(() => attachment.state.kind === 'lost' && attachment.state.loss.kind === 'silent');
    assert.ok(attachment.model.hasSnapshot, 'what was received stays');
    await until(() => server.watchers.length === 2 && server.watchers[0]!.cancelled);
  });

  it('follows a client that restarts, and keeps what is known', async () => {
    const first = await start();
    const attachment = attach(first);
    await becomes(attachment, 'live');
    const { model } = attachment;
    stopClient(folder, first);
    await until(() => attachment.state.kind === 'lost' && attachment.state.nextTryMs === null);
    const second = await start();
    await becomes(attachment, 'live');
    assert.equal(attachment.model, model);
    assert.equal(attachments.ofInstance(second.instance), attachment);
    assert.deepEqual(
      knownClients(attachments.all, discovery.clients).map(({ id }) => id),
      [first.instance],
      'one client, under the id that the panel knows',
    );
  });

  it('follows a client of Go that was killed, and whose descriptor and socket are still there', async () => {
    const first = await start();
    const attachment = attach(first);
    await becomes(attachment, 'live');
    await killAsGo(first);
    await becomes(attachment, 'lost');
    const second = await start();
    await until(() => attachments.ofInstance(second.instance) === attachment);
    await becomes(attachment, 'live');
  });

  it('does not attach by itself to one that was killed so', async () => {
    const dead = await start();
    await killAsGo(dead);
    settings.autoAttach = ['orders-api'];
    attachments.settingsChanged();
    const alive = await start();
    await until(() => attachments.ofInstance(alive.instance) !== undefined);
    assert.equal(attachments.ofInstance(dead.instance), undefined);
    assert.equal(attachments.all.length, 1);
  });

  it('does not hijack a twin that ran already, nor another program', async () => {
    const first = await start();
    const twin = await start();
    const attachment = attach(first);
    await becomes(attachment, 'live');
    backdate(folder, twin);
    stopClient(folder, first);
    await until(() => attachment.state.kind === 'lost' && attachment.state.nextTryMs === null);
    await start('another');
    await discovery.scan();
    assert.equal(attachment.state.kind, 'lost');
    assert.equal(attachments.ofInstance(twin.instance), undefined);
  });

  it('waits for the person where it must not attach again by itself', async () => {
    settings.reattach = false;
    const first = await start();
    const attachment = attach(first);
    await becomes(attachment, 'live');
    stopClient(folder, first);
    await becomes(attachment, 'lost');
    const second = await start();
    await discovery.scan();
    assert.equal(attachment.state.kind === 'lost' && attachment.state.nextTryMs, null);
    attachments.retry(attachment.id);
    await becomes(attachment, 'live');
    assert.equal(attachments.ofInstance(second.instance), attachment);
  });

  it('tries a lost connection to a running client again', async () => {
    const server = await start();
    const attachment = attach(server);
    await becomes(attachment, 'live');
    server.watchers[0]!.end();
    await becomes(attachment, 'lost');
    await becomes(attachment, 'live');
    assert.equal(server.watchers.length, 2);
  });

  it('detaches: the stream ends, the next one is selected', async () => {
    const [first, second] = [await start('first'), await start('second')];
    const attachment = attach(first);
    await becomes(attachment, 'live');
    const other = attach(second);
    attachments.select(attachment.id);
    attachments.detach(attachment.id);
    await until(() => first.watchers[0]!.cancelled);
    assert.deepEqual([attachments.all, attachments.selected], [[other], other]);
    attachments.detach(other.id);
    assert.equal(attachments.selected, undefined);
  });

  it('attaches after a window reload what was attached before', async () => {
    const [first, second] = [await start('first'), await start('second')];
    attach(first);
    await becomes(attach(second), 'live');
    await reloadWindow();
    assert.deepEqual(
      attachments.all.map(({ id }) => id),
      [first.instance, second.instance],
    );
    assert.equal(attachments.selected?.id, second.instance);
    await becomes(attachments.selected, 'live');
  });

  it('finds after a window reload the client that restarted meanwhile', async () => {
    const first = await start();
    await becomes(attach(first), 'live');
    await attachments.remember();
    closeWindow();
    stopClient(folder, first);
    const second = await start();
    openWindow();
    await attachments.restore();
    await becomes(attachments.selected, 'live');
    assert.equal(attachments.ofInstance(second.instance), attachments.selected);
  });

  it('writes no token into the memory of the workspace', async () => {
    const server = await start();
    await becomes(attach(server), 'live');
    await attachments.remember();
    assert.ok(memory.text().includes(server.instance));
    assert.ok(!memory.text().includes(server.token));
    assert.ok(!log.lines.join('\n').includes(server.token), 'nor into the log');
  });

  it('brings nothing back where the setting says so', async () => {
    await becomes(attach(await start()), 'live');
    settings.reattach = false;
    await reloadWindow();
    assert.deepEqual(attachments.all, []);
  });

  it('attaches by itself to the names that a setting gives, until the person detaches', async () => {
    settings.autoAttach = ['orders-api'];
    attachments.settingsChanged();
    await start('another');
    const server = await start();
    await until(() => attachments.all.length === 1);
    await becomes(attachments.selected, 'live');
    assert.ok(attachments.ofInstance(server.instance));
    attachments.detach(server.instance);
    await discovery.scan();
    assert.deepEqual(attachments.all, []);
  });

  it('shows what a client calls itself without characters that forge', async () => {
    const server = await start(`a\u202eb\n${'x'.repeat(300)}`.slice(0, 250));
    await discovery.scan();
    const [client] = knownClients([], discovery.clients);
    assert.match(client!.identity.name, /^a\ufffdb\ufffdx+$/);
    await becomes(attach(server), 'live');
    assert.match(attachments.selected!.identity.name, /^a\ufffdb\ufffdx+$/);
  });
});

/** Makes the client's descriptor one that was written an hour ago. */
function backdate(folder: TestRuntimeFolder, { instance }: FakeDebugServer): void {
  const hourAgo = new Date(Date.now() - 3_600_000);
  utimesSync(folder.file(`${instance}.json`), hourAgo, hourAgo);
}

class FakeMemento implements Memento {
  readonly #values = new Map<string, string>();

  keys(): readonly string[] {
    return [...this.#values.keys()];
  }

  get<T>(key: string, otherwise?: T): T | undefined {
    const text = this.#values.get(key);
    return text === undefined ? otherwise : (JSON.parse(text) as T);
  }

  update(key: string, value: unknown): Promise<void> {
    this.#values.set(key, JSON.stringify(value));
    return Promise.resolve();
  }

  text(): string {
    return [...this.#values.values()].join();
  }
}
