import type * as GrpcModule from '@grpc/grpc-js';
import type { Process } from '@pickscope/protocol/messages';
import { randomBytes } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import type { Server as NetServer, Socket } from 'node:net';
import type { Recorder } from '../recorder/recorder';
import { announce, openRuntimeFolder, socketPath, sweep } from './announcement';
import { createDebugServer } from './debugServer';

type Grpc = typeof GrpcModule;

export interface OpenServer {
  /** `unix:/absolute/path` or `host:port`. */
  readonly address: string;
  close(): void;
}

/**
 * Serves the debug protocol inside this process, without keeping it alive, and makes it known to the watchers of this
 * machine. The socket and the descriptor are removed when the process exits.
 *
 * @param tcp `host:port`, or a port of 127.0.0.1; undefined: a unix socket (Windows: 127.0.0.1).
 * @param knownToken Lets in too, besides the random token of the descriptor.
 * @throws Error that says why it cannot: no folder, an address in use.
 */
export async function openServer(
  grpc: Grpc,
  recorder: Recorder,
  describe: () => Process,
  tcp: string | number | undefined,
  knownToken: string | undefined,
): Promise<OpenServer> {
  const token = randomBytes(32).toString('hex');
  const self = describe();
  const folder = runtimeFolder(tcp !== undefined && knownToken !== undefined);
  if (folder !== undefined) sweep(folder, self.hostName);
  const tokens = knownToken === undefined ? [token] : [token, knownToken];
  const server = createDebugServer(grpc, { recorder, describe, tokens });
  const files: string[] = [];
  const removeFiles = () => files.forEach((file) => rmSync(file, { force: true }));
  const close = () => {
    process.off('exit', removeFiles);
    server.forceShutdown();
    removeFiles();
  };
  process.on('exit', removeFiles);
  try {
    const address = await listen(grpc, server, tcp === undefined ? localAddress(folder!, self) : tcpAddress(tcp));
    if (address.startsWith('unix:')) files.push(restrict(address.slice('unix:'.length)));
    if (folder !== undefined) files.push(announce(folder, self, reachable(address), token));
    return { address, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** @param dispensable Watchers can do without a descriptor: they know address and token. */
function runtimeFolder(dispensable: boolean): string | undefined {
  try {
    return openRuntimeFolder();
  } catch (error) {
    if (dispensable) return undefined;
    throw error;
  }
}

function localAddress(folder: string, { instance }: Process): string {
  // Node has no unix sockets on Windows.
  return process.platform === 'win32' ? '127.0.0.1:0' : `unix:${socketPath(folder, instance)}`;
}

function tcpAddress(tcp: string | number): string {
  const [, host, port] = /^(?:(.*):)?(\d{1,5})$/.exec(String(tcp)) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new Error(`"${tcp}" is no address to listen at: give a port, or host:port`);
  }
  return `${host === undefined || host === '' ? '127.0.0.1' : host}:${port}`;
}

/** Where a watcher on this machine connects to. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1');
}

/** The runtime folder is closed to others already; this keeps the socket so should the folder be opened. */
function restrict(socket: string): string {
  chmodSync(socket, 0o600);
  return socket;
}

/** @returns The address, with the port that it was given where 0 was asked for. */
async function listen(grpc: Grpc, server: GrpcModule.Server, address: string): Promise<string> {
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  unref(server);
  return address.startsWith('unix:') ? address : address.replace(/\d+$/, String(port));
}

/** grpc-js cannot be told that a server must not keep the process alive; the listeners inside it can. */
function unref(server: GrpcModule.Server): void {
  const { http2Servers } = server as unknown as { readonly http2Servers?: ReadonlyMap<NetServer, unknown> };
  for (const listener of http2Servers?.keys() ?? []) {
    listener.unref();
    listener.on('connection', (socket: Socket) => socket.unref());
  }
}
