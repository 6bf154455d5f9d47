import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import type { Pick, Picker } from '../../src/policies/picker';
import type { TestClient } from '../backends';
import { assertSettled, channelOf } from '../records';
import { Fixture, inTurn, register } from './fixture';

function fault(): never {
  throw new Error('a fault in the policy');
}

/** Pickers whose picks have a fault. */
function withFault(part: Partial<Pick>) {
  return (size: number): Picker => {
    const picker = inTurn(size);
    return { pick: (info) => ({ ...picker.pick(info), ...part }) };
  };
}

describe('a faulty policy breaks no call', () => {
  const fixture = new Fixture();

  async function run(make: (size: number) => Picker, calls: (client: TestClient) => Promise<number[]>) {
    const servers = await fixture.start(2);
    const client = await fixture.connect(servers, register(make).name);
    assert.deepEqual([...new Set(await calls(client))], [grpc.status.OK]);
    await assertSettled(channelOf(client));
    return servers;
  }

  const many = (client: TestClient) => Promise.all(Array.from({ length: 20 }, () => client.get()));

  /** Calls that start long after their picks: those are suspended, then resumed. */
  const slow = (client: TestClient) => {
    const credentials = grpc.credentials.createFromMetadataGenerator((_options, callback) => {
      setTimeout(callback, 20, null, new grpc.Metadata());
    });
    return Promise.all(Array.from({ length: 20 }, () => client.get({ credentials })));
  };

  it('when pick throws: both backends are used', async () => {
    const servers = await run(() => ({ pick: fault }), many);
    assert.ok(servers.every((server) => server.received > 0));
  });

  it('when pick returns nothing', async () => {
    await run(() => ({ pick: () => undefined }) as unknown as Picker, many);
  });

  for (const endpoint of [99, -1, NaN, undefined]) {
    it(`when it picks endpoint ${endpoint}`, async () => {
      await run(withFault({ endpoint }), many);
    });
  }

  it('when suspend throws', () => run(withFault({ suspend: fault }), slow));

  it('when resume throws', () => run(withFault({ resume: fault }), slow));

  it('when done throws', () => run(withFault({ done: fault }), many));

  it('when a pick is frozen', () => run((size) => ({ pick: (info) => Object.freeze(inTurn(size).pick(info)) }), many));

  it('when build throws', async () => {
    const servers = await run(fault, many);
    assert.ok(servers.every((server) => server.received > 0));
  });
});
