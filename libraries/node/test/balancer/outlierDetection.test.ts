import * as grpc from '@grpc/grpc-js';
import { ConnectivityState } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { until } from '../backends';
import { assertSettled, channelOf, endpointOf } from '../records';
import { Fixture, allReady } from './fixture';

describe('p2c_ewma below outlier_detection', () => {
  const fixture = new Fixture();

  it('counts each call once', async () => {
    const servers = await fixture.start(3);
    const client = await fixture.connect(servers, [
      { outlier_detection: { success_rate_ejection: {}, child_policy: [{ p2c_ewma: {} }] } },
    ]);
    await Promise.all(Array.from({ length: 30 }, () => client.get()));
    const channel = channelOf(client);
    const names = [...channel.policies].map((policy) => [policy.message.name, policy.parent?.message.name]);
    assert.deepEqual(names, [
      ['outlier_detection', undefined],
      ['p2c_ewma', 'outlier_detection'],
    ]);
    for (const server of servers) assert.equal(endpointOf(channel, server).counters.started, server.received);
    await assertSettled(channel);
  });

  it('picks an endpoint no more while that is ejected', async () => {
    const servers = await fixture.start(3);
    const detection = {
      interval: { seconds: 0, nanos: 50_000_000 },
      base_ejection_time: { seconds: 0, nanos: 200_000_000 },
      max_ejection_percent: 50,
      failure_percentage_ejection: { threshold: 50, minimum_hosts: 1, request_volume: 1 },
    };
    const client = await fixture.connect(servers, [
      { outlier_detection: { ...detection, child_policy: [{ p2c_ewma: {} }] } },
    ]);
    const [failing, ...others] = servers;
    failing!.answer = (_call, respond) => respond({ code: grpc.status.INTERNAL, details: 'broken' });
    const channel = channelOf(client);
    const bad = endpointOf(channel, failing!);
    while (bad.message.state === ConnectivityState.READY) await client.get();
    assert.equal(bad.message.state, ConnectivityState.TRANSIENT_FAILURE);
    assert.deepEqual(
      channel.generation?.endpoints,
      others.map((other) => endpointOf(channel, other).message.id),
    );
    failing!.answer = (call, respond) => respond(null, call.request);
    await allReady(client, 3);
    await until(() => bad.message.state === ConnectivityState.READY);
    await assertSettled(channel);
  });
});
