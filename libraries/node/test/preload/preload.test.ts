import { readRecording } from '@pickscope/protocol/recording';
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '../backends';
import { listenTo } from '../outcome';
import { Messages } from '../server/debugClient';
import { library, preload, runCell, textLoader } from './cell';
import { descriptors } from './watcher';

const modules = path.join(library, '../../node_modules');
const grpc = path.join(modules, '@grpc/grpc-js');
const preloaded = `--require ${preload}`;

describe('a preloaded program', () => {
  let folder: string;
  let runtimeFolder: string;
  const children: ChildProcess[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
    runtimeFolder = path.join(folder, 'run');
    mkdirSync(path.join(folder, 'node_modules/@grpc'), { recursive: true });
    symlinkSync(grpc, path.join(folder, 'node_modules/@grpc/grpc-js'));
    writeFileSync(path.join(folder, 'package.json'), '{ "name": "a-program" }');
  });

  afterEach(() => {
    children.splice(0).forEach((child) => child.kill('SIGKILL'));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  function start(source: string, env: NodeJS.ProcessEnv = {}, file = 'program.cjs') {
    writeFileSync(path.join(folder, file), source);
    return begin(process.execPath, [file], { NODE_OPTIONS: preloaded, ...env });
  }

  function begin(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    const child = spawn(command, args, {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, PICKSCOPE_RUNTIME_DIR: runtimeFolder, ...env },
    });
    children.push(child);
    return { child, ...listenTo(child) };
  }

  const quiet: Readonly<Record<string, { source: string; file?: string }>> = {
    'that prints': { source: `console.log(require('path').sep, process.argv.length, process.execArgv.length)` },
    'of ES modules': {
      source: `import { sep } from 'node:path'; console.log(await Promise.resolve(sep))`,
      file: 'a.mjs',
    },
    'that ends with a code': { source: `process.exitCode = 7` },
    'that ends by a signal': { source: `process.kill(process.pid, 'SIGTERM'); setTimeout(() => undefined, 10_000)` },
    'with a worker thread': {
      source: `new (require('worker_threads').Worker)('console.log(1)', { eval: true }).on('exit', console.log)`,
    },
    'with a child process': {
      source: `require('child_process').execFile(process.execPath, ['-p', '6 * 7'], (...said) => console.log(said))`,
    },
    'that loads grpc-js and ends with a code': { source: `require('@grpc/grpc-js'); process.exit(3)` },
    'that loads grpc-js and ends by itself': { source: `import '@grpc/grpc-js'; console.log('done')`, file: 'a.mjs' },
  };

  for (const [name, { source, file }] of Object.entries(quiet)) {
    it(`${name} ends as it does alone`, async () => {
      const alone = await start(source, { NODE_OPTIONS: '' }, file).ended;
      assert.deepEqual(await start(source, {}, file).ended, alone);
      assert.equal(existsSync(runtimeFolder) ? descriptors(runtimeFolder).length : 0, 0);
    });
  }

  it('without gRPC opens nothing, npm for one', async () => {
    const npm = begin('npm', ['--version'], { NODE_OPTIONS: preloaded, npm_config_update_notifier: 'false' });
    const { code, out, err } = await npm.ended;
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
    assert.equal(existsSync(runtimeFolder), false);
  });

  it('is left alone with PICKSCOPE=off', async () => {
    const source = `
      const { load } = require('module').prototype;
      require('@grpc/grpc-js');
      setTimeout(() => console.log(load.toString().includes('tell'), require('fs').existsSync(process.env.PICKSCOPE_RUNTIME_DIR)), 200);
    `;
    assert.equal((await start(source, { PICKSCOPE: 'off' }).ended).out, 'false false\n');
    assert.equal((await start(source).ended).out, 'true true\n');
  });

  it('says nothing where it cannot be attached to, unless it is asked why', async () => {
    const occupied = path.join(folder, 'occupied');
    writeFileSync(occupied, '');
    const source = `require('@grpc/grpc-js'); setTimeout(() => console.log('on'), 100)`;
    // Folders below a file cannot be made, and a port out of range cannot be listened at.
    const env = { PICKSCOPE_RUNTIME_DIR: occupied, PICKSCOPE_LISTEN: '70000' };
    assert.deepEqual(await start(source, env).ended, { code: 0, signal: null, out: 'on\n', err: '' });
    const asked = await start(source, { ...env, NODE_DEBUG: 'pickscope' }).ended;
    assert.match(asked.err, /cannot be attached to/);
  });

  it('that asks for a policy under a wrong name is not told by the preload, unless it is asked', async () => {
    const source = `
      const grpc = require('@grpc/grpc-js');
      const client = new grpc.Client('ipv4:127.0.0.1:1', grpc.credentials.createInsecure(), {
        'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ P2C_EWMA: {} }] }),
      });
      client.waitForReady(Date.now() + 100, () => client.close());
    `;
    assert.deepEqual(await start(source).ended, { code: 0, signal: null, out: '', err: '' });
    const { err } = await start(source, { NODE_DEBUG: 'pickscope' }).ended;
    assert.match(err, /asks for the policy "P2C_EWMA", but runs pick_first/);
  });

  it('records what was kept at a signal, when asked to, and says nothing else', async () => {
    const recordings = path.join(folder, 'recordings');
    const source = `
      const { existsSync, readdirSync } = require('fs');
      const grpc = require('@grpc/grpc-js');
      const is = async (done) => { while (!done()) await new Promise((resolve) => setTimeout(resolve, 10)); };
      const holds = (folder, ending) => existsSync(folder) && readdirSync(folder).some((name) => name.endsWith(ending));
      (async () => {
        await is(() => holds(process.env.PICKSCOPE_RUNTIME_DIR, '.json'));
        const client = new grpc.Client('ipv4:127.0.0.1:1', grpc.credentials.createInsecure());
        const same = (bytes) => bytes;
        await new Promise((ended) => client.makeUnaryRequest('/shop.Cart/Get', same, same, Buffer.alloc(0), ended));
        process.kill(process.pid, 'SIGUSR2');
        await is(() => holds(process.env.PICKSCOPE_RECORDINGS, '.pickscope'));
        client.close();
      })();
    `;
    const asked = { PICKSCOPE_KEEP: '60s', PICKSCOPE_RECORD_SIGNAL: 'SIGUSR2', PICKSCOPE_RECORDINGS: recordings };
    const { code, err } = await start(source, asked).ended;
    const [file, ...more] = readdirSync(recordings).map((name) => path.join(recordings, name));
    assert.deepEqual([code, err, more], [0, `Pickscope: the last seconds are recorded in ${file}\n`, []]);
    const recording = new Messages();
    for await (const message of readRecording(createReadStream(file!))) recording.receive(message);
    assert.ok(recording.picks() > 0);
    assert.equal(recording.cases().at(-1), 'heartbeat');
  });

  it('that asks for a server itself gets the one that it asks for', async () => {
    const installed = path.join(folder, 'node_modules/@pickscope/grpc-js');
    for (const part of ['package.json', 'dist/main.cjs', 'dist/attach.cjs']) {
      cpSync(path.join(library, part), path.join(installed, part), { recursive: true });
    }
    const { child } = start(`
      require('@grpc/grpc-js');
      // Long after the preload has offered one.
      setTimeout(() => require('@pickscope/grpc-js').startDebugServer({ name: 'mine', tcp: 0 }), 200);
      setInterval(() => undefined, 1000);
    `);
    const named = () => descriptors(runtimeFolder).map(({ name }) => name);
    await until(() => named().includes('a-program'));
    await until(() => named().includes('mine'));
    const [mine, ...others] = descriptors(runtimeFolder);
    assert.deepEqual([mine!.pid, others], [child.pid, []]);
    assert.match(mine!.address, /^127\.0\.0\.1:\d+$/);
  });

  it('makes the processes and threads that it starts attachable, each by itself', async () => {
    const { child } = start(`
      require('@grpc/grpc-js');
      const { isMainThread, Worker } = require('worker_threads');
      if (isMainThread && !process.send) {
        new Worker(__filename);
        require('child_process').fork(__filename);
      }
      setInterval(() => undefined, 1000);
    `);
    await until(() => descriptors(runtimeFolder).length === 3);
    const found = descriptors(runtimeFolder).map(({ name, pid }) => `${name} ${pid === child.pid}`);
    assert.deepEqual(found.sort(), ['a-program (thread 1) true', 'a-program false', 'a-program true']);
    const others = descriptors(runtimeFolder).filter(({ pid }) => pid !== child.pid);
    others.forEach(({ pid }) => process.kill(pid));
  });

  const cell = { node: process.execPath, grpc, otherGrpc: path.join(modules, 'grpc-js-1.10') };

  it('is seen when --import brings the preload', () =>
    runCell({ ...cell, way: 'require', nodeOptions: `--import ${pathToFileURL(preload).href}` }));

  it('is seen when grpc-js was loaded before', () =>
    runCell({ ...cell, way: 'require', nodeOptions: `--require ${grpc} ${preloaded}` }));

  it('is seen when the preload is loaded from two places', () => {
    const copy = path.join(folder, 'register.cjs');
    cpSync(preload, copy);
    return runCell({ ...cell, way: 'import', nodeOptions: `${preloaded} --require ${copy}` });
  });

  it('is seen when --loader gives the text of modules', () =>
    runCell({ ...cell, way: 'import', nodeOptions: `--no-warnings ${preloaded} --loader=${textLoader}` }));
});
