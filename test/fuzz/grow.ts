import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { toBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import { Random } from '../../simulator/random';
import { FakeClient } from '../unit/model/fakeClient';
import { readCorpus, streamOf, writeCorpus } from './corpus';
import { Coverage } from './coverage';
import { Fuzzer } from './fuzzer';
import type { Stream } from './mutator';
import { newModel, readers, tryInput } from './trial';

/*
 * Grows the corpus: looks for streams that reach more, and writes as few as reach all that was reached.
 *
 *     node --import tsx --conditions=pickscope-source test/fuzz/grow.ts [INPUTS [SEED]]
 */

const inputs = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? 1);
const maxCorpusBytes = 280_000;
const partLength = 12;

const coverage = new Coverage(readers);
const fuzzer = new Fuzzer([...readCorpus(), ...seeds()], seed, coverage);
await fuzzer.tryCorpus();
while (fuzzer.tried < inputs) {
  await fuzzer.round();
  if (fuzzer.tried % 10_240 < 512)
    console.log(fuzzer.tried, 'inputs', fuzzer.corpus.length, 'streams', coverage.counts);
}
const least = await leastOf(fuzzer.corpus);
writeCorpus(least);
console.log(
  least.length,
  'streams',
  least.reduce((sum, stream) => sum + lengthOf(stream), 0),
  'bytes',
);

/** Parts of real and of simulated streams. */
function seeds(): Stream[] {
  const folder = path.join(import.meta.dirname, '..', 'recordings');
  const files = readdirSync(folder).filter((name) => name.endsWith('.pickscope'));
  const recorded = files.map((name) => streamOf(readFileSync(path.join(folder, name))));
  const backends = [1, 2, 3, 4].map((index) => ({
    address: `10.0.0.${index}:50051`,
    latencyMs: index * 9,
    errors: 0.1,
  }));
  const fake = new FakeClient({ backends, picksPerSecond: 15 }).keep().attach().run(1500);
  fake
    .fail('10.0.0.2:50051')
    .run(500)
    .remove('10.0.0.3:50051')
    .drop(3, 2)
    .run(500)
    .attachPast(0n)
    .run(500)
    .restart()
    .run(900);
  const simulated = fake.messages.map((message) => toBinary(WatchResponseSchema, message));
  return [...recorded, simulated].flatMap(partsOf);
}

/** Each begins with the snapshot. */
function partsOf(stream: Stream): Stream[] {
  const snapshot = stream.slice(0, 6);
  const count = Math.ceil((stream.length - snapshot.length) / partLength);
  return Array.from({ length: count }, (_, index) => {
    const from = snapshot.length + index * partLength;
    return [...snapshot, ...stream.slice(from, from + partLength)];
  });
}

/** The shortest first, of all streams that reach something that those before do not. */
async function leastOf(streams: readonly Stream[]): Promise<Stream[]> {
  const reached = new Set<string>();
  const kept: Stream[] = [];
  let bytes = 0;
  for (const stream of streams.toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    coverage.take();
    for (let times = 1; times <= 6; times++)
      await tryInput(stream, newModel(), new Random(times)).catch(() => undefined);
    const fresh = coverage.take().filter((block) => !reached.has(block));
    if (fresh.length === 0 || bytes + lengthOf(stream) > maxCorpusBytes) continue;
    for (const block of fresh) reached.add(block);
    bytes += lengthOf(stream);
    kept.push(stream);
  }
  return kept;
}

function lengthOf(stream: Stream): number {
  return stream.reduce((sum, message) => sum + message.length, 0);
}
