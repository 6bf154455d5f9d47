import { Session, type Profiler } from 'node:inspector';

/**
 * Which blocks of some files V8 has run: precise coverage, as `node --inspect` gives it. Blocks of code that was loaded
 * before it began are seen as well, from when they run next.
 */
export class Coverage {
  private readonly session = new Session();
  private readonly seen = new Set<string>();
  private readonly all = new Set<string>();

  /** @param wanted Matches the addresses of the scripts that count. */
  constructor(private readonly wanted: RegExp) {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** How many blocks were run, and how many there are in the functions that were. */
  get counts(): { readonly run: number; readonly known: number } {
    return { run: this.seen.size, known: this.all.size };
  }

  /** The blocks that were run since the last time, of all that ever were not before. */
  takeNew(): string[] {
    const fresh = this.take().filter((block) => !this.seen.has(block));
    for (const block of fresh) this.seen.add(block);
    return fresh;
  }

  /** The blocks that were run since the last time. */
  take(): string[] {
    let blocks: string[] = [];
    // The session is in the same thread: it answers before post() returns.
    this.session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error) throw error;
      blocks = answer.result.filter(({ url }) => this.wanted.test(url)).flatMap((script) => this.blocksOf(script));
    });
    return blocks;
  }

  stop(): void {
    this.session.disconnect();
  }

  private blocksOf({ url, functions }: Profiler.ScriptCoverage): string[] {
    const run: string[] = [];
    for (const { ranges } of functions)
      for (const { startOffset, endOffset, count } of ranges) {
        const block = `${url}:${startOffset}-${endOffset}`;
        this.all.add(block);
        if (count > 0) run.push(block);
      }
    return run;
  }
}
