import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/*
 * What is checked of the code in Go: that of the library, and of the programs that show and test it.
 */

/** Each is a module of its own; the first two are the library. */
const libraries = ['libraries/go', 'libraries/go/gozero'];
const modules = [...libraries, 'demo/go', 'test/conformance/go'];

/** Of the library; it reads all that a program imports, and that is much of one on go-zero. */
const staticcheck = 'honnef.co/go/tools/cmd/staticcheck@v0.8.2';

/** Systems that the core has code of its own for, besides those whose tests run. */
const otherSystems = ['windows', 'darwin', 'freebsd'];

/** How long each fuzz target runs. */
const fuzzTime = '20s';

/**
 * Formatted, without a finding, built, and tested under the race detector.
 *
 * @returns {Promise<{ passed: number, failed: number }>} Tests.
 */
export async function checkGo() {
  const unformatted = await go('gofmt', ['-l', ...modules]);
  if (unformatted !== '') throw new Error(`Not as gofmt has it (gofmt -w mends that):\n${unformatted}`);
  for (const folder of modules) {
    await go('go', ['build', './...'], { folder });
    await go('go', ['vet', './...'], { folder });
  }
  for (const folder of libraries) await go('go', ['run', staticcheck, './...'], { folder });
  for (const system of otherSystems) await go('go', ['vet', './...'], { folder: libraries[0], env: { GOOS: system } });
  const counts = { passed: 0, failed: 0 };
  for (const folder of libraries) await testIn(folder, counts);
  return counts;
}

/** Runs each fuzz target for a while. */
export async function fuzzGo() {
  for (const folder of libraries) {
    const listed = await go('go', ['list', '-f', '{{.ImportPath}}', './...'], { folder });
    for (const name of listed.trim().split('\n')) await fuzzPackage(folder, name);
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
async function testIn(folder, counts) {
  const child = spawn('go', ['test', '-race', '-json', './...'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
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
    if (action === 'pass' && test === '') console.log(`  ✔ ${name}`);
  }
  if ((await ended(child)) !== 0) throw new Error(`Tests of ${folder} failed; above is why.`);
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
