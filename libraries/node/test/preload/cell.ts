import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { Backend, until } from '../backends';
import { descriptorOf, Watcher } from './watcher';

/*
 * One cell of the matrix: a program that calls two backends with some grpc-js, loaded in some way by some Node, under
 * the preload; and a watcher that has to see exactly the picks that the backends saw as calls.
 */

export const library = path.join(__dirname, '../..');
/** As `node esbuild.mjs` in the library's folder makes it. */
export const preload = path.join(library, 'dist', 'register.cjs');
const tsxLoader = pathToFileURL(path.join(library, '../../node_modules/tsx/dist/loader.mjs')).href;

/** How programs come by grpc-js; "loader" is one that gives the text of CommonJS modules itself. */
export const ways = ['require', 'import', 'tsx', 'loader', 'thread', 'two copies', 'attach', 'bundle'] as const;

export const textLoader = dataUrl(`
  import { readFile } from 'node:fs/promises';
  export async function load(url, context, nextLoad) {
    const loaded = await nextLoad(url, context);
    return loaded.format === 'commonjs' ? { ...loaded, source: await readFile(new URL(url)) } : loaded;
  }
`);
const registerTextLoader = dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(textLoader)});`);

export interface Cell {
  /** Path of the node that runs the program. */
  readonly node: string;
  /** Folder of the grpc-js that the program resolves to. */
  readonly grpc: string;
  /** Folder of another copy, for "two copies". */
  readonly otherGrpc: string;
  readonly way: (typeof ways)[number];
  /** NODE_OPTIONS, by default those that require the preload. */
  readonly nodeOptions?: string;
  /** What the program is to say of itself; by default nothing. */
  readonly limitations?: readonly RegExp[];
}

const callsOfClient = 30;
const timeLimitMs = 30_000;

/** Calls when it is written to, and ends by itself when its input ends. */
const body = `
  const same = (bytes) => bytes;
  const bytes = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
  const definition = { get: { path: '/shop.Cart/Get', requestStream: false, responseStream: false, ...bytes } };
  const serviceConfig = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
  const clients = copies.map((grpc) => {
    const Client = grpc.makeClientConstructor(definition, 'Cart');
    return new Client(process.argv[2], grpc.credentials.createInsecure(), { 'grpc.service_config': serviceConfig });
  });
  const callAll = (client, left) => client.get(Buffer.from('?'), (error) => {
    if (error) throw error;
    if (left > 1) callAll(client, left - 1);
  });
  process.stdin.on('data', () => clients.forEach((client) => callAll(client, ${callsOfClient})));
  process.stdin.on('end', () => clients.forEach((client) => client.close()));
`;

const sources: Readonly<Record<Cell['way'], { file: string; text: string }>> = {
  require: { file: 'program.cjs', text: `const copies = [require('@grpc/grpc-js')];${body}` },
  import: { file: 'program.mjs', text: `import * as grpc from '@grpc/grpc-js';const copies = [grpc];${body}` },
  tsx: {
    file: 'program.ts',
    text: `import * as grpc from '@grpc/grpc-js';const copies: readonly (typeof grpc)[] = [grpc];${body}`,
  },
  loader: { file: 'program.mjs', text: `import * as grpc from '@grpc/grpc-js';const copies = [grpc];${body}` },
  thread: {
    file: 'program.cjs',
    text: `const { isMainThread, Worker } = require('worker_threads');
      if (isMainThread) process.stdin.pipe(new Worker(__filename, { argv: [process.argv[2]], stdin: true }).stdin);
      else { const copies = [require('@grpc/grpc-js')];${body} }`,
  },
  'two copies': {
    file: 'program.mjs',
    text: `import one from '@grpc/grpc-js';import * as two from 'another-grpc-js';const copies = [one, two];${body}`,
  },
  attach: {
    file: 'program.mjs',
    text: `import * as grpc from '@grpc/grpc-js';import '@pickscope/grpc-js/attach';const copies = [grpc];${body}`,
  },
  bundle: {
    file: 'source.mjs',
    text: `import * as grpc from '@grpc/grpc-js';import '@pickscope/grpc-js/attach';const copies = [grpc];${body}`,
  },
};

/** @throws AssertionError that says what was seen instead. */
export async function runCell(cell: Cell): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  const backends = await Promise.all([Backend.start(), Backend.start()]);
  const program = await prepare(cell, folder);
  const child = spawn(cell.node, [...program, `ipv4:${backends.map(({ address }) => address).join(',')}`], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      PICKSCOPE_RUNTIME_DIR: path.join(folder, 'run'),
      NODE_OPTIONS: cell.nodeOptions ?? `--require ${preload}`,
    },
  });
  try {
    await compare(child, path.join(folder, 'run'), backends, cell);
  } finally {
    child.kill('SIGKILL');
    backends.forEach((backend) => backend.kill());
    rmSync(folder, { recursive: true });
  }
}

/** Attaches to a program, has it call, and compares what is seen with what the backends count. */
async function compare(child: ChildProcess, runtimeFolder: string, backends: readonly Backend[], cell: Cell) {
  const copies = cell.way === 'two copies' ? 2 : 1;
  let said = '';
  let seen: Watcher | undefined;
  for (const output of [child.stdout!, child.stderr!]) output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exit = once(child, 'close');
  const late = setTimeout(timeLimitMs, undefined, { ref: false });
  const failure = Promise.race([
    exit.then(([code]) => assert.fail(`The program ended with ${code}: ${said}`)),
    late.then(() => assert.fail(`Too few picks were seen: ${JSON.stringify([...(seen?.counted ?? [])])}. ${said}`)),
  ]);
  const attached = descriptorOf(runtimeFolder, child.pid!).then((descriptor) => Watcher.attach(descriptor));
  const watcher = (seen = await Promise.race([attached, failure]));
  child.stdin!.write('call');
  const total = callsOfClient * copies;
  const counted = () => [...watcher.counted.values()].reduce((sum, picks) => sum + picks, 0);
  await Promise.race([until(() => counted() === total), failure]);
  const expected = new Map(backends.map(({ address, received }) => [address, received]));
  const sorted = (counts: ReadonlyMap<string, number>) => [...counts].filter(([, count]) => count > 0).sort();
  assert.deepEqual(sorted(watcher.counted), sorted(expected));
  const methods = new Map([...expected].map(([address, count]) => [`/shop.Cart/Get ${address}`, count]));
  assert.deepEqual(sorted(watcher.picks), sorted(methods));
  const { limitations, grpcVersions } = watcher.process!;
  const expectedLimitations = cell.limitations ?? [];
  assert.equal(limitations.length, expectedLimitations.length, limitations.join('\n'));
  expectedLimitations.forEach((pattern, i) => assert.match(limitations[i]!, pattern));
  assert.equal(grpcVersions.length, copies);
  child.stdin!.end();
  // A watcher does not keep the program, nor does anything else of ours.
  failure.catch(() => undefined);
  const [code] = (await exit) as [number];
  watcher.close();
  assert.deepEqual([code, said], [0, '']);
}

/** @returns What node is started with. */
async function prepare({ grpc, otherGrpc, way }: Cell, folder: string): Promise<string[]> {
  const modules = path.join(folder, 'node_modules');
  const installed = path.join(modules, '@pickscope', 'grpc-js');
  mkdirSync(path.join(modules, '@grpc'), { recursive: true });
  symlinkSync(grpc, path.join(modules, '@grpc', 'grpc-js'));
  symlinkSync(otherGrpc, path.join(modules, 'another-grpc-js'));
  for (const part of ['package.json', 'dist/main.cjs', 'dist/attach.cjs']) {
    cpSync(path.join(library, part), path.join(installed, part), { recursive: true });
  }
  const { file, text } = sources[way];
  const source = path.join(folder, file);
  writeFileSync(source, text);
  if (way === 'tsx') return ['--import', tsxLoader, source];
  if (way === 'loader') return ['--import', registerTextLoader, source];
  if (way !== 'bundle') return [source];
  const outfile = path.join(folder, 'bundle.cjs');
  await build({ entryPoints: [source], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'warning' });
  // Nothing is taken from there any more.
  rmSync(modules, { recursive: true });
  return [outfile];
}

function dataUrl(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}
