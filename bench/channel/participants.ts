import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildPrograms } from '../build.mjs';
import type { Intake } from './reader';
import type { Order, Production } from './source';

/** A client without calls, in a process of its own; see source.ts. */
export class Source {
  constructor(
    private readonly child: ChildProcess,
    readonly address: string,
  ) {}

  obey(order: Order): Promise<Production> {
    this.child.send(order);
    return answer(this.child);
  }
}

/** What attaches to one, in a process of its own; see reader.ts. */
export class Reader {
  constructor(private readonly child: ChildProcess) {}

  intake(): Promise<Intake> {
    this.child.send('intake');
    return answer(this.child);
  }
}

/** The programs that are started, by folder of bench/. */
const programs = {
  channel: ['source', 'reader'],
  speed: ['rpcServer', 'rpcClient', 'rpcWatcher'],
};

const bundles = new Map<string, Promise<string>>();

/** Where the programs are, bundled once. */
function bundled(folder: keyof typeof programs): Promise<string> {
  const made = bundles.get(folder) ?? buildPrograms(folder, ...programs[folder]);
  bundles.set(folder, made);
  return made;
}

/** Starts the processes of a part, and ends them. */
export class Participants {
  /** Where clients make themselves known. Short: sockets lie in it. */
  readonly runtimeFolder = mkdtempSync(path.join(tmpdir(), 'pickscope-bench-'));
  private readonly token = randomBytes(32).toString('hex');
  private readonly children: ChildProcess[] = [];

  async source(): Promise<Source> {
    const child = await this.start('channel', 'source', this.token);
    return new Source(child, await answer(child));
  }

  /** @param mode Whether it only decodes, or feeds the model as the extension does. */
  async reader({ address }: { readonly address: string }, mode: 'decode' | 'model'): Promise<Reader> {
    const child = await this.start('channel', 'reader', address, this.token, mode);
    await answer(child);
    return new Reader(child);
  }

  /** What reads a stream and makes nothing of it. It ends when it is disconnected. */
  async watcher(address: string): Promise<ChildProcess> {
    const child = await this.start('speed', 'rpcWatcher', address, this.token);
    await answer(child);
    return child;
  }

  /** @returns A process, which tells something when it is ready. */
  async start(folder: keyof typeof programs, program: string, ...args: string[]): Promise<ChildProcess> {
    const child = fork(path.join(await bundled(folder), `${program}.cjs`), args, {
      env: { ...process.env, PICKSCOPE: '', PICKSCOPE_RUNTIME_DIR: this.runtimeFolder, PICKSCOPE_TOKEN: this.token },
      execArgv: [],
    });
    this.children.push(child);
    return child;
  }

  dismiss(): void {
    for (const child of this.children) if (child.connected) child.disconnect();
    rmSync(this.runtimeFolder, { recursive: true, force: true });
  }
}

/** The next message of a process. */
export function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) =>
      reject(new Error(`${child.spawnargs.slice(1, 2).join(' ')} ended with ${code}.`));
    child.once('exit', ended);
    child.once('message', (message) => {
      child.off('exit', ended);
      resolve(message as T);
    });
  });
}
