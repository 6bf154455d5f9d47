import * as grpc from '@grpc/grpc-js';
import {
  CompletionFlag,
  ConnectivityState,
  GenerationCause,
  PickFlag,
  PickReason,
  PickResult,
  type Change,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import * as grpc110 from 'grpc-js-1.10';
import { register } from '../../src/main';
import { Backend, TestClient, until, type ClientOptions, type Grpc } from '../backends';
import { assertSettled, channelOf, endpointOf, recorder } from '../records';
import { TestResolver } from '../resolver';
import { watch } from '../server/collected';

/** As the rows have it. */
const unavailable: number = grpc.status.UNAVAILABLE;

/** Everything that one stream says from now on. */
function record(): { messages: WatchResponse[]; changes: () => Change[]; close: () => void } {
  const { reader, stream } = watch(recorder);
  return { messages: reader.messages, changes: () => reader.changes(), close: () => stream.close() };
}

const versions: readonly { name: string; library: Grpc }[] = [
  { name: '1.14', library: grpc },
  // Another copy of the same interface, as far as these tests use it.
  { name: '1.10', library: grpc110 as unknown as Grpc },
];

for (const { name, library } of versions) {
  describe(`the hooks, on grpc-js ${name}`, () => {
    const backends: Backend[] = [];
    const clients: TestClient[] = [];

    before(() => {
      if (library === grpc) register(library);
      else assert.throws(() => register(library), /needs @grpc\/grpc-js 1\.14 or newer; found 1\.10\.\d+\./);
    });

    afterEach(() => {
      for (const client of clients.splice(0)) client.close();
      for (const backend of backends.splice(0)) backend.kill();
    });

    async function start(count: number): Promise<Backend[]> {
      const started = await Promise.all(Array.from({ length: count }, () => Backend.start()));
      backends.push(...started);
      return started;
    }

    async function connect(to: readonly Backend[], policy: string, options: ClientOptions = {}) {
      const client = TestClient.to(to, policy, { library, ...options });
      clients.push(client);
      assert.equal(await client.get(), grpc.status.OK);
      return client;
    }

    it('give the ids of channelz, which is served from the first copy, and to another copy none', async () => {
      const client = await connect(await start(1), 'round_robin');
      const channel = channelOf(client);
      const [endpoint] = channel.endpoints;
      const [subconn] = endpoint!.subconns.values();
      const known = [channel.message.channelzId > 0, subconn!.message.channelzId > 0];
      assert.deepEqual(known, library === grpc ? [true, true] : [false, false]);
    });

    it('count for round_robin what the backends count', async () => {
      const servers = await start(3);
      const client = await connect(servers, 'round_robin');
      await Promise.all(Array.from({ length: 90 }, () => client.get()));
      const channel = channelOf(client);
      await assertSettled(channel);
      assert.equal(channel.endpoints.size, 3);
      for (const server of servers) {
        const { counters } = endpointOf(channel, server);
        assert.equal(counters.started, server.received);
        assert.equal(counters.ended[grpc.status.OK], server.received);
      }
      assert.deepEqual(
        [...channel.policies].map((policy) => policy.message.name),
        ['round_robin'],
      );
    });

    it('see the states of the endpoints of round_robin, with their errors', async () => {
      const servers = await start(2);
      const client = await connect(servers, 'round_robin');
      const channel = channelOf(client);
      const state = (server: Backend) => endpointOf(channel, server).message.state;
      await until(() => servers.every((server) => state(server) === ConnectivityState.READY));
      servers[0]!.kill();
      await until(() => state(servers[0]!) === ConnectivityState.TRANSIENT_FAILURE);
      assert.match(endpointOf(channel, servers[0]!).message.error, /ECONNREFUSED/);
      assert.deepEqual(channel.generation?.endpoints, [endpointOf(channel, servers[1]!).message.id]);
      await servers[0]!.revive();
      await until(() => state(servers[0]!) === ConnectivityState.READY);
      assert.equal(endpointOf(channel, servers[0]!).message.error, '');
      assert.equal(channel.generation.endpoints.length, 2);
      assert.equal(channel.generation.cause, GenerationCause.ENDPOINT_READY);
    });

    it('see which endpoint pick_first uses', async () => {
      const servers = await start(3);
      const client = await connect(servers, 'pick_first');
      await Promise.all(Array.from({ length: 9 }, () => client.get()));
      const channel = channelOf(client);
      await assertSettled(channel);
      const used = servers.findIndex((server) => server.received > 0);
      for (const [i, server] of servers.entries()) {
        const { message, counters } = endpointOf(channel, server);
        assert.equal(message.state, i === used ? ConnectivityState.READY : ConnectivityState.IDLE);
        assert.equal(counters.started, server.received);
      }
      assert.deepEqual(channel.generation?.endpoints, [endpointOf(channel, servers[used]!).message.id]);
      assert.equal(channel.generation.historyKept, true);
    });

    it('record picks of every result', async () => {
      const [server] = await start(1);
      server!.kill();
      const watch = record();
      const client = TestClient.to([server!], 'round_robin', { library });
      clients.push(client);
      assert.equal(await client.get(), grpc.status.UNAVAILABLE);
      await server!.revive();
      assert.equal(await client.get({ waitForReady: true }), grpc.status.OK);
      const { id } = channelOf(client).message;
      const rows = () =>
        watch.messages.flatMap(({ body }) =>
          body.case === 'picks'
            ? body.value.result.map((result, i) => ({
                result,
                code: body.value.code[i] ?? 0,
                of: body.value.channel[i],
              }))
            : [],
        );
      await until(() => rows().some((row) => row.of === id && row.result === PickResult.COMPLETED));
      watch.close();
      const own = rows().filter((row) => row.of === id);
      assert.ok(own.some((row) => row.result === PickResult.QUEUED));
      assert.ok(own.some((row) => row.result === PickResult.FAILED && row.code === unavailable));
      const { counters } = channelOf(client);
      assert.equal(own.length, counters.completed + counters.queued + counters.failed + counters.dropped);
    });

    it('number the attempts of a call', async () => {
      const [server] = await start(1);
      const client = await connect([server!], 'round_robin', {
        methodConfig: {
          retryPolicy: {
            maxAttempts: 3,
            initialBackoff: '0.01s',
            maxBackoff: '0.01s',
            backoffMultiplier: 1,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      });
      const watch = record();
      server!.answer = (_call, respond) => respond({ code: grpc.status.UNAVAILABLE, details: 'busy' });
      assert.equal(await client.get(), grpc.status.UNAVAILABLE);
      const { id } = channelOf(client).message;
      const attempts = () =>
        watch.messages.flatMap(({ body }) => {
          if (body.case !== 'completions') return [];
          const { attempt, channel, callDelta, baseCall, code } = body.value;
          let call = Number(baseCall);
          return attempt.map((number, i) => {
            call += callDelta[i] ?? 0;
            return { number, call, of: channel[i], code: code[i] };
          });
        });
      await until(() => attempts().filter((it) => it.of === id).length === 3);
      watch.close();
      const own = attempts().filter((it) => it.of === id);
      assert.deepEqual(
        own.map((it) => it.number),
        [1, 2, 3],
      );
      assert.equal(new Set(own.map((it) => it.call)).size, 1);
      assert.ok(own.every((it) => it.code === unavailable));
    });

    it('forget a closed channel when its last call has ended', async () => {
      const [server] = await start(1);
      const client = await connect([server!], 'round_robin');
      const channel = channelOf(client);
      const watch = record();
      const respond: (() => void)[] = [];
      server!.answer = (call, answer) => respond.push(() => answer(null, call.request));
      const last = client.get();
      await until(() => respond.length === 1);
      client.close();
      assert.equal(channel.message.closed, false);
      assert.equal(channel.message.state, ConnectivityState.SHUTDOWN);
      respond[0]!();
      assert.equal(await last, grpc.status.OK);
      await until(() => channel.message.closed);
      assert.ok(!recorder.entities.channels.has(channel));
      const closed = ({ entity }: Change) =>
        entity.case === 'channel' && entity.value.closed && entity.value.id === channel.message.id;
      await until(() => watch.changes().some(closed));
      watch.close();
      const removed = watch.changes().flatMap(({ entity }) => {
        if (entity.case === 'endpoint' && entity.value.removed) return [entity.case];
        if (entity.case === 'policy' && entity.value.removed) return [entity.case];
        return entity.case === 'subconn' && entity.value.removed ? [entity.case] : [];
      });
      assert.deepEqual(new Set(removed), new Set(['endpoint', 'policy', 'subconn']));
    });
  });
}

describe('the hooks', () => {
  const clients: TestClient[] = [];
  const backends: Backend[] = [];

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    for (const backend of backends.splice(0)) backend.kill();
  });

  async function open(name: string): Promise<{ client: TestClient; servers: Backend[] }> {
    const servers = await Promise.all([Backend.start(), Backend.start(), Backend.start()]);
    backends.push(...servers);
    const client = new TestClient(TestResolver.target(name, [servers[0].port, servers[1].port]), 'p2c_ewma');
    clients.push(client);
    await client.get();
    await until(() => channelOf(client).generation?.endpoints.length === 2);
    return { client, servers };
  }

  it('see resolver updates, and the endpoints that they add and remove', async () => {
    const { client, servers } = await open('hooks-resolver');
    const channel = channelOf(client);
    const gone = endpointOf(channel, servers[0]!);
    const watch = record();
    TestResolver.update('hooks-resolver', [servers[1]!.port, servers[2]!.port]);
    TestResolver.fail('hooks-resolver', 'no such host');
    await until(() =>
      watch.changes().some((it) => it.entity.case === 'resolverUpdate' && it.entity.value.error !== ''),
    );
    watch.close();
    const updates = watch.changes().flatMap(({ entity }) => (entity.case === 'resolverUpdate' ? [entity.value] : []));
    assert.deepEqual(updates[0]!.addresses, [servers[1]!.address, servers[2]!.address]);
    assert.equal(updates[0]!.endpointCount, 2);
    assert.equal(updates.at(-1)!.error, 'no such host');
    assert.ok(gone.message.removed);
    assert.equal(channel.endpoints.size, 2);
  });

  it('say that a new picker of p2c_ewma has lost its history', async () => {
    const { client, servers } = await open('hooks-history');
    TestResolver.update('hooks-history', [servers[0]!.port, servers[1]!.port]);
    const { generation } = channelOf(client);
    assert.equal(generation?.cause, GenerationCause.RESOLVER_UPDATE);
    assert.equal(generation.historyKept, false);
    assert.equal(generation.endpoints.length, 2);
  });

  it('record what p2c_ewma decided, with the endpoints it compared', async () => {
    const { client, servers } = await open('hooks-decision');
    const channel = channelOf(client);
    const ids = [servers[0]!, servers[1]!].map((server) => endpointOf(channel, server).message.id);
    const watch = record();
    for (let i = 0; i < 40; i++) await client.get();
    const picks = () => watch.messages.flatMap(({ body }) => (body.case === 'picks' ? [body.value] : []));
    await until(() => picks().reduce((sum, batch) => sum + batch.rows, 0) >= 40);
    watch.close();
    for (const batch of picks()) {
      assert.deepEqual(new Set(batch.candidateCount), new Set([2]));
      for (let row = 0; row < batch.rows; row++) {
        const [a, b] = batch.candidateEndpoint.slice(2 * row, 2 * row + 2);
        assert.deepEqual([a, b], ids, 'drawn in the order of the list');
        const [scoreA, scoreB] = batch.candidateScore.slice(2 * row, 2 * row + 2) as [number, number];
        const better = scoreA > scoreB ? b : a;
        if (batch.reason[row] === PickReason.FORCED) assert.notEqual(batch.endpoint[row], better);
        else assert.equal(batch.endpoint[row], better);
      }
    }
  });

  it('mark what only they keep: the averages of round_robin, and never those of p2c_ewma', async () => {
    const servers = await Promise.all([Backend.start(), Backend.start()]);
    backends.push(...servers);
    const watch = record();
    for (const policy of ['round_robin', 'p2c_ewma']) {
      const client = TestClient.to(servers, policy);
      clients.push(client);
      for (let i = 0; i < 10; i++) assert.equal(await client.get(), grpc.status.OK);
      const { id } = channelOf(client).message;
      const flags = () =>
        watch.messages.flatMap(({ body }) => {
          if (body.case !== 'picks' && body.case !== 'completions') return [];
          const { channel, flags } = body.value;
          const completed = (row: number) =>
            body.case === 'completions' || body.value.result[row] === PickResult.COMPLETED;
          return channel.flatMap((of, row) => (of === id && completed(row) ? [`${body.case} ${flags[row] ?? 0}`] : []));
        });
      await until(() => flags().length === 20);
      const endpoint = endpointOf(channelOf(client), servers[0]);
      assert.equal(endpoint.shadow !== undefined, policy === 'round_robin');
      const expected =
        policy === 'round_robin'
          ? [`picks ${PickFlag.DERIVED}`, `completions ${CompletionFlag.DERIVED}`]
          : ['picks 0', 'completions 0'];
      assert.deepEqual(new Set(flags()), new Set(expected));
    }
    watch.close();
  });

  for (const watched of [false, true]) {
    it(`count for p2c_ewma what the backends count, ${watched ? '' : 'un'}watched`, async () => {
      const { client, servers } = await open(`hooks-count-${watched ? 'watched' : 'unwatched'}`);
      const watch = watched ? record() : undefined;
      await Promise.all(Array.from({ length: 60 }, () => client.get()));
      watch?.close();
      const channel = channelOf(client);
      await assertSettled(channel);
      for (const server of servers.slice(0, 2)) {
        assert.ok(server.received > 10);
        assert.equal(endpointOf(channel, server).counters.started, server.received);
      }
    });
  }

  it('know before the first pick that a policy keeps averages', async () => {
    const { client, servers } = await open('hooks-status');
    TestResolver.update('hooks-status', [servers[0]!.port, servers[1]!.port]);
    const endpoints = [...channelOf(client).endpoints];
    assert.deepEqual(
      endpoints.map(({ status }) => status?.lag),
      [0, 0],
      'of the new picker, which has not been asked',
    );
  });

  it('never fail a call when the recording fails', async () => {
    const { client } = await open('hooks-fault');
    const methods = ['picked', 'started', 'ended'];
    const fault = () => {
      throw new Error('a fault in the recorder');
    };
    for (const method of methods) Object.assign(recorder, { [method]: fault });
    try {
      const codes = await Promise.all(Array.from({ length: 20 }, () => client.get()));
      assert.deepEqual([...new Set(codes)], [grpc.status.OK]);
    } finally {
      for (const method of methods) Reflect.deleteProperty(recorder, method);
    }
  });

  it("know a completion's lag only where it reached the present picker", async () => {
    const { client, servers } = await open('hooks-reach');
    const watch = record();
    const respond: (() => void)[] = [];
    for (const server of servers) {
      server.answer = (call, answer) => respond.push(() => answer(null, call.request));
    }
    const late = client.get();
    await until(() => respond.length === 1);
    TestResolver.update('hooks-reach', [servers[0]!.port, servers[1]!.port]);
    const early = client.get();
    await until(() => respond.length === 2);
    respond.forEach((answer) => answer());
    await Promise.all([late, early]);
    const { id } = channelOf(client).message;
    const lags = () =>
      watch.messages.flatMap(({ body }) =>
        body.case === 'completions' ? body.value.lagNs.filter((_, i) => body.value.channel[i] === id) : [],
      );
    await until(() => lags().length === 2);
    watch.close();
    assert.deepEqual(
      lags().map((lag) => Number.isNaN(lag)),
      [true, false],
    );
  });
});
