import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { channelOf } from '../records';
import { TestResolver } from '../resolver';
import { until } from '../backends';
import { Fixture, inTurn, register } from './fixture';

const refused = '`size` is -1; it must be 1 or more.';

function parseConfig({ size }: Readonly<Record<string, unknown>>): unknown {
  if (size === -1) throw new Error(refused);
  return { size };
}

describe('a service config that a policy refuses', () => {
  const fixture = new Fixture();
  const log: string[] = [];

  before(() => grpc.setLogger({ error: (line: string) => void log.push(line) }));
  after(() => grpc.setLogger(console));
  beforeEach(() => void log.splice(0));

  /** What the client's next call fails with. */
  function failure(target: string, name: string, config: unknown): Promise<string> {
    const client = fixture.open(target, [{ [name]: config }, { round_robin: {} }]);
    return client.failure();
  }

  it('in the channel options fails the calls with the policy, the field, the value and what is allowed', async () => {
    const [server] = await fixture.start(1);
    const { name } = register(inTurn, parseConfig);
    const target = `ipv4:${server!.address}`;
    const message = `The service config of ${name} cannot be used: ${refused}`;
    assert.equal(await failure(target, name, { size: -1 }), message);
    assert.deepEqual(log, [message]);
    assert.equal(server!.received, 0, 'the next policy of the list does not silently take over');
  });

  it('from the resolver at first fails the calls in the same way', async () => {
    const [server] = await fixture.start(1);
    const { name } = register(inTurn, parseConfig);
    const target = TestResolver.target('refused', [server!.port], { [name]: { size: -1 } });
    assert.match(await failure(target, name, {}), /cannot be used: `size` is -1; it must be 1 or more\.$/);
  });

  it('from the resolver later leaves the policy before in force', async () => {
    const servers = await fixture.start(2);
    const [first, second] = servers.map((server) => server.port);
    const { name, builds } = register(inTurn, parseConfig);
    const client = fixture.open(TestResolver.target('later', [first!]), [{ [name]: { size: 7 } }]);
    assert.equal(await client.get(), grpc.status.OK);
    assert.equal(TestResolver.update('later', [first!, second!], { [name]: { size: -1 } }), false);
    assert.equal(log.length, 1);
    await until(() => builds.at(-1)!.readyEndpoints.length === 2);
    assert.deepEqual(builds.at(-1)!.config, { size: 7 });
    assert.equal(await client.get(), grpc.status.OK);
  });

  it('from the resolver for another policy leaves the one that serves in its place', async () => {
    const [server] = await fixture.start(1);
    const { name } = register(inTurn, parseConfig);
    const client = fixture.open(TestResolver.target('other', [server!.port]), 'round_robin');
    assert.equal(await client.get(), grpc.status.OK);
    assert.equal(TestResolver.update('other', [server!.port], { [name]: { size: -1 } }), false);
    assert.equal(await client.get(), grpc.status.OK);
    assert.equal(log.length, 1);
    assert.equal(TestResolver.update('other', [server!.port], { [name]: { size: 1 } }), true);
    assert.equal(await client.get(), grpc.status.OK);
    await until(() => [...channelOf(client).policies].map(({ message }) => message.name).join() === name);
  });
});
