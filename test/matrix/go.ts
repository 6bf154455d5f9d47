import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { goMissing } from '../go.mjs';

/*
 * The Go library, with all its tests, as programs use it: with other versions of go-zero and the grpc-go that each brings,
 * with the newest grpc-go, and with the oldest Go. Among the tests is one that attaches to a go-zero program, whose picks
 * are those that the backends counted, and one that replays go-zero's golden vectors through its own picker.
 *
 *     npm run test:matrix:go [-- part of a cell's name…]
 */

interface Cell {
  readonly goZero: string;
  /** By default that which go-zero brings. */
  readonly grpc?: string;
  /** By default the one that is installed. */
  readonly go?: string;
}

const cells: readonly Cell[] = [
  { goZero: 'v1.4.5', go: 'go1.24.0' },
  { goZero: 'v1.4.5' },
  { goZero: 'v1.6.6' },
  { goZero: 'v1.9.4' },
  { goZero: 'v1.10.3' },
  { goZero: 'v1.10.3', grpc: 'v1.85.0' },
];

const root = path.resolve(__dirname, '../..');
/** What a cell needs of the repository, where it is there. */
const copied = ['libraries/go', 'libraries/node/test/vectors'];
const grpcGo = 'google.golang.org/grpc';

const nameOf = ({ goZero, grpc, go }: Cell) =>
  [`go-zero ${goZero}`, grpc && `grpc-go ${grpc}`, go].filter(Boolean).join(', ');

async function main(asked: readonly string[]): Promise<void> {
  if (goMissing !== undefined) throw new Error(goMissing);
  const chosen = cells.filter((cell) => asked.every((part) => nameOf(cell).includes(part)));
  let passed = 0;
  for (const cell of chosen) {
    const failure = await failureOf(cell);
    console.log(failure === undefined ? `✔ ${nameOf(cell)}\n` : `✕ ${nameOf(cell)}\n${failure}\n`);
    if (failure === undefined) passed++;
  }
  console.log(`${passed} of ${chosen.length} passed`);
  process.exitCode = passed === chosen.length && passed > 0 ? 0 : 1;
}

/** undefined: all its tests passed. */
async function failureOf(cell: Cell): Promise<string | undefined> {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-matrix-'));
  try {
    for (const part of copied) cpSync(path.join(root, part), path.join(folder, part), { recursive: true });
    await testIn(path.join(folder, 'libraries/go'), cell);
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function testIn(core: string, { goZero, grpc, go }: Cell): Promise<void> {
  const env = { GOFLAGS: '-mod=mod', ...(go === undefined ? {} : { GOTOOLCHAIN: go }) };
  const run = (folder: string, ...args: string[]) => output(folder, args, env);
  const goZeroModule = path.join(core, 'gozero');
  const wanted = [`github.com/zeromicro/go-zero@${goZero}`, ...(grpc === undefined ? [] : [`${grpcGo}@${grpc}`])];
  await run(goZeroModule, 'get', ...wanted);
  const brought = (await run(goZeroModule, 'list', '-m', '-f', '{{.Version}}', grpcGo)).trim();
  console.log(`  ${(await run(core, 'env', 'GOVERSION')).trim()}, go-zero ${goZero}, grpc-go ${brought}`);
  await run(core, 'get', `${grpcGo}@${brought}`);
  // Also where the first one fails, the second one is worth knowing.
  const tested = [await settled(run(goZeroModule, 'test', './...')), await settled(run(core, 'test', './...'))];
  console.log(tested.map(packages).join('\n'));
  const failures = tested.filter((it) => it instanceof Error);
  if (failures.length > 0) throw new Error(failures.map((failure) => failure.message).join('\n'));
}

function settled(promise: Promise<string>): Promise<string | Error> {
  return promise.catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}

/** The lines of packages that passed. */
function packages(tested: string | Error): string {
  const lines = String(tested)
    .split('\n')
    .filter((line) => line.startsWith('ok'));
  return lines.map((line) => `  ${line.replaceAll('\t', ' ')}`).join('\n');
}

/** @throws Error with all that it wrote, where it failed. */
async function output(folder: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn('go', args, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let written = '';
  let complained = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text));
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`go ${args.join(' ')}, in ${folder}:\n${written}${complained}`);
  return written;
}

void main(process.argv.slice(2));
