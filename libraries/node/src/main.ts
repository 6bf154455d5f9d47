import { parseConfig } from './balancer/config';
import { copyOf } from './observe/copies';
import { ownCopy } from './observe/ownCopy';
import type { Policy } from './policies/picker';
import { nearestName } from './policies/spelling';
import { runtime, unsupportedVersion } from './runtime';

/*
 * Importing this observes the program's copy of @grpc/grpc-js, and makes the policies of this library known to it, such as
 * `p2c_ewma`. With the environment variable PICKSCOPE=1 it also starts the debug server.
 */

export { emptyCandidate } from './policies/picker';
export type {
  BuildInfo,
  Candidate,
  Decision,
  EndpointStatus,
  Pick,
  Picker,
  PickInfo,
  Policy,
  ReadyEndpoint,
  Reason,
} from './policies/picker';

export interface DebugServerOptions {
  /** How the process names itself; by default PICKSCOPE_NAME, the name in package.json, or the main script's. */
  readonly name?: string;
  /** Listen on TCP instead of a unix socket: a port of 127.0.0.1, or `host:port`. By default PICKSCOPE_LISTEN. */
  readonly tcp?: string | number;
  /** PEM: TCP speaks TLS with it. By default what the files hold that PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY name. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /**
   * Keep the last seconds with nobody attached, so that one who attaches after an incident sees it: "60s", "2m", at most "24h". By
   * default PICKSCOPE_KEEP, else nothing is kept. At most 16 MB are, or PICKSCOPE_KEEP_BYTES.
   */
  readonly keep?: string;
}

export interface DebugServer {
  /** `unix:/absolute/path` or `host:port`. */
  readonly address: string;
  /** Ends all attachments and removes the socket and the descriptor. */
  close(): void;
}

/**
 * Makes the policies of this library known to a copy of grpc-js, with those that were registered so far, and observes it.
 * Importing this module has done so for the copy that it resolves to; a program with several copies calls it for the others.
 *
 * @param grpc What `require('@grpc/grpc-js')` or `import * as grpc from '@grpc/grpc-js'` gave.
 * @throws Error if that copy is older than 1.14. It is observed all the same.
 */
export function register(grpc: object): void {
  runtime.registerPolicies(supportedCopy(grpc, 'p2c_ewma'));
}

/**
 * Makes a policy of your own known under its name, as grpc-go's balancer.Register does; a second time does nothing.
 * docs/write-a-policy.md teaches how to write one.
 *
 * @param grpc Another copy of grpc-js than the one that this module resolves to, as for `register`.
 * @throws Error if the name is taken, or none that a service config could hold; or if that copy is older than 1.14.
 */
export function registerPolicy(policy: Policy, grpc: object = ownCopy.grpc): void {
  const { name, build } = policy as Partial<Policy>;
  if (!/^[a-z][a-z0-9_]*$/.test(name ?? '')) {
    throw new Error(
      `"${name}" is no name for a policy: use lower case, digits and underscores, as in least_in_flight.`,
    );
  }
  if (typeof build !== 'function') throw new Error(`The policy ${name} has no function build().`);
  runtime.addPolicy(policy, supportedCopy(grpc, policy.name));
}

/** Those that grpc-js has of itself. */
const policiesOfGrpc = ['pick_first', 'round_robin', 'weighted_round_robin', 'outlier_detection'];

/**
 * The service config that chooses a policy, for the channel option `grpc.service_config`:
 * `serviceConfig('p2c_ewma')` is `{"loadBalancingConfig":[{"p2c_ewma":{}}]}`.
 *
 * @param config What the policy is to be given; its documentation names the fields.
 * @throws Error if there is no such policy, or it refuses the config. A channel given the same by hand would fail its calls,
 *   or run another policy.
 */
export function serviceConfig(policy: string, config: object = {}): string {
  const own = runtime.knownPolicies.get(policy);
  if (own) parseConfig(own, config);
  else if (isPolicyOfGrpc(policy)) ownCopy.grpc.experimental.parseLoadBalancingConfig({ [policy]: config });
  else throw unknownPolicy(policy);
  return JSON.stringify({ loadBalancingConfig: [{ [policy]: config }] });
}

function isPolicyOfGrpc(policy: string): boolean {
  return ownCopy.grpc.experimental.isLoadBalancerNameRegistered(policy);
}

function unknownPolicy(policy: string): Error {
  const names = [...runtime.knownPolicies.keys(), ...policiesOfGrpc];
  const { name, distance } = nearestName(policy, names);
  const hint = distance <= name.length / 2 ? ` Did you mean ${name}?` : '';
  return new Error(`There is no policy "${policy}".${hint} There are: ${names.join(', ')}.`);
}

/** Observes a copy of grpc-js. @throws Error if policies do not run on it. */
function supportedCopy(grpc: object, policy: string): typeof ownCopy.grpc {
  // An import of all (`import * as`) is another object than what require gives.
  const given = ('default' in grpc ? grpc.default : grpc) as typeof ownCopy.grpc;
  const copy = given.experimental === ownCopy.grpc.experimental ? ownCopy : copyOf(given);
  runtime.observe(copy);
  const version = unsupportedVersion(copy);
  if (version === undefined) return given;
  throw new Error(
    `${policy} needs @grpc/grpc-js 1.14 or newer; found ${version}. ` +
      'Update it with `npm install @grpc/grpc-js@latest`; calls are observed all the same.',
  );
}

/**
 * Makes this process attachable, without keeping it alive. While a server runs, that one is given again.
 *
 * A failure is also said as a process warning, and a promise that nobody looks at does not end the program.
 */
export function startDebugServer(options: DebugServerOptions = {}): Promise<DebugServer> {
  const server = runtime.startServer(options);
  server.catch((error: unknown) => {
    process.emitWarning(
      `This process cannot be attached to: ${(error as Error).message}. The program runs on without it.`,
      { type: 'PickscopeWarning' },
    );
  });
  return server;
}

/**
 * Writes what the debug server keeps of the last seconds into a file that Pickscope opens, for the user alone (mode 0600).
 *
 * @param file It must not be there yet. By default a new one in the folder PICKSCOPE_RECORDINGS, or in a folder of the user's
 *   own.
 * @returns The file's path.
 * @throws Error if nothing is kept (see DebugServerOptions.keep), or the file cannot be written.
 */
export function saveRecording(file?: string): Promise<string> {
  return runtime.saveRecording(file);
}

runtime.imported = true;
runtime.observe(ownCopy);
if (unsupportedVersion(ownCopy) === undefined) runtime.registerPolicies(ownCopy.grpc);
if (/^(1|on)$/i.test(process.env.PICKSCOPE ?? '')) void startDebugServer();
