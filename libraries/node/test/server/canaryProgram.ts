import '../../src/attach';
import * as grpc from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { serviceConfig } from '../../src/main';

/*
 * An attachable program whose calls hold something secret wherever they can: `canary-…`, one for each place. It speaks TLS,
 * both sides showing the certificate of PICKSCOPE_TEST_CERT.
 */

const bytes = (value: Buffer) => value;
const serialization = {
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};
const definition = { get: { path: '/shop.Cart/Get', requestStream: false, responseStream: false, ...serialization } };

const cert = readFileSync(process.env.PICKSCOPE_TEST_CERT!);
const key = readFileSync(process.env.PICKSCOPE_TEST_KEY!);

function metadataOf(entries: Readonly<Record<string, string | Buffer>>): grpc.Metadata {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

/** Answers well and badly in turn. */
function answer(call: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>): void {
  call.sendMetadata(metadataOf({ 'x-header': 'canary-response-header' }));
  const trailers = metadataOf({ 'x-trailer': 'canary-trailer', 'x-trailer-bin': Buffer.from('canary-binary-trailer') });
  if (call.request.includes('good')) {
    respond(null, Buffer.from('canary-response'), trailers);
    return;
  }
  trailers.set('grpc-status-details-bin', Buffer.from('canary-status-details'));
  respond({ code: grpc.status.INTERNAL, details: 'canary-status-message', metadata: trailers });
}

function callsTo(port: number): () => Promise<unknown> {
  const credentials = grpc.credentials.createSsl(cert, key, cert, { checkServerIdentity: () => undefined });
  const perCall = grpc.credentials.createFromMetadataGenerator((_options, done) =>
    done(null, metadataOf({ authorization: 'Bearer canary-credentials' })),
  );
  const clients = [serviceConfig('consistent_hash', { hashHeader: 'x-user-id' }), serviceConfig('p2c_ewma')].map(
    (config) => new grpc.Client(`ipv4:127.0.0.1:${port}`, credentials, { 'grpc.service_config': config }),
  );
  const metadata = metadataOf({ 'x-user-id': 'canary-hash-key', 'x-request': 'canary-request-header' });
  const call = (client: grpc.Client, request: string) =>
    new Promise((resolve) => {
      const { path } = definition.get;
      client.makeUnaryRequest(path, bytes, bytes, Buffer.from(request), metadata, { credentials: perCall }, resolve);
    });
  const requests = ['canary-request good', 'canary-request bad'];
  return () => Promise.all(clients.flatMap((client) => requests.map((request) => call(client, request))));
}

async function main(): Promise<void> {
  const server = new grpc.Server();
  server.addService(definition, { get: answer });
  const credentials = grpc.ServerCredentials.createSsl(cert, [{ private_key: key, cert_chain: cert }], true);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const call = callsTo(port);
  while (process.connected) {
    await call();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  process.exit();
}

void main();
