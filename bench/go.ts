import { execFileSync, fork } from 'node:child_process';
import path from 'node:path';
import { buildPrograms } from './build.mjs';
import type { Cost } from './speed/picks';
import { printTable } from './speed/table';

/*
 * p2c_ewma in Go and in Node on the same machine: ns of a pick and its end by the policy alone, and what Pickscope adds.
 * In Go it is go-zero's own, in Node the library's port of it.
 *
 *     npm run bench:go
 *
 * Both have their turn in each round. Of Go's figures, which are medians of many short runs, the median of the rounds is
 * printed; of Node's, which are the least disturbed runs, the least.
 */

const root = path.dirname(import.meta.dirname);
const sizes = ['3', '10', '100'];
const rounds = 3;
const modes = ['raw', 'detached', 'attached'] as const;
/** What bench/speed/pickWorker calls them. */
const nodeModes = { raw: 'call', detached: 'detached', attached: 'attached' };

type Mode = (typeof modes)[number];
/** By what was measured, and how: "raw-ns" of "p2c_ewma/10/serial". */
type Figures = Map<string, number[]>;

async function main(): Promise<void> {
  const folder = await buildPrograms('speed', 'pickWorker');
  const goTest = path.join(folder, 'gozero.test');
  const goModule = path.join(root, 'libraries/go/gozero');
  execFileSync('go', ['test', '-c', '-o', goTest, '.'], { cwd: goModule, stdio: 'inherit' });
  const go: Figures = new Map();
  const node: Figures = new Map();
  for (let round = 0; round < rounds; round++) {
    measureGo(goTest, goModule, go);
    for (const size of sizes) for (const mode of modes) await measureNode(folder, mode, size, node);
  }
  print(go, node);
}

/** go test prints, for each benchmark, its name, how often it ran, and figures before their units. */
function measureGo(goTest: string, cwd: string, figures: Figures): void {
  const args = ['-test.run=^$', '-test.bench=Pick/p2c_ewma|Clock', '-test.benchtime=300ms'];
  const lines = execFileSync(goTest, args, { cwd, encoding: 'utf8' }).split('\n');
  for (const line of lines.filter((it) => it.startsWith('Benchmark'))) {
    const [name, , ...pairs] = line.split(/\s+/);
    const measured = name!.replace(/^Benchmark(Pick\/)?|-\d+$/g, '');
    for (let i = 0; i + 1 < pairs.length; i += 2) add(figures, `${measured} ${pairs[i + 1]}`, Number(pairs[i]));
  }
}

async function measureNode(folder: string, mode: Mode, size: string, figures: Figures): Promise<void> {
  const args = ['p2c_ewma', nodeModes[mode], size];
  const worker = fork(path.join(folder, 'pickWorker.cjs'), args, { execArgv: ['--expose-gc'] });
  const costs = await new Promise<Record<string, Cost>>((resolve, reject) => {
    worker.once('message', (message) => resolve(message as Record<string, Cost>));
    worker.once('exit', (code) => reject(new Error(`pickWorker ${args.join(' ')} ended with ${code}`)));
  });
  add(figures, `${size} ${mode}`, costs.call!.ns);
  add(figures, 'clock', costs.clock!.ns);
}

function add(figures: Figures, key: string, figure: number): void {
  figures.set(key, [...(figures.get(key) ?? []), figure]);
}

function print(go: Figures, node: Figures): void {
  const ofGo = (key: string) => median(go.get(key)!);
  const ofNode = (key: string) => Math.min(...node.get(key)!);
  const clocks = `go-zero's ${whole(ofGo('Clock/goZero ns/op'))}, Pickscope's in Go ${whole(ofGo('Clock/pickscope ns/op'))}, in Node ${whole(ofNode('clock'))}`;
  console.log(
    `A clock read, ns: ${clocks}. Each pick and end read theirs two or three times; a watcher adds two of Pickscope's in Go.\n`,
  );
  const goRows = [
    { way: 'serial', title: 'Go' },
    { way: 'parallel', title: 'Go, a goroutine on each core' },
  ].flatMap(({ way, title }) => {
    const row = (what: string, unit: string) => [
      `${title}: ${what}`,
      ...sizes.map((size) => whole(ofGo(`p2c_ewma/${size}/${way} ${unit}`))),
    ];
    return [
      row('p2c_ewma', 'raw-ns'),
      row('detached adds', 'detached-adds-ns'),
      row('attached adds', 'attached-adds-ns'),
      row('allocations, p2c_ewma', 'raw-allocs'),
      row('allocations, attached', 'attached-allocs'),
    ];
  });
  const nodeRow = (what: string, figure: (size: string) => number) => [
    `Node: ${what}`,
    ...sizes.map((size) => whole(figure(size))),
  ];
  const added = (mode: Mode) => (size: string) => ofNode(`${size} ${mode}`) - ofNode(`${size} raw`);
  printTable(
    ['ns, by the number of backends', ...sizes],
    [
      ...goRows,
      nodeRow('p2c_ewma', (size) => ofNode(`${size} raw`)),
      nodeRow('detached adds', added('detached')),
      nodeRow('attached adds', added('attached')),
    ],
  );
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

function whole(figure: number): string {
  return figure.toFixed(0);
}

void main();
