import { copyOf } from './observe/copies';
import { ownCopy } from './observe/ownCopy';
import { runtime, unsupportedVersion } from './runtime';

/*
 * Importing this observes the program's copy of @grpc/grpc-js, and makes the policy `p2c_ewma` known to it:
 * `{"loadBalancingConfig":[{"p2c_ewma":{}}]}`. With the environment variable PICKSCOPE=1 it also starts the debug server.
 */

export interface DebugServerOptions {
  /** How the process names itself; by default PICKSCOPE_NAME, the name in package.json, or the main script's. */
  readonly name?: string;
  /** Listen on TCP instead of a unix socket: a port of 127.0.0.1, or `host:port`. By default PICKSCOPE_LISTEN. */
  readonly tcp?: string | number;
}

export interface DebugServer {
  /** `unix:/absolute/path` or `host:port`. */
  readonly address: string;
  /** Ends all attachments and removes the socket and the descriptor. */
  close(): void;
}

/**
 * Makes `p2c_ewma` known to a copy of grpc-js, and observes it. Importing this module has done so for the copy that it
 * resolves to; a program with several copies calls it for the others.
 *
 * @param grpc What `require('@grpc/grpc-js')` or `import * as grpc from '@grpc/grpc-js'` gave.
 * @throws Error if that copy is older than 1.14. It is observed all the same.
 */
export function register(grpc: object): void {
  // An import of all (`import * as`) is another object than what require gives.
  const given = ('default' in grpc ? grpc.default : grpc) as typeof ownCopy.grpc;
  const copy = given.experimental === ownCopy.grpc.experimental ? ownCopy : copyOf(given);
  runtime.observe(copy);
  const version = unsupportedVersion(copy);
  if (version !== undefined) {
    throw new Error(
      `p2c_ewma needs @grpc/grpc-js 1.14 or newer; found ${version}. ` +
        'Update it with `npm install @grpc/grpc-js@latest`; calls are observed all the same.',
    );
  }
  runtime.registerPolicies(given);
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

runtime.observe(ownCopy);
if (unsupportedVersion(ownCopy) === undefined) runtime.registerPolicies(ownCopy.grpc);
if (/^(1|on)$/i.test(process.env.PICKSCOPE ?? '')) void startDebugServer();
