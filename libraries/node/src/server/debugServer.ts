import { create } from '@bufbuild/protobuf';
import type * as GrpcModule from '@grpc/grpc-js';
import {
  DescribeResponseSchema,
  type Process,
  type WatchRequest,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition, protocolVersion, tokenMetadataKey } from '@pickscope/protocol/service';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Recorder } from '../recorder/recorder';
import { WatchStream } from './watch';

type Grpc = typeof GrpcModule;
type WatchCall = GrpcModule.ServerWritableStream<WatchRequest, WatchResponse>;

const maxWatchers = 8;

/** What the debug server tells of, and whom. */
export interface DebugService {
  readonly recorder: Recorder;
  readonly describe: () => Process;
  /** Each of them lets in. */
  readonly tokens: readonly string[];
}

/** A server of the debug protocol, not yet listening. */
export function createDebugServer(grpc: Grpc, service: DebugService): GrpcModule.Server {
  // Not in the program's channelz: it is not the program's server.
  const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
  server.addService(debugServiceDefinition, {
    describe: (call: GrpcModule.ServerUnaryCall<unknown, unknown>, respond: GrpcModule.sendUnaryData<unknown>) => {
      const refusal = authenticate(grpc, service, call.metadata);
      if (refusal) respond(refusal);
      else respond(null, create(DescribeResponseSchema, { process: service.describe() }));
    },
    watch: (call: WatchCall) => {
      const refusal = authenticate(grpc, service, call.metadata) ?? admit(grpc, service, call.request);
      if (refusal) call.emit('error', refusal);
      else watch(grpc, service, call);
    },
  });
  return server;
}

type Refusal = Pick<GrpcModule.StatusObject, 'code' | 'details'>;

function authenticate(grpc: Grpc, { tokens }: DebugService, metadata: GrpcModule.Metadata): Refusal | undefined {
  const [given] = metadata.get(tokenMetadataKey);
  // Digests are compared, so that the time tells neither the token nor its length.
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const matches = (token: string) => typeof given === 'string' && timingSafeEqual(digest(given), digest(token));
  if (tokens.some(matches)) return undefined;
  return { code: grpc.status.UNAUTHENTICATED, details: 'The token is missing or wrong.' };
}

function admit(grpc: Grpc, { recorder }: DebugService, { protocolMajor }: WatchRequest): Refusal | undefined {
  const { major, minor } = protocolVersion;
  if (protocolMajor !== major) {
    const details = `This client speaks version ${major}.${minor} of the protocol, the watcher version ${protocolMajor}.`;
    return { code: grpc.status.FAILED_PRECONDITION, details };
  }
  if (recorder.watcherCount >= maxWatchers) {
    return { code: grpc.status.RESOURCE_EXHAUSTED, details: `${maxWatchers} watchers are attached already.` };
  }
  return undefined;
}

function watch(grpc: Grpc, { recorder, describe }: DebugService, call: WatchCall): void {
  const stream = new WatchStream(recorder, describe(), {
    get full() {
      return call.writableNeedDrain;
    },
    write: (message) => void call.write(message),
    abort: () => {
      const details = 'The watcher reads too slowly and lost changes; it has to open another stream.';
      call.emit('error', { code: grpc.status.ABORTED, details });
    },
  });
  call.on('cancelled', () => stream.close());
  call.on('close', () => stream.close());
  if (call.cancelled) stream.close();
}
