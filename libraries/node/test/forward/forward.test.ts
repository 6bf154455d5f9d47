import { status } from '@grpc/grpc-js';
import { Channelz } from '@pickscope/protocol/channelz';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import { Health, HealthCheckResponse_ServingStatus as Serving } from '@pickscope/protocol/health';
import { DebugService } from '@pickscope/protocol/messages';
import { ServerReflection } from '@pickscope/protocol/reflection';
import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../backends';
import { listenTo } from '../outcome';
import { library } from '../preload/cell';
import { Program } from '../server/otherTools/program';
import { Tool } from '../server/otherTools/tool';

const command = path.join(library, 'dist', 'forward.cjs');

describe('pickscope-forward', () => {
  const program = new Program();
  const children: ChildProcessWithoutNullStreams[] = [];
  const tools: Tool[] = [];
  let shop: Descriptor;

  before(async () => {
    shop = (await program.start('preloaded', 'shop')).descriptor;
  });

  afterEach(() => {
    for (const tool of tools.splice(0)) tool.close();
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  after(() => program.remove());

  function begin(args: readonly string[], env: NodeJS.ProcessEnv = program.environment) {
    const child = spawn(process.execPath, [command, ...args], { env });
    children.push(child);
    return { child, ...listenTo(child) };
  }

  /** Waits until it listens. @returns Where. */
  async function forwarder(...args: string[]) {
    const begun = begin(args);
    await until(() => begun.out().includes('grpcurl'));
    const [, address] = /grpcdebug (\S+) channelz channels/.exec(begun.out())!;
    return { ...begun, address: address! };
  }

  function toolAt(address: string, token?: string): Tool {
    const tool = new Tool(token === undefined ? { address } : { address, token });
    tools.push(tool);
    return tool;
  }

  it('passes calls of every kind on, with the token of the only client', async () => {
    const { address } = await forwarder();
    const tool = toolAt(address);
    const { process: described } = await tool.ask(DebugService.method.describe, {});
    assert.equal(described?.pid, shop.pid);
    const { channel } = await tool.ask(Channelz.method.getTopChannels, {});
    assert.equal(channel.length, 1);
    const question = { messageRequest: { case: 'fileContainingSymbol', value: Channelz.typeName } } as const;
    const answers = await tool.converse(ServerReflection.method.serverReflectionInfo, Array(20).fill(question));
    assert.equal(answers.length, 20);
    await assert.rejects(tool.ask(Channelz.method.getChannel, { channelId: 4711n }), {
      code: status.NOT_FOUND,
      details: 'No channel data found for id 4711',
    });
    const refused = { code: status.FAILED_PRECONDITION };
    await assert.rejects(tool.listen(DebugService.method.watch, { protocolMajor: 7 }).ended, refused);
  });

  it('gives its own token for whatever a tool sends', async () => {
    const { address } = await forwarder();
    assert.equal((await toolAt(address, 'a guess').ask(Health.method.check, {})).status, Serving.SERVING);
  });

  it('passes on what goes on for long, and that it is given up', async () => {
    const tool = toolAt((await forwarder()).address);
    const watch = () => tool.listen(DebugService.method.watch, { protocolMajor: 1 });
    const watchers = Array.from({ length: 8 }, watch);
    await until(() => watchers.every(({ messages }) => messages.some(({ body }) => body.case === 'heartbeat')));
    const full = { code: status.RESOURCE_EXHAUSTED };
    await assert.rejects(watch().ended, full);
    watchers[0]!.cancel();
    let next = watch();
    await until(() => {
      if (next.failed) next = watch();
      return next.messages.length > 0;
    });
  });

  it('listens where the user alone can connect, and cleans up after itself and those that were killed', async () => {
    const killed = await forwarder();
    killed.child.kill('SIGKILL');
    await killed.ended;
    const { address, child, ended } = await forwarder('shop');
    const socket = address.slice('unix://'.length);
    assert.equal(path.dirname(socket), program.runtimeFolder);
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    const sockets = () => readdirSync(program.runtimeFolder).filter((name) => name.startsWith('forward-'));
    assert.deepEqual(sockets(), [path.basename(socket)]);
    child.kill('SIGINT');
    assert.equal((await ended).code, 0);
    assert.deepEqual(sockets(), []);
  });

  it('listens on loopback when it is asked to, and warns of it', async () => {
    const { address, out } = await forwarder('--tcp', '0', String(shop.pid));
    assert.match(address, /^127\.0\.0\.1:[1-9]\d*$/);
    assert.match(out(), /^Warning: every user of this machine can now read shop \(pid \d+\)\.\n/);
    assert.equal((await toolAt(address).ask(Health.method.check, {})).status, Serving.SERVING);
  });

  it('reaches a client that speaks TLS, by the certificate of its descriptor', async () => {
    const certificates = path.join(library, '../../test/unit/attachment/certificates');
    const key = path.join(program.folder, 'tls.key');
    writeFileSync(key, readFileSync(path.join(certificates, 'pinned.key')), { mode: 0o600 });
    const env = {
      PICKSCOPE_LISTEN: '127.0.0.1:0',
      PICKSCOPE_TLS_CERT: path.join(certificates, 'pinned.pem'),
      PICKSCOPE_TLS_KEY: key,
    };
    const client = await program.start('preloaded', 'over TLS', env);
    const { process: described } = await toolAt((await forwarder('over TLS')).address).ask(
      DebugService.method.describe,
      {},
    );
    assert.equal(described?.name, 'over TLS');

    // Someone else at that address is not given the token.
    const file = path.join(program.runtimeFolder, `${client.descriptor.instance}.json`);
    const certificate = readFileSync(path.join(certificates, 'server.pem'), 'utf8');
    writeFileSync(file, JSON.stringify({ ...client.descriptor, certificate }), { mode: 0o600 });
    const { address, child, ended } = await forwarder('over TLS');
    await assert.rejects(toolAt(address).ask(Health.method.check, {}), { code: status.UNAVAILABLE });
    child.kill('SIGINT');
    assert.match((await ended).err, /^over TLS \(pid \d+\) cannot be reached: .*certificate/);
    await client.end();
  });

  it('says nothing of the token', async () => {
    const { child, ended, address } = await forwarder(shop.instance.slice(0, 8));
    await toolAt(address).ask(Health.method.check, {});
    if (existsSync('/proc')) {
      for (const file of ['cmdline', 'environ']) {
        assert.ok(!readFileSync(`/proc/${child.pid}/${file}`, 'latin1').includes(shop.token));
      }
    }
    child.kill('SIGTERM');
    const { out, err } = await ended;
    assert.ok(!`${out}${err}`.includes(shop.token));
    assert.equal(err, '');
  });

  it('asks which client is meant where there are several', async () => {
    const other = await program.start('preloaded', 'stock \u001b[31m');
    const { code, err } = await begin([]).ended;
    assert.equal(code, 1);
    assert.match(err, /^Several clients run; name one by its pid:\n/);
    assert.match(err, new RegExp(`^ +${shop.pid}  shop  in \\S+  ${shop.instance.slice(0, 8)}$`, 'm'));
    assert.match(err, new RegExp(`^ +${other.descriptor.pid}  stock �\\[31m  in `, 'm'));
    const unknown = await begin(['shopp']).ended;
    assert.match(unknown.err, /^No client is called "shopp"\. There are:\n +\d+ {2}/);
    const { address } = await forwarder(String(other.descriptor.pid));
    const { process: described } = await toolAt(address).ask(DebugService.method.describe, {});
    assert.equal(described?.pid, other.descriptor.pid);
    await other.end();
  });

  it('ends when its client has ended, and says so', async () => {
    const client = await program.start('preloaded', 'short-lived');
    const { address, ended } = await forwarder('short-lived');
    const tool = toolAt(address);
    await tool.ask(Health.method.check, {});
    await client.end();
    await assert.rejects(tool.ask(Health.method.check, {}), { code: status.UNAVAILABLE });
    const { code, err } = await ended;
    assert.deepEqual([code, err], [1, `short-lived (pid ${client.descriptor.pid}) has ended.\n`]);
  });

  it('says what is to be done where there is no client, and what it could not read', async () => {
    const nobody = new Program();
    const { code, err } = await begin([], nobody.environment).ended;
    assert.equal(code, 1);
    assert.match(err, /^No program here can be attached to\. Start it with .*grpc-js\/attach/);
    nobody.remove();

    const file = path.join(program.runtimeFolder, 'broken.json');
    writeFileSync(file, '{ "token": "canary', { mode: 0o600 });
    const { err: said } = await begin(['nobody']).ended;
    assert.match(said, /broken\.json was left out: it is not JSON\./);
    assert.doesNotMatch(said, /canary/);
  });

  it('refuses what it does not know', async () => {
    for (const [args, why] of [
      [['--tcp', 'here'], '"here" is no port'],
      [['--tcp', '70000'], '"70000" is no port'],
      [['a', 'b'], 'Name one client, not 2'],
      [['--token', 'x'], "Unknown option '--token'"],
    ] as const) {
      const { code, err } = await begin(args).ended;
      assert.deepEqual([code, err.includes(why)], [1, true], err);
    }
  });
});
