import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import { WatchRequestSchema } from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { libraryVersion } from '../src/server/process';
import { until } from './backends';
import { listenTo } from './outcome';

const run = promisify(execFile);
const library = path.join(__dirname, '..');
const modules = path.join(library, '../../node_modules');

/** A server, a client that calls it once, and what the program then says; runs with whatever grpc-js is installed. */
const body = `
  const bytes = { requestSerialize: (b) => b, requestDeserialize: (b) => b, responseSerialize: (b) => b, responseDeserialize: (b) => b };
  const definition = { get: { path: '/shop.Cart/Get', requestStream: false, responseStream: false, ...bytes } };
  const server = new grpc.Server();
  server.addService(definition, { get: (call, respond) => respond(null, call.request) });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    const Client = grpc.makeClientConstructor(definition, 'Cart');
    const client = new Client('ipv4:127.0.0.1:' + port, grpc.credentials.createInsecure(), {
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ p2c_ewma: {} }] }),
    });
    client.get(Buffer.from('?'), (error) => {
      console.log(error ? error.message : 'answered');
      client.close();
      server.forceShutdown();
      done();
    });
  });
`;

describe('the package', () => {
  let root: string;
  let runtimeFolder: string;
  let tarball: string;
  const children: ChildProcess[] = [];

  before(async function () {
    this.timeout(60_000);
    root = mkdtempSync(path.join(tmpdir(), 'ps-'));
    runtimeFolder = path.join(root, 'run');
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', root], { cwd: library });
    tarball = path.join(root, stdout.trim().split('\n').at(-1)!);
    await install('new', tarball, '@grpc/grpc-js');
    await install('old', tarball, 'grpc-js-1.10');
  });

  after(() => rmSync(root, { recursive: true }));

  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  function installed(name: string): string {
    return path.join(root, name, 'node_modules/@pickscope/grpc-js');
  }

  /** A folder with the package and a version of grpc-js beside it. */
  async function install(name: string, tarball: string, grpcModule: string): Promise<void> {
    mkdirSync(installed(name), { recursive: true });
    mkdirSync(path.join(root, name, 'node_modules/@grpc'));
    symlinkSync(path.join(modules, grpcModule), path.join(root, name, 'node_modules/@grpc/grpc-js'));
    await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed(name)]);
    writeFileSync(path.join(root, name, 'package.json'), JSON.stringify({ name: `a-${name}-program` }));
  }

  function begin(name: string, file: string, source: string, env: NodeJS.ProcessEnv = {}) {
    const script = path.join(root, name, file);
    writeFileSync(script, source);
    const child = spawn(process.execPath, [script], {
      cwd: path.dirname(script),
      env: { PATH: process.env.PATH, HOME: root, PICKSCOPE_RUNTIME_DIR: runtimeFolder, ...env },
    });
    children.push(child);
    return { child, ...listenTo(child) };
  }

  function descriptors(): string[] {
    return existsSync(runtimeFolder) ? readdirSync(runtimeFolder) : [];
  }

  for (const [file, imports] of [
    ['program.cjs', `const grpc = require('@grpc/grpc-js'); require('@pickscope/grpc-js/attach');`],
    ['program.mjs', `import * as grpc from '@grpc/grpc-js'; import '@pickscope/grpc-js/attach';`],
  ] as const) {
    it(`makes ${file} attachable, lets it end by itself, and leaves nothing behind`, async () => {
      const { ended, child, out } = begin('new', file, `${imports} const done = () => process.stdin.resume(); ${body}`);
      await until(() => out().includes('answered') && descriptors().some((name) => name.endsWith('.json')));
      const [descriptor] = descriptors().filter((name) => name.endsWith('.json'));
      const { name, pid, address, token } = JSON.parse(
        readFileSync(path.join(runtimeFolder, descriptor!), 'utf8'),
      ) as Descriptor;
      assert.deepEqual([name, pid], ['a-new-program', child.pid]);
      // A watcher does not keep it alive either.
      const watcher = watch(address, token);
      await until(() => watcher.received() > 0);
      child.stdin.end();
      const { code, err } = await ended;
      assert.deepEqual([code, err], [0, '']);
      assert.deepEqual(descriptors(), []);
    });
  }

  for (const option of ['--require', '--import']) {
    it(`makes a program attachable that only its command line names it to, by ${option}`, async () => {
      const source = `const grpc = require('@grpc/grpc-js'); const done = () => process.stdin.resume(); ${body}`;
      const env = { NODE_OPTIONS: `${option} @pickscope/grpc-js/register` };
      const { child, ended, out } = begin('new', 'unaware.cjs', source, env);
      await until(() => out().includes('answered') && descriptors().some((name) => name.endsWith('.json')));
      child.stdin.end();
      const { code, err } = await ended;
      assert.deepEqual([code, err], [0, '']);
      assert.deepEqual(descriptors(), []);
    });
  }

  it('brings the command pickscope-forward', async function () {
    this.timeout(60_000);
    const folder = path.join(root, 'command');
    mkdirSync(folder);
    // Nothing but the package itself: the command needs no grpc-js.
    const options = ['--offline', '--legacy-peer-deps', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...options, tarball], { cwd: folder });
    const { stdout } = await run('npx', ['--no', '--', 'pickscope-forward', '--help'], { cwd: folder });
    assert.match(stdout, /^pickscope-forward \[--tcp PORT\] \[NAME \| PID \| INSTANCE\]\n/);
    const notices = path.join(folder, 'node_modules/@pickscope/grpc-js/dist/ThirdPartyNotices.txt');
    assert.match(readFileSync(notices, 'utf8'), /Apache License/);
  });

  it('names its own version', () => {
    const { version } = JSON.parse(readFileSync(path.join(installed('new'), 'package.json'), 'utf8')) as {
      version: string;
    };
    assert.equal(libraryVersion, version);
  });

  it('gives what it exports by name, to import and to require', async () => {
    const source = `
      import { register, startDebugServer } from '@pickscope/grpc-js';
      import * as attach from '@pickscope/grpc-js/attach';
      import * as grpc from '@grpc/grpc-js';
      register(grpc);
      const first = await startDebugServer({ name: 'mine' });
      console.log(attach.startDebugServer === startDebugServer, (await attach.startDebugServer()).address === first.address);
      first.close();
    `;
    const { out, err, code } = await begin('new', 'names.mjs', source).ended;
    assert.deepEqual([out, err, code], ['true true\n', '', 0]);
    assert.deepEqual(descriptors(), []);
  });

  it('gives the types that a policy is written with', async () => {
    const file = path.join(root, 'new', 'policy.mts');
    writeFileSync(
      file,
      `import { registerPolicy, serviceConfig, type BuildInfo, type Picker, type Policy } from '@pickscope/grpc-js';
       const build = ({ readyEndpoints, config }: BuildInfo<{ first: number }>): Picker => ({
         pick: () => ({ endpoint: config.first % readyEndpoints.length, done: (code: number, now: number) => undefined }),
       });
       const policy: Policy<{ first: number }> = { name: 'the_first', parseConfig: () => ({ first: 0 }), build };
       registerPolicy(policy);
       export const json: string = serviceConfig('the_first', { first: 1 });`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2023'];
    await run(path.join(modules, '.bin/tsc'), [...options, file], { cwd: path.dirname(file) });
  });

  it('does not start the debug server unless it is asked to', async () => {
    const source = (entry: string) => `
      require('@pickscope/grpc-js${entry}');
      setTimeout(() => console.log(require('fs').existsSync(process.env.PICKSCOPE_RUNTIME_DIR)), 200);
    `;
    const cases: readonly (readonly [entry: string, setting: string, started: boolean])[] = [
      ['', '', false],
      ['', '1', true],
      ['', 'on', true],
      ['/attach', '', true],
      ['/attach', 'off', false],
      ['/attach', '0', false],
    ];
    for (const [i, [entry, PICKSCOPE, started]] of cases.entries()) {
      const folder = path.join(root, `asked-${i}`);
      const { out } = await begin('new', `asked-${i}.cjs`, source(entry), { PICKSCOPE, PICKSCOPE_RUNTIME_DIR: folder })
        .ended;
      assert.equal(out, `${started}\n`, `${entry} with PICKSCOPE=${PICKSCOPE}`);
    }
  });

  // Where the machine gives the user a folder of its own, one can always be used.
  const hasOwnFolder = existsSync(`/run/user/${process.getuid?.()}`);
  if (!hasOwnFolder)
    it('lets the program run on, and says why once, when no runtime folder can be used', async () => {
      const occupied = path.join(root, 'occupied');
      writeFileSync(occupied, '');
      const { code, out, err } = await begin(
        'new',
        'unlucky.cjs',
        `const grpc = require('@grpc/grpc-js'); require('@pickscope/grpc-js/attach'); const done = () => undefined; ${body}`,
        // Folders below a file cannot be made.
        { PICKSCOPE_RUNTIME_DIR: occupied, HOME: occupied, XDG_RUNTIME_DIR: occupied, XDG_STATE_HOME: occupied },
      ).ended;
      assert.deepEqual([code, out], [0, 'answered\n']);
      assert.equal(err.match(/cannot be attached to: no runtime folder can be used/g)?.length, 1, err);
    });

  it('does not change how a signal ends the program', async () => {
    const { child, ended } = begin(
      'new',
      'signalled.cjs',
      `require('@pickscope/grpc-js/attach'); setInterval(() => undefined, 1000);`,
    );
    await until(() => descriptors().some((name) => name.endsWith('.json')));
    child.kill('SIGTERM');
    assert.equal((await ended).signal, 'SIGTERM');
    // The next program sweeps what it could not remove.
    await begin('new', 'next.cjs', `require('@pickscope/grpc-js').startDebugServer();`).ended;
    assert.deepEqual(descriptors(), []);
  });

  it('observes an older grpc-js, and says clearly that p2c_ewma needs a newer one', async () => {
    const source = `
      const grpc = require('@grpc/grpc-js');
      const { register } = require('@pickscope/grpc-js/attach');
      try { register(grpc); } catch (error) { console.log(error.message); }
      const done = () => undefined;
      ${body}
    `;
    const { out, err, code } = await begin('old', 'old.cjs', source).ended;
    assert.match(out, /^p2c_ewma needs @grpc\/grpc-js 1\.14 or newer; found 1\.10\.\d+\. .*\nanswered\n$/);
    assert.match(err, /asks for the policy "p2c_ewma", but runs pick_first: .* must be 1\.14 or newer\./);
    assert.equal(code, 0);
  });

  it('does not end the program when the promise of the server is left alone', async () => {
    const source = `require('@pickscope/grpc-js').startDebugServer({ tcp: 'nowhere' }); setTimeout(() => console.log('on'), 100);`;
    const { out, err, code } = await begin('new', 'alone.cjs', source).ended;
    assert.deepEqual([out, code], ['on\n', 0]);
    assert.match(err, /"nowhere" is no address to listen at/);
  });
});

/** Watches until the other side ends. */
function watch(address: string, token: string): { received: () => number } {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set(tokenMetadataKey, token);
  const { path: method, requestSerialize, responseDeserialize } = debugServiceDefinition.watch;
  const request = create(WatchRequestSchema, { protocolMajor: 1 });
  const stream = client.makeServerStreamRequest(method, requestSerialize, responseDeserialize, request, metadata);
  let received = 0;
  stream.on('data', () => received++);
  stream.on('error', () => client.close());
  return { received: () => received };
}
