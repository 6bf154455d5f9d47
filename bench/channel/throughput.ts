import { setTimeout as delay } from 'node:timers/promises';
import { printTable } from '../speed/table';
import type { Finding } from './finding';
import type { Participants, Reader, Source } from './participants';

/*
 * Picks a second over the unix socket, by how many the client makes: what a reader gets that decodes them all. Where that is
 * less than was made, the rest was dropped and counted.
 */

const aim = 2e6;
const rates = [0.5e6, 1e6, 2e6, 2.5e6, 3e6];
const seconds = 1.2;
/** Of each rate; the best counts. */
const tries = 2;

interface Passage {
  readonly made: number;
  readonly got: number;
  /** s of each process, a row of the stream. */
  readonly sourceCpu: number;
  readonly readerCpu: number;
  readonly bytesOfPick: number;
}

export async function measureThroughput(participants: Participants): Promise<Finding[]> {
  const alone = await best(participants, false);
  const completed = await best(participants, true);
  return [
    {
      what: 'picks a second, decoded',
      aim: `≥ ${millions(aim)}`,
      measured: `${millions(alone.got)} (${alone.bytesOfPick.toFixed(0)} bytes a pick)`,
      reached: alone.got >= aim,
    },
    {
      what: 'picks a second, each with its completion',
      measured: `${millions(completed.got)} (${completed.bytesOfPick.toFixed(0)} bytes both)`,
    },
  ];
}

async function best(participants: Participants, completions: boolean): Promise<Passage> {
  const source = await participants.source();
  const reader = await participants.reader(source, 'decode');
  await pass(source, reader, rates[0]!, completions);
  const passages: Passage[] = [];
  for (const rate of rates) {
    const all: Passage[] = [];
    for (let i = 0; i < tries; i++) all.push(await pass(source, reader, rate, completions));
    passages.push(most(all));
  }
  console.log(`\nPicks ${completions ? 'with' : 'without'} completions:\n`);
  printTable(
    ['made/s', 'decoded/s', 'client, ns of CPU a pick', 'reader'],
    passages.map((it) => [millions(it.made), millions(it.got), ns(it.sourceCpu), ns(it.readerCpu)]),
  );
  return most(passages);
}

async function pass(source: Source, reader: Reader, rate: number, completions: boolean): Promise<Passage> {
  const before = await reader.intake();
  const made = await source.obey({ rate, seconds, completions });
  // What is on its way; more than a flush, and than the reader's queue.
  await delay(300);
  const after = await reader.intake();
  const got = after.picks - before.picks;
  return {
    made: made.picks / made.seconds,
    got: got / made.seconds,
    sourceCpu: made.cpu / made.picks,
    readerCpu: (after.cpu - before.cpu) / got,
    bytesOfPick: made.bytesOfPick,
  };
}

function most(passages: readonly Passage[]): Passage {
  return passages.reduce((best, it) => (it.got > best.got ? it : best));
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(2)} M`;
}

function ns(seconds: number): string {
  return (seconds * 1e9).toFixed(0);
}
