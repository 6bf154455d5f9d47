import type * as GrpcModule from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { debuglog } from 'node:util';
import { registerPolicy, supportsPolicies } from './balancer/register';
import { versionOf, type GrpcCopy } from './observe/copies';
import { failOpen } from './observe/failOpen';
import { Hooks } from './observe/hooks';
import { examine, type Examination } from './observe/selfTest';
import { consistentHash } from './policies/consistentHash';
import { p2cEwma } from './policies/p2cEwma';
import { peakEwma } from './policies/peakEwma';
import type { DecisionSlot, Policy } from './policies/picker';
import { staticWeightedRoundRobin } from './policies/staticWeightedRoundRobin';
import { Recorder } from './recorder/recorder';
import type { TlsKeys } from './server/connections';
import { configuredTls, configuredToken } from './server/credentials';
import { keepLimits } from './server/keep';
import { openServer, type OpenServer } from './server/listen';
import { describeProcess, processName, type Unknown } from './server/process';
import { saveRecording } from './server/recordingFile';
import { recordOnSignal } from './server/recordingSignal';

type Grpc = typeof GrpcModule;

export interface ServerOptions {
  readonly name?: string;
  readonly tcp?: string | number;
  readonly tls?: TlsKeys;
  readonly keep?: string;
}

/** Heard with NODE_DEBUG=pickscope. */
const log = debuglog('pickscope');

const policies: readonly Policy[] = [p2cEwma, peakEwma, staticWeightedRoundRobin, consistentHash];

/**
 * All of this library that there is once in a process, however many copies and versions of it are loaded: its methods
 * are what those copies share, so they keep their signatures.
 */
class Runtime {
  readonly recorder = new Recorder();
  private readonly slot: DecisionSlot = { picker: undefined, endpoints: [] };
  private readonly policies = new Map(policies.map((policy) => [policy.name, policy]));
  private readonly instance = randomBytes(16).toString('hex');
  /** By what is one for each copy of grpc-js, `require` or `import * as` alike. */
  private readonly copies = new Map<object, Examination>();
  /** The first copy that was observed: the debug server runs on it. */
  private first: Grpc | undefined;
  private server: Promise<OpenServer> | undefined;
  /** The server that nobody in the program asked for. */
  private offered: Promise<OpenServer> | undefined;
  /** The recording that is being written, or was last. */
  private recording: Promise<unknown> = Promise.resolve();
  /** Whether a signal makes it write a recording. */
  private listens = false;
  /** Whether the program imports this library. To one that is only preloaded nothing is said. */
  imported = false;

  /** Hooks what is as expected in a copy of grpc-js; a second time does nothing. */
  observe(copy: GrpcCopy): void {
    this.first ??= copy.grpc;
    failOpen(() => {
      const key = copy.grpc.experimental;
      if (this.copies.has(key)) return;
      const examination = examine(copy);
      this.copies.set(key, examination);
      const warn = (line: string) => this.warn(line);
      const isFirst = copy.grpc === this.first;
      new Hooks(examination.internals, this.recorder, this.slot, this.policies, warn, isFirst).install();
    });
  }

  registerPolicies(grpc: Grpc): void {
    for (const policy of this.policies.values()) registerPolicy(grpc, policy, this.slot);
  }

  /** The policies of this library and those that were added, by name. */
  get knownPolicies(): ReadonlyMap<string, Policy> {
    return this.policies;
  }

  /**
   * Makes a policy known to a copy of grpc-js, and to those that registerPolicies is called for from now on.
   *
   * @throws Error if the name is taken.
   */
  addPolicy(policy: Policy, grpc: Grpc): void {
    const known = this.policies.get(policy.name);
    if (known !== policy && (known ?? grpc.experimental.isLoadBalancerNameRegistered(policy.name))) {
      throw new Error(`There is a policy "${policy.name}" already: give yours another name.`);
    }
    this.policies.set(policy.name, policy);
    registerPolicy(grpc, policy, this.slot);
  }

  /** One server a process: while it runs, it is given again. One that was only offered gives way to a wish. */
  startServer(options: ServerOptions): Promise<OpenServer> {
    const { offered } = this;
    this.offered = undefined;
    if (offered && Object.values(options).some((it) => it !== undefined)) {
      this.server = this.keep(closed(offered).then(() => this.openServer(options)));
    }
    return (this.server ??= this.keep(this.openServer(options)));
  }

  /** Opens a server without being asked to: never fails, and says nothing. */
  offerServer(): void {
    if (this.server) return;
    this.server = this.offered = this.keep(this.openServer({}));
    this.offered.catch((error: unknown) => log('cannot be attached to: %s', error));
  }

  /** Writes what is kept into a file, one recording after the other. @returns The file's path. */
  saveRecording(file?: string): Promise<string> {
    const saved = this.recording.then(async () => {
      const server = await this.server?.catch(() => undefined);
      return saveRecording(server?.past, file);
    });
    this.recording = saved.catch(() => undefined);
    return saved;
  }

  private warn(line: string): void {
    if (this.imported) say(line);
    else log(line);
  }

  /** A server that fails, or is closed, makes room for another. */
  private keep(server: Promise<OpenServer>): Promise<OpenServer> {
    const forget = () => {
      if (this.server === kept) this.server = undefined;
    };
    const kept: Promise<OpenServer> = server.then(
      (open) => ({
        get address() {
          return open.address;
        },
        past: open.past,
        close: () => {
          forget();
          open.close();
        },
      }),
      (error: unknown) => {
        forget();
        throw error;
      },
    );
    return kept;
  }

  private async openServer(options: ServerOptions): Promise<OpenServer> {
    const name = processName(options.name);
    const describe = () => describeProcess(this.instance, name, this.versions(), this.unknown());
    const tcp = options.tcp ?? fromEnvironment('PICKSCOPE_LISTEN');
    this.listenForSignal();
    const server = await openServer(this.first!, this.recorder, describe, {
      tcp,
      // Children inherit the environment: the first of them gets the address.
      unlessTaken: options.tcp === undefined,
      token: configuredToken(),
      tls: configuredTls(options.tls),
      keep: keepLimits(options.keep ?? process.env.PICKSCOPE_KEEP, process.env.PICKSCOPE_KEEP_BYTES, say),
      warn: say,
    });
    if (tcp !== undefined && server.address.startsWith('unix:')) {
      this.warn(`${tcp} is taken, so this process can only be attached to on its machine, at ${server.address}.`);
    }
    return server;
  }

  private listenForSignal(): void {
    const signal = fromEnvironment('PICKSCOPE_RECORD_SIGNAL');
    if (signal === undefined || this.listens) return;
    this.listens = true;
    recordOnSignal(signal, () => this.saveRecording(), say);
  }

  private versions(): string[] {
    const versions = [...this.copies.values()].map(({ version }) => version);
    return [...new Set(versions)].filter((version) => version !== '');
  }

  /** A capability is lost when no copy has it; each copy's limitations are told. */
  private unknown(): Unknown {
    const examinations = [...this.copies.values()];
    const [first] = examinations;
    const lost = [...(first?.lost ?? [])].filter((capability) => examinations.every((it) => it.lost.has(capability)));
    return { limitations: examinations.flatMap(({ limitations }) => limitations), capabilities: new Set(lost) };
  }
}

/** To one who asked for it, by a variable or an option. */
function say(line: string): void {
  process.emitWarning(line, { type: 'PickscopeWarning' });
}

async function closed(server: Promise<OpenServer>): Promise<void> {
  await server.then(
    (open) => open.close(),
    () => undefined,
  );
}

/** An empty variable counts as none. */
function fromEnvironment(name: string): string | undefined {
  const value = process.env[name];
  return value === '' ? undefined : value;
}

// Several copies of this library may be loaded; the first one serves them all.
const key = Symbol.for('pickscope.grpc-js.1');
const shared = globalThis as { [key]?: Runtime };

export const runtime = (shared[key] ??= new Runtime());

/**
 * The version of a copy of grpc-js that lacks the balancer interface of 1.14; undefined: it has it.
 */
export function unsupportedVersion(copy: GrpcCopy): string | undefined {
  return supportsPolicies(copy.grpc) ? undefined : versionOf(copy) || 'an older one';
}
