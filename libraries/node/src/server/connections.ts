import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { Guard } from './guard';

/** Handles one call. */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** PEM. */
export interface TlsKeys {
  readonly cert: string;
  readonly key: string;
}

/** Connections at a time. */
const maxConnections = 32;
/** Intervals that a ping may stay unanswered: after it was us who were stopped, the answer is read late. */
const maxUnanswered = 2;
/** ms without an answer, after which a place is taken from one for which there is no other. */
const suspicion = 1000;

/** In ms. */
export interface ConnectionTiming {
  /** In which a connection has to make a call with the token. */
  readonly proof: number;
  /** Between pings; what leaves them unanswered is ended. */
  readonly ping: number;
}

const defaultTiming: ConnectionTiming = { proof: 10_000, ping: 10_000 };

const limits: ServerOptions = {
  settings: { maxConcurrentStreams: 32, maxHeaderListSize: 16 * 1024, enablePush: false },
  maxHeaderListPairs: 64,
  maxSettings: 16,
  maxSessionInvalidFrames: 16,
  maxSessionRejectedStreams: 16,
  // MB; what is on its way to a watcher counts.
  maxSessionMemory: 16,
};

/**
 * The HTTP/2 connections of the debug server: few, small, and none that lasts without the token or without an answer. None
 * of them keeps the process alive.
 */
export class Connections {
  private readonly server: Http2Server;
  private readonly timing: ConnectionTiming;
  private readonly peers = new Map<ServerHttp2Session, Peer>();

  /** @param handle Is given the calls that the guard accepts, and never sees the token. */
  constructor(
    private readonly guard: Guard,
    private readonly handle: StreamHandler,
    tls?: TlsKeys,
    timing: Partial<ConnectionTiming> = {},
  ) {
    this.timing = { ...defaultTiming, ...timing };
    const options = { ...limits, unknownProtocolTimeout: this.timing.proof, handshakeTimeout: this.timing.proof };
    this.server = tls ? createSecureServer({ ...options, ...tls }) : createServer(options);
    // Node leaves these errors to us: https://github.com/nodejs/node/issues/35824
    this.server.on('secureConnection', (socket: Socket) => socket.on('error', () => undefined));
    this.server.on('session', (session) => this.admit(session));
    this.server.on('stream', (stream, headers) => this.begin(stream, headers));
  }

  accept(socket: Socket): void {
    socket.unref();
    this.server.emit('connection', socket);
  }

  close(): void {
    for (const session of this.peers.keys()) session.destroy();
  }

  private admit(session: ServerHttp2Session): void {
    this.peers.set(session, new Peer(session, this.timing));
    session.once('close', () => this.peers.delete(session));
    if (this.peers.size > maxConnections) this.makeRoom(session);
  }

  /**
   * The oldest that has not shown the token goes, or the oldest that seems to be dead. Where all of them may be alive the newest
   * one has no room.
   */
  private makeRoom(newest: ServerHttp2Session): void {
    const others = [...this.peers.values()].filter(({ session }) => session !== newest);
    const dispensable = others.find((peer) => !peer.isProven) ?? others.find(({ isSilent }) => isSilent);
    (dispensable?.session ?? newest).destroy();
    if (!dispensable) others.forEach((peer) => peer.challenge());
  }

  private begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (!this.guard.accepts(headers)) {
      this.guard.refuse(stream);
      return;
    }
    this.peers.get(stream.session as ServerHttp2Session)?.prove();
    try {
      this.handle(stream, needed(headers));
    } catch {
      // Whatever it was, the program runs on.
      stream.on('error', () => undefined).close();
    }
  }
}

/**
 * What grpc-js gets to see of a call. Not the token, which it would print when it traces (GRPC_TRACE); no deadline, which is the
 * caller's to keep anyway, and would keep the process alive; nothing that it would complain of where the program prints.
 */
const passedOn: readonly string[] = [':method', ':scheme', ':authority', ':path', 'content-type', 'grpc-encoding'];

function needed(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const isNeeded = ([name, value]: readonly [string, unknown]) =>
    passedOn.includes(name) && typeof value === 'string' && /^[ -~]*$/.test(value);
  return Object.fromEntries(Object.entries(headers).filter(isNeeded));
}

/** The other side of a connection, which is ended when it shows no token or is stopped or gone. */
class Peer {
  private hasShownToken = false;
  private unanswered = 0;
  private asked = 0;

  constructor(
    readonly session: ServerHttp2Session,
    { ping, proof }: ConnectionTiming,
  ) {
    const pings = setInterval(() => this.ping(), ping).unref();
    const expiry = setTimeout(() => this.hasShownToken || session.destroy(), proof).unref();
    session.once('close', () => {
      clearInterval(pings);
      clearTimeout(expiry);
    });
  }

  get isProven(): boolean {
    return this.hasShownToken;
  }

  prove(): void {
    this.hasShownToken = true;
  }

  /** Whether it leaves a ping unanswered for longer than a living one would. */
  get isSilent(): boolean {
    return this.unanswered > 0 && performance.now() - this.asked > suspicion;
  }

  /** Asks for an answer, if none is awaited. */
  challenge(): void {
    if (this.unanswered === 0) this.ping();
  }

  private ping(): void {
    if (this.session.destroyed) return;
    if (this.unanswered++ === 0) this.ask();
    else if (this.unanswered > maxUnanswered) this.session.destroy();
  }

  private ask(): void {
    this.asked = performance.now();
    this.session.ping(() => (this.unanswered = 0));
  }
}
