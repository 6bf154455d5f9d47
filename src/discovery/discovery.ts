import { EventEmitter } from 'node:events';
import { watch, type FSWatcher } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { isClientGone, isProcessGone, type Descriptor } from '@pickscope/protocol/descriptor';
import { readDescriptorFile, type DescriptorFile } from '@pickscope/protocol/descriptorFile';
import { runtimeFolderFault } from '@pickscope/protocol/runtimeFolder';
import type { LogOutputChannel } from 'vscode';
import { Sockets } from './sockets';

/** Finds what the file system does not tell: folders made later, processes that were killed. */
const pollMs = 2000;
/** A client writes its socket, then its descriptor: several events for one change, and one scan for them. */
const settleMs = 30;
/** How much longer than a scan takes it waits for the next. */
const restRatio = 9;
/** How many warnings are remembered, so that each is logged once. */
const maxRemembered = 1000;

/** A client that has made itself known. */
export interface DiscoveredClient extends DescriptorFile {
  /** The number of the scan that found it first. */
  readonly foundBy: number;
}

export interface DiscoveryOptions {
  /** The runtime folders, asked for at each scan: a setting may change. */
  readonly folders: () => readonly string[];
  readonly log: Pick<LogOutputChannel, 'info' | 'warn'>;
}

/** Looking for clients goes on until it is disposed. */
export interface Watch {
  dispose(): void;
}

/**
 * The clients that can be attached to. Looks for them only while someone watches. Never removes a file: that is for the
 * clients' library.
 */
export class Discovery extends EventEmitter<{ change: []; scanned: [] }> {
  #clients: readonly DiscoveredClient[] = [];
  #problems: string[] = [];
  #watching = 0;
  #poll: NodeJS.Timeout | undefined;
  #settle: NodeJS.Timeout | undefined;
  #lastScan: Promise<void> = Promise.resolve();
  #nextScan: Promise<void> | undefined;
  #scans = 0;
  #scanMs = 0;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #sockets = new Sockets();
  readonly #warned = new Set<string>();

  constructor(private readonly options: DiscoveryOptions) {
    super();
  }

  /** In the order in which they appeared. */
  get clients(): readonly DiscoveredClient[] {
    return this.#clients;
  }

  /** Folders and files that the last scan could not use, each as an English sentence; the log has them, too. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** How many scans have begun. */
  get scans(): number {
    return this.#scans;
  }

  /** Looks now, and keeps looking until the returned object is disposed. */
  watch(): Watch {
    this.#watching++;
    if (this.#watching === 1) this.#poll = setInterval(() => void this.scan(), pollMs);
    void this.scan();
    let disposed = false;
    return {
      dispose: () => {
        if (disposed) return;
        disposed = true;
        this.#watching--;
        if (this.#watching === 0) this.#stop();
      },
    };
  }

  /** Looks into all folders, after the scan that may be under way: that one may have missed what is new. */
  scan(): Promise<void> {
    this.#nextScan ??= this.#lastScan = this.#lastScan
      .then(() => {
        this.#nextScan = undefined;
        return this.#scan();
      })
      .catch((error: unknown) => this.#warnOnce(`Looking for clients failed: ${messageOf(error)}`));
    return this.#nextScan;
  }

  dispose(): void {
    this.#watching = 0;
    this.#stop();
    this.removeAllListeners();
  }

  #stop(): void {
    clearInterval(this.#poll);
    clearTimeout(this.#settle);
    this.#settle = undefined;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  async #scan(): Promise<void> {
    this.#scans++;
    const begunMs = performance.now();
    const problemsBefore = this.#problems.length;
    this.#problems = [];
    const known = new Map(this.#clients.map((client) => [client.descriptor.instance, client.foundBy]));
    const found = new Map<string, DiscoveredClient>();
    for (const folder of this.options.folders()) {
      for (const file of await this.#readFolder(folder)) {
        const { instance } = file.descriptor;
        // A client writes to one folder; the same instance in another one is a copy.
        if (!found.has(instance)) found.set(instance, { ...file, foundBy: known.get(instance) ?? this.#scans });
      }
    }
    this.#scanMs = performance.now() - begunMs;
    const before = this.#clients;
    this.#clients = [...found.values()].sort((a, b) => a.appearedMs - b.appearedMs);
    if (!sameClients(before, this.#clients) || this.#problems.length !== problemsBefore) this.emit('change');
    this.emit('scanned');
  }

  async #readFolder(folder: string): Promise<DescriptorFile[]> {
    try {
      const fault = runtimeFolderFault(folder);
      if (fault !== undefined) {
        this.#report(`Not looking for clients there: ${fault}.`);
        return [];
      }
      this.#watchFolder(folder);
      const files = (await readdir(folder))
        .filter((name) => name.endsWith('.json'))
        .map((name) => path.join(folder, name));
      const clients = await Promise.all(files.map((file) => this.#readFile(file)));
      return clients.filter((client) => client !== undefined);
    } catch (error) {
      this.#forgetFolder(folder);
      if (!isMissing(error)) this.#report(`Cannot look for clients in ${folder}: ${messageOf(error)}`);
      return [];
    }
  }

  async #readFile(file: string): Promise<DescriptorFile | undefined> {
    try {
      const client = await readDescriptorFile(file);
      const fault = await this.#faultOf(client.descriptor);
      if (fault === undefined) return client;
      this.#warnOnce(`Ignoring ${file}: ${fault}.`);
    } catch (error) {
      // A client that ends takes its descriptor away, also between our listing and our reading.
      if (!isMissing(error)) this.#report(`Ignoring ${file}: ${messageOf(error)}.`);
    }
    return undefined;
  }

  /** Why nobody can attach to it any more; undefined: nothing is known against it. */
  async #faultOf(client: Descriptor): Promise<string | undefined> {
    if (isProcessGone(client, hostname())) return `its process ${client.pid} has ended`;
    if (isClientGone(client, hostname())) return `${client.address} is not there`;
    return (await this.#sockets.isDead(client)) ? `nobody listens at ${client.address}` : undefined;
  }

  #watchFolder(folder: string): void {
    if (this.#watching === 0 || this.#watchers.has(folder)) return;
    const watcher = watch(folder, { persistent: false }, () => this.#scanSoon());
    watcher.on('error', () => this.#forgetFolder(folder));
    this.#watchers.set(folder, watcher);
  }

  /**
   * Not later because more happens: where clients come and go all the time, they would never be found. But where there
   * are many, most of the time goes to others.
   */
  #scanSoon(): void {
    this.#settle ??= setTimeout(
      () => {
        this.#settle = undefined;
        void this.scan();
      },
      Math.max(settleMs, restRatio * this.#scanMs),
    );
  }

  #forgetFolder(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
  }

  #report(problem: string): void {
    this.#problems.push(problem);
    this.#warnOnce(problem);
  }

  #warnOnce(message: string): void {
    if (this.#warned.has(message)) return;
    if (this.#warned.size >= maxRemembered) this.#warned.clear();
    this.#warned.add(message);
    this.options.log.warn(message);
  }
}

function sameClients(a: readonly DiscoveredClient[], b: readonly DiscoveredClient[]): boolean {
  return a.length === b.length && a.every(({ descriptor }, index) => isSame(descriptor, b[index]!.descriptor));
}

/** What else is in a descriptor does not show. */
function isSame(a: Descriptor, b: Descriptor): boolean {
  return a.instance === b.instance && a.name === b.name && a.folder === b.folder && a.address === b.address;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
