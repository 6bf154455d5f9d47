import assert from 'node:assert/strict';
import '../src/main';
import type { ChannelRecord, EndpointRecord } from '../src/recorder/entities';
import { runtime } from '../src/runtime';
import { until, type Backend, type TestClient } from './backends';

/*
 * What the hooks have recorded of a test's client.
 */

export const { recorder } = runtime;

/** The newest channel of that target. */
export function channelOf(client: Pick<TestClient, 'target'>): ChannelRecord {
  const channel = [...recorder.entities.channels].reverse().find((it) => it.message.target === client.target);
  assert.ok(channel, `no channel of ${client.target} is recorded`);
  return channel;
}

export function endpointOf(channel: ChannelRecord, backend: Backend): EndpointRecord {
  const endpoint = [...channel.endpoints].find((it) => it.message.addresses.includes(backend.address));
  assert.ok(endpoint, `no endpoint of ${backend.address} is recorded`);
  return endpoint;
}

/** Waits until every call has ended, then holds the counters to each other. */
export async function assertSettled(channel: ChannelRecord): Promise<void> {
  await until(() => channel.open === 0);
  let picks = 0;
  for (const { counters, message } of channel.endpoints) {
    assert.equal(counters.pending, 0, message.addresses[0]);
    assert.equal(counters.picks, counters.started + counters.neverStarted, message.addresses[0]);
    assert.equal(counters.inflight, 0, `${message.addresses[0]}: every started call has ended`);
    picks += counters.picks;
  }
  assert.equal(channel.counters.completed, picks);
}
