import type { Descriptor } from '@pickscope/protocol/descriptor';
import { build } from 'esbuild';
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../backends';
import { descriptors } from '../preload/watcher';
import type { Figures } from './program';

/*
 * Programs of tests as processes of their own, also as other users: bundled, so that those can read them.
 */

let folder: string | undefined;

/** @param entry A file, by its path from this folder. @returns Its bundle, with the library and grpc-js in it, which everybody may read. */
export async function bundle(entry: string): Promise<string> {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'ps-'));
    process.once('exit', () => rmSync(made, { recursive: true }));
    chmodSync((folder = made), 0o755);
  }
  const outfile = path.join(folder, `${path.basename(entry, '.ts')}.cjs`);
  if (existsSync(outfile)) return outfile;
  await build({
    entryPoints: [path.resolve(__dirname, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    conditions: ['pickscope-source'],
    logLevel: 'warning',
  });
  chmodSync(outfile, 0o644);
  return outfile;
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Who it is; by default as the tests. */
  readonly uid?: number | undefined;
  readonly nodeOptions?: readonly string[];
  /** Of the program. */
  readonly args?: readonly string[];
}

const children = new Set<Child>();

/** A process that runs program.ts, or another file of this folder. */
export class Child {
  err = '';
  out = '';
  readonly ended: Promise<number | string | null>;

  private constructor(readonly process: ChildProcess) {
    process.stdout!.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    process.stderr!.on('data', (chunk: Buffer) => (this.err += chunk.toString()));
    this.ended = new Promise((resolve) => process.once('close', (code, signal) => resolve(signal ?? code)));
    children.add(this);
  }

  static async start(runtimeFolder: string, options: ChildOptions = {}, entry = 'program.ts'): Promise<Child> {
    const { env, uid, nodeOptions = [], args = [] } = options;
    const identity = uid === undefined ? {} : { uid, gid: uid };
    const bundled = await bundle(entry);
    const child = spawn(process.execPath, [...nodeOptions, bundled, ...args], {
      cwd: path.dirname(bundled),
      env: { PATH: process.env.PATH, HOME: '/nonexistent', PICKSCOPE_RUNTIME_DIR: runtimeFolder, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      ...identity,
    });
    return new Child(child);
  }

  get pid(): number {
    return this.process.pid!;
  }

  async figures(): Promise<Figures> {
    const answer = new Promise<Figures>((resolve) => this.process.once('message', (it) => resolve(it as Figures)));
    this.process.send('figures');
    return answer;
  }

  /** Has it end by itself. */
  end(): Promise<number | string | null> {
    this.process.send('end');
    return this.ended;
  }

  /** Whether it has ended, by itself or not. */
  get isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }
}

/** To be called after each test. */
export async function endChildren(): Promise<void> {
  for (const child of children) child.process.kill('SIGKILL');
  await Promise.all([...children].map(({ ended }) => ended));
  children.clear();
}

/** Waits for what a process has written there. */
export async function descriptorOf(runtimeFolder: string, child: Child): Promise<Descriptor> {
  const find = () => descriptors(runtimeFolder).find(({ pid }) => pid === child.pid);
  await until(() => find() !== undefined || child.isOver);
  return find() ?? assert.fail(`It has ended: ${child.err}`);
}
