import assert from 'node:assert/strict';
import { readCorpus } from './corpus';
import { Coverage } from './coverage';
import { Fuzzer } from './fuzzer';
import { readers } from './trial';

const inputs = 1_000_000;
/** So many are looked at for what they reach; the others run without being watched, which is faster. */
const guided = 100_000;
const maxGrowthMegabytes = 400;

describe('Decoder and model', () => {
  it('hold what they promise after a million streams, guided by what the streams reach', async () => {
    // Another one each time finds more; a gate has to say the same of the same code.
    const seed = Number(process.env.PICKSCOPE_FUZZ_SEED ?? Date.now() % 1_000_000);
    console.log(`    seed ${seed}`);
    const coverage = new Coverage(readers);
    const watched = new Fuzzer(readCorpus(), seed, coverage);
    const begun = Date.now();
    await watched.tryCorpus();
    const before = process.memoryUsage().rss;
    let peak = before;
    const known = watched.corpus.length;
    const run = async (fuzzer: Fuzzer, count: number) => {
      while (fuzzer.tried < count) {
        await fuzzer.round();
        peak = Math.max(peak, process.memoryUsage().rss);
      }
    };
    await run(watched, guided);
    const { run: reached, known: all } = coverage.counts;
    coverage.stop();
    const others = new Fuzzer(watched.corpus, seed + 1);
    await run(others, inputs - watched.tried);

    const seconds = (Date.now() - begun) / 1000;
    const cpuSeconds = process.cpuUsage().user / 1e6;
    const tried = watched.tried + others.tried;
    const megabytes = (bytes: number) => Math.round(bytes / 1e6);
    console.log(
      `    ${tried} inputs in ${seconds.toFixed(0)} s (${cpuSeconds.toFixed(0)} s of a core), ${Math.round(tried / seconds)}/s; ${reached} of ${all} blocks reached; ` +
        `corpus of ${known} streams, ${watched.corpus.length - known} new; at most ${megabytes(peak)} MB`,
    );
    assert.ok(tried >= inputs);
    assert.ok(megabytes(peak - before) < maxGrowthMegabytes, `grown by ${megabytes(peak - before)} MB`);
    // Twelve minutes on a busy machine.
  }).timeout(40 * 60_000);
});
