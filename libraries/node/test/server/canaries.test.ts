import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { Channelz } from '@pickscope/protocol/channelz';
import { WatchRequestSchema, WatchResponseSchema } from '@pickscope/protocol/messages';
import { debugServiceDefinition, serviceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../backends';
import { Child, descriptorOf, endChildren } from './children';
import { frame, frameLength } from './debugClient';

const certificates = path.join(__dirname, '../../../../test/unit/attachment/certificates');
const [cert, key] = ['pinned.pem', 'pinned.key'].map((name) => path.join(certificates, name));

describe('what a watcher is told', () => {
  let folder: string;
  let session: http2.ClientHttp2Session;

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'ps-'))));

  afterEach(async () => {
    session.destroy();
    await endChildren();
    rmSync(folder, { recursive: true });
  });

  /** All that comes back of a call until it ends, or is enough: headers, trailers and bytes. */
  async function saidOf(method: string, token: string, request: Uint8Array, enough?: (bytes: Buffer) => boolean) {
    const said: Buffer[] = [];
    const stream = session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
      [tokenMetadataKey]: token,
    });
    const headers = (block: http2.IncomingHttpHeaders) => said.push(Buffer.from(JSON.stringify(block)));
    const data: Buffer[] = [];
    await new Promise<void>((resolve) => {
      stream.on('response', headers).on('trailers', headers);
      stream.on('data', (chunk: Buffer) => {
        data.push(chunk);
        if (enough?.(Buffer.concat(data))) stream.close();
      });
      stream.on('error', () => undefined).on('close', resolve);
      stream.end(frame(request));
    });
    return Buffer.concat([...said, ...data]);
  }

  it('holds nothing secret: no payload, metadata, trailer, status message, key, argument or variable, live or recorded', async () => {
    const recordings = path.join(folder, 'recordings');
    mkdirSync(recordings, { mode: 0o700 });
    const child = await Child.start(
      path.join(folder, 'run'),
      {
        args: ['canary-argument'],
        env: {
          CANARY: 'canary-variable',
          PICKSCOPE_TEST_CERT: cert,
          PICKSCOPE_TEST_KEY: key,
          PICKSCOPE_KEEP: '10s',
          PICKSCOPE_RECORD_SIGNAL: 'SIGUSR2',
          PICKSCOPE_RECORDINGS: recordings,
        },
      },
      'canaryProgram.ts',
    );
    const { address, token } = await descriptorOf(path.join(folder, 'run'), child);
    const socket = net.connect(address.slice('unix:'.length));
    session = http2.connect('http://localhost', { createConnection: () => socket });
    const request = create(WatchRequestSchema, { protocolMajor: 1, past: true });
    // What is searched has the calls in it, good ones and bad ones.
    const codes = new Set<number>();
    const hasAll = (bytes: Buffer) => {
      completedCodes(bytes).forEach((code) => codes.add(code));
      return codes.has(grpc.status.OK) && codes.has(grpc.status.INTERNAL);
    };
    const watched = await saidOf(
      debugServiceDefinition.watch.path,
      token,
      toBinary(WatchRequestSchema, request),
      hasAll,
    );
    const others = [await saidOf(debugServiceDefinition.describe.path, token, Buffer.alloc(0))];
    for (const { path: method } of Object.values(serviceDefinition(Channelz))) {
      for (let id = 0; id < 30; id++) others.push(await saidOf(method, token, Buffer.from([8, id])));
    }
    child.process.kill('SIGUSR2');
    await until(() => readdirSync(recordings).some((name) => statSize(path.join(recordings, name)) > 1000));
    const recorded = readdirSync(recordings).map((name) => readFileSync(path.join(recordings, name)));
    const all = Buffer.concat([watched, ...others, ...recorded]);
    assert.ok(all.includes('/shop.Cart/Get'), 'what is searched tells of the calls');
    assert.ok(Buffer.concat(others).includes('127.0.0.1'), 'channelz answers');
    for (const secret of secrets()) assert.ok(!all.includes(secret), `${secret.toString('latin1')} was told`);
  });
});

/** Of the completions in the messages of a stream. */
function completedCodes(bytes: Buffer): number[] {
  const codes: number[] = [];
  let rest = bytes;
  for (let length = frameLength(rest); length <= rest.length; length = frameLength(rest)) {
    const { body } = fromBinary(WatchResponseSchema, rest.subarray(5, length));
    // An empty column is one of zeros.
    if (body.case === 'completions') codes.push(...(body.value.code.length > 0 ? body.value.code : [0]));
    rest = rest.subarray(length);
  }
  return codes;
}

/** What must not be found, as it is and in base64, wherever it may begin there. */
function secrets(): Buffer[] {
  const pem = [cert!, key!].flatMap((file) => readFileSync(file, 'utf8').trim().split('\n').slice(1, -1));
  const der = new X509Certificate(readFileSync(cert!)).raw;
  const plain = ['canary-', ...pem].map((text) => Buffer.from(text));
  const binary = [der.subarray(0, 24), der.subarray(-24)];
  const encoded = [Buffer.from('canary-')].flatMap((it) =>
    [0, 1, 2].map((shift) =>
      Buffer.concat([Buffer.alloc(shift), it])
        .toString('base64')
        .slice(shift === 0 ? 0 : 4, -4),
    ),
  );
  return [...plain, ...binary, ...encoded.filter((it) => it.length >= 4).map((it) => Buffer.from(it))];
}

function statSize(file: string): number {
  return readFileSync(file).length;
}
