import path from 'node:path';
import { Random } from '../../simulator/random';
import { writeStream } from './corpus';
import type { Coverage } from './coverage';
import { Mutator, type Stream } from './mutator';
import { assertSameByBothDecoders, newModel, tryInput } from './trial';

/** Streams that one model reads one after the other, as it outlives them; and how each is read. */
interface Chain {
  readonly inputs: readonly Stream[];
  readonly seed: number;
}

const inputsPerChain = 32;
const chainsPerRound = 16;

/** Feeds mutated streams to decoder and model, and keeps those that reach what none has reached. */
export class Fuzzer {
  tried = 0;
  /** Grows. */
  readonly corpus: Stream[];
  private readonly random: Random;

  /** @param coverage Left out: nothing is kept. */
  constructor(
    corpus: readonly Stream[],
    seed: number,
    private readonly coverage?: Coverage,
  ) {
    this.corpus = [...corpus];
    this.random = new Random(seed);
  }

  /** As they are. @throws As round(). */
  async tryCorpus(): Promise<void> {
    for (const stream of this.corpus) await this.runChain({ inputs: [stream, stream], seed: 1 });
    this.tried += this.corpus.length;
    this.coverage?.takeNew();
  }

  /** Some hundred inputs. @throws Error that names a file with the input for which something does not hold. */
  async round(): Promise<void> {
    const mutator = new Mutator(this.random, this.corpus);
    const chains = Array.from({ length: chainsPerRound }, () => ({
      inputs: Array.from({ length: inputsPerChain }, () => mutator.next()),
      seed: this.random.below(2 ** 31),
    }));
    for (const chain of chains) await this.runChain(chain);
    this.tried += chainsPerRound * inputsPerChain;
    const fresh = new Set(this.coverage?.takeNew());
    if (fresh.size > 0) for (const chain of chains) await this.keepWhatReaches(fresh, chain);
  }

  private async runChain(chain: Chain): Promise<void> {
    const model = newModel();
    for (const [index, input] of chain.inputs.entries()) {
      try {
        await tryInput(input, model, randomOf(chain, index));
        if (index === 0) assertSameByBothDecoders(input);
      } catch (cause) {
        throw this.failure(chain, index, cause as Error);
      }
    }
  }

  private failure({ inputs }: Chain, index: number, cause: Error): Error {
    const file = writeStream(inputs.slice(0, index + 1).flat(), path.join('out', 'fuzz'));
    return new Error(`${cause.message}: after input ${this.tried + index}; the streams so far are in ${file}`, {
      cause,
    });
  }

  /** Looks for the inputs that reached the blocks, and takes these off. */
  private async keepWhatReaches(blocks: Set<string>, chain: Chain): Promise<void> {
    if (blocks.size === 0 || !(await this.reaches(blocks, chain))) return;
    const model = newModel();
    for (const [index, input] of chain.inputs.entries()) {
      await tryInput(input, model, randomOf(chain, index));
      const reached = this.taken(blocks);
      if (reached.size === 0) continue;
      await this.keep(reached, chain, index);
      for (const block of reached) blocks.delete(block);
    }
  }

  /** The input alone, if that is enough; else with those before it. */
  private async keep(blocks: Set<string>, chain: Chain, index: number): Promise<void> {
    const seed = seedOf(chain, index);
    const alone = chain.inputs[index]!;
    const stream = (await this.streamReaches(blocks, alone, seed)) ? alone : chain.inputs.slice(0, index + 1).flat();
    if (!(await this.streamReaches(blocks, stream, seed))) return;
    this.corpus.push(await this.minimised(blocks, stream, seed));
  }

  /** Without the messages that are not needed to reach the blocks. */
  private async minimised(blocks: Set<string>, stream: Stream, seed: number): Promise<Stream> {
    let least = stream;
    for (let size = least.length >> 1; size >= 1; size >>= 1)
      for (let at = least.length - size; at >= 0; at -= size) {
        const shorter = least.toSpliced(at, size);
        if (await this.streamReaches(blocks, shorter, seed)) least = shorter;
      }
    return least;
  }

  private async reaches(blocks: Set<string>, chain: Chain): Promise<boolean> {
    this.coverage!.take();
    await this.runChain(chain);
    return this.taken(blocks).size > 0;
  }

  private async streamReaches(blocks: Set<string>, stream: Stream, seed: number): Promise<boolean> {
    this.coverage!.take();
    await tryInput(stream, newModel(), new Random(seed));
    return this.taken(blocks).size === blocks.size;
  }

  private taken(blocks: ReadonlySet<string>): Set<string> {
    return new Set(this.coverage!.take().filter((block) => blocks.has(block)));
  }
}

function seedOf({ seed }: Chain, index: number): number {
  return seed + index;
}

function randomOf(chain: Chain, index: number): Random {
  return new Random(seedOf(chain, index));
}
