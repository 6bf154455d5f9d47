import * as grpc from '@grpc/grpc-js';
import { Channelz, ChannelConnectivityState_State as ChannelzState } from '@pickscope/protocol/channelz';
import { Health, HealthCheckResponse_ServingStatus as Serving } from '@pickscope/protocol/health';
import { DebugService, DropCause, type Process } from '@pickscope/protocol/messages';
import { readRecorded } from '@pickscope/protocol/recording';
import { ServerReflection } from '@pickscope/protocol/reflection';
import { maxTextLength, protocolVersion } from '@pickscope/protocol/service';
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { describeClient, StalledReader } from '../../libraries/node/test/server/debugClient';
import { Tool } from '../../libraries/node/test/server/otherTools/tool';
import { until } from '../unit/waiting';
import { buildClients, Client, languages, type Language } from './client';
import { Rules } from './rules';
import { Stage } from './stage';
import { Told, type ToldCandidate, type ToldPick } from './told';

/** Rows: the rings hold less, with all that a connection takes of one who does not read. */
const moreThanIsKept = 50_000;

/** go-zero's load. */
const loadOf = ({ lag, inflight }: ToldCandidate) => Math.trunc(Math.sqrt(lag + 1)) * (inflight + 1);

const inOwnWords: Readonly<Record<Language, Pick<Process, 'library' | 'language'>>> = {
  node: { language: 'node', library: '@pickscope/grpc-js' },
  go: { language: 'go', library: 'github.com/pickscope/pickscope/libraries/go' },
};

describe('the debug server', function () {
  // Tens of thousands of calls are made.
  this.timeout(60_000);

  let programs: ReadonlyMap<Language, readonly string[]>;
  let stage: Stage;

  before(async function () {
    // The first time, go-zero and what it needs are built.
    this.timeout(600_000);
    programs = await buildClients();
  });

  afterEach(() => stage.close());

  /** A test of each library. */
  function of(library: string, test: (language: Language) => Promise<void>): void {
    for (const language of languages) it(`${library} (${language})`, () => test(language));
  }

  async function open(language: Language, env: Readonly<Record<string, string>> = {}): Promise<void> {
    stage = await Stage.open(language, programs.get(language)!, env);
  }

  async function refused(attempt: Promise<unknown>, code: grpc.status): Promise<string> {
    const error = (await attempt.then(
      () => assert.fail('It was not refused.'),
      (it: unknown) => it,
    )) as grpc.ServiceError;
    assert.equal(error.code, code, error.message);
    return error.details;
  }

  of('says who it is, and what it can tell', async (language) => {
    await open(language);
    const { address, token, ...descriptor } = stage.client.descriptor;
    const { process: said } = await describeClient(address, token);
    assert.ok(said?.clock);
    const { pid } = stage.client.process;
    assert.deepEqual(
      {
        ...{ pid: said.pid, name: said.name, folder: said.folder, hostName: said.hostName },
        ...{ language: said.language, library: said.library, limitations: said.limitations },
      },
      {
        pid,
        name: 'conforming',
        folder: 'conformance',
        hostName: hostname(),
        limitations: [],
        ...inOwnWords[language],
      },
    );
    assert.deepEqual([said.protocolMajor, said.protocolMinor], [protocolVersion.major, protocolVersion.minor]);
    assert.match(said.instance, /^[0-9a-f]{32}$/);
    assert.match(said.libraryVersion, /^\d+\.\d+\.\d+$/);
    assert.match(said.runtimeVersion, language === 'node' ? /^v\d+\./ : /^go\d+\./);
    assert.ok(
      said.grpcVersions.length === 1 && /^\d+\.\d+\.\d+$/.test(said.grpcVersions[0]!),
      said.grpcVersions.join(),
    );
    const age = Date.now() - Number(said.startedUnixNs) / 1e6;
    assert.ok(age > 0 && age < 60_000, `started ${age} ms ago`);
    assert.deepEqual(
      [descriptor.pid, descriptor.name, descriptor.folder, descriptor.instance, descriptor.language],
      [pid, 'conforming', 'conformance', said.instance, language],
    );
    assert.match(token, /^[0-9a-f]{64}$/);
  });

  of('has the capabilities that docs/protocol.md names', async (language) => {
    await open(language, { PICKSCOPE_KEEP: '60s' });
    const { address, token } = stage.client.descriptor;
    const { process: said } = await describeClient(address, token);
    const section = readFileSync('docs/protocol.md', 'utf8').split('### Capabilities')[1]!.split('###')[0]!;
    const named = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name!);
    assert.deepEqual([...said!.capabilities].sort(), named.sort());
    assert.equal(said!.keepSeconds, 60);
  });

  of(
    'writes a descriptor and a socket for the user alone, and takes away what one left that was killed',
    async (language) => {
      await open(language);
      const { instance, address } = stage.client.descriptor;
      const file = path.join(stage.client.runtimeFolder, `${instance}.json`);
      const socket = address.slice('unix:'.length);
      assert.ok(Buffer.byteLength(socket) <= 100, socket);
      const modes = [stage.client.runtimeFolder, file, socket].map((it) => statSync(it).mode & 0o777);
      assert.deepEqual(modes, [0o700, 0o600, 0o600]);
      const written = JSON.parse(readFileSync(file, 'utf8')) as object;
      const page = readFileSync('docs/protocol.md', 'utf8');
      const example = JSON.parse(/```json\n([^`]+)```/.exec(page)![1]!) as object;
      const wanted = Object.keys(example).filter((name) => name !== 'certificate');
      assert.deepEqual(Object.keys(written).sort(), wanted.sort());
      stage.client.process.kill('SIGKILL');
      const next = await Client.start(language, programs.get(language)!, stage.client.runtimeFolder, {});
      await until(() => [file, socket].every((it) => !existsSync(it)));
      await next.end();
    },
  );

  of('refuses whoever has no token, or a wrong one, and counts them', async (language) => {
    await open(language);
    const { address, token } = stage.client.descriptor;
    await stage.watch();
    for (const wrong of ['', 'f'.repeat(64), token.slice(1)]) {
      await refused(describeClient(address, wrong), grpc.status.UNAUTHENTICATED);
    }
    const stream = stage.client.attach({}, 'f'.repeat(64));
    await until(() => stream.error !== undefined);
    assert.equal(stream.error!.code, grpc.status.UNAUTHENTICATED);
    await stage.until(() => Number(stage.told.heartbeat?.refusedCalls) === 4);
  });

  of('refuses another major version of the protocol, and says which it speaks', async (language) => {
    await open(language);
    const stream = stage.client.attach({ protocolMajor: 2 });
    await until(() => stream.error !== undefined);
    assert.equal(stream.error!.code, grpc.status.FAILED_PRECONDITION);
    assert.match(stream.error!.details, /\b1\b/);
  });

  of('takes eight watchers, and another when one has gone', async (language) => {
    await open(language);
    const eight = await Promise.all(Array.from({ length: 8 }, () => stage.client.watch()));
    await refused(stage.client.watch(), grpc.status.RESOURCE_EXHAUSTED);
    eight[3]!.close();
    await until(async () => {
      const stream = stage.client.attach();
      await until(() => stream.told.ready || stream.error !== undefined);
      return stream.told.ready;
    });
  });

  of('beats, and its clock places its times', async (language) => {
    await open(language);
    await stage.start('a');
    await stage.watch();
    await stage.until(() => stage.told.clocks.length >= 3);
    await stage.connected('round_robin', 'a');
    await stage.call(1);
    await stage.ended();
    const { wallUnixNs, monotonicNs } = stage.told.clocks.at(-1)!;
    const pickedAt = (Number(wallUnixNs) + stage.told.picks.at(-1)!.timeNs - Number(monotonicNs)) / 1e6;
    assert.ok(Math.abs(pickedAt - Date.now()) < 20_000, `picked at ${new Date(pickedAt).toISOString()}`);
    assert.deepEqual(stage.stream.rules.broken, []);
  });

  of('tells two watchers the same', async (language) => {
    await open(language);
    await stage.start('a b');
    await stage.watch();
    const second = await stage.client.watch();
    await stage.connected('p2c_ewma', 'a b');
    await stage.call(20, { parallel: true });
    await stage.ended();
    await until(() => second.told.completions.length === stage.told.completions.length);
    assert.deepEqual(second.told.picks, stage.told.picks);
    assert.deepEqual(second.told.completions, stage.told.completions);
  });

  of('has counted while nobody watched, and keeps no rows of that time', async (language) => {
    await open(language);
    await stage.start('a b');
    stage.backend('b').answer = (_, respond) => respond({ code: grpc.status.ABORTED, details: '' });
    await stage.dial('round_robin', 'a b');
    await stage.call(20);
    await stage.watch();
    const { counts, calls } = stage.meaning();
    assert.deepEqual(calls, []);
    assert.equal(counts.completed, 20);
    for (const [name, code] of [
      ['a', 0],
      ['b', grpc.status.ABORTED],
    ] as const) {
      const { received } = stage.backend(name);
      assert.deepEqual(counts.endpoints[name], {
        picks: received,
        started: received,
        neverStarted: 0,
        codes: { [code]: received },
      });
    }
  });

  of('counts the calls that backends count, about once a second', async (language) => {
    await open(language);
    await stage.start('a b c');
    await stage.watch();
    await stage.connected('p2c_ewma', 'a b c');
    await stage.call(300, { parallel: true });
    const received = () => ['a', 'b', 'c'].map((name) => stage.backend(name).received);
    const counted = () => {
      const { endpoints } = stage.meaning().counts;
      return ['a', 'b', 'c'].map((name) => endpoints[name]?.codes[0] ?? 0);
    };
    await stage.until(() => counted().reduce((all, each) => all + each, 0) === 300);
    assert.deepEqual(counted(), received());
    assert.equal(stage.told.drops, undefined);
  });

  of('explains each choice of p2c_ewma by what it says that was compared', async (language) => {
    await open(language);
    await stage.start('a b c');
    await stage.watch();
    await stage.connected('p2c_ewma', 'a b c');
    for (let i = 0; i < 10; i++) await stage.call(30, { parallel: true });
    await stage.ended();
    const explained = stage.told.picks.filter(({ endpoint, raced }) => endpoint > 0 && !raced);
    assert.ok(explained.length > 250, `${explained.length} of 300`);
    for (const pick of explained) assertExplained(pick);
    const reasons = new Set(explained.map(({ reason }) => reason));
    assert.ok(reasons.has('BETTER_SCORE'), [...reasons].join());
  });

  of('retells the past to who asks for it, as if he had been there', async (language) => {
    await open(language, { PICKSCOPE_KEEP: '60s' });
    await stage.start('a b');
    await stage.dial('round_robin', 'a b');
    await stage.call(10);
    const late = await stage.client.watch({ past: true });
    await until(() => late.told.completions.length === 10);
    await stage.watch();
    await stage.call(2);
    await until(() => late.told.completions.length === 12);
    assert.deepEqual(late.rules.broken, []);
    assert.deepEqual(stage.meaning(late.told).endpoints, {
      a: { states: ['IDLE', 'CONNECTING', 'READY'], removed: false },
      b: { states: ['IDLE', 'CONNECTING', 'READY'], removed: false },
    });
    await stage.until(() => stage.told.completions.at(-1)?.call === late.told.completions.at(-1)!.call);
    assert.equal(stage.told.completions.length, 2, 'who does not ask is told of what comes');
    const since = late.told.picks.filter(({ endpoint }) => endpoint > 0)[7]!.timeNs;
    const again = await stage.client.watch({ past: true, pastSinceNs: BigInt(Math.trunc(since)) });
    await until(() => again.told.completions.at(-1)?.call === late.told.completions.at(-1)!.call);
    assert.deepEqual(
      again.told.picks.filter(({ timeNs }) => timeNs > since),
      late.told.picks.filter(({ timeNs }) => timeNs > since),
    );
  });

  of('writes what it keeps into a recording', async (language) => {
    await open(language, { PICKSCOPE_KEEP: '60s' });
    await stage.start('a');
    await stage.dial('round_robin', 'a');
    await stage.call(10);
    const file = path.join(stage.folder, 'kept.pickscope');
    assert.equal(await stage.client.order('save', { file }), file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const [told, rules] = [new Told(), new Rules()];
    for await (const bytes of readRecorded([readFileSync(file)])) rules.take(told.take(bytes));
    assert.deepEqual(rules.broken, []);
    const { calls, endpoints } = stage.meaning(told);
    assert.deepEqual([calls.length, Object.keys(endpoints)], [10, ['a']]);
    await assert.rejects(stage.client.order('save', { file }), /exist/i);
  });

  of('says that it keeps nothing', async (language) => {
    await open(language);
    await assert.rejects(stage.client.order('save', { file: path.join(stage.folder, 'none') }), /PICKSCOPE_KEEP|keep/);
  });

  of('cuts what is long', async (language) => {
    await open(language);
    const name = 'x'.repeat(1000);
    await stage.client.order('dial', { channel: name, policy: 'round_robin', addresses: [] });
    await stage.client.order('connect', { channel: name });
    await stage.watch();
    await stage.until(() => stage.told.channels.size > 0);
    const channel = stage.told.channels.values().next().value![0]!;
    assert.equal(channel.target, `test:${name}`.slice(0, maxTextLength));
  });

  of('drops the oldest rows of one who does not read, and counts them', async (language) => {
    await open(language);
    await stage.watch();
    // Nobody is there, so calls fail at once: many rows in little time.
    await stage.start('a');
    stage.backend('a').kill();
    await stage.dial('pick_first', 'a');
    await stage.connect();
    await stage.channelIs('TRANSIENT_FAILURE');
    const { address, token } = stage.client.descriptor;
    const stalled = new StalledReader(address, token);
    try {
      await stalled.answered;
      for (let i = 0; i < moreThanIsKept / 2000; i++) await stage.call(2000, { parallel: true });
      stalled.resume();
      const seen = () => Number(stalled.drops()?.picks ?? 0) + stalled.picks();
      await until(() => seen() >= moreThanIsKept);
      assert.equal(seen(), moreThanIsKept);
      assert.ok(stalled.drops()!.picks > 0n);
      assert.equal(stalled.drops()!.cause, DropCause.SLOW_WATCHER);
      assert.equal(stage.told.drops, undefined, 'who reads loses nothing');
    } finally {
      stalled.close();
    }
  });

  of('serves channelz, reflection and health to others, with the token', async (language) => {
    await open(language);
    await stage.start('a b');
    await stage.watch();
    await stage.connected('round_robin', 'a b');
    await stage.call(4);
    await stage.ended();
    const tool = new Tool(stage.client.descriptor);
    const stranger = new Tool({ address: stage.client.descriptor.address });
    try {
      await refused(stranger.ask(Health.method.check, {}), grpc.status.UNAUTHENTICATED);
      await refused(stranger.ask(Channelz.method.getTopChannels, {}), grpc.status.UNAUTHENTICATED);
      assert.equal((await tool.ask(Health.method.check, {})).status, Serving.SERVING);
      await assertChannelz(tool);
      const question = { messageRequest: { case: 'listServices' as const, value: '*' } };
      const [answer] = await tool.converse(ServerReflection.method.serverReflectionInfo, [question]);
      assert.ok(answer?.messageResponse.case === 'listServicesResponse');
      const services = answer.messageResponse.value.service.map(({ name }) => name);
      const wanted = [DebugService, Channelz, Health, ServerReflection].map(({ typeName }) => typeName);
      for (const name of wanted) assert.ok(services.includes(name), `${name} is not among ${services.join(', ')}`);
    } finally {
      tool.close();
      stranger.close();
    }
  });

  /** The channel and its subconns are there by the ids that the stream tells. */
  async function assertChannelz(tool: Tool): Promise<void> {
    const told = stage.told.channels.values().next().value![0]!;
    const { channel } = await tool.ask(Channelz.method.getTopChannels, {});
    assert.deepEqual(
      channel.map(({ ref, data }) => [Number(ref?.channelId), data?.target, data?.state?.state]),
      [[told.channelzId, told.target, ChannelzState.READY]],
      'the channel, and not those of the debug server',
    );
    for (const [subconn] of stage.told.subconns.values()) {
      const subchannelId = BigInt(subconn!.channelzId);
      const { subchannel } = await tool.ask(Channelz.method.getSubchannel, { subchannelId });
      assert.equal(subchannel?.data?.state?.state, ChannelzState.READY);
    }
  }
});

/** By the rule of go-zero's p2c_ewma (zeromicro/go-zero, zrpc/internal/balancer/p2c/p2c.go, choose). */
function assertExplained({ candidates, endpoint, reason }: ToldPick): void {
  const said = JSON.stringify({ candidates, endpoint, reason });
  for (const each of candidates) assert.equal(each.score, loadOf(each), said);
  const [first, second] = candidates as [ToldCandidate, ToldCandidate];
  const chosen = candidates.findIndex((each) => each.endpoint === endpoint);
  assert.ok(chosen >= 0, said);
  if (candidates.length === 1) {
    assert.equal(reason, 'ONLY_ONE', said);
    return;
  }
  const better = second.score < first.score ? 1 : 0;
  if (reason === 'TIE') assert.ok(first.score === second.score && chosen === 0, said);
  else if (reason === 'FORCED') assert.notEqual(chosen, better, said);
  else assert.ok(reason === 'BETTER_SCORE' && chosen === better && first.score !== second.score, said);
}
