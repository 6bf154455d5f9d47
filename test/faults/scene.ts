import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { parseDescriptor, type Descriptor } from '@pickscope/protocol/descriptor';
import { Backend } from '../../libraries/node/test/backends';
import type { Attachment } from '../../src/attachment/attachment';
import { Attachments } from '../../src/attachment/attachments';
import { Discovery } from '../../src/discovery/discovery';
import type { ChannelView, Marker, Query } from '../../src/messages/panel';
import { LogLines } from '../unit/logs';
import { until } from '../unit/waiting';

const program = path.resolve('out', 'faults', 'client.cjs');

/** What is of a window of VS Code without VS Code: it looks for clients, attaches, and knows what the panel would show. */
export class Window {
  readonly log = new LogLines();
  readonly discovery: Discovery;
  readonly attachments: Attachments;

  constructor(runtimeFolder: string, silenceMs = 5000) {
    this.discovery = new Discovery({ folders: () => [runtimeFolder], log: this.log });
    this.attachments = new Attachments({
      discovery: this.discovery,
      memory: { keys: () => [], get: <T>(_: string, otherwise?: T) => otherwise, update: () => Promise.resolve() },
      log: this.log,
      silenceMs,
      pickBudgetBytes: () => 1_000_000,
      reattach: () => true,
      autoAttach: () => [],
      loadStream: async () => (await import('../../src/attachment/stream')).readStream,
      tokenFor: () => Promise.resolve(''),
    });
  }

  attach(client: Descriptor): Attachment {
    return this.attachments.attach({ kind: 'client', client });
  }

  /** Its panel is in view: it keeps looking for clients. */
  look(): void {
    this.discovery.watch();
  }

  close(): void {
    this.attachments.dispose();
    this.discovery.dispose();
  }
}

/** What the panel shows of the client's only channel. */
export function shown({ model }: Attachment): ChannelView {
  const view = model.view(query, Date.now());
  if (!view) throw new Error('The client has no channel yet.');
  return view;
}

/** The marks of the last minute. */
export function markers({ model }: Attachment): readonly Marker[] {
  return model.chart(query, Date.now())?.markers ?? [];
}

const query: Query = { windowSeconds: 60, points: 120, filter: '', rows: { skip: 0, limit: 1000 } };

export async function live(attachment: Attachment): Promise<void> {
  await until(() => attachment.state.kind === 'live');
}

/** Waits for picks that were made after this was called. */
export async function morePicks(attachment: Attachment): Promise<void> {
  await live(attachment);
  await until(() => attachment.model.channels(Date.now()).length > 0);
  const before = shown(attachment).picksSeen;
  await until(() => shown(attachment).picksSeen > before);
}

/** Real clients, in processes of their own, with real backends. */
export class Scene {
  /** Short: sockets lie in it. */
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  readonly runtimeFolder = path.join(this.folder, 'run');
  private readonly processes: ChildProcess[] = [];
  private readonly windows: Window[] = [];
  private backends: readonly Backend[] = [];

  async open(): Promise<void> {
    mkdirSync(this.runtimeFolder, { mode: 0o700 });
    // Bundled: it starts sooner, and threads of Node 20 load no TypeScript.
    await build({
      entryPoints: ['test/faults/client.ts'],
      outfile: program,
      bundle: true,
      platform: 'node',
      target: 'node20',
      conditions: ['pickscope-source'],
      external: ['@grpc/grpc-js'],
      logLevel: 'warning',
    });
    this.backends = [await Backend.start(), await Backend.start()];
  }

  /** Starts a client; `others` is what else it starts, see client.ts. */
  start(others?: 'fork' | 'cluster' | 'threads'): ChildProcess {
    const addresses = this.backends.map(({ address }) => address).join();
    const client = fork(program, others === undefined ? [addresses] : [addresses, others], {
      execArgv: [],
      env: { ...process.env, PICKSCOPE_RUNTIME_DIR: this.runtimeFolder, PICKSCOPE_NAME: 'orders-api' },
    });
    this.processes.push(client);
    return client;
  }

  /** All that are announced now. */
  announced(): Descriptor[] {
    const files = readdirSync(this.runtimeFolder).filter((name) => name.endsWith('.json'));
    return files.flatMap((name) => {
      try {
        return [parseDescriptor(readFileSync(path.join(this.runtimeFolder, name), 'utf8'))];
      } catch (error) {
        // Whoever starts, or scans, takes away what those who were killed left.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    });
  }

  /** Waits for a process to make itself known. */
  async descriptorOf({ pid }: ChildProcess): Promise<Descriptor> {
    const own = () => this.announced().find((descriptor) => descriptor.pid === pid);
    await until(() => own() !== undefined);
    return own()!;
  }

  fileOf({ instance }: Descriptor): string {
    return path.join(this.runtimeFolder, `${instance}.json`);
  }

  window(silenceMs?: number): Window {
    const window = new Window(this.runtimeFolder, silenceMs);
    this.windows.push(window);
    return window;
  }

  closeWindows(): void {
    for (const window of this.windows.splice(0)) window.close();
  }

  async endClients(): Promise<void> {
    for (const each of this.processes.splice(0)) await kill(each);
  }

  async close(): Promise<void> {
    this.closeWindows();
    await this.endClients();
    for (const backend of this.backends) backend.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export async function kill(client: ChildProcess): Promise<void> {
  if (client.exitCode !== null || client.signalCode !== null) return;
  const gone = once(client, 'exit');
  client.kill('SIGKILL');
  await gone;
}
