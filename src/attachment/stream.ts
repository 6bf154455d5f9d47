import { Client, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { create } from '@bufbuild/protobuf';
import {
  DescribeRequestSchema,
  WatchRequestSchema,
  type DescribeResponse,
  type Process,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition, maxTextLength, protocolVersion, tokenMetadataKey } from '@pickscope/protocol/service';
import type { StreamMessage } from '../model/streamMessage';
import { untrustedText } from '../model/untrustedText';
import type { Failure } from './attachmentState';
import { decodeMessage } from './decode';
import { transportTo, type Trust } from './transport';

/*
 * With transport.ts all that knows gRPC. It is a bundle of its own, loaded at the first attach; so what crosses its
 * border is plain data, never an instance to be tested with instanceof.
 */

export interface StreamOptions {
  /** `unix:/path`, `host:port` or `https://host:port`. */
  readonly address: string;
  readonly token: string;
  /** Where it speaks TLS. */
  readonly trust?: Trust;
  /** Up to when all rows of the process with this instance are there already, in its ns; 0 where it is not given. */
  readonly rowsSince?: (instance: string) => bigint;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** How long to wait for the connection and its first answer. */
  readonly answerTimeoutMs: number;
}

export type StreamEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'described'; readonly process: Process | undefined; readonly protocol: string }
  /** To be read before the next is asked for: its columns lie in memory that is used again. The bytes do not. */
  | { readonly type: 'message'; readonly message: StreamMessage; readonly bytes: Uint8Array }
  /** The last one, always. */
  | { readonly type: 'ended'; readonly failure: Failure };

const channelOptions = {
  // A laptop's http_proxy must not catch what goes to this machine.
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.max_receive_message_length': 16 * 1024 * 1024,
  // Bytes. With the default, 64 KiB, a client that is busy sends no more than that each time that it comes up for air.
  'grpc-node.flow_control_window': 1024 * 1024,
  // Otherwise a new try would inherit the connection, and the backoff, of the one before.
  'grpc.use_local_subchannel_pool': 1,
};

/** Connects, asks who is there, and yields what comes until the stream ends, for whatever reason. Never throws. */
export async function* readStream(options: StreamOptions): AsyncGenerator<StreamEvent, void> {
  let client: Client | undefined;
  let phase: Phase = 'prepare';
  try {
    const transport = await transportTo(options.address, options.trust);
    client = new Client(transport.target, transport.credentials, { ...channelOptions, ...transport.channelOptions });
    phase = 'connect';
    const answer = describe(client, options);
    await Promise.race([connected(client, options), answer]);
    yield { type: 'connected' };
    phase = 'describe';
    const { process } = await answer;
    const protocol = `${process?.protocolMajor ?? 0}.${process?.protocolMinor ?? 0}`;
    yield { type: 'described', process, protocol };
    if (process?.protocolMajor !== protocolVersion.major) {
      yield { type: 'ended', failure: { kind: 'versionMismatch', theirs: protocol } };
      return;
    }
    phase = 'watch';
    yield* watch(client, options, options.rowsSince?.(process.instance) ?? 0n);
  } catch (error) {
    yield { type: 'ended', failure: failureOf(error as ServiceError, phase, options.trust) };
  } finally {
    client?.close();
  }
}

type Phase = 'prepare' | 'connect' | 'describe' | 'watch';

function metadataOf({ token }: StreamOptions): Metadata {
  const metadata = new Metadata();
  metadata.set(tokenMetadataKey, token);
  return metadata;
}

function connected(client: Client, { answerTimeoutMs }: StreamOptions): Promise<void> {
  return new Promise((resolve) => {
    // Where it does not connect, the Describe call that waits for the same connection says why.
    client.waitForReady(Date.now() + answerTimeoutMs, (error) => {
      if (!error) resolve();
    });
  });
}

function describe(client: Client, options: StreamOptions): Promise<DescribeResponse> {
  const { path, requestSerialize, responseDeserialize } = debugServiceDefinition.describe;
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      create(DescribeRequestSchema),
      metadataOf(options),
      { deadline: Date.now() + options.answerTimeoutMs },
      (error, response) => (response ? resolve(response) : reject(error ?? new Error('no response'))),
    );
    options.signal.addEventListener('abort', () => call.cancel(), { once: true });
  });
}

async function* watch(client: Client, options: StreamOptions, pastSinceNs: bigint): AsyncGenerator<StreamEvent, void> {
  const { path, requestSerialize } = debugServiceDefinition.watch;
  const request = create(WatchRequestSchema, { protocolMajor: protocolVersion.major, past: true, pastSinceNs });
  const call = client.makeServerStreamRequest(path, requestSerialize, asItIs, request, metadataOf(options));
  options.signal.addEventListener('abort', () => call.cancel(), { once: true });
  let sequence = 0;
  try {
    for await (const bytes of call as AsyncIterable<Uint8Array>) {
      const message = decodeMessage(bytes);
      sequence++;
      if (message.sequence !== sequence) {
        yield { type: 'ended', failure: { kind: 'gap' } };
        return;
      }
      yield { type: 'message', message, bytes };
    }
    yield { type: 'ended', failure: { kind: 'closed', detail: '' } };
  } finally {
    call.cancel();
  }
}

/** gRPC reads ahead: a message is decoded when its turn has come. */
function asItIs(bytes: Buffer): Uint8Array {
  return bytes;
}

function failureOf({ code, details, message }: ServiceError, phase: Phase, trust: Trust | undefined): Failure {
  const detail = untrustedText(details || message, maxTextLength);
  if (phase === 'prepare') return { kind: trust && 'certificate' in trust ? 'wrongCertificate' : 'badRoots', detail };
  switch (code) {
    case status.UNAUTHENTICATED:
      return { kind: 'wrongToken' };
    case status.UNIMPLEMENTED:
      return { kind: 'notPickscope' };
    case status.FAILED_PRECONDITION:
      return { kind: 'versionMismatch', theirs: '' };
    case status.RESOURCE_EXHAUSTED:
      // gRPC itself uses this code for a message that is too long.
      return detail.includes('larger than max') ? { kind: 'failed', detail } : { kind: 'tooManyWatchers' };
    case status.DEADLINE_EXCEEDED:
      return { kind: 'silent' };
    default:
      return phase === 'watch' ? { kind: 'closed', detail } : connectFailureOf(connectErrorOf(detail), trust);
  }
}

/** OpenSSL and Node name the certificate in every message about one that is not to be trusted. */
function connectFailureOf(detail: string, trust: Trust | undefined): Failure {
  return trust && /certificate/i.test(detail) ? { kind: 'wrongCertificate', detail } : { kind: 'unreachable', detail };
}

/** "connect ENOENT /run/…" out of what grpc-js wraps around it; else the whole. */
function connectErrorOf(detail: string): string {
  return /Last error: (?:Error: )?(.+?)\.? *Resolution note:/.exec(detail)?.[1] ?? detail;
}
