import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';

/** A real backend in a process of its own, that counts the calls that began there. */
export class Backend {
  private constructor(
    readonly address: string,
    private readonly process: ChildProcess,
    private readonly countFile: string,
  ) {}

  /**
   * @param folder Where its count is kept.
   * @param latencyMs The least that a call takes.
   */
  static async start(folder: string, latencyMs: number): Promise<Backend> {
    const countFile = path.join(folder, `calls-${latencyMs}`);
    writeFileSync(countFile, '');
    const backend = fork('demo/backend.ts', [`--latency=${latencyMs}`, '--jitter=1', `--count-file=${countFile}`], {
      execArgv: ['--import', 'tsx'],
    });
    const [{ port }] = (await once(backend, 'message')) as [{ port: number }];
    return new Backend(`127.0.0.1:${port}`, backend, countFile);
  }

  /** Calls that began there; right also after a kill. */
  get calls(): number {
    return statSync(this.countFile).size;
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}

/** Of the loopback, where nobody listens now. */
export async function freeAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `127.0.0.1:${port}`;
}
