import { tokenMetadataKey } from '@pickscope/protocol/service';
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
/** Pings that a living other side may owe an answer to: it is us who were stopped, it may be. */
const maxUnanswered = 2;

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
  private readonly sessions = new Set<ServerHttp2Session>();
  /** Those that have carried a token. */
  private readonly proven = new WeakSet<ServerHttp2Session>();

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
    for (const session of this.sessions) session.destroy();
  }

  private admit(session: ServerHttp2Session): void {
    this.sessions.add(session);
    const pings = keepAlive(session, this.timing.ping);
    const proof = setTimeout(() => this.expectProof(session), this.timing.proof).unref();
    session.once('close', () => {
      clearInterval(pings);
      clearTimeout(proof);
      this.sessions.delete(session);
    });
    if (this.sessions.size > maxConnections) this.makeRoom();
  }

  private expectProof(session: ServerHttp2Session): void {
    if (!this.proven.has(session)) session.destroy();
  }

  /** The oldest that has not shown the token goes first; it may be the newest, too. */
  private makeRoom(): void {
    [...this.sessions].find((session) => !this.proven.has(session))?.destroy();
  }

  private begin(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (!this.guard.accepts(headers)) {
      this.guard.refuse(stream);
      return;
    }
    this.proven.add(stream.session as ServerHttp2Session);
    try {
      this.handle(stream, withoutWithheld(headers));
    } catch {
      // Whatever it was, the program runs on.
      stream.on('error', () => undefined).close();
    }
  }
}

/**
 * What grpc-js does not get to see: what it traces (GRPC_TRACE) must not hold the token, and by a deadline, which is the
 * caller's to keep anyway, it would keep the process alive.
 */
const withheld: readonly string[] = [tokenMetadataKey, 'grpc-timeout'];

function withoutWithheld(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !withheld.includes(name)));
}

/** Ends a connection whose other side is stopped or gone. */
function keepAlive(session: ServerHttp2Session, interval: number): NodeJS.Timeout {
  let unanswered = 0;
  return setInterval(() => {
    if (session.destroyed) return;
    if (unanswered++ === 0) session.ping(() => (unanswered = 0));
    else if (unanswered > maxUnanswered) session.destroy();
  }, interval).unref();
}
