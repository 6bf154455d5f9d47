import { execSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readmeBlock } from './readme';

export const libraryFile = 'pickscope-grpc-js-0.1.0.tgz';

/** A folder made as the README says: the library from its package, and the README's client. */
export class Program {
  constructor(
    private readonly folder: string,
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  install(): void {
    mkdirSync(this.folder);
    copyFileSync(libraryFile, path.join(this.folder, libraryFile));
    execSync(readmeBlock('install'), { cwd: this.folder, stdio: 'pipe' });
    writeFileSync(path.join(this.folder, 'client.mjs'), readmeBlock('client.mjs'));
  }

  /** Starts the README's client, calling these backends. */
  start(addresses: readonly string[], env: Readonly<Record<string, string>> = {}): RunningClient {
    const preload = path.resolve('test/whole/stoppable.mjs');
    const client = spawn(process.execPath, ['--import', preload, 'client.mjs', `ipv4:${addresses.join(',')}`], {
      cwd: this.folder,
      env: { ...process.env, ...this.env, ...env },
      stdio: 'ignore',
    });
    return new RunningClient(client);
  }
}

export class RunningClient {
  constructor(private readonly process: ChildProcess) {}

  get pid(): number {
    return this.process.pid!;
  }

  /** No new call from now on. */
  stopCalling(): void {
    this.process.kill('SIGUSR2');
  }

  async end(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGTERM');
    await once(this.process, 'exit');
  }
}
