import assert from 'node:assert/strict';
import { readCorpus } from '../../fuzz/corpus';
import { Fuzzer } from '../../fuzz/fuzzer';

/** A sample, the same each time; `npm run test:soak` tries a million. */
const inputs = 3000;

describe('Decoder and model, fed with mutated streams', () => {
  it('hold what they promise after each stream of the corpus, and after some thousand made of it', async () => {
    const fuzzer = new Fuzzer(readCorpus(), 20260115);
    await fuzzer.tryCorpus();
    while (fuzzer.tried < inputs) await fuzzer.round();
    assert.ok(fuzzer.corpus.length > 50);
  }).timeout(120_000);
});
