import * as grpc from '@grpc/grpc-js';
import { registerPolicy } from '../../libraries/node/src/balancer/register';
import { p2cEwma } from '../../libraries/node/src/policies/p2cEwma';
import { peakEwma } from '../../libraries/node/src/policies/peakEwma';
import { echo } from './echo';
import type { Load } from './rpc';

/*
 * One client in a process of its own: makes as many calls as its parent says, and tells what they took.
 *
 *     rpcClient POLICY plain|observed|watched ADDRESS…
 */

const [policy, mode, ...addresses] = process.argv.slice(2) as [string, string, ...string[]];
/** Calls at a time. */
const concurrency = 32;
const payload = Buffer.alloc(64);

/** Without the rest of the library: nothing is hooked. */
function registerPoliciesOnly(): void {
  for (const it of [p2cEwma, peakEwma]) registerPolicy(grpc, it, { picker: undefined, endpoints: [] });
}

async function main(): Promise<void> {
  if (mode === 'plain') registerPoliciesOnly();
  const library = mode === 'plain' ? undefined : await import('../../libraries/node/src/main');
  const server = mode === 'watched' ? await library?.startDebugServer({ tcp: 0 }) : undefined;
  const client = new grpc.Client(`ipv4:${addresses.join(',')}`, grpc.credentials.createInsecure(), {
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ [policy]: {} }] }),
    'grpc.service_config_disable_resolution': 1,
  });
  await load(client, 2000);
  process.on('message', (calls: number) => void load(client, calls).then((it) => process.send!(it)));
  process.send!(server?.address ?? '');
}

async function load(client: grpc.Client, calls: number): Promise<Load> {
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  let left = calls;
  const caller = async () => {
    while (left-- > 0) await call(client);
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  const wall = Number(process.hrtime.bigint() - before);
  const cpu = process.cpuUsage(cpuBefore);
  return { cpu: ((cpu.user + cpu.system) * 1000) / calls, wall: wall / calls };
}

function call(client: grpc.Client): Promise<void> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(echo.path, echo.requestSerialize, echo.responseDeserialize, payload, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

void main();
process.once('disconnect', () => process.exit());
