import '@pickscope/grpc-js/attach';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { parseArgs } from 'node:util';
import { cartService } from './cart';
import { exponential } from './random';
import { registerDemoResolver, setAddresses } from './resolver';

/*
 * A client of the demo: calls shop.Cart steadily. Its parent process tells it where the backends are.
 *
 *     node --import tsx demo/client.ts --policy p2c_ewma --rate 150
 */

const { values } = parseArgs({
  options: {
    policy: { type: 'string', default: 'p2c_ewma' },
    /** Calls a second, on average. */
    rate: { type: 'string', default: '150' },
  },
});
const meanGapMs = 1000 / Number(values.rate);

/** How often each method is called, of all calls. */
const methods = [
  { path: '/shop.Cart/GetCart', ratio: 0.6 },
  { path: '/shop.Cart/ListItems', ratio: 0.25 },
  { path: '/shop.Cart/PutItem', ratio: 0.1 },
  { path: '/shop.Cart/Checkout', ratio: 0.05 },
];

registerDemoResolver();
process.on('message', (addresses: string[]) => setAddresses(addresses));
// Ends with the process that started it.
process.once('disconnect', () => process.exit());

const Cart = makeGenericClientConstructor(cartService, 'shop.Cart');
const client = new Cart('demo:///cart.shop.svc', credentials.createInsecure(), {
  'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [values.policy]: {} }] }),
});

function callOne(): void {
  let left = Math.random();
  const { path } = methods.find(({ ratio }) => (left -= ratio) < 0) ?? methods[0]!;
  const { requestSerialize, responseDeserialize } = cartService.getCart;
  client.makeUnaryRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.alloc(0),
    { deadline: Date.now() + 1000 },
    // Some calls are meant to fail; Pickscope shows them.
    () => undefined,
  );
}

/** A Poisson process. Timers are coarser than the gaps, so several calls may be due at once. */
function callSteadily(dueMs: number): void {
  let nextMs = dueMs;
  for (; nextMs <= performance.now(); nextMs += exponential(meanGapMs)) callOne();
  setTimeout(() => callSteadily(nextMs), nextMs - performance.now());
}

callSteadily(performance.now());
