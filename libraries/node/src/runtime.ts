import type * as GrpcModule from '@grpc/grpc-js';
import { randomBytes } from 'node:crypto';
import { registerPolicy, supportsPolicies } from './balancer/register';
import { internalsOf, ownCopy } from './observe/copies';
import { failOpen } from './observe/failOpen';
import { Hooks } from './observe/hooks';
import { p2cEwma } from './policies/p2cEwma';
import type { DecisionSlot, Policy } from './policies/picker';
import { Recorder } from './recorder/recorder';
import { openServer, type OpenServer } from './server/listen';
import { describeProcess, processName } from './server/process';

type Grpc = typeof GrpcModule;

export interface ServerOptions {
  readonly name?: string;
  readonly tcp?: string | number;
}

const policies: readonly Policy[] = [p2cEwma];

/** All of this library that there is once in a process, however many copies of it are loaded. */
class Runtime {
  readonly recorder = new Recorder();
  private readonly slot: DecisionSlot = { picker: undefined, endpoints: [] };
  private readonly policies = new Map(policies.map((policy) => [policy.name, policy]));
  private readonly instance = randomBytes(16).toString('hex');
  private readonly versions = new Set<string>();
  private server: Promise<OpenServer> | undefined;

  /** Hooks a copy of grpc-js; does nothing where its insides cannot be found. */
  observe(grpc: Grpc): void {
    failOpen(() => {
      const internals = internalsOf(grpc);
      if (!internals) return;
      this.versions.add(internals.version);
      new Hooks(internals, this.recorder, this.slot, this.policies).install();
    });
  }

  registerPolicies(grpc: Grpc): void {
    for (const policy of this.policies.values()) registerPolicy(grpc, policy, this.slot);
  }

  /** One server a process: while it runs, it is given again. */
  startServer(options: ServerOptions): Promise<OpenServer> {
    this.server ??= this.openServer(options).catch((error: unknown) => {
      this.server = undefined;
      throw error;
    });
    return this.server;
  }

  private async openServer(options: ServerOptions): Promise<OpenServer> {
    const name = processName(options.name);
    const describe = () => describeProcess(this.instance, name, [...this.versions]);
    const tcp = options.tcp ?? fromEnvironment('PICKSCOPE_LISTEN');
    const server = await openServer(ownCopy, this.recorder, describe, tcp, fromEnvironment('PICKSCOPE_TOKEN'));
    return {
      address: server.address,
      close: () => {
        this.server = undefined;
        server.close();
      },
    };
  }
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
export function unsupportedVersion(grpc: Grpc): string | undefined {
  return supportsPolicies(grpc) ? undefined : (internalsOf(grpc)?.version ?? 'an older one');
}
