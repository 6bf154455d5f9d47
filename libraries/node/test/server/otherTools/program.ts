import type { Descriptor } from '@pickscope/protocol/descriptor';
import { build } from 'esbuild';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../backends';
import { listenTo } from '../../outcome';
import { library, preload } from '../../preload/cell';
import { descriptorOf } from '../../preload/watcher';

/*
 * A program that other tools look into: two backends, and a channel that has called both; every third call fails. Another
 * channel takes no part in channelz.
 */

/** Calls of the first channel, and those of them that failed. */
export interface Made {
  readonly calls: number;
  readonly failed: number;
}

const source = `
  const same = (bytes) => bytes;
  const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  const definition = { get: { path: '/shop.Cart/Get', requestStream: false, responseStream: false, ...bytes } };
  const roundRobin = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
  let calls = 0;
  const reached = new Set();

  function listen(name) {
    const server = new grpc.Server();
    const get = (call, respond) => {
      reached.add(name);
      if (calls % 3 === 0) respond({ code: grpc.status.ABORTED, details: 'no' });
      else respond(null, call.request);
    };
    server.addService(definition, { get });
    const credentials = grpc.ServerCredentials.createInsecure();
    return new Promise((resolve) => server.bindAsync('127.0.0.1:0', credentials, (_, port) => resolve('127.0.0.1:' + port)));
  }

  async function main() {
    const backends = [await listen('first'), await listen('second')];
    const Client = grpc.makeClientConstructor(definition, 'Cart');
    const open = (target, options) =>
      new Client(target, grpc.credentials.createInsecure(), { 'grpc.service_config': roundRobin, ...options });
    const call = (client) => new Promise((resolve) => client.get(Buffer.from('?'), resolve));
    const client = open('ipv4:' + backends.join(','), {});
    let failed = 0;
    while (calls < 10 || reached.size < 2) {
      calls++;
      if (await call(client)) failed++;
    }
    await call(open('ipv4:' + backends[0], { 'grpc.enable_channelz': 0, 'grpc.use_local_subchannel_pool': 1 }));
    console.log(JSON.stringify({ calls, failed }));
  }
  main();
  process.stdin.resume();
`;

/** How the library gets into the program, with which grpc-js. */
export const ways = ['bundled', 'preloaded', 'preloaded, grpc-js 1.10', 'preloaded, two copies of grpc-js'] as const;
export type Way = (typeof ways)[number];

const otherCopy = path.join(library, '../../node_modules/grpc-js-1.10');

interface Started {
  readonly descriptor: Descriptor;
  readonly made: Made;
  /** Ends it. */
  readonly end: () => Promise<unknown>;
}

export class Program {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  readonly runtimeFolder = path.join(this.folder, 'run');
  private readonly children: ChildProcessWithoutNullStreams[] = [];

  /** Runs it in a folder that holds nothing but what that way needs. */
  async start(way: Way, name = 'shop', env: NodeJS.ProcessEnv = {}): Promise<Started> {
    const file = path.join(this.folder, 'program.cjs');
    if (way === 'bundled') await bundle(file);
    else {
      const another = way === 'preloaded, two copies of grpc-js' ? `require(${JSON.stringify(otherCopy)});` : '';
      writeFileSync(file, `const grpc = require('@grpc/grpc-js'); ${another} ${source}`);
      link(this.folder, way === 'preloaded, grpc-js 1.10' ? 'grpc-js-1.10' : '@grpc/grpc-js');
    }
    return this.run([...(way === 'bundled' ? [] : ['--require', preload]), file], { ...env, PICKSCOPE_NAME: name });
  }

  private async run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Started> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...this.environment, ...env },
    });
    this.children.push(child);
    const { out, ended } = listenTo(child);
    await until(() => out().includes('\n'));
    const descriptor = await descriptorOf(this.runtimeFolder, child.pid!);
    const end = () => {
      child.kill();
      return ended;
    };
    return { descriptor, made: JSON.parse(out()) as Made, end };
  }

  /** For what is to find the program. */
  get environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, PICKSCOPE_RUNTIME_DIR: this.runtimeFolder };
  }

  remove(): void {
    this.children.forEach((child) => child.kill('SIGKILL'));
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One file with the library, grpc-js and the program, as bundlers make it of a service. */
async function bundle(outfile: string): Promise<void> {
  await build({
    stdin: {
      contents: `import '@pickscope/grpc-js/attach'; import * as grpc from '@grpc/grpc-js'; ${source}`,
      resolveDir: library,
    },
    outfile,
    bundle: true,
    platform: 'node',
    conditions: ['pickscope-source'],
    logLevel: 'warning',
  });
}

function link(folder: string, grpcModule: string): void {
  const modules = path.join(folder, 'node_modules/@grpc');
  if (existsSync(modules)) return;
  mkdirSync(modules, { recursive: true });
  symlinkSync(path.join(library, '../../node_modules', grpcModule), path.join(modules, 'grpc-js'));
}
