import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from '../speed/rpc';
import { printTable } from '../speed/table';
import { quantile, type Finding } from './finding';
import { answer, type Participants } from './participants';

/*
 * What a watcher adds to the CPU of a unary call: one client, warmed up, with a watcher and without in turns, so that its code is the
 * same and what else the machine does befalls both alike.
 */

const rounds = 16;
const callsOfRound = 2000;
const backends = 5;
/** ms; a watcher that has just come or gone costs something of its own. */
const settling = 200;

export async function measureCalls(participants: Participants): Promise<Finding[]> {
  const addresses = await answer<string[]>(await participants.start('speed', 'rpcServer', String(backends)));
  const client = await participants.start('speed', 'rpcClient', 'p2c_ewma', 'watched', ...addresses);
  const address = await answer<string>(client);
  const loads: Record<'watched' | 'unwatched', number[]> = { watched: [], unwatched: [] };
  for (let round = 0; round < rounds; round++) {
    for (const mode of round % 2 === 0 ? (['watched', 'unwatched'] as const) : (['unwatched', 'watched'] as const)) {
      const watcher = mode === 'watched' ? await participants.watcher(address) : undefined;
      await delay(settling);
      client.send(callsOfRound);
      loads[mode].push((await answer<Load>(client)).cpu);
      watcher?.disconnect();
      await delay(settling);
    }
  }
  printTable(
    ['CPU, µs a call', 'least', 'median'],
    Object.entries(loads).map(([mode, all]) => [
      mode,
      microseconds(quantile(all, 0)),
      microseconds(quantile(all, 0.5)),
    ]),
  );
  return [findingOf(loads.watched.map((load, round) => load / loads.unwatched[round]!))];
}

function findingOf(ratios: readonly number[]): Finding {
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(ratios, share).toFixed(3));
  return {
    what: 'CPU of a unary call that is watched, to one that is not',
    measured: `${median} (half of the rounds: ${low}–${high})`,
  };
}

function microseconds(ns: number): string {
  return (ns / 1000).toFixed(1);
}
