import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

/*
 * What is checked of the code in Go: that of the library, and of the programs that show and test it.
 */

const core = 'libraries/go';
const gozero = 'libraries/go/gozero';
/** Programs on a go-zero of today, each a module of its own. */
const programs = ['demo/go', 'test/conformance/go'];
const modules = [core, gozero, ...programs];

/** Of the core: of a program on go-zero it would read all that go-zero imports. */
const staticcheck = 'honnef.co/go/tools/cmd/staticcheck@v0.8.2';

/** Systems that the core has code of its own for, besides those whose tests run. */
const otherSystems = ['windows', 'darwin', 'freebsd'];

/** How long each fuzz target runs. */
const fuzzTime = '20s';

/**
 * Formatted, without a finding, built, and tested: the core under the race detector and with the oldest grpc-go that it
 * takes, what looks into go-zero with the go-zero of the programs, so that go-zero is compiled once.
 *
 * @returns {Promise<{ passed: number, failed: number, skipped: string[] }>} Tests; of those that left themselves out, why.
 */
export async function checkGo() {
  const unformatted = await go('gofmt', ['-l', ...modules]);
  if (unformatted !== '') throw new Error(`Not as gofmt has it (gofmt -w mends that):\n${unformatted}`);
  await go('go', ['vet', './...'], { folder: core });
  await go('go', ['run', staticcheck, './...'], { folder: core });
  for (const system of otherSystems) await go('go', ['vet', './...'], { folder: core, env: { GOOS: system } });
  const counts = { passed: 0, failed: 0, skipped: [] };
  await testIn(core, ['-race'], counts);
  await inWorkspace(async (env) => {
    for (const folder of [gozero, ...programs]) await go('go', ['vet', './...'], { folder, env });
    await testIn(gozero, [], counts, env);
  });
  return counts;
}

/** What takes longer: the oldest go-zero, under the race detector, and each fuzz target for a while. */
export async function soakGo() {
  const counts = { passed: 0, failed: 0, skipped: [] };
  await testIn(gozero, ['-race'], counts);
  for (const folder of [core, gozero]) {
    const listed = await go('go', ['list', '-f', '{{.ImportPath}}', './...'], { folder });
    for (const name of listed.trim().split('\n')) await fuzzPackage(folder, name);
  }
  return counts;
}

/** All modules together, each with the newest version of a dependency that any of them asks for. */
async function inWorkspace(use) {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-workspace-'));
  try {
    const env = { GOWORK: path.join(folder, 'go.work') };
    await go('go', ['work', 'init', ...modules.map((it) => path.resolve(it))], { folder, env });
    await use(env);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function fuzzPackage(folder, name) {
  const targets = await go('go', ['test', '-list', '^Fuzz', name], { folder });
  for (const [target] of targets.matchAll(/^Fuzz\w+/gm)) {
    const said = await go('go', ['test', '-run=^$', `-fuzz=^${target}$`, `-fuzztime=${fuzzTime}`, name], { folder });
    const [figures = ''] = said.match(/^fuzz: elapsed.*execs.*$/gm)?.slice(-1) ?? [];
    console.log(`  ${target}: ${figures}`);
  }
}

/** Adds up the tests of all packages; what failed says why. */
async function testIn(folder, options, counts, env = {}) {
  const child = spawn('go', ['test', ...options, '-json', './...'], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  /** What each test and package has written, by its name. */
  const said = new Map();
  for await (const line of createInterface({ input: child.stdout })) {
    const { Action: action, Package: name, Test: test = '', Output: output = '' } = JSON.parse(line);
    const key = `${name} ${test}`;
    if (action === 'output') said.set(key, (said.get(key) ?? '') + output);
    if (action === 'build-output') console.error(output.trimEnd());
    if (action === 'fail') console.error(said.get(key) ?? '');
    const isWhole = test !== '' && !test.includes('/');
    if (action === 'pass' && isWhole) counts.passed++;
    if (action === 'fail' && isWhole) counts.failed++;
    if (action === 'skip' && isWhole) counts.skipped.push(`${test}: ${reasonOf(said.get(key))}`);
    if (action === 'pass' && test === '') console.log(`  ✔ ${name}`);
  }
  if ((await ended(child)) !== 0) throw new Error(`Tests of ${folder} failed; above is why.`);
}

/** What a test gave t.Skip, which go test writes behind the file and line. */
function reasonOf(said = '') {
  return /_test\.go:\d+: (.+)/.exec(said)?.[1] ?? 'it does not say why';
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ folder?: string, env?: NodeJS.ProcessEnv }} [where]
 * @returns {Promise<string>} What it wrote.
 */
async function go(command, args, { folder = '.', env = {} } = {}) {
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  if ((await ended(child)) === 0) return output;
  throw new Error(`${command} ${args.join(' ')}, in ${folder}:\n${output}`);
}

function ended(child) {
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
}
