import { create } from '@bufbuild/protobuf';
import type * as GrpcModule from '@grpc/grpc-js';
import { DescribeResponseSchema, type Process, type WatchRequest } from '@pickscope/protocol/messages';
import { debugServiceDefinition, protocolVersion } from '@pickscope/protocol/service';
import type { Recorder } from '../recorder/recorder';
import { Guard, type Refusal } from './guard';
import { WatchStream } from './watch';

type Grpc = typeof GrpcModule;
/** Its messages are WatchResponses, encoded. */
type WatchCall = GrpcModule.ServerWritableStream<WatchRequest, Uint8Array>;

const { describe, watch } = debugServiceDefinition;
const serviceDefinition = { describe, watch: { ...watch, responseSerialize: asBuffer } };

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
  const guard = new Guard(grpc, service.tokens);
  const handlers = {
    describe: (_call: unknown, respond: GrpcModule.sendUnaryData<unknown>) =>
      respond(null, create(DescribeResponseSchema, { process: service.describe() })),
    watch: (call: WatchCall) => {
      const refusal = admit(grpc, service, call.request);
      if (refusal) call.emit('error', refusal);
      else stream(grpc, service, call);
    },
  };
  server.addService(serviceDefinition, guard.guarded(handlers));
  return server;
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

function stream(grpc: Grpc, { recorder, describe }: DebugService, call: WatchCall): void {
  const watcher = new WatchStream(recorder, describe(), {
    get full() {
      return call.writableNeedDrain;
    },
    write: (message) => void call.write(message),
    abort: () => {
      const details = 'The watcher reads too slowly and lost changes; it has to open another stream.';
      call.emit('error', { code: grpc.status.ABORTED, details });
    },
  });
  call.on('cancelled', () => watcher.close());
  call.on('close', () => watcher.close());
  if (call.cancelled) watcher.close();
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
