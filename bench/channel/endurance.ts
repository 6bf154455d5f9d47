import { setTimeout as delay } from 'node:timers/promises';
import { printTable } from '../speed/table';
import { percent, quantile, type Finding } from './finding';
import type { Participants } from './participants';

/*
 * The extension's side at 200,000 picks a second with their completions, for a minute: its CPU, and by how much it grows over what it is
 * attached to a client at rest.
 */

const maxShare = 0.5;
const maxGrowth = 64 * 1024 * 1024;
/** After half of the time it is as large as it gets; this much is noise. */
const noise = 4 * 1024 * 1024;
const order = { rate: 200_000, seconds: 5, completions: true };
const slices = 13;

export async function measureEndurance(participants: Participants): Promise<Finding[]> {
  const source = await participants.source();
  const reader = await participants.reader(source, 'model');
  await delay(2000);
  let before = await reader.intake();
  const idle = before.rss;
  const all: { share: number; growth: number; heap: number; lost: number }[] = [];
  for (let slice = 0; slice < slices; slice++) {
    const made = await source.obey(order);
    const after = await reader.intake();
    const share = (after.cpu - before.cpu) / made.seconds;
    all.push({ share, growth: after.rss - idle, heap: after.heap, lost: after.dropped - before.dropped });
    before = after;
  }
  print(all);
  const largest = Math.max(...all.map(({ growth }) => growth));
  const early = Math.max(...all.slice(0, Math.ceil(slices / 2)).map(({ growth }) => growth));
  const share = quantile(
    all.map((it) => it.share),
    0.5,
  );
  return [
    {
      what: 'CPU of the extension, 200,000 picks/s',
      aim: `≤ ${percent(maxShare)} of a core`,
      measured: percent(share),
      reached: share <= maxShare,
    },
    { what: 'its growth over idle', aim: `≤ ${mb(maxGrowth)}`, measured: mb(largest), reached: largest <= maxGrowth },
    {
      what: 'its growth after half a minute',
      aim: 'none',
      measured: mb(largest - early),
      reached: largest - early <= noise,
    },
  ];
}

function print(all: readonly { share: number; growth: number; heap: number; lost: number }[]): void {
  printTable(
    ['s', 'share of a core', 'more than idle', 'heap', 'rows dropped'],
    all.map(({ share, growth, heap, lost }, i) => [
      String((i + 1) * order.seconds),
      percent(share),
      mb(growth),
      mb(heap),
      String(lost),
    ]),
  );
}

function mb(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
