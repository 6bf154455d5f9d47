import { create, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { WatchRequestSchema } from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Duplex } from 'node:stream';
import * as grpc110 from 'grpc-js-1.10';
import { Recorder } from '../../src/recorder/recorder';
import { openServer, type ListenOptions, type OpenServer } from '../../src/server/listen';
import { describeProcess } from '../../src/server/process';
import { until, type Grpc } from '../backends';
import { describeClient, frame, Watcher } from './debugClient';

const token = 'a token that was agreed on';
const { UNAUTHENTICATED, RESOURCE_EXHAUSTED } = grpc.status;

const versions: readonly { name: string; library: Grpc }[] = [
  { name: '1.14', library: grpc },
  { name: '1.10', library: grpc110 as unknown as Grpc },
];

for (const { name, library } of versions) {
  describe(`the debug server on grpc-js ${name}, among strangers`, () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
    const variable = process.env.PICKSCOPE_RUNTIME_DIR;
    const closing: { close(): void }[] = [];
    let recorder: Recorder;
    let server: OpenServer;

    before(() => (process.env.PICKSCOPE_RUNTIME_DIR = folder));

    after(() => {
      if (variable === undefined) delete process.env.PICKSCOPE_RUNTIME_DIR;
      else process.env.PICKSCOPE_RUNTIME_DIR = variable;
      rmSync(folder, { recursive: true });
    });

    afterEach(() => closing.splice(0).forEach((it) => it.close()));

    async function open(timing: ListenOptions['timing'] = {}): Promise<void> {
      recorder = new Recorder();
      const instance = randomBytes(16).toString('hex');
      const describeIt = () => describeProcess(instance, 'cart', ['1.14.0']);
      server = await openServer(library, recorder, describeIt, { token, timing });
      closing.push(server);
    }

    function watch(): Watcher {
      const watcher = new Watcher(server.address, token);
      closing.push(watcher);
      return watcher;
    }

    /** A connection by hand. */
    function connect(): Connection {
      const connection = new Connection(server.address);
      closing.push(connection);
      return connection;
    }

    it('answers who has the token at once, while those who have not wait', async () => {
      await open({ longestDelay: 300 });
      const connection = connect();
      const answers = Array.from({ length: 10 }, () => connection.call('wrong'));
      let refused = 0;
      for (const answer of answers) void answer.then(() => refused++);
      await until(() => connection.sent === 10);
      const { process: described } = await describeClient(server.address, token);
      assert.equal(described?.name, 'cart');
      assert.ok(refused < 10, 'the wrong ones still wait');
      assert.deepEqual(new Set(await Promise.all(answers)), new Set([String(UNAUTHENTICATED)]));
    });

    it('tells its watchers how many calls it refused, without a token and with a wrong one, whatever they called', async () => {
      await open();
      const connection = connect();
      await Promise.all([connection.call(''), connection.call('wrong'), connection.call('', '/no.such/Method')]);
      const watcher = watch();
      const refused = () => watcher.messages.flatMap(({ body }) => (body.case === 'heartbeat' ? [body.value] : []));
      await until(() => refused().length > 0);
      assert.equal(Number(refused()[0]!.refusedCalls), 3);
    });

    it('lets at most 64 wait for their answers, and gives their places back when they leave', async () => {
      await open({ longestDelay: 300 });
      const connections = [connect(), connect(), connect()];
      const answered: string[] = [];
      for (const connection of connections) {
        for (let i = 0; i < 30; i++) void connection.call('wrong').then((code) => answered.push(code));
      }
      await until(() => connections.every(({ sent }) => sent === 30));
      await until(() => answered.length === 64);
      connections.forEach((connection) => connection.close());
      assert.equal(await connect().call('wrong'), String(UNAUTHENTICATED));
      await until(() => answered.length === 90);
      assert.equal(answered.filter((code) => code === 'none').length, 26);
    });

    it('ends a connection that does not show the token in time, and none that has', async () => {
      await open({ proof: 300 });
      const [silent, wrong] = [connect(), connect()];
      const raw = net.connect(server.address.slice('unix:'.length));
      closing.push({ close: () => raw.destroy() });
      raw.resume();
      void wrong.call('wrong');
      const watcher = watch();
      await until(() => silent.closed && wrong.closed && raw.readyState === 'closed');
      await until(() => watcher.messages.some(({ body }) => body.case === 'heartbeat'));
      assert.equal(watcher.error, undefined);
    });

    it('has 32 connections at a time: who has shown the token stays, the oldest other one goes', async () => {
      await open();
      const watcher = watch();
      await until(() => watcher.messages.length > 0);
      const strangers: Connection[] = [];
      for (let i = 0; i < 32; i++) {
        strangers.push(connect());
        await strangers.at(-1)!.connected;
      }
      await until(() => strangers[0]!.closed);
      assert.equal(strangers.filter(({ closed }) => closed).length, 1);
      assert.equal((await describeClient(server.address, token)).process?.name, 'cart');
      assert.equal(watcher.error, undefined);
    });

    it('takes requests of 4 KB at most', async () => {
      await open();
      const connection = connect();
      assert.equal(await connection.call(token, undefined, frame(Buffer.alloc(5000))), String(RESOURCE_EXHAUSTED));
      assert.equal(await connection.call(token), '0');
    });

    it('takes few and small headers, and few streams at a time', async () => {
      await open();
      const connection = connect();
      await connection.connected;
      assert.equal(connection.session.remoteSettings.maxConcurrentStreams, 32);
      assert.equal(connection.session.remoteSettings.maxHeaderListSize, 16 * 1024);
      const many = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`x-${i}`, '']));
      assert.equal(await connection.call(token, undefined, undefined, many), 'none');
      assert.equal(await connection.call(token, undefined, undefined, { 'x-large': 'x'.repeat(17_000) }), 'none');
      assert.equal(await connection.call(token), '0');
    });

    it('gives the place of a watcher that answers no more to another', async () => {
      await open({ ping: 100 });
      const eight = Array.from({ length: 8 }, () => connect());
      const request = frame(toBinary(WatchRequestSchema, create(WatchRequestSchema, { protocolMajor: 1 })));
      for (const connection of eight) void connection.call(token, debugServiceDefinition.watch.path, request);
      await until(() => recorder.watcherCount === 8);
      eight[0]!.stop();
      await until(() => recorder.watcherCount === 7);
      const next = watch();
      await until(() => next.messages.length > 0);
      assert.equal(next.error, undefined);
    });

    it('takes the place of a connection that answers no more for a new one, the token or not', async () => {
      await open();
      const dead = Array.from({ length: 32 }, () => connect());
      await Promise.all(dead.map((connection) => connection.call(token)));
      dead.forEach((connection) => connection.stop());
      let described: string | undefined;
      while (described === undefined) {
        described = await describeClient(server.address, token).then(
          ({ process: it }) => it?.name,
          () => undefined,
        );
      }
      assert.equal(described, 'cart');
    });

    it('ends every attachment when it is closed', async () => {
      await open();
      const watcher = watch();
      await until(() => watcher.messages.length > 0);
      server.close();
      await until(() => watcher.error !== undefined && recorder.watcherCount === 0);
    });

    it('is not brought to print anything, or down, by headers that are no good', async () => {
      await open();
      const printed: unknown[] = [];
      library.setLogger({ error: (...it) => printed.push(it) });
      const connection = connect();
      const odd = { 'content-type': 'application/grpc\xff', 'grpc-encoding': '\xff', cookie: '\xee', 'x-bin': '%%%' };
      for (const method of ['/\xff\xfe', '/a b', '/%', `/${'x'.repeat(9000)}`, debugServiceDefinition.describe.path]) {
        await connection.call(token, method, undefined, odd);
        await connection.call(token, method, undefined, { 'grpc-timeout': 'soon', 'x-text': '\xff' });
      }
      library.setLogger(console);
      assert.deepEqual(printed, []);
      assert.equal(await connect().call(token), '0');
    });
  });
}

/** A connection by hand. */
class Connection {
  readonly session: http2.ClientHttp2Session;
  readonly connected: Promise<void>;
  closed = false;
  /** Calls whose requests have left. */
  sent = 0;
  private readonly wire: Wire;

  constructor(address: string) {
    this.wire = new Wire(net.connect(address.slice('unix:'.length)));
    this.session = http2.connect('http://localhost', { createConnection: () => this.wire });
    this.session.on('error', () => undefined);
    this.session.on('close', () => (this.closed = true));
    this.connected = new Promise((resolve) => this.session.once('remoteSettings', () => resolve()));
  }

  /** @returns The status of the answer; 'none': there was none. */
  async call(
    given: string,
    method = debugServiceDefinition.describe.path,
    request: Buffer = frame(Buffer.alloc(0)),
    headers: http2.OutgoingHttpHeaders = {},
  ): Promise<string> {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...(given !== '' && { [tokenMetadataKey]: given }),
      ...headers,
    });
    const answer = new Promise<string>((resolve) => {
      const status = (block: http2.IncomingHttpHeaders) => {
        if ('grpc-status' in block) resolve(String(block['grpc-status']));
      };
      stream.on('response', status).on('trailers', status);
      stream.on('close', () => resolve('none')).on('error', () => resolve('none'));
    });
    stream.resume();
    stream.end(request, () => this.sent++);
    return answer;
  }

  /** Reads no more, as one whose process was stopped. */
  stop(): void {
    this.wire.stop();
  }

  close(): void {
    this.session.destroy();
  }
}

/** Between a connection and its socket. */
class Wire extends Duplex {
  constructor(private readonly socket: net.Socket) {
    super();
    socket.on('data', (chunk: Buffer) => this.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.destroy());
  }

  stop(): void {
    this.socket.pause();
  }

  override _read(): void {
    // What comes is pushed.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.socket.write(chunk, done);
  }

  override _destroy(_error: Error | null, done: () => void): void {
    this.socket.destroy();
    done();
  }
}
