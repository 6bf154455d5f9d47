import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/*
 * What the preload adds to the start of a program, from its first instruction to its end: runs with and without it, one
 * after the other in turn, so that whatever else the machine does falls on both.
 *
 *     npm run bench:preload [-- pairs of runs, 40 by default]
 */

const root = path.dirname(import.meta.dirname);
const library = path.join(root, 'libraries', 'node');
const preload = path.join(library, 'dist', 'register.cjs');
const pairs = Number(process.argv[2] ?? 40);
if (!(pairs >= 20)) throw new Error('20 pairs are the least that say something.');

const grpcFile = path.join(root, 'node_modules/@grpc/grpc-js/build/src/index.js');

/** Each ends by itself; the second after the debug server has opened. */
const programs = {
  'without gRPC': '',
  'that loads grpc-js': `require(${JSON.stringify(grpcFile)});`,
  'that loads grpc-js, and runs on for 100 ms': `require(${JSON.stringify(grpcFile)}); setTimeout(() => undefined, 100);`,
};

execFileSync(process.execPath, ['esbuild.mjs'], { cwd: library, stdio: 'inherit' });
const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
try {
  console.log(`Node ${process.version}, ${pairs} pairs of runs; ms, median [95 % interval of the median]\n`);
  console.log(`${'program'.padEnd(46)}${'without'.padEnd(22)}${'with'.padEnd(22)}added`);
  for (const [name, source] of Object.entries(programs)) measure(name, source);
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * @param {string} name
 * @param {string} source
 */
function measure(name, source) {
  const file = path.join(folder, 'program.cjs');
  writeFileSync(file, source);
  const arms = { without: [file], with: ['--require', preload, file] };
  for (const args of Object.values(arms)) timed(args);
  const times = { without: [], with: [], added: [] };
  for (let i = 0; i < pairs; i++) {
    const order = i % 2 === 0 ? ['without', 'with'] : ['with', 'without'];
    for (const arm of order) times[arm].push(timed(arms[arm]));
    times.added.push(times.with[i] - times.without[i]);
  }
  const columns = Object.values(times).map((values) => summary(values).padEnd(22));
  console.log(`${name.padEnd(46)}${columns.join('')}`.trimEnd());
}

/** @returns ms of a run. */
function timed(args) {
  const begun = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, {
    env: { PATH: process.env.PATH, HOME: folder, PICKSCOPE_RUNTIME_DIR: path.join(folder, 'run') },
    encoding: 'utf8',
  });
  const elapsed = Number(process.hrtime.bigint() - begun) / 1e6;
  if (status !== 0 || stderr !== '') throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return elapsed;
}

/** The median, with the order statistics that hold it in 95 of 100 samples. */
function summary(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const n = sorted.length;
  const reach = 0.98 * Math.sqrt(n);
  const low = sorted[Math.max(0, Math.floor(n / 2 - reach))];
  const high = sorted[Math.min(n - 1, Math.ceil(n / 2 + reach))];
  const median = (sorted[Math.floor((n - 1) / 2)] + sorted[Math.ceil((n - 1) / 2)]) / 2;
  return `${median.toFixed(1)} [${low.toFixed(1)}, ${high.toFixed(1)}]`;
}
