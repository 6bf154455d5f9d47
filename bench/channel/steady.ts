import { printTable } from '../speed/table';
import { least, percent, quantile, type Finding } from './finding';
import type { Participants } from './participants';

/*
 * CPU at 20,000 picks a second with their completions: what a watcher adds to the client, and what the extension's side takes.
 * Two clients, of which one is watched, take turns; the least of all rounds counts, as whatever else the machine does only adds.
 */

const aim = 0.03;
const order = { rate: 20_000, seconds: 2, completions: true };
const rounds = 10;

export async function measureSteady(participants: Participants): Promise<Finding[]> {
  const plain = await participants.source();
  const watched = await participants.source();
  const reader = await participants.reader(watched, 'model');
  const shares: Record<'plain' | 'watched' | 'reader', number[]> = { plain: [], watched: [], reader: [] };
  for (let round = 0; round < rounds; round++) {
    const unseen = await plain.obey(order);
    shares.plain.push(unseen.cpu / unseen.seconds);
    const before = await reader.intake();
    const seen = await watched.obey(order);
    const after = await reader.intake();
    shares.watched.push(seen.cpu / seen.seconds);
    shares.reader.push((after.cpu - before.cpu) / seen.seconds);
  }
  printTable(
    ['share of a core', 'least', 'median'],
    Object.entries(shares).map(([name, all]) => [name, percent(least(all)), percent(quantile(all, 0.5))]),
  );
  const added = least(shares.watched) - least(shares.plain);
  return [
    finding('CPU that the stream adds to the client, 20,000 picks/s', added),
    finding('CPU of the extension, 20,000 picks/s', least(shares.reader)),
  ];
}

function finding(what: string, share: number): Finding {
  return { what, aim: `≤ ${percent(aim)} of a core`, measured: percent(share), reached: share <= aim };
}
