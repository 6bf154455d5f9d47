import { create, fromBinary, toBinary, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import {
  DescribeRequestSchema,
  WatchRequestSchema,
  WatchResponseSchema,
  type DescribeResponse,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import { once } from 'node:events';
import http2 from 'node:http2';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * Clients of a debug server, good ones and bad ones.
 */

/** @param trusted PEM of the certificate to be trusted, where TLS is spoken. */
export function describeClient(address: string, token: string, trusted?: string): Promise<DescribeResponse> {
  const client = new grpc.Client(address, credentialsFor(trusted));
  const { path: method, requestSerialize, responseDeserialize } = debugServiceDefinition.describe;
  return new Promise((resolve, reject) => {
    const request = create(DescribeRequestSchema);
    client.makeUnaryRequest(
      method,
      requestSerialize,
      responseDeserialize,
      request,
      metadata(token),
      (error, answer) => {
        client.close();
        if (error) reject(error);
        else resolve(answer!);
      },
    );
  });
}

function credentialsFor(trusted: string | undefined): grpc.ChannelCredentials {
  return trusted === undefined
    ? grpc.credentials.createInsecure()
    : grpc.credentials.createSsl(Buffer.from(trusted), null, null, { checkServerIdentity: () => undefined });
}

function metadata(token: string): grpc.Metadata {
  const result = new grpc.Metadata();
  if (token !== '') result.set(tokenMetadataKey, token);
  return result;
}

type Request = MessageInitShape<typeof WatchRequestSchema>;

/** What a stream has said. */
export class Messages {
  readonly messages: WatchResponse[] = [];

  receive(message: WatchResponse): void {
    this.messages.push(message);
  }

  cases(): (string | undefined)[] {
    return this.messages.map(({ body }) => body.case);
  }

  changes() {
    return this.messages.flatMap(({ body }) => (body.case === 'changes' ? body.value.changes : []));
  }

  picks(): number {
    return this.messages.reduce((sum, { body }) => sum + (body.case === 'picks' ? body.value.rows : 0), 0);
  }

  drops() {
    return this.messages.flatMap(({ body }) => (body.case === 'drops' ? [body.value] : [])).at(-1);
  }
}

export interface WatchOptions {
  /** As for describeClient. */
  readonly trusted?: string | undefined;
  /** ms since the Unix epoch. */
  readonly deadline?: number;
}

export class Watcher extends Messages {
  error: grpc.ServiceError | undefined;
  private readonly client: grpc.Client;
  private readonly stream: grpc.ClientReadableStream<WatchResponse>;

  constructor(address: string, token: string, request: Request = {}, options: WatchOptions = {}) {
    super();
    this.client = new grpc.Client(address, credentialsFor(options.trusted));
    const { path: method, requestSerialize, responseDeserialize } = debugServiceDefinition.watch;
    this.stream = this.client.makeServerStreamRequest(
      method,
      requestSerialize,
      responseDeserialize,
      create(WatchRequestSchema, { protocolMajor: 1, ...request }),
      metadata(token),
      { deadline: options.deadline ?? Infinity },
    );
    this.stream.on('data', (message: WatchResponse) => this.receive(message));
    this.stream.on('error', (error: grpc.ServiceError) => (this.error = error));
  }

  close(): void {
    this.stream.cancel();
    this.client.close();
  }
}

/** A gRPC client by hand, which leaves what it is sent in the connection: grpc-js's would buffer it. */
export class StalledReader extends Messages {
  status: string | undefined;
  /** The server has begun to answer: it tells of what happens from now on. */
  readonly answered: Promise<unknown>;
  private readonly session: http2.ClientHttp2Session;
  private readonly stream: http2.ClientHttp2Stream;
  private rest = Buffer.alloc(0);

  constructor(address: string, token: string, request: Request = {}) {
    super();
    const socket = net.connect(address.slice('unix:'.length));
    this.session = http2.connect('http://localhost', { createConnection: () => socket });
    this.stream = this.session.request({
      ':method': 'POST',
      ':path': debugServiceDefinition.watch.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      [tokenMetadataKey]: token,
    });
    this.answered = once(this.stream, 'response');
    // One who is refused, or closes first, gets none.
    this.answered.catch(() => undefined);
    this.stream.on(
      'trailers',
      (trailers: http2.IncomingHttpHeaders) => (this.status = String(trailers['grpc-status'])),
    );
    const message = create(WatchRequestSchema, { protocolMajor: 1, ...request });
    this.stream.end(frame(toBinary(WatchRequestSchema, message)));
  }

  /** @param pause ms before each chunk of 16 KB. */
  resume(pause = 0): void {
    this.stream.removeAllListeners('data');
    this.stream.on('data', (chunk: Buffer) => {
      if (pause > 0) {
        this.stream.pause();
        setTimeout(() => this.stream.resume(), pause);
      }
      this.rest = Buffer.concat([this.rest, chunk]);
      for (let length = frameLength(this.rest); length <= this.rest.length; length = frameLength(this.rest)) {
        this.receive(fromBinary(WatchResponseSchema, this.rest.subarray(5, length)));
        this.rest = this.rest.subarray(length);
      }
    });
  }

  close(): void {
    this.session.destroy();
  }
}

/** What is still referred to: garbage would say how busy the machine is, not what the server keeps. */
export function retainedBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** gRPC's frame: a byte for compression, four for the length. */
export function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

export function frameLength(bytes: Buffer): number {
  return bytes.length < 5 ? Infinity : 5 + bytes.readUInt32BE(1);
}
