import * as grpc from '@grpc/grpc-js';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/*
 * Real programs, each with its own packages from npm, that know nothing of Pickscope: they are started with the preload
 * and call backends of the test, one call after the other, until they are stopped.
 */

interface Program {
  /** What node is started with, in the program's folder. */
  readonly args: readonly string[];
  readonly method: string;
  readonly backends: number;
  /** How the program is told of its backends. */
  readonly env: (addresses: readonly string[]) => Readonly<Record<string, string>>;
}

export const programs = {
  nestjs: {
    args: ['--require', 'ts-node/register/transpile-only', 'main.ts'],
    method: '/shop.Cart/Get',
    backends: 2,
    env: (addresses) => ({ CART_URL: `ipv4:${addresses.join(',')}` }),
  },
  'nice-grpc': {
    args: ['main.mjs'],
    method: '/warehouse.Stock/Level',
    backends: 2,
    env: (addresses) => ({ STOCK_ADDRESS: `ipv4:${addresses.join(',')}` }),
  },
  'google-gax': {
    args: ['main.mjs'],
    method: '/google.cloud.language.v2.LanguageService/AnalyzeSentiment',
    backends: 1,
    // Nor does it look for the cloud's own machines, which it does where it runs without credentials.
    env: ([address]) => ({ LANGUAGE_EMULATOR: address!, METADATA_SERVER_DETECTION: 'none' }),
  },
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof programs;

const preload = path.resolve(__dirname, '../../libraries/node/dist/register.cjs');

export interface StartedProgram {
  readonly child: ChildProcess;
  readonly backends: readonly CountingBackend[];
  /** What the program has written, to either output. */
  readonly said: () => string;
  /** Waits until the program's call in flight has no answer, so that it makes no further one and counts can be compared. */
  readonly hold: () => Promise<void>;
  /** Lets it go on. */
  readonly release: () => void;
  /** Ends the program and its backends. */
  readonly stop: () => Promise<void>;
}

/**
 * @param options.env Added to the environment. PICKSCOPE_RUNTIME_DIR says where it makes itself known; another
 *   NODE_OPTIONS takes the place of the preload of this repository (`npm run build` makes it).
 */
export async function startProgram(
  name: ProgramName,
  { env = {} }: { readonly env?: Readonly<Record<string, string>> } = {},
): Promise<StartedProgram> {
  const program: Program = programs[name];
  const starting = Array.from({ length: program.backends }, () => CountingBackend.start(program.method));
  const backends = await Promise.all(starting);
  const addresses = backends.map(({ address }) => address);
  const child = spawn(process.execPath, program.args, {
    cwd: path.join(__dirname, name),
    env: { ...process.env, NODE_OPTIONS: `--require "${preload}"`, ...program.env(addresses), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return {
    child,
    backends,
    said: () => said,
    hold: async () => {
      await Promise.race(backends.map((backend) => backend.hold()));
    },
    release: () => backends.forEach((backend) => backend.release()),
    stop: async () => {
      backends.forEach((backend) => backend.release());
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      backends.forEach((backend) => backend.close());
    },
  };
}

const bytes = {
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
};

/** Answers one method with an empty message, and counts its calls. */
export class CountingBackend {
  received = 0;
  address = '';
  private readonly server = new grpc.Server();
  /** Called with the answers that wait; undefined: none has to. */
  private held: { readonly answers: (() => void)[]; readonly begin: () => void } | undefined;

  static async start(method: string): Promise<CountingBackend> {
    const backend = new CountingBackend();
    const { server } = backend;
    server.addService(
      { method: { path: method, requestStream: false, responseStream: false, ...bytes } },
      { method: (_call: unknown, respond: grpc.sendUnaryData<Buffer>) => backend.receive(respond) },
    );
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    backend.address = `127.0.0.1:${port}`;
    return backend;
  }

  /** Resolves when a call waits for its answer here. */
  hold(): Promise<void> {
    return new Promise((resolve) => {
      this.held = { answers: this.held?.answers ?? [], begin: resolve };
    });
  }

  release(): void {
    const answers = this.held?.answers ?? [];
    this.held = undefined;
    answers.forEach((answer) => answer());
  }

  close(): void {
    this.server.forceShutdown();
  }

  private receive(respond: grpc.sendUnaryData<Buffer>): void {
    this.received++;
    const answer = () => respond(null, Buffer.alloc(0));
    if (this.held) {
      this.held.answers.push(answer);
      this.held.begin();
    } else {
      answer();
    }
  }
}
