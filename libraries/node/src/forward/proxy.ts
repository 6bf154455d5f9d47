import type { Descriptor } from '@pickscope/protocol/descriptor';
import { tokenMetadataKey } from '@pickscope/protocol/service';
import { X509Certificate } from 'node:crypto';
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type Http2Server,
  type ServerHttp2Stream,
} from 'node:http2';
import net from 'node:net';
import type * as tls from 'node:tls';

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;

/**
 * A server of HTTP/2, not yet listening, that passes all calls on to the debug server of a client: they come with whatever
 * headers, and go on with the client's token.
 *
 * @param failed Told why the client could not be reached.
 */
export function createProxy(descriptor: Descriptor, failed: (error: Error) => void): Http2Server {
  const server = http2.createServer();
  server.on('session', (session) => {
    const upstream = connect(descriptor);
    session.on('error', () => undefined);
    session.once('close', () => upstream.destroy());
    upstream.on('error', failed);
    // Not destroyed: its calls are to be told why they end.
    upstream.once('close', () => session.close());
    session.on('stream', (stream, headers) => forward(stream, headers, upstream, descriptor.token));
  });
  return server;
}

function connect({ address, certificate }: Descriptor): ClientHttp2Session {
  if (address.startsWith('unix:')) {
    return http2.connect('http://localhost', { createConnection: () => net.connect(address.slice('unix:'.length)) });
  }
  if (certificate === undefined) return http2.connect(`http://${address}`);
  const expected = new X509Certificate(certificate);
  const options: http2.SecureClientSessionOptions & tls.SecureContextOptions = {
    // A host may be a number, which TLS takes for no name.
    servername: 'localhost',
    ca: certificate,
    // Its issuer is not known here, and does not matter.
    allowPartialTrustChain: true,
    checkServerIdentity: (_, { raw }) =>
      expected.raw.equals(raw) ? undefined : new Error('it shows another certificate than the one of its descriptor'),
  };
  return http2.connect(`https://${address}`, options);
}

function forward(
  incoming: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  session: ClientHttp2Session,
  token: string,
): void {
  // It has just ended, and this connection is about to.
  if (session.destroyed || session.closed) {
    incoming.close(NGHTTP2_REFUSED_STREAM);
    return;
  }
  const outgoing = session.request({
    ...headers,
    [tokenMetadataKey]: token,
    [http2.sensitiveHeaders]: [tokenMetadataKey],
  });
  incoming.pipe(outgoing);
  answer(outgoing, incoming);
  // Whichever breaks off takes the other with it; the reason is in its code.
  incoming.on('error', () => undefined);
  outgoing.on('error', () => undefined);
  incoming.once('close', () => outgoing.close(incoming.rstCode));
  outgoing.once('close', () => {
    // A client that cannot be reached, or ends, is unavailable, whichever of the two connections notices first.
    const code = session.destroyed ? NGHTTP2_REFUSED_STREAM : outgoing.rstCode;
    if (code !== NGHTTP2_NO_ERROR) incoming.close(code);
  });
}

function answer(outgoing: ClientHttp2Stream, incoming: ServerHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  outgoing.once('response', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number) => {
    if (incoming.destroyed) return;
    const endStream = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    incoming.respond(headers, { endStream, waitForTrailers: !endStream });
    if (!endStream) outgoing.pipe(incoming);
  });
  outgoing.once('trailers', (sent: IncomingHttpHeaders) => (trailers = sent));
  incoming.once('wantTrailers', () => incoming.sendTrailers(trailers));
}
