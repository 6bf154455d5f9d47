import { Server, ServerCredentials, status, type handleUnaryCall } from '@grpc/grpc-js';
import { openSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cartService } from './cart';
import { exponential } from './random';

/*
 * One backend of the demo: answers every call of shop.Cart after a while, or fails it.
 *
 *     node --import tsx demo/backend.ts --listen 127.0.0.1:50051 --latency 2 --jitter 0.5 --failures 0.1 --count-file calls
 */

const { values } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:0' },
    /** Least latency, ms. */
    latency: { type: 'string', default: '0' },
    /** Mean of what comes on top, exponentially distributed, ms. */
    jitter: { type: 'string', default: '0' },
    /** Ratio of calls that fail with UNAVAILABLE. */
    failures: { type: 'string', default: '0' },
    /** Gets a byte for each call that began here; what it counts outlives a kill. */
    'count-file': { type: 'string' },
  },
});
let latencyMs = Number(values.latency);
const jitterMs = Number(values.jitter);
let failures = Number(values.failures);
const counted = values['count-file'] === undefined ? undefined : openSync(values['count-file'], 'a');

const answer: handleUnaryCall<Buffer, Buffer> = (_call, reply) => {
  if (counted !== undefined) writeSync(counted, '.');
  const delayMs = latencyMs + exponential(jitterMs);
  setTimeout(() => {
    if (Math.random() < failures) reply({ code: status.UNAVAILABLE, details: 'The demo fails some calls' });
    // An empty message, whatever the client takes it for.
    else reply(null, Buffer.alloc(0));
  }, delayMs);
};

const server = new Server();
server.addService(cartService, { getCart: answer, putItem: answer, listItems: answer, checkout: answer });
server.bindAsync(values.listen, ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.send?.({ port });
});
// Its parent process may have it behave otherwise from now on.
process.on('message', (now: { latency: number; failures: number }) => {
  latencyMs = now.latency;
  failures = now.failures;
});
// Ends with the process that started it.
process.once('disconnect', () => process.exit());
