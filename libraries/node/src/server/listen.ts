import type * as GrpcModule from '@grpc/grpc-js';
import type { Process } from '@pickscope/protocol/messages';
import { randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { createServer, type AddressInfo, type ListenOptions as NetOptions, type Server } from 'node:net';
import type { Recorder } from '../recorder/recorder';
import { announce, inRuntimeFolder, socketPath, sweep } from './announcement';
import { Connections, type ConnectionTiming, type TlsKeys } from './connections';
import { createDebugServer } from './debugServer';
import { Guard, type GuardTiming } from './guard';
import type { KeepLimits } from './keep';
import type { Past } from './past';

type Grpc = typeof GrpcModule;

export interface ListenOptions {
  /** `host:port`, or a port of 127.0.0.1. By default a unix socket (Windows: a port of 127.0.0.1 that is free). */
  readonly tcp?: string | number | undefined;
  /** Whether the default will do where that address is taken, as it is by the first of several like processes. */
  readonly unlessTaken?: boolean;
  /** Lets in too, besides the random token of the descriptor. */
  readonly token?: string | undefined;
  /** What `tcp` speaks TLS with. */
  readonly tls?: TlsKeys | undefined;
  /** undefined: nothing of the past is kept. */
  readonly keep?: KeepLimits | undefined;
  /** Told what the program should know, as a sentence. */
  readonly warn?: (line: string) => void;
  readonly timing?: Partial<GuardTiming & ConnectionTiming & { readonly heal: number }>;
}

export interface OpenServer {
  /** `unix:/absolute/path` or `host:port`. */
  readonly address: string;
  /** undefined: nothing is kept. */
  readonly past: Past | undefined;
  close(): void;
}

/** ms between looks at whether watchers still find what they need. */
const healInterval = 5000;

/** Connections of which those are ended that do not become HTTP/2 in time. */
const maxSockets = 64;

/**
 * Serves the debug protocol inside this process, without keeping it alive, and makes it known to the watchers of this
 * machine. The socket and the descriptor are removed when the process exits; when someone else removes them, they are made anew.
 *
 * @throws Error that says why it cannot: no folder, an address in use.
 */
export async function openServer(
  grpc: Grpc,
  recorder: Recorder,
  describe: () => Process,
  options: ListenOptions = {},
): Promise<OpenServer> {
  const { tcp, token: knownToken, tls, keep, warn = () => undefined, timing = {} } = options;
  const token = randomBytes(32).toString('hex');
  const guard = new Guard(knownToken === undefined ? [token] : [token, knownToken], timing);
  const local: Place = { tcp: defaultTcp, tls: undefined, isKnown: false };
  const place = tcp === undefined ? local : { tcp: parseAddress(tcp), tls, isKnown: knownToken !== undefined };
  const refusedCalls = () => guard.refused;
  const { handle, past } = createDebugServer(grpc, { recorder, describe, refusedCalls, keep, warn });
  const openAt = (it: Place) => {
    const connections = new Connections(guard, handle, it.tls, timing);
    return new Listening(describe(), token, it, connections).open(timing.heal ?? healInterval);
  };
  try {
    const listening = await openAt(place).catch((error: unknown) => {
      if (options.unlessTaken && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return openAt(local);
      throw error;
    });
    const close = () => {
      listening.close();
      past?.close();
    };
    return {
      get address() {
        return listening.address;
      },
      past,
      close,
    };
  } catch (error) {
    past?.close();
    throw error;
  }
}

/** Where a server listens. */
interface Place {
  /** undefined: a unix socket. */
  readonly tcp: TcpAddress | undefined;
  readonly tls: TlsKeys | undefined;
  /** Watchers can do without a descriptor: they know address and token. */
  readonly isKnown: boolean;
}

interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Node has no unix sockets on Windows. */
const defaultTcp: TcpAddress | undefined = process.platform === 'win32' ? { host: '127.0.0.1', port: 0 } : undefined;

function parseAddress(tcp: string | number): TcpAddress {
  const [, host, port] = /^(?:(.*):)?(\d{1,5})$/.exec(String(tcp)) ?? [];
  if (port === undefined || Number(port) > 65535) {
    throw new Error(`"${tcp}" is no address to listen at: give a port, or host:port`);
  }
  return { host: host === undefined || host === '' ? '127.0.0.1' : host, port: Number(port) };
}

/** A file that we made, to be told from another one of the same name, which may even get the same inode. */
interface OwnFile {
  readonly file: string;
  readonly inode: number;
  readonly modifiedMs: number;
}

/** A listener, its socket and its descriptor, for as long as the server is open. */
class Listening {
  address = '';
  private listener: Server | undefined;
  private files: OwnFile[] = [];
  private healing: NodeJS.Timeout | undefined;
  private isHealing = false;
  private isClosed = false;
  private readonly removeFiles = () => {
    for (const { file } of this.files.splice(0)) rmSync(file, { force: true });
  };

  constructor(
    private readonly self: Process,
    private readonly token: string,
    private readonly place: Place,
    private readonly connections: Connections,
  ) {}

  async open(interval: number): Promise<this> {
    process.on('exit', this.removeFiles);
    try {
      if (this.place.tcp) await this.listenOnTcp(this.place.tcp);
      await this.appear();
    } catch (error) {
      this.close();
      throw error;
    }
    this.healing = setInterval(() => void this.heal(), interval).unref();
    return this;
  }

  close(): void {
    this.isClosed = true;
    clearInterval(this.healing);
    process.off('exit', this.removeFiles);
    this.listener?.close();
    this.connections.close();
    this.removeFiles();
  }

  /** Makes itself known in a runtime folder, and listens there if it does not on TCP. */
  private async appear(): Promise<void> {
    try {
      await inRuntimeFolder((folder) => this.appearIn(folder));
    } catch (error) {
      if (!this.place.isKnown) throw error;
    }
  }

  private async appearIn(folder: string): Promise<void> {
    await sweep(folder, this.self.hostName);
    this.removeFiles();
    try {
      if (!this.place.tcp) await this.listenIn(folder);
      const { tls } = this.place;
      const certificate = tls && new X509Certificate(tls.cert).toString();
      this.own(announce(folder, this.self, { address: reachable(this.address), token: this.token, certificate }));
    } catch (error) {
      this.removeFiles();
      throw error;
    }
  }

  private own(file: string): void {
    const { ino, mtimeMs } = lstatSync(file);
    this.files.push({ file, inode: ino, modifiedMs: mtimeMs });
  }

  private async listenOnTcp({ host, port }: TcpAddress): Promise<void> {
    const listener = await this.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port });
    this.address = `${host}:${(listener.address() as AddressInfo).port}`;
  }

  private async listenIn(folder: string): Promise<void> {
    const file = socketPath(folder, this.self.instance);
    // The old one's end would remove the new one's file, were it to come later.
    this.listener?.close();
    rmSync(file, { force: true });
    await this.listen({ path: file });
    this.own(file);
    // The folder is closed to others already; this keeps the socket so should the folder be opened.
    chmodSync(file, 0o600);
    this.address = `unix:${file}`;
  }

  /** Of this process alone also where it is a worker of a cluster, whose listeners are shared. */
  private async listen(options: NetOptions): Promise<Server> {
    const listener = createServer((socket) => this.connections.accept(socket));
    this.listener = listener;
    listener.maxConnections = maxSockets;
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen({ ...options, exclusive: true }, resolve);
    });
    // A connection that cannot be accepted is not the program's concern.
    listener.on('error', () => undefined);
    listener.unref();
    return listener;
  }

  /** Watchers that are attached notice nothing of it. */
  private async heal(): Promise<void> {
    if (this.isHealing) return;
    this.isHealing = true;
    try {
      const present = await Promise.all(this.files.map(isPresent));
      if (this.isClosed || (present.length > 0 && !present.includes(false))) return;
      await this.appear();
    } catch {
      // It is tried again.
    } finally {
      this.isHealing = false;
      if (this.isClosed) this.close();
    }
  }
}

async function isPresent({ file, inode, modifiedMs }: OwnFile): Promise<boolean> {
  try {
    const { ino, mtimeMs } = await lstat(file);
    return ino === inode && mtimeMs === modifiedMs;
  } catch {
    return false;
  }
}

/** Where a watcher on this machine connects to. */
function reachable(address: string): string {
  return address.replace(/^(0\.0\.0\.0|\[::\])(?=:\d+$)/, '127.0.0.1');
}
