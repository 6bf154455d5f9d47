import { create, toBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import { measure } from 'mitata';
import { registerPolicy } from '../../libraries/node/src/balancer/register';
import { Hooks } from '../../libraries/node/src/observe/hooks';
import { p2cEwma } from '../../libraries/node/src/policies/p2cEwma';
import type { DecisionSlot, Policy } from '../../libraries/node/src/policies/picker';
import { Recorder } from '../../libraries/node/src/recorder/recorder';
import { completionBatch, pickBatch } from '../../libraries/node/src/server/batches';
import { bareCall, bareInternals, ReadyChannel, wholeCall } from './readyChannel';

/*
 * One policy in a process of its own, so that V8 optimizes it as in a program that runs this policy. Prints JSON.
 *
 *     pickWorker POLICY bare|call|detached|attached BACKENDS…
 */

const [policy, mode, ...sizes] = process.argv.slice(2) as [string, string, ...string[]];
const policies: readonly Policy[] = [p2cEwma];
const configs: Readonly<Record<string, object>> = {};

/** ns of CPU, all threads: what else runs on the machine does not count, and collecting garbage does. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

async function nanosecondsOf(run: () => void): Promise<{ ns: number; bytes: number }> {
  const heap = () => process.memoryUsage().heapUsed;
  const time = await measure(run, { now: cpuNow, min_cpu_time: 250e6, batch_samples: 16_384 });
  const size = await measure(run, { heap, min_cpu_time: 20e6 });
  return { ns: time.avg, bytes: size.heap?.avg ?? NaN };
}

async function main(): Promise<void> {
  const slot: DecisionSlot = { picker: undefined, endpoints: [] };
  const recorder = new Recorder();
  for (const it of policies) registerPolicy(grpc, it, slot);
  const byName = new Map(policies.map((it) => [it.name, it]));
  if (mode === 'detached' || mode === 'attached') new Hooks(bareInternals(), recorder, slot, byName).install();
  if (mode === 'attached') {
    recorder.watch({ changed: () => undefined, stirred: () => undefined, departed: () => undefined });
  }
  const results: Record<string, { ns: number; bytes: number }> = {};
  for (const size of sizes) {
    const channel = new ReadyChannel();
    channel.connect(policy, configs[policy] ?? {}, Number(size));
    const picker = channel.currentPicker;
    const run = mode === 'bare' ? () => bareCall(picker) : () => wholeCall(channel);
    results[size] = await nanosecondsOf(run);
  }
  if (recorder.rows) results.flush = await nanosecondsOf(() => flush(recorder));
  console.log(JSON.stringify(results));
}

function flush({ rows }: Recorder): void {
  const from = rows!.picks.head - 1024;
  const picks = pickBatch(rows!.picks, from);
  const completions = completionBatch(rows!.completions, rows!.completions.head - 1024);
  toBinary(WatchResponseSchema, create(WatchResponseSchema, { body: { case: 'picks', value: picks } }));
  toBinary(WatchResponseSchema, create(WatchResponseSchema, { body: { case: 'completions', value: completions } }));
}

void main();
