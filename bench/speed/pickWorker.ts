import * as grpc from '@grpc/grpc-js';
import { measure } from 'mitata';
import { registerPolicy } from '../../libraries/node/src/balancer/register';
import { monotonicNs } from '../../libraries/node/src/clock';
import { Hooks } from '../../libraries/node/src/observe/hooks';
import { consistentHash } from '../../libraries/node/src/policies/consistentHash';
import { p2cEwma } from '../../libraries/node/src/policies/p2cEwma';
import { peakEwma } from '../../libraries/node/src/policies/peakEwma';
import type { DecisionSlot, Policy } from '../../libraries/node/src/policies/picker';
import { staticWeightedRoundRobin } from '../../libraries/node/src/policies/staticWeightedRoundRobin';
import { Recorder } from '../../libraries/node/src/recorder/recorder';
import { completionBatch, encodeBatch, pickBatch } from '../../libraries/node/src/server/batches';
import type { Cost } from './picks';
import { bareCalls, bareInternals, hashHeader, ReadyChannel, wholeCalls } from './readyChannel';

/*
 * Measures one policy with so many backends, in a process of its own, so that V8 optimizes it as in a program that runs
 * only this one. Tells its parent.
 *
 *     pickWorker POLICY bare|call|detached|attached BACKENDS
 */

/** Always the first: what is left is what the balancer itself costs. */
const firstEndpoint: Policy = { name: 'bench_first_endpoint', build: () => ({ pick: () => ({ endpoint: 0 }) }) };
const policies: readonly Policy[] = [p2cEwma, peakEwma, staticWeightedRoundRobin, consistentHash, firstEndpoint];
const configs: Readonly<Record<string, object>> = {
  consistent_hash: { hashHeader },
  static_weighted_round_robin: { weights: { '10.0.0.0:50051': 3 } },
};
/** Rows that are read and sent at once; 20,000 picks a second make as many in a flush. */
const flushedRows = 1024;

/** ns */
function now(): number {
  return Number(process.hrtime.bigint());
}

/** The least disturbed of many samples; each is long enough for garbage to be collected in it. */
async function costOf(run: () => void, rows = 1, warmUps = 20_000): Promise<Cost> {
  // mitata takes what is slow at first for slow, and then measures single runs, shorter than the clock can tell.
  for (let i = 0; i < warmUps; i++) run();
  const time = await measure(run, { now, min_cpu_time: 300e6, batch_samples: 65_536 });
  const size = await measure(run, { heap: () => process.memoryUsage().heapUsed, min_cpu_time: 20e6 });
  return { ns: time.min / rows, bytes: (size.heap?.min ?? NaN) / rows };
}

async function main(policy: string, mode: string, size: string): Promise<void> {
  const slot: DecisionSlot = { picker: undefined, endpoints: [] };
  const recorder = new Recorder();
  for (const it of policies) registerPolicy(grpc, it, slot);
  const byName = new Map(policies.map((it) => [it.name, it]));
  if (mode === 'detached' || mode === 'attached') new Hooks(bareInternals(), recorder, slot, byName).install();
  if (mode === 'attached') {
    recorder.watch({ changed: () => undefined, stirred: () => recorder.read(), counted: () => undefined });
  }
  const costs: Record<string, Cost> = { clock: await costOf(monotonicNs) };
  const channel = new ReadyChannel();
  channel.connect(policy, configs[policy] ?? {}, Number(size));
  costs.call = await costOf(mode === 'bare' ? bareCalls(channel.currentPicker) : wholeCalls(channel));
  if (mode === 'attached') costs.flush = await costOf(() => flush(recorder), flushedRows, 200);
  process.send!(costs);
}

/** What a watcher's flush does with the newest rows, but for the network. */
function flush({ rows }: Recorder): void {
  encodeBatch('picks', pickBatch(rows!.picks, rows!.picks.head - flushedRows));
  encodeBatch('completions', completionBatch(rows!.completions, rows!.completions.head - flushedRows));
}

const [policy, mode, size] = process.argv.slice(2);
void main(policy!, mode!, size!);
