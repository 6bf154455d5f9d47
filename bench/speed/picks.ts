import { fork } from 'node:child_process';
import path from 'node:path';
import { printTable } from './table';

/*
 * ns for a pick, its start and its end, by policy and number of backends; then what the hooks add. Each figure is
 * the least of several rounds, in which the policies take turns: others on the machine make all of them slower.
 */

export interface Cost {
  /** Of one call: pick, start and end. */
  readonly ns: number;
  /** What it leaves on the heap. */
  readonly bytes: number;
}

type Costs = Record<string, Cost>;

const sizes = ['2', '5', '50', '500'];
const rounds = 3;
const bare = [
  'round_robin',
  'weighted_round_robin',
  'bench_first_endpoint',
  'p2c_ewma',
  'peak_ewma',
  'static_weighted_round_robin',
  'consistent_hash',
];
const hooked = ['round_robin', 'p2c_ewma', 'peak_ewma'];
const modes = ['call', 'detached', 'attached'];

async function main(): Promise<void> {
  const runs = [
    ...sizes.flatMap((size) => bare.map((policy) => ({ policy, mode: 'bare', size }))),
    ...hooked.flatMap((policy) => modes.map((mode) => ({ policy, mode, size: '5' }))),
  ];
  const best = new Map<string, Costs>();
  for (let round = 0; round < rounds; round++) {
    for (const { policy, mode, size } of runs) {
      const key = `${policy} ${mode} ${size}`;
      best.set(key, least(best.get(key), await measured(policy, mode, size)));
    }
  }
  const clock = Math.min(...[...best.values()].map((costs) => costs.clock!.ns));
  printPolicies(best, clock);
  printHooks(best);
}

function measured(policy: string, mode: string, size: string): Promise<Costs> {
  const worker = fork(path.join(__dirname, 'pickWorker.cjs'), [policy, mode, size], {
    execArgv: ['--expose-gc'],
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('exit', (code) => reject(new Error(`pickWorker ${policy} ${mode} ended with ${code}`)));
  });
}

function least(before: Costs | undefined, costs: Costs): Costs {
  const pairs = Object.entries(costs).map(([key, { ns, bytes }]) => {
    const other = before?.[key] ?? { ns, bytes };
    return [key, { ns: Math.min(ns, other.ns), bytes: Math.min(bytes, other.bytes) }] as const;
  });
  return Object.fromEntries(pairs);
}

/** How often a policy reads the clock for a call. */
function clockReads(policy: string): number {
  return policy === 'round_robin' || policy === 'weighted_round_robin' ? 0 : 2;
}

function printPolicies(best: ReadonlyMap<string, Costs>, clock: number): void {
  console.log(`A clock read: ${clock.toFixed(0)} ns.\n`);
  console.log('ns for a pick, its start and its end, by number of backends; in brackets, besides the clock reads.\n');
  const rows = bare.map((policy) => {
    const costs = sizes.map((size) => best.get(`${policy} bare ${size}`)!.call!);
    const reads = clockReads(policy);
    const cells = costs.map(({ ns }) => {
      return reads === 0 ? ns.toFixed(0) : `${ns.toFixed(0)} (${(ns - reads * clock).toFixed(0)})`;
    });
    return [policy, ...cells, reads.toString(), costs[1]!.bytes.toFixed(0)];
  });
  printTable(['policy', ...sizes, 'clock reads', 'bytes a call'], rows);
}

function printHooks(best: ReadonlyMap<string, Costs>): void {
  console.log('\nns that the hooks add to a call, with 5 backends.\n');
  const rows = hooked.map((policy) => {
    const of = (mode: string) => best.get(`${policy} ${mode} 5`)!;
    const [call, detached, attached] = modes.map((mode) => of(mode).call!);
    return [
      policy,
      (detached!.ns - call!.ns).toFixed(0),
      (attached!.ns - detached!.ns).toFixed(0),
      of('attached').flush!.ns.toFixed(0),
      (detached!.bytes - call!.bytes).toFixed(0),
    ];
  });
  printTable(['policy', 'hooks, nobody watches', 'a watcher adds', 'its flush, later', 'bytes a call'], rows);
}

void main();
