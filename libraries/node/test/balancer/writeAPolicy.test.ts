import * as grpc from '@grpc/grpc-js';
import { PickReason, ScoreOrder } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { readmeBlock } from '../../../../test/whole/readme';
import { serviceConfig } from '../../src/main';
import { until, type Backend } from '../backends';
import { assertSettled, channelOf, recorder } from '../records';
import { watch } from '../server/collected';
import { Fixture, allReady } from './fixture';

const page = 'docs/write-a-policy.md';

describe(page, () => {
  const fixture = new Fixture();
  let folder: string;

  before(() => {
    // Inside the repository, so that its imports are found.
    mkdirSync('out', { recursive: true });
    folder = mkdtempSync(path.resolve('out', 'write-a-policy-'));
    for (const name of ['least-in-flight.mjs', 'client.mjs', 'least-in-flight.test.mjs', 'least-of-few.mjs']) {
      writeFileSync(path.join(folder, name), readmeBlock(name, page));
    }
  });

  after(() => rmSync(folder, { recursive: true }));

  function load(name: string): Promise<unknown> {
    return import(pathToFileURL(path.join(folder, name)).href);
  }

  const target = (servers: readonly Backend[]) => `ipv4:${servers.map(({ address }) => address).join(',')}`;

  /** Has one call stay with the backend. @returns What answers it. */
  async function occupy(backend: Backend, get: () => Promise<number>): Promise<() => Promise<void>> {
    const calls: Promise<number>[] = [];
    const held: (() => void)[] = [];
    backend.answer = (call, respond) => void held.push(() => respond(null, call.request));
    await until(() => {
      if (held.length === 0) calls.push(get());
      return held.length > 0;
    });
    return async () => {
      for (const answer of held) answer();
      assert.deepEqual([...new Set(await Promise.all(calls))], [grpc.status.OK]);
    };
  }

  it('is true to its twenty lines', () => {
    const lines = readmeBlock('least-in-flight.mjs', page).split('\n');
    assert.ok(lines.length <= 20, `${lines.length} lines`);
  });

  it('has a test of the policy that passes', async () => {
    const options = ['--import=tsx', '--conditions=pickscope-source'];
    const test = path.join(folder, 'least-in-flight.test.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [...options, test]);
    assert.match(stdout, /^# pass 2$/m);
    assert.match(stdout, /^# fail 0$/m);
  });

  it('has a client whose calls avoid the backend that is busy', async () => {
    const servers = await fixture.start(3);
    process.env.BACKENDS = target(servers);
    const { client } = (await load('client.mjs')) as { client: grpc.Client };
    const bytes = (buffer: Buffer) => buffer;
    const get = () =>
      new Promise<number>((resolve) => {
        client.makeUnaryRequest('/shop.Cart/Get', bytes, bytes, Buffer.from('?'), (error) => resolve(error?.code ?? 0));
      });
    assert.equal(await get(), grpc.status.OK);
    await allReady({ target: target(servers) }, 3);
    const release = await occupy(servers[0]!, get);
    const { received } = servers[0]!;
    for (let i = 0; i < 20; i++) assert.equal(await get(), grpc.status.OK);
    assert.equal(servers[0]!.received, received);
    await release();
    client.close();
  });

  it('has a policy whose decisions are shown', async () => {
    await load('least-of-few.mjs');
    assert.throws(() => serviceConfig('least_of_few', { choices: 1 }), /choices is 1, but has to be a whole number/);
    const client = await fixture.connect(await fixture.start(3), [{ least_of_few: { choices: 3 } }]);
    assert.equal(channelOf(client).generation?.historyKept, true);
    assert.equal([...channelOf(client).policies][0]?.message.scoreOrder, ScoreOrder.LOWER_WINS);

    const { reader, stream } = watch(recorder);
    const calls = Array.from({ length: 30 }, () => client.get());
    assert.deepEqual([...new Set(await Promise.all(calls))], [grpc.status.OK]);
    await until(() => reader.picks() >= 30);
    stream.close();
    const [batch] = reader.pickBatches();
    assert.deepEqual(new Set(batch!.candidateCount), new Set([3]));
    assert.deepEqual(new Set(batch!.reason), new Set([PickReason.TIE, PickReason.BETTER_SCORE]));
    for (const [row, endpoint] of batch!.endpoint.entries()) {
      const candidates = batch!.candidateEndpoint.slice(3 * row, 3 * row + 3);
      const scores = batch!.candidateScore.slice(3 * row, 3 * row + 3);
      assert.equal(scores[candidates.indexOf(endpoint)], Math.min(...scores));
    }
    await assertSettled(channelOf(client));
  });

  it('has counts that outlive a picker', async () => {
    await load('least-of-few.mjs');
    const servers = await fixture.start(3);
    const client = await fixture.connect(servers, [{ least_of_few: { choices: 3 } }]);
    const release = await occupy(servers[0]!, () => client.get());
    servers[2]!.kill();
    await allReady(client, 2);
    const { received } = servers[0]!;
    for (let i = 0; i < 10; i++) assert.equal(await client.get(), grpc.status.OK);
    assert.equal(servers[0]!.received, received);
    await release();
  });
});
