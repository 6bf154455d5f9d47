import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { ChannelConnectivityState_State as State, Channelz, type ChannelData } from '@pickscope/protocol/channelz';
import { Health, HealthCheckResponse_ServingStatus as Serving } from '@pickscope/protocol/health';
import { DebugService } from '@pickscope/protocol/messages';
import { ServerReflection, type ServerReflectionResponse } from '@pickscope/protocol/reflection';
import { ServerReflection as ServerReflectionAlpha } from '@pickscope/protocol/reflection.v1alpha';
import assert from 'node:assert/strict';
import { until } from '../../backends';
import { Watcher } from '../debugClient';
import { Program, ways } from './program';
import { Tool } from './tool';

const served = [
  'pickscope.v1.DebugService',
  'grpc.channelz.v1.Channelz',
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
];

for (const way of ways) {
  describe(`other tools on the socket of a program that is ${way}`, () => {
    const program = new Program();
    let started: Awaited<ReturnType<Program['start']>>;
    let tool: Tool;

    before(async () => {
      started = await program.start(way);
      tool = new Tool(started.descriptor);
    });

    after(() => {
      tool.close();
      program.remove();
    });

    it('need the token', async () => {
      const other = new Tool({ address: started.descriptor.address });
      const asked = [
        other.ask(Channelz.method.getTopChannels, {}),
        other.ask(Health.method.check, {}),
        other.converse(ServerReflection.method.serverReflectionInfo, []),
        other.listen(Health.method.watch, {}).ended,
      ];
      await Promise.all(asked.map((it) => assert.rejects(it, { code: status.UNAUTHENTICATED })));
      other.close();
    });

    it('see the channels of the watchers, by the same ids, with the same states and counts', async () => {
      const ours = await seenByWatcher(started.descriptor);
      const { made } = started;
      const { channel: channels, end } = await tool.ask(Channelz.method.getTopChannels, {});
      assert.equal(end, true);
      assert.deepEqual(
        channels.map(({ ref }) => ref?.channelId),
        // The other one takes no part, and the debug server's own is none.
        [BigInt(ours.shared.channelzId)],
      );
      const [{ data, subchannelRef, ref }] = channels as [(typeof channels)[0]];
      assert.deepEqual([data?.target, data?.state?.state], [ours.shared.target, State.READY]);
      assert.equal(ref?.name, ours.shared.target);
      assert.deepEqual(calls(data), [made.calls, made.calls - made.failed, made.failed]);
      assert.ok(Math.abs(Number(data!.lastCallStartedTimestamp!.seconds) * 1000 - Date.now()) < 120_000);
      const events = data!.trace!.events;
      assert.equal(Number(data!.trace!.numEventsLogged), events.length);
      assert.ok(events.some(({ description, childRef }) => description.includes('subchannel') && childRef.value));

      assert.deepEqual(
        subchannelRef.map((it) => Number(it.subchannelId)),
        ours.subconns.map(({ channelzId }) => channelzId),
      );
      for (const { subchannelId } of subchannelRef) {
        const { subchannel } = await tool.ask(Channelz.method.getSubchannel, { subchannelId });
        const subconn = ours.subconns.find(({ channelzId }) => BigInt(channelzId) === subchannelId)!;
        const counters = ours.counters.get(subconn.endpoints[0]!)!;
        assert.deepEqual([subchannel?.ref?.name, subchannel?.data?.target], [subconn.address, subconn.address]);
        assert.equal(subchannel?.data?.state?.state, subconn.state);
        const succeeded = Number(counters.completionsByCode[counters.codes.indexOf(0)]);
        assert.deepEqual(calls(subchannel.data), [
          Number(counters.started),
          succeeded,
          Number(counters.started) - succeeded,
        ]);
        const { socket } = await tool.ask(Channelz.method.getSocket, { socketId: subchannel.socketRef[0]!.socketId });
        assert.equal(Number(socket!.data!.streamsStarted), Number(counters.started));
        const remote = socket!.remote!.address;
        assert.ok(remote.case === 'tcpipAddress');
        assert.equal(`${remote.value.ipAddress.join('.')}:${remote.value.port}`, subconn.address);
      }
    });

    it("see the program's servers, and not the debug server", async () => {
      const { server, end } = await tool.ask(Channelz.method.getServers, {});
      assert.deepEqual([server.length, end], [2, true]);
      const received = server.reduce((sum, { data }) => sum + Number(data!.callsStarted), 0);
      // One is the other channel's.
      assert.equal(received, started.made.calls + 1);
      for (const { ref } of server) {
        const { server: one } = await tool.ask(Channelz.method.getServer, { serverId: ref!.serverId });
        assert.equal(
          one!.data!.callsStarted,
          server.find((it) => it.ref!.serverId === ref!.serverId)!.data!.callsStarted,
        );
        const { socketRef } = await tool.ask(Channelz.method.getServerSockets, { serverId: ref!.serverId });
        assert.ok(socketRef.length >= 1);
      }
    });

    it('get no more than they ask for, and the rest from there on', async () => {
      const first = await tool.ask(Channelz.method.getServers, { maxResults: 1n });
      assert.deepEqual([first.server.length, first.end], [1, false]);
      const startServerId = first.server[0]!.ref!.serverId + 1n;
      const rest = await tool.ask(Channelz.method.getServers, { startServerId, maxResults: 9_000_000_000n });
      assert.deepEqual([rest.server.length, rest.end], [1, true]);
    });

    it('are told of what there is not', async () => {
      const notFound = { code: status.NOT_FOUND };
      const { hidden } = await seenByWatcher(started.descriptor);
      await assert.rejects(tool.ask(Channelz.method.getChannel, { channelId: BigInt(hidden.channelzId) }), notFound);
      await assert.rejects(tool.ask(Channelz.method.getChannel, { channelId: 4711n }), notFound);
      await assert.rejects(tool.ask(Channelz.method.getSubchannel, { subchannelId: 0n }), notFound);
      await assert.rejects(tool.ask(Channelz.method.getServer, { serverId: -1n }), notFound);
      await assert.rejects(tool.ask(Channelz.method.getSocket, { socketId: 2n ** 63n - 1n }), notFound);
      await assert.rejects(tool.ask(Channelz.method.getServerSockets, { serverId: 4711n }), notFound);
    });

    it('find by reflection what is served, and can call it by nothing but what they are told', async () => {
      const info = ServerReflection.method.serverReflectionInfo;
      const symbols = [...served, 'pickscope.v1.DebugService.Watch', 'grpc.channelz.v1.ChannelTraceEvent.Severity'];
      const answers = await tool.converse(info, [
        ...symbols.map((value) => ({ messageRequest: { case: 'fileContainingSymbol' as const, value } })),
        { messageRequest: { case: 'fileByFilename', value: 'google/protobuf/any.proto' } },
      ]);
      const files = new Map(answers.flatMap(descriptorsOf).map((file) => [file.name, file]));
      assert.deepEqual(
        descriptorsOf(answers.at(-1)!).map(({ name }) => name),
        ['google/protobuf/any.proto'],
      );
      // Each is whole: one fails to be made if a file lacks another that it needs.
      const registries = answers.map((answer) =>
        createFileRegistry(descriptorsOf(answer)[0]!, (name) => files.get(name)),
      );
      served.forEach((name, i) => assert.ok(registries[i]!.getService(name), name));
      assert.ok(registries[served.length + 1]!.getEnum('grpc.channelz.v1.ChannelTraceEvent.Severity'));
      const { method } = registries[0]!.getService(DebugService.typeName)!;
      const { process } = (await tool.ask(method.describe!, {})) as unknown as { process: { pid: number } };
      assert.equal(process.pid, started.descriptor.pid);
    });

    it('list the services, by both versions of reflection', async () => {
      for (const { method } of [ServerReflection, ServerReflectionAlpha]) {
        const question = { case: 'listServices', value: '*' } as const;
        const [answer] = await tool.converse(method.serverReflectionInfo, [{ host: 'here', messageRequest: question }]);
        const { validHost, originalRequest, messageResponse } = answer!;
        assert.deepEqual([validHost, originalRequest?.messageRequest], ['here', question]);
        assert.ok(messageResponse.case === 'listServicesResponse');
        assert.deepEqual(
          messageResponse.value.service.map(({ name }) => name),
          served,
        );
      }
    });

    it('are told by reflection of what there is not, and may go on asking', async () => {
      const answers = await tool.converse(ServerReflection.method.serverReflectionInfo, [
        { messageRequest: { case: 'fileByFilename', value: '/etc/passwd' } },
        { messageRequest: { case: 'fileContainingSymbol', value: `shop.Cart${'x'.repeat(1000)}` } },
        {
          messageRequest: {
            case: 'fileContainingExtension',
            value: { containingType: 'google.protobuf.Any', extensionNumber: 7 },
          },
        },
        { messageRequest: { case: 'allExtensionNumbersOfType', value: DebugService.typeName } },
        {},
        { messageRequest: { case: 'allExtensionNumbersOfType', value: 'google.protobuf.Any' } },
      ]);
      const errors = answers.slice(0, 5).map(({ messageResponse }) => {
        assert.ok(messageResponse.case === 'errorResponse');
        assert.ok(messageResponse.value.errorMessage.length < 300);
        return messageResponse.value.errorCode;
      });
      assert.deepEqual(errors, [...Array<number>(4).fill(status.NOT_FOUND), status.INVALID_ARGUMENT]);
      assert.deepEqual(answers[5]!.messageResponse.value, {
        $typeName: 'grpc.reflection.v1.ExtensionNumberResponse',
        baseTypeName: 'google.protobuf.Any',
        extensionNumber: [],
      });
    });

    it('are answered by health', async () => {
      for (const service of ['', ...served]) {
        assert.equal((await tool.ask(Health.method.check, { service })).status, Serving.SERVING);
      }
      const { statuses } = await tool.ask(Health.method.list, {});
      assert.deepEqual(Object.keys(statuses), ['', ...served]);
      await assert.rejects(tool.ask(Health.method.check, { service: 'toString' }), { code: status.NOT_FOUND });
      for (const [service, expected] of [
        ['', Serving.SERVING],
        ['shop.Cart', Serving.SERVICE_UNKNOWN],
      ] as const) {
        const watched = tool.listen(Health.method.watch, { service });
        await until(() => watched.messages.length > 0);
        assert.deepEqual(
          watched.messages.map((it) => it.status),
          [expected],
        );
        watched.cancel();
        await assert.rejects(watched.ended, { code: status.CANCELLED });
      }
    });
  });
}

function descriptorsOf({ messageResponse }: ServerReflectionResponse) {
  assert.ok(messageResponse.case === 'fileDescriptorResponse', JSON.stringify(messageResponse));
  return messageResponse.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

function calls(data: ChannelData | undefined): number[] {
  return [data?.callsStarted, data?.callsSucceeded, data?.callsFailed].map(Number);
}

/** What a watcher is told of the channel that made the calls, and of the one that takes no part in channelz. */
async function seenByWatcher({ address, token }: { readonly address: string; readonly token: string }) {
  const watcher = new Watcher(address, token);
  await until(() => watcher.cases().includes('snapshotEnd'));
  watcher.close();
  const entities = watcher.changes().map(({ entity }) => entity);
  const channels = entities.flatMap((it) => (it.case === 'channel' ? [it.value] : []));
  const shared = channels.find(({ target }) => target.includes(','))!;
  const endpoints = entities.flatMap((it) =>
    it.case === 'endpoint' && it.value.channel === shared.id ? [it.value.id] : [],
  );
  const counters = watcher.messages.flatMap(({ body }) => (body.case === 'counters' ? body.value.endpoints : []));
  return {
    shared,
    hidden: channels.find((channel) => channel !== shared)!,
    subconns: entities
      .flatMap((it) => (it.case === 'subconn' ? [it.value] : []))
      .filter((subconn) => endpoints.includes(subconn.endpoints[0]!)),
    counters: new Map(counters.map((it) => [it.endpoint, it])),
  };
}
