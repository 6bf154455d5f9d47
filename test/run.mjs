import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { goMissing, hasGoFor } from './go.mjs';
import { checkGo, soakGo } from './goChecks.mjs';
import { installAll } from './install.mjs';

/*
 * What `npm test` runs, from a fresh clone on: one stage after the other, or two side by side (lint+unit).
 *
 *     node test/run.mjs [--help] [stage…]
 *
 * `npm run test:soak` runs the stage "soak" alone: what takes longer, and prints its figures.
 */

const root = path.dirname(import.meta.dirname);
process.chdir(root);

/** Of all runs of mocha and of go test. */
const totals = { passed: 0, failed: 0 };

/** What was left out, and why: a line each. */
const skipped = new Set();

/** A stage ends well, or throws. */
const stages = {
  install: () => installAll(),
  build: () => run('npm', ['run', 'build']),
  lint: () => run('npm', ['run', 'lint']),
  typecheck: () => run('npm', ['run', 'typecheck']),
  generated: checkGenerated,
  go: runGo,
  conformance: () => mocha('test/conformance'),
  unit: () => mocha('protocol/test', 'libraries/node/test', 'simulator/test', 'test/unit', 'test/faults'),
  programs: runPrograms,
  panel: () => mocha('test/panel'),
  vscode: runInVsCode,
  oldest: runInOldest,
  package: () => run('npm', ['run', 'package']),
  whole: () => mocha('test/whole'),
  soak: runSoak,
};

/** What runs when nothing is asked for; what only reads the sources goes on beside what mostly waits. */
const usual =
  'install build typecheck generated lint+unit conformance go+programs panel vscode oldest package whole'.split(' ');

const asked = process.argv.slice(2);
if (asked.includes('--help')) console.log(`node test/run.mjs [stage…]\nStages: ${Object.keys(stages).join(', ')}`);
else await runStages(asked.length > 0 ? asked : usual);

/** @param {string[]} names */
async function runStages(names) {
  for (const name of names) {
    await Promise.all(name.split('+').map(runStage));
    if (process.exitCode === 1) break;
  }
  console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
  for (const line of skipped) console.log(line);
}

/** @param {string} name */
async function runStage(name) {
  const stage = stages[name];
  if (!stage) throw new Error(`There is no stage "${name}"; node test/run.mjs --help lists them.`);
  console.log(`\n── ${name} ──`);
  const begun = Date.now();
  try {
    await stage();
  } catch (error) {
    console.error(`\n✕ ${name}: ${error.message}\n  This stage alone: node test/run.mjs ${name}`);
    process.exitCode = 1;
  }
  console.log(`── ${name}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
}

/**
 * Runs a command, shows what it says, and gives it.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<string>}
 */
async function run(command, args) {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32' && command === 'npm',
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stdout.write(text);
  });
  const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  if (code !== 0) throw Object.assign(new Error(`${command} ${args.join(' ')} ended with ${code}`), { output });
  return output;
}

/**
 * Runs all *.test.ts of these folders.
 *
 * @param {string[]} folders
 */
async function mocha(...folders) {
  const files = folders.flatMap((folder) => testsOf(folder));
  if (files.length === 0) throw new Error(`There are no tests in ${folders.join(', ')}.`);
  await mochaOf(files);
}

function soakTests() {
  return ['protocol/test', 'libraries/node/test', 'test'].flatMap((folder) => testsOf(folder, '.soak.ts'));
}

/**
 * @param {string[]} files
 * @param {string[]} more Options.
 */
async function mochaOf(files, ...more) {
  const bin = path.join('node_modules', 'mocha', 'bin', 'mocha.js');
  // A test that failed may have left a server running: mocha does not wait for it.
  const options = ['--forbid-only', '--forbid-pending', '--fail-zero', '--exit', ...more];
  const output = await run(process.execPath, [bin, ...options, ...files]).catch((error) => {
    count(error.output ?? '');
    throw error;
  });
  count(output);
}

/**
 * @param {string} folder
 * @param {string} ending
 */
function testsOf(folder, ending = '.test.ts') {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.split(path.sep).includes('node_modules'))
    .map((file) => path.join(folder, file));
}

/** Adds up what mocha's spec reporter said. */
function count(output) {
  totals.passed += Number(/^\s*(\d+) passing/m.exec(output)?.[1] ?? 0);
  totals.failed += Number(/^\s*(\d+) failing/m.exec(output)?.[1] ?? 0);
  for (const [, line] of output.matchAll(/^\s*(skipped: .+)$/gm)) skipped.add(line);
}

/** The code in Go. */
async function runGo() {
  if (hasGo('the checks and tests of the code in Go')) add(await checkGo());
}

/** @param {{ passed: number, failed: number, skipped: string[] }} counts */
function add(counts) {
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  for (const line of counts.skipped) skipped.add(`skipped: ${line}`);
}

/** @param {string} what Would be left out. */
function hasGo(what) {
  const has = hasGoFor(what);
  if (!has) skipped.add(`skipped: ${what}. ${goMissing}`);
  return has;
}

async function runSoak() {
  await mochaOf(soakTests(), '--timeout', '600000');
  if (hasGo('what takes longer of the code in Go')) add(await soakGo());
}

/** The preload, with programs of npm's packages. */
async function runPrograms() {
  installAll(['test/programs/nestjs', 'test/programs/nice-grpc', 'test/programs/google-gax']);
  await mocha('test/programs');
}

/** The committed code is what the .proto files generate. */
async function checkGenerated() {
  const made = mkdtempSync(path.join(tmpdir(), 'pickscope-generated-'));
  try {
    await run('npm', ['run', 'generate', '--', '--output', made]);
    compareGenerated(path.join('protocol', 'src', 'generated'), made);
    if (!hasGo('whether the generated code in Go is current')) return;
    await run('npm', ['run', 'generate:go', '--', '--output', path.join(made, 'libraries', 'go')]);
    compareGenerated(path.join('libraries', 'go', 'internal', 'debugpb'), made);
  } finally {
    rmSync(made, { recursive: true });
  }
}

/**
 * @param {string} folder Of this repository.
 * @param {string} made Where the same folder was generated anew.
 */
function compareGenerated(folder, made) {
  const [committed, generated] = [filesOf(folder), filesOf(path.join(made, folder))];
  const stale = [...new Set([...committed.keys(), ...generated.keys()])].filter(
    (file) => committed.get(file) !== generated.get(file),
  );
  if (stale.length === 0) return;
  const files = stale.map((file) => path.join(folder, file)).join(', ');
  throw new Error(
    `Not what the .proto files generate: ${files}. Run \`npm run generate\` (in Go \`npm run generate:go\`) and commit them.`,
  );
}

/**
 * @param {string} folder
 * @returns {Map<string, string>} What its files hold, by their paths in it.
 */
function filesOf(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map(({ parentPath, name }) => path.join(parentPath, name));
  return new Map(files.map((file) => [path.relative(folder, file), readFileSync(file, 'utf8')]));
}

/** The same in the oldest VS Code that engines.vscode names. */
async function runInOldest() {
  installAll([path.join('test', 'host', 'oldest')]);
  const { PICKSCOPE_VSCODE = '' } = process.env;
  process.env.PICKSCOPE_VSCODE = 'oldest';
  await runInVsCode().finally(() => (process.env.PICKSCOPE_VSCODE = PICKSCOPE_VSCODE));
}

/** The extension's suite, in the extension host of a real VS Code. */
async function runInVsCode() {
  const passedBefore = totals.passed;
  if (testsOf('test/vscode').length === 0) throw new Error('There are no tests in test/vscode.');
  const { build } = await import('esbuild');
  const { runTests } = await import('@vscode/test-electron');
  const outdir = path.resolve('out', 'vscode');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: ['test/vscode/run.ts', ...testsOf('test/vscode')],
    outbase: 'test/vscode',
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    conditions: ['pickscope-source'],
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
  });

  // Short: VS Code keeps sockets in its profile.
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-suite-'));
  const output = path.join(folder, 'output');
  const result = path.join(folder, 'result');
  try {
    await runTests({
      vscodeExecutablePath: process.env.PICKSCOPE_VSCODE === 'desktop' ? undefined : path.resolve('test/host/code.mjs'),
      extensionDevelopmentPath: root,
      extensionTestsPath: path.join(outdir, 'run.cjs'),
      extensionTestsEnv: {
        PICKSCOPE_SUITE_OUTPUT: output,
        PICKSCOPE_SUITE_RESULT: result,
        // Clients of the suite only, not those that happen to run on this machine.
        PICKSCOPE_RUNTIME_DIR: path.join(folder, 'run'),
      },
      launchArgs: [
        `--user-data-dir=${path.join(folder, 'user')}`,
        `--extensions-dir=${path.join(folder, 'extensions')}`,
      ],
    });
    if (!existsSync(result)) throw new Error('The suite did not run to its end.');
  } finally {
    const said = existsSync(output) ? readFileSync(output, 'utf8') : '';
    console.log(said);
    count(said);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  if (totals.passed === passedBefore) throw new Error('No test ran.');
}
