import { create } from '@bufbuild/protobuf';
import type * as GrpcModule from '@grpc/grpc-js';
import { DescribeResponseSchema, type Process } from '@pickscope/protocol/messages';
import { debugServiceDefinition } from '@pickscope/protocol/service';
import type { Http2Server } from 'node:http2';
import type { Recorder } from '../recorder/recorder';
import type { StreamHandler } from './connections';
import type { KeepLimits } from './keep';
import type * as OtherTools from './otherTools/services';
import { Past } from './past';
import type { Source } from './watch';
import { Watchers, type WatchCall } from './watchers';

type Grpc = typeof GrpcModule;

const { describe, watch } = debugServiceDefinition;
const serviceDefinition = { describe, watch: { ...watch, responseSerialize: asBuffer } };

/** What the debug server tells of, and whom. */
export interface DebugService {
  readonly recorder: Recorder;
  readonly describe: () => Process;
  /** Calls that were refused for their token so far. */
  readonly refusedCalls: () => number;
  /** undefined: nothing of the past is kept. */
  readonly keep: KeepLimits | undefined;
  /** Told what the program should know, as a sentence. */
  readonly warn: (line: string) => void;
}

export interface DebugServer {
  /** Handles a call that the guard has let in. */
  readonly handle: StreamHandler;
  readonly past: Past | undefined;
}

const serverOptions = {
  // Not in the program's channelz: it is not the program's server.
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': 4096,
};

/**
 * A server of the debug protocol, which does not listen.
 *
 * @throws Error if it cannot run on this copy of grpc-js.
 */
export function createDebugServer(grpc: Grpc, service: DebugService): DebugServer {
  const server = new grpc.Server(serverOptions);
  const past = service.keep && new Past(service, service.keep, service.warn);
  const source: Source = past?.source ?? service;
  const watchers = new Watchers(grpc, source, past);
  const handlers = {
    describe: (_call: unknown, respond: GrpcModule.sendUnaryData<unknown>) =>
      respond(null, create(DescribeResponseSchema, { process: source.describe() })),
    watch: (call: WatchCall) => watchers.admit(call),
  };
  server.addService(serviceDefinition, handlers);
  return { handle: withOtherTools(grpc, server, streamHandler(grpc, server)), past };
}

/** Serves other tools, too, from when one of them comes: to read all those descriptors would delay every program's start. */
function withOtherTools(grpc: Grpc, server: GrpcModule.Server, handle: StreamHandler): StreamHandler {
  let added = false;
  return (stream, headers) => {
    if (!added && headers[':path'] !== describe.path && headers[':path'] !== watch.path) {
      added = true;
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- An import would be evaluated at once.
      const { servicesForOtherTools } = require('./otherTools/services') as typeof OtherTools;
      for (const { definition, handlers } of servicesForOtherTools(grpc)) server.addService(definition, handlers);
    }
    handle(stream, headers);
  };
}

/** The inside of a server of grpc-js, which has no public way to look at a call before it does, nor to bound its connections. */
function streamHandler(grpc: Grpc, server: GrpcModule.Server): StreamHandler {
  const { createHttp2Server } = server as unknown as {
    readonly createHttp2Server?: (credentials: GrpcModule.ServerCredentials) => Http2Server;
  };
  if (!createHttp2Server) throw new Error('the debug server cannot run on this version of @grpc/grpc-js');
  const inside = createHttp2Server.call(server, grpc.ServerCredentials.createInsecure());
  return (stream, headers) => void inside.emit('stream', stream, headers);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
