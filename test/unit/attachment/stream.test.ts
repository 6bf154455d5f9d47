import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { readStream, type StreamEvent, type StreamOptions } from '../../../src/attachment/stream';
import { FakeDebugServer } from './debugServer';

describe('readStream', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  let server: FakeDebugServer;

  beforeEach(async () => {
    server = new FakeDebugServer();
    await server.listen(`unix:${path.join(folder, `${server.instance.slice(0, 8)}.sock`)}`);
  });
  afterEach(() => server.kill());
  after(() => rmSync(folder, { recursive: true }));

  function options(change: Partial<StreamOptions> = {}): StreamOptions {
    const { address, token } = server;
    return { address, token, signal: new AbortController().signal, answerTimeoutMs: 5000, ...change };
  }

  /** All events, as one reads them in a log. */
  async function read(change?: Partial<StreamOptions>, on?: (line: string) => void): Promise<string[]> {
    const lines: string[] = [];
    for await (const event of readStream(options(change))) {
      lines.push(lineOf(event));
      on?.(lines.at(-1)!);
    }
    return lines;
  }

  /** What the watcher asked for. */
  function asked() {
    const { past, pastSinceNs } = server.watchers[0]!.request;
    return { past, pastSinceNs };
  }

  const beginning = ['connected', 'described 1.3', 'process', 'snapshotBegin', 'snapshotEnd'];

  it('connects, asks who is there, and yields all that was sent before the end', async () => {
    const lines = await read({}, (line) => {
      if (line !== 'snapshotEnd') return;
      server.send({ case: 'heartbeat', value: {} });
      server.watchers[0]!.end();
    });
    assert.deepEqual(lines, [...beginning, 'heartbeat', 'ended closed']);
  });

  it('tells a client that was killed, after everything that had arrived', async () => {
    const lines = await read({}, (line) => line === 'snapshotEnd' && server.kill());
    assert.deepEqual(lines.slice(0, -1), beginning);
    assert.match(lines.at(-1)!, /^ended closed \(.+\)$/);
  });

  it('asks for the past, of the process that described itself, as far as it is not there already', async () => {
    await read({}, (line) => line === 'snapshotEnd' && server.kill());
    assert.deepEqual(asked(), { past: true, pastSinceNs: 0n });
  });

  it('asks a process that was seen before for what came since', async () => {
    const rowsSince = (instance: string) => (instance === server.instance ? 1n << 60n : 0n);
    await read({ rowsSince }, (line) => line === 'snapshotEnd' && server.kill());
    assert.deepEqual(asked(), { past: true, pastSinceNs: 1n << 60n });
  });

  it('sees a gap, and yields nothing after it', async () => {
    const lines = await read({}, (line) => line === 'snapshotEnd' && server.send({ case: 'heartbeat', value: {} }, 9));
    assert.deepEqual(lines, [...beginning, 'ended gap']);
  });

  it('ends when it is told to', async () => {
    const abort = new AbortController();
    const lines = await read({ signal: abort.signal }, (line) => line === 'snapshotEnd' && abort.abort());
    assert.equal(lines.at(-2), 'snapshotEnd');
    assert.match(lines.at(-1)!, /^ended closed/);
  });

  it('says that nobody answers at an address', async () => {
    const lines = await read({ address: `unix:${path.join(folder, 'none.sock')}` });
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /^ended unreachable \(connect ENOENT \S+none\.sock\)$/);
  });

  it('says that a token is wrong', async () => {
    assert.deepEqual(await read({ token: 'a guess' }), ['connected', 'ended wrongToken']);
  });

  it('says that another gRPC service answers', async () => {
    const other = new Server();
    const port = await new Promise<number>((resolve, reject) => {
      const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound));
      other.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done);
    });
    assert.deepEqual(await read({ address: `127.0.0.1:${port}` }), ['connected', 'ended notPickscope']);
    other.forceShutdown();
  });

  it('says that something without HTTP/2 is not reachable', async () => {
    const http = await listening(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    const lines = await read({ address: `127.0.0.1:${(http.address() as AddressInfo).port}` });
    assert.match(lines.at(-1)!, /^ended (unreachable|silent)/);
    http.close();
  });

  it('says that a client speaks another protocol, and does not watch it', async () => {
    server.protocolMajor = 2;
    assert.deepEqual(await read(), ['connected', 'described 2.3', 'ended versionMismatch 2.3']);
    assert.equal(server.watchers.length, 0);
  });

  it('says that a client has as many watchers as it allows', async () => {
    server.refuseWatch = { code: status.RESOURCE_EXHAUSTED, details: 'at most 4' };
    assert.equal((await read()).at(-1), 'ended tooManyWatchers');
  });

  it('does not wait for ever for an answer', async () => {
    server.mute = true;
    assert.deepEqual(await read({ answerTimeoutMs: 300 }), ['connected', 'ended silent']);
  });

  it('keeps control characters and long texts of the other side out', async () => {
    server.refuseWatch = { code: status.ABORTED, details: `<b>\u202e${'x'.repeat(5000)}` };
    const last = (await read()).at(-1)!;
    assert.ok(last.length < 300 && last.startsWith('ended closed (<b>\ufffdxxx'), last);
  });
});

function lineOf(event: StreamEvent): string {
  switch (event.type) {
    case 'connected':
      return 'connected';
    case 'described':
      return `described ${event.protocol}`;
    case 'message':
      return event.message.body.case ?? 'empty';
    case 'ended': {
      const { failure } = event;
      if ('detail' in failure && failure.detail !== '') return `ended ${failure.kind} (${failure.detail})`;
      return `ended ${failure.kind}${'theirs' in failure ? ` ${failure.theirs}` : ''}`;
    }
  }
}

function listening(server: TcpServer): Promise<TcpServer> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
