import { create } from '@bufbuild/protobuf';
import {
  DescribeResponseSchema,
  type Process,
  type WatchRequest,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition, protocolVersion, tokenMetadataKey } from '@pickscope/protocol/service';
import type * as GrpcModule from '@grpc/grpc-js';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import type { Server as NetServer, Socket } from 'node:net';
import { isIP } from 'node:net';
import type { Recorder } from '../recorder/recorder';
import { announce, openRuntimeFolder, socketPath, sweep } from './announcement';
import { WatchStream } from './watch';

type Grpc = typeof GrpcModule;
type WatchCall = GrpcModule.ServerWritableStream<WatchRequest, WatchResponse>;

const maxWatchers = 8;

export interface ListenOptions {
  /** `host:port`, or a port of 127.0.0.1; undefined: a unix socket (Windows: 127.0.0.1). */
  readonly tcp?: string | number;
}

export interface DebugServer {
  /** `unix:/absolute/path` or `host:port`. */
  readonly address: string;
  close(): void;
}

/**
 * Serves the debug protocol inside this process, without keeping it alive.
 *
 * @throws Error that says why it cannot: no folder, an address in use.
 */
export async function openDebugServer(
  grpc: Grpc,
  recorder: Recorder,
  describe: () => Process,
  options: ListenOptions,
): Promise<DebugServer> {
  const token = randomBytes(32).toString('hex');
  const { PICKSCOPE_TOKEN: given } = process.env;
  const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
  server.addService(debugServiceDefinition, implement(grpc, recorder, describe, given ? [token, given] : [token]));
  const self = describe();
  const folder = openRuntimeFolder();
  sweep(folder, self.hostName);
  const files: string[] = [];
  const close = () => {
    process.removeListener('exit', removeFiles);
    server.forceShutdown();
    removeFiles();
  };
  const removeFiles = () => files.forEach((file) => rmSync(file, { force: true }));
  process.on('exit', removeFiles);
  try {
    const address = await listen(grpc, server, listenAddress(options.tcp, folder, self.instance));
    if (address.startsWith('unix:')) files.push(address.slice('unix:'.length));
    for (const file of files) chmodSync(file, 0o600);
    files.push(announce(folder, self, reachable(address), token));
    return { address, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** In the form of grpc-js: `unix:/path` or `host:port`. */
function listenAddress(tcp: string | number | undefined, folder: string, instance: string): string {
  if (tcp === undefined) {
    // Node has no unix sockets there.
    return process.platform === 'win32' ? '127.0.0.1:0' : `unix:${socketPath(folder, instance)}`;
  }
  const text = String(tcp);
  const [, host, port] = /^(?:(.*):)?(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new Error(`"${text}" is no address to listen at; give a port, or host:port`);
  }
  return `${host || '127.0.0.1'}:${port}`;
}

/** Where a watcher on this machine connects to. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1');
}

async function listen(grpc: Grpc, server: GrpcModule.Server, address: string): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  unref(server);
  if (address.startsWith('unix:')) return address;
  const host = address.slice(0, address.lastIndexOf(':'));
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** grpc-js has no way of saying that a server must not keep the process alive; its listeners do. */
function unref(server: GrpcModule.Server): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: Map<NetServer, unknown> };
  for (const listener of http2Servers?.keys() ?? []) {
    listener.unref();
    listener.on('connection', (socket: Socket) => socket.unref());
  }
}

function implement(
  grpc: Grpc,
  recorder: Recorder,
  describe: () => Process,
  tokens: readonly string[],
): GrpcModule.UntypedServiceImplementation {
  const { UNAUTHENTICATED, FAILED_PRECONDITION, RESOURCE_EXHAUSTED } = grpc.status;
  return {
    describe: (call: GrpcModule.ServerUnaryCall<unknown, unknown>, respond: GrpcModule.sendUnaryData<unknown>) => {
      if (!isAuthentic(call.metadata, tokens)) {
        respond({ code: UNAUTHENTICATED, details: 'The token is missing or wrong.' });
        return;
      }
      respond(null, create(DescribeResponseSchema, { process: describe() }));
    },
    watch: (call: WatchCall) => {
      const refuse = (code: GrpcModule.status, details: string) => call.emit('error', { code, details });
      const { major, minor } = protocolVersion;
      if (!isAuthentic(call.metadata, tokens)) refuse(UNAUTHENTICATED, 'The token is missing or wrong.');
      else if (call.request.protocolMajor !== major) {
        refuse(
          FAILED_PRECONDITION,
          `This client speaks version ${major}.${minor} of the protocol, the watcher version ${call.request.protocolMajor}.`,
        );
      } else if (recorder.watcherCount >= maxWatchers) {
        refuse(RESOURCE_EXHAUSTED, `${maxWatchers} watchers are attached already.`);
      } else watch(grpc, recorder, describe(), call);
    },
  };
}

function watch(grpc: Grpc, recorder: Recorder, process: Process, call: WatchCall): void {
  const stream = new WatchStream(recorder, process, {
    get full() {
      return call.writableNeedDrain;
    },
    write: (message) => void call.write(message),
    abort: () =>
      call.emit('error', { code: grpc.status.ABORTED, details: 'The watcher reads too slowly and lost changes.' }),
  });
  call.on('cancelled', () => stream.close());
  call.on('close', () => stream.close());
}

/** Digests are compared, so that the time tells neither the token nor its length. */
function isAuthentic(metadata: GrpcModule.Metadata, tokens: readonly string[]): boolean {
  const given = metadata.get(tokenMetadataKey)[0];
  if (typeof given !== 'string') return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return tokens.some((token) => timingSafeEqual(digest(given), digest(token)));
}
