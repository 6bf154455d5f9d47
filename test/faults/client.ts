import '../../libraries/node/src/attach';
import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { isMainThread, Worker } from 'node:worker_threads';
import { Client, credentials } from '@grpc/grpc-js';
import { serviceConfig } from '../../libraries/node/src/main';

/*
 * A client to do harm to. It calls its backends without end, or as long as its parent wants it to:
 *
 *     client.cjs ADDRESSES [fork|cluster|threads]
 *
 * The last argument makes more clients of the same program, each with calls of its own.
 */

const [addresses = '', others] = process.argv.slice(2);
const file = process.argv[1]!;
const everyMs = 5;

switch (others) {
  case 'fork':
    fork(file, [addresses]);
    break;
  case 'cluster':
    cluster.setupPrimary({ exec: file, args: [addresses] });
    for (let i = 0; i < 2; i++) cluster.fork();
    break;
  case 'threads':
    for (let i = 0; i < 2; i++) new Worker(file, { argv: [addresses] });
}

const client = new Client(`ipv4:${addresses}`, credentials.createInsecure(), {
  'grpc.service_config': serviceConfig('p2c_ewma'),
  // The least that grpc-js takes.
  'grpc.client_idle_timeout_ms': 1000,
});
const asItIs = (bytes: Buffer) => bytes;
const call = () =>
  client.makeUnaryRequest('/shop.Cart/Get', asItIs, asItIs, Buffer.alloc(0), () => {
    // Its backends may be gone.
  });
let calling = setInterval(call, everyMs);

process.on('message', (wish) => {
  clearInterval(calling);
  if (wish === 'call') calling = setInterval(call, everyMs);
});
// Nobody is left behind when the parent is killed.
if (isMainThread) process.on('disconnect', () => process.exit());
