import * as grpc from '@grpc/grpc-js';
import { parseDescriptor } from '@pickscope/protocol/descriptor';
import { ConnectivityState, DropCause } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Recorder } from '../../src/recorder/recorder';
import { pickCapacity } from '../../src/recorder/rings';
import { openServer, type OpenServer } from '../../src/server/listen';
import { describeProcess } from '../../src/server/process';
import { until } from '../backends';
import { describeClient, retainedBytes, StalledReader, Watcher } from './debugClient';
import { Feed } from './feed';

describe('the debug server', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-'));
  const variable = process.env.PICKSCOPE_RUNTIME_DIR;
  let recorder: Recorder;
  let feed: Feed;
  let server: OpenServer;
  let watchers: Watcher[];

  before(() => (process.env.PICKSCOPE_RUNTIME_DIR = folder));

  after(() => {
    if (variable === undefined) delete process.env.PICKSCOPE_RUNTIME_DIR;
    else process.env.PICKSCOPE_RUNTIME_DIR = variable;
    rmSync(folder, { recursive: true });
  });

  beforeEach(async () => {
    recorder = new Recorder();
    feed = new Feed(recorder);
    watchers = [];
    server = await open(undefined);
  });

  afterEach(() => {
    for (const watcher of watchers) watcher.close();
    server.close();
  });

  function open(tcp: string | number | undefined, token?: string): Promise<OpenServer> {
    const instance = randomBytes(16).toString('hex');
    return openServer(grpc, recorder, () => describeProcess(instance, 'cart', ['1.14.0']), { tcp, token });
  }

  function descriptors() {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return names.map((name) => parseDescriptor(readFileSync(path.join(folder, name), 'utf8')));
  }

  function watch(token = descriptors()[0]!.token, protocolMajor = 1): Watcher {
    const watcher = new Watcher(server.address, token, { protocolMajor });
    watchers.push(watcher);
    return watcher;
  }

  describe('lets in', () => {
    it('who has the token of the descriptor', async () => {
      const watcher = watch();
      await until(() => watcher.cases().includes('snapshotEnd'));
      const { process: described } = await describeClient(server.address, descriptors()[0]!.token);
      assert.equal(described?.name, 'cart');
      assert.equal(described.pid, process.pid);
      assert.equal(described.instance, descriptors()[0]!.instance);
    });

    it('nobody without a token, or with another', async () => {
      const { token } = descriptors()[0]!;
      for (const wrong of ['', token.slice(1), token.replace(/^./, (digit) => (digit === 'f' ? '0' : 'f'))]) {
        const watcher = watch(wrong);
        await until(() => watcher.error !== undefined);
        assert.equal(watcher.error?.code, grpc.status.UNAUTHENTICATED);
        assert.deepEqual(watcher.messages, []);
        await assert.rejects(describeClient(server.address, wrong), { code: grpc.status.UNAUTHENTICATED });
      }
    });

    it('no watcher of another major version, who may still ask who is there', async () => {
      const watcher = watch(undefined, 2);
      await until(() => watcher.error !== undefined);
      assert.equal(watcher.error?.code, grpc.status.FAILED_PRECONDITION);
      assert.match(watcher.error.details, /version 1\.\d+ .* version 2/);
      const answer = await describeClient(server.address, descriptors()[0]!.token);
      assert.equal(answer.process?.protocolMajor, 1);
    });

    it('eight watchers, and another when one has left', async () => {
      const eight = Array.from({ length: 8 }, () => watch());
      await until(() => eight.every((watcher) => watcher.messages.length > 0));
      const ninth = watch();
      await until(() => ninth.error !== undefined);
      assert.equal(ninth.error?.code, grpc.status.RESOURCE_EXHAUSTED);
      eight[0]!.close();
      await until(() => recorder.watcherCount === 7);
      const tenth = watch();
      await until(() => tenth.messages.length > 0);
    });
  });

  describe('is found', () => {
    it('by a descriptor and a socket that only the user may open, until it is closed', () => {
      const [descriptor] = descriptors();
      const socket = descriptor!.address.slice('unix:'.length);
      assert.equal(descriptor!.address, server.address);
      assert.equal(descriptor!.pid, process.pid);
      for (const file of [socket, path.join(folder, `${descriptor!.instance}.json`)]) {
        assert.equal(statSync(file).mode & 0o777, 0o600, file);
      }
      server.close();
      assert.deepEqual(readdirSync(folder), []);
    });

    it('on TCP when asked to, by either token', async () => {
      server.close();
      server = await open(0, 'a token that was agreed on');
      assert.match(server.address, /^127\.0\.0\.1:[1-9]\d*$/);
      assert.equal(descriptors()[0]!.address, server.address);
      for (const token of ['a token that was agreed on', descriptors()[0]!.token]) {
        assert.equal((await describeClient(server.address, token)).process?.name, 'cart');
      }
      assert.ok(!JSON.stringify(descriptors()).includes('agreed'), 'only the random token is written down');
    });

    it('nowhere else than at an address', async () => {
      for (const tcp of ['here', 'localhost:', '70000', '127.0.0.1:99999']) {
        await assert.rejects(open(tcp), /is no address to listen at/);
      }
      const taken = net.createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      await assert.rejects(open((taken.address() as net.AddressInfo).port), /EADDRINUSE/);
      taken.close();
      assert.equal(descriptors().length, 1, 'failures leave nothing behind');
    });
  });

  describe('streams', () => {
    it('a snapshot, then what happens, in one sequence', async () => {
      feed.calls(3);
      const watcher = watch();
      await until(() => watcher.cases().includes('snapshotEnd'));
      const snapshot = watcher.cases();
      assert.deepEqual(snapshot.slice(0, 2), ['process', 'snapshotBegin']);
      assert.deepEqual(
        watcher.changes().map((change) => change.entity.case),
        ['channel', 'endpoint'],
      );
      assert.ok(!snapshot.includes('picks'), 'rows begin with the watching');

      recorder.entities.setEndpointState(feed.endpoint, ConnectivityState.CONNECTING, '');
      recorder.entities.setEndpointState(feed.endpoint, ConnectivityState.READY, '');
      feed.calls(2, '/shop.Cart/Add');
      await until(() => watcher.cases().includes('completions'));
      const live = watcher.messages.slice(snapshot.length);
      assert.deepEqual(
        live.map(({ body }) => body.case),
        ['strings', 'changes', 'picks', 'completions'],
      );
      const states = live.flatMap(({ body }) => (body.case === 'changes' ? body.value.changes : []));
      assert.deepEqual(
        states.map(({ entity }) => entity.case === 'endpoint' && entity.value.state),
        [ConnectivityState.CONNECTING, ConnectivityState.READY],
      );
      assert.deepEqual(
        watcher.messages.map(({ sequence }) => sequence),
        watcher.messages.map((_, i) => i + 1),
      );
    });

    it('heartbeats and exact counters, absolute, of those that changed', async () => {
      feed.calls(5);
      const watcher = watch();
      await until(() => watcher.cases().includes('snapshotEnd'));
      feed.calls(2);
      await until(() => watcher.cases().includes('heartbeat'));
      const counters = watcher.messages.flatMap(({ body }) => (body.case === 'counters' ? [body.value] : []));
      assert.deepEqual(
        counters.map(({ endpoints }) =>
          endpoints.map(({ picks, started, codes, completionsByCode }) => [picks, started, codes, completionsByCode]),
        ),
        [[[5n, 5n, [0], [5n]]], [[7n, 7n, [0], [7n]]]],
      );
      await until(() => watcher.cases().filter((it) => it === 'heartbeat').length === 2);
      assert.equal(watcher.cases().filter((it) => it === 'counters').length, 2, 'nothing changed since');
    });

    it('the last counts of an endpoint that was removed', async () => {
      const watcher = watch();
      await until(() => watcher.cases().includes('snapshotEnd'));
      feed.calls(4);
      recorder.entities.removeEndpoint(feed.endpoint);
      const last = () =>
        watcher.messages.flatMap(({ body }) => (body.case === 'counters' ? body.value.endpoints : [])).at(-1);
      await until(() => last()?.picks === 4n);
      assert.equal(last()?.endpoint, feed.endpoint.message.id);
    });

    it('to several watchers the same', async () => {
      const both = [watch(), watch()];
      await until(() => both.every((watcher) => watcher.cases().includes('snapshotEnd')));
      feed.calls(10);
      await until(() => both.every((watcher) => watcher.picks() === 10));
      both[0]!.close();
      await until(() => recorder.watcherCount === 1);
      feed.calls(10);
      await until(() => both[1]!.picks() === 20);
      both[1]!.close();
      await until(() => recorder.watcherCount === 0);
      assert.equal(recorder.rows, undefined, 'nobody watches: no rows are kept');
    });

    it('a burst that overruns the ring with the oldest dropped, and says how many', async () => {
      const watcher = watch();
      await until(() => watcher.cases().includes('snapshotEnd'));
      feed.calls(pickCapacity + 1000);
      await until(() => watcher.drops() !== undefined);
      assert.deepEqual(
        [watcher.drops()!.picks, watcher.drops()!.completions, watcher.drops()!.cause],
        [1000n, 1000n, DropCause.RING_FULL],
      );
      assert.equal(watcher.picks(), pickCapacity);
    });

    it('drops rows for a reader that does not read, keeps no more of them, and says so when it reads again', async () => {
      const reader = new StalledReader(server.address, descriptors()[0]!.token);
      await until(() => recorder.watcherCount === 1);
      let fed = 0;
      const before = retainedBytes();
      for (let i = 0; i < 40; i++) {
        feed.calls(20_000);
        fed += 20_000;
        await new Promise((resolve) => setTimeout(resolve, 60));
      }
      const grown = retainedBytes() - before;
      // All rows would take 800,000 times 100 bytes and more.
      assert.ok(grown < 50e6, `${grown} bytes more`);
      reader.resume();
      await until(() => reader.messages.some(({ body }) => body.case === 'drops'));
      feed.calls(1);
      fed++;
      await until(() => reader.picks() + Number(reader.drops()!.picks) === fed);
      assert.equal(reader.drops()!.cause, DropCause.SLOW_WATCHER);
      reader.close();
      await until(() => recorder.watcherCount === 0);
    });

    it('no further to a reader that has lost changes', async () => {
      const reader = new StalledReader(server.address, descriptors()[0]!.token);
      await until(() => recorder.watcherCount === 1);
      await new Promise<void>((resolve) => {
        const next = () => {
          for (let i = 0; i < 5000; i++) recorder.entities.resolverUpdate(feed.channel, ['x'.repeat(200)], '');
          if (recorder.watcherCount === 0) resolve();
          else setTimeout(next, 60);
        };
        next();
      });
      reader.resume();
      await until(() => reader.status !== undefined);
      assert.equal(reader.status, String(grpc.status.ABORTED));
      reader.close();
    });
  });
});
