import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { library, preload, runCell, ways } from '../../libraries/node/test/preload/cell';
import { installAll } from '../install.mjs';

/*
 * The preload with every grpc-js, on every Node, by every way of loading it: the picks that a watcher sees are those that
 * the backends count. On versions of Node that are too old it must leave programs alone.
 *
 *     npm run test:matrix [-- part of a cell's name…]
 */

const nodes = ['20', '22', '24'];
const oldNodes = ['12', '18'];
const versions = ['1.10', '1.11', '1.12', '1.13', '1.14'];

interface Check {
  readonly row: string;
  readonly node: string;
  readonly run: () => Promise<unknown>;
}

const modules = path.join(__dirname, 'node_modules');
const executable = (node: string) => path.join(modules, `node-${node}`, 'bin', 'node');
const grpc = (version: string) => path.join(modules, `grpc-js-${version}`);

function allChecks(): Check[] {
  const cells = versions.flatMap((version) => {
    const otherGrpc = grpc(version === '1.14' ? '1.10' : '1.14');
    return ways.flatMap((way) =>
      nodes.map((node) => {
        const cell = { node: executable(node), grpc: grpc(version), otherGrpc, way };
        return { row: `grpc-js ${version}, ${way}`, node, run: () => runCell(cell) };
      }),
    );
  });
  const unharmed = [...oldNodes, ...nodes].map((node) => {
    return { row: 'a program without gRPC', node, run: () => leavesAlone(executable(node)) };
  });
  return [...cells, ...unharmed];
}

async function leavesAlone(node: string): Promise<void> {
  const env = { ...process.env, NODE_OPTIONS: `--require ${preload}` };
  const { stdout, stderr } = await promisify(execFile)(node, ['-p', '6 * 7'], { env });
  if (stdout !== '42\n' || stderr !== '') throw new Error(`It said ${stdout}${stderr}`);
}

async function main(asked: readonly string[]): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('npm has these Nodes for Linux x64 only.');
  installAll([path.relative(path.resolve(__dirname, '../..'), __dirname)]);
  execFileSync(process.execPath, ['esbuild.mjs'], { cwd: library, stdio: 'inherit' });
  const name = ({ row, node }: Check) => `${row}, Node ${node}`;
  const checks = allChecks().filter((check) => asked.every((part) => name(check).includes(part)));
  const results = new Map<Check, string>();
  for (const check of checks) {
    const failure = await failureOf(check.run);
    results.set(check, failure === undefined ? '✔' : '✕');
    console.log(`${results.get(check)} ${name(check)}${failure === undefined ? '' : `\n${failure}`}`);
  }
  printTable(results);
  const passed = [...results.values()].filter((result) => result === '✔').length;
  console.log(`\n${passed} of ${checks.length} passed`);
  // A cell that failed may still wait for something.
  process.exit(passed === checks.length && passed > 0 ? 0 : 1);
}

/** undefined: it went well. */
async function failureOf(run: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function printTable(results: ReadonlyMap<Check, string>): void {
  const columns = [...oldNodes, ...nodes];
  console.log(`\n${''.padEnd(26)}${columns.map((node) => `Node ${node}`.padEnd(9)).join('')}`);
  for (const row of new Set([...results.keys()].map((check) => check.row))) {
    const cells = columns.map((node) => {
      const check = [...results.keys()].find((it) => it.row === row && it.node === node);
      return (check ? results.get(check)! : '–').padEnd(9);
    });
    console.log(`${row.padEnd(26)}${cells.join('')}`);
  }
}

void main(process.argv.slice(2));
