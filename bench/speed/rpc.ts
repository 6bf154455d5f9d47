import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { printTable } from './table';

/*
 * Unary calls on loopback, from a client process to backends in another: CPU of the client and throughput, as ratios to
 * round_robin without anything of ours. The clients take turns, one at a time, so that what else the machine does befalls
 * all of them alike.
 */

/** ns a call. */
export interface Load {
  readonly cpu: number;
  readonly wall: number;
}

const rounds = 60;
const callsOfRound = 1000;
const backends = 5;
const clients = [
  ['round_robin', 'plain'],
  ['p2c_ewma', 'plain'],
  ['peak_ewma', 'plain'],
  ['weighted_round_robin', 'plain'],
  ['round_robin', 'observed'],
  ['p2c_ewma', 'observed'],
  ['round_robin', 'watched'],
  ['p2c_ewma', 'watched'],
] as const;

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-bench-'));
  const token = randomBytes(32).toString('hex');
  const environment = { ...process.env, PICKSCOPE: '', PICKSCOPE_RUNTIME_DIR: folder, PICKSCOPE_TOKEN: token };
  const processes: ChildProcess[] = [];
  const start = <T>(program: string, ...args: string[]): Promise<T> => {
    const child = fork(path.join(__dirname, `${program}.cjs`), args, { env: environment });
    processes.push(child);
    return answer<T>(child);
  };
  try {
    const addresses = await start<string[]>('rpcServer', String(backends));
    const running: ChildProcess[] = [];
    for (const [policy, mode] of clients) {
      const debugAddress = await start<string>('rpcClient', policy, mode, ...addresses);
      running.push(processes.at(-1)!);
      if (debugAddress !== '') await start('rpcWatcher', debugAddress, token);
    }
    print(await measure(running));
  } finally {
    for (const child of processes) if (child.connected) child.disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${child.spawnfile} ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}

/** By client, a load a round. Every other round goes backwards, so that no client always follows the same one. */
async function measure(running: readonly ChildProcess[]): Promise<Load[][]> {
  const loads: Load[][] = running.map(() => []);
  const order = [...running.keys()];
  for (let round = 0; round < rounds; round++) {
    for (const i of order) {
      running[i]!.send(callsOfRound);
      loads[i]!.push(await answer<Load>(running[i]!));
    }
    order.reverse();
  }
  return loads;
}

function print(loads: readonly (readonly Load[])[]): void {
  console.log(`${rounds} rounds of ${callsOfRound} calls, ${backends} backends; median, and its interval at 95 %.\n`);
  const rows = clients.map(([policy, mode], i) => {
    const ratio = (of: (load: Load) => number) => loads[i]!.map((load, round) => of(load) / of(loads[0]![round]!));
    const microseconds = median(loads[i]!.map((load) => load.cpu)) / 1000;
    const perSecond = 1e9 / median(loads[i]!.map((load) => load.wall));
    return [
      `${policy}, ${mode}`,
      microseconds.toFixed(1),
      i === 0 ? '1' : interval(ratio((load) => load.cpu)),
      perSecond.toFixed(0),
      i === 0 ? '1' : interval(ratio((load) => 1 / load.wall)),
    ];
  });
  printTable(['client', 'CPU, µs a call', 'ratio', 'calls/s', 'ratio'], rows);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}

/** The median, and between which values that of all possible rounds lies: by ranks, whatever the distribution. */
function interval(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const low = Math.floor(sorted.length / 2 - 0.98 * Math.sqrt(sorted.length));
  const high = sorted.length - 1 - low;
  return `${median(values).toFixed(3)} (${sorted[low]!.toFixed(3)}–${sorted[high]!.toFixed(3)})`;
}

void main();
