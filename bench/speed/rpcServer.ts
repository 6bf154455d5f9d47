import * as grpc from '@grpc/grpc-js';
import { echo } from './echo';

/*
 * Backends that give back what they get, in a process of their own. Tells its parent their addresses.
 *
 *     rpcServer COUNT
 */

function start(): Promise<string> {
  const server = new grpc.Server();
  server.addService(
    { echo },
    {
      echo: (call: grpc.ServerUnaryCall<Buffer, Buffer>, respond: grpc.sendUnaryData<Buffer>) =>
        respond(null, call.request),
    },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(`127.0.0.1:${port}`),
    );
  });
}

void Promise.all(Array.from({ length: Number(process.argv[2]) }, start)).then((addresses) => process.send!(addresses));
process.once('disconnect', () => process.exit());
