import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import type { Backend, TestClient } from '../backends';
import { allReady, Fixture } from '../balancer/fixture';
import { channelOf, endpointOf } from '../records';
import { TestResolver } from '../resolver';

const ports = (backends: readonly Backend[]) => backends.map((backend) => backend.port);

/** How many calls each backend received during some work. */
async function received(backends: readonly Backend[], work: () => Promise<void>): Promise<number[]> {
  const before = backends.map((backend) => backend.received);
  await work();
  return backends.map((backend, index) => backend.received - before[index]!);
}

async function call(client: TestClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) assert.equal(await client.get(), grpc.status.OK);
}

/** Resolves the target anew, to what it is already, and waits for the picker that comes of it. */
function rebuild(client: TestClient, name: string, backends: readonly Backend[]): void {
  const before = channelOf(client).generation?.id;
  assert.ok(TestResolver.update(name, ports(backends)));
  assert.notEqual(channelOf(client).generation?.id, before);
}

describe('on real backends', () => {
  const fixture = new Fixture();

  describe('static_weighted_round_robin', () => {
    const weigh = (backends: readonly Backend[], weights: readonly number[]) => [
      {
        static_weighted_round_robin: {
          weights: Object.fromEntries(backends.map(({ address }, index) => [address, weights[index]])),
        },
      },
    ];

    it('gives 20 % and 80 % of the calls, one by one and at once', async () => {
      const backends = await fixture.start(2);
      const client = await fixture.connect(backends, weigh(backends, [20, 80]));
      const [few, many] = await received(backends, () => call(client, 100));
      assert.ok(Math.abs(few! - 20) <= 1 && Math.abs(many! - 80) <= 1, `${few}/${many}`);
      const atOnce = await received(backends, async () => {
        await Promise.all(Array.from({ length: 300 }, () => client.get()));
      });
      assert.ok(Math.abs(atOnce[0]! - 60) <= 1 && Math.abs(atOnce[1]! - 240) <= 1, atOnce.join('/'));
    });

    it('keeps its place however often the target is resolved', async () => {
      const backends = await fixture.start(3);
      const target = TestResolver.target('weights-rebuilt', ports(backends));
      const client = fixture.open(target, weigh(backends, [5, 3, 1]));
      await call(client, 1);
      await allReady(client, 3);
      const counts = await received(backends, async () => {
        for (let i = 0; i < 90; i++) {
          await call(client, 1);
          rebuild(client, 'weights-rebuilt', backends);
        }
      });
      for (const [index, share] of [50, 30, 10].entries()) {
        assert.ok(Math.abs(counts[index]! - share) <= 1, counts.join('/'));
      }
    });

    it('gives a backend that comes back its share again, and no more', async () => {
      const backends = await fixture.start(3);
      const client = await fixture.connect(backends, weigh(backends, [1, 1, 2]));
      backends[2]!.kill();
      await allReady(client, 2);
      const without = await received(backends, () => call(client, 20));
      assert.deepEqual([without[0]! + without[1]!, without[2]], [20, 0]);
      await backends[2]!.revive();
      await allReady(client, 3);
      const counts = await received(backends, () => call(client, 40));
      assert.ok(Math.abs(counts[2]! - 20) <= 2, counts.join('/'));
    });
  });

  describe('consistent_hash', () => {
    const byUser = [{ consistent_hash: { hashHeader: 'x-user-id' } }];
    const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);

    /** The backend that a call of that key reaches. */
    async function ownerOf(client: TestClient, backends: readonly Backend[], ...key: string[]): Promise<Backend> {
      const counts = await received(backends, async () => {
        assert.equal(await client.get({ headers: { 'x-user-id': key } }), grpc.status.OK);
      });
      return backends[counts.indexOf(1)]!;
    }

    async function ownersOf(client: TestClient, backends: readonly Backend[]): Promise<Backend[]> {
      const owners: Backend[] = [];
      for (const user of users) owners.push(await ownerOf(client, backends, user));
      return owners;
    }

    it('sends a key to one backend while others come and go', async () => {
      const backends = await fixture.start(4);
      const client = await fixture.connect(backends, byUser);
      const first = await ownersOf(client, backends);
      assert.deepEqual(await ownersOf(client, backends), first);

      const lost = first[0]!;
      lost.kill();
      await allReady(client, 3);
      const without = await ownersOf(client, backends);
      for (const [index, owner] of first.entries()) {
        if (owner === lost) assert.notEqual(without[index], lost);
        else assert.equal(without[index], owner);
      }

      await lost.revive();
      await allReady(client, 4);
      assert.deepEqual(await ownersOf(client, backends), first);
    });

    it('sends a key to the same backend from every client, in whichever order they know the backends', async () => {
      const backends = await fixture.start(3);
      const one = await fixture.connect(backends, byUser);
      const other = await fixture.connect(backends.toReversed(), byUser);
      assert.deepEqual(await ownersOf(one, backends), await ownersOf(other, backends));
    });

    it('joins several values of the header, and spreads calls without one', async () => {
      const backends = await fixture.start(4);
      const client = await fixture.connect(backends, byUser);
      for (const user of users.slice(0, 10)) {
        assert.equal(await ownerOf(client, backends, user, 'eu'), await ownerOf(client, backends, `${user},eu`));
      }
      const counts = await received(backends, () => call(client, 100));
      assert.ok(Math.min(...counts) > 5, counts.join('/'));
    });
  });

  describe('p2c_ewma', () => {
    for (const keepHistory of [true, false]) {
      it(`${keepHistory ? 'keeps' : 'loses'} what it knew when the target is resolved again`, async () => {
        const name = `history-${keepHistory}`;
        const backends = await fixture.start(2);
        const client = fixture.open(TestResolver.target(name, ports(backends)), [{ p2c_ewma: { keepHistory } }]);
        await call(client, 1);
        await allReady(client, 2);
        await call(client, 20);
        const lag = () => backends.map((backend) => endpointOf(channelOf(client), backend).status?.lag ?? 0);
        const before = lag();
        assert.ok(Math.max(...before) > 0);
        rebuild(client, name, backends);
        assert.equal(channelOf(client).generation?.historyKept, keepHistory);
        assert.equal(await client.get({ deadlineMs: 20_000 }), grpc.status.OK);
        // One call later, one of the two has been measured anew.
        const unmeasured = lag().filter((value) => value === 0).length;
        assert.equal(unmeasured, keepHistory ? before.filter((value) => value === 0).length : 1);
      });
    }

    it("writes its line to grpc-js's logger", async () => {
      const lines: string[] = [];
      grpc.setLogger({ info: (line: string) => lines.push(line), error: () => undefined });
      grpc.setLogVerbosity(grpc.logVerbosity.INFO);
      try {
        const [backend] = await fixture.start(1);
        const client = await fixture.connect([backend!], 'p2c_ewma');
        await call(client, 3);
        const own = lines.filter((line) => line.includes(backend!.address));
        assert.equal(own.length, 1);
        assert.match(own[0]!, /^p2c - conn: 127\.0\.0\.1:\d+, load: \d+, reqs: 1$/);
      } finally {
        grpc.setLogVerbosity(grpc.logVerbosity.ERROR);
        grpc.setLogger(console);
      }
    });
  });

  it('a config that is wrong fails the calls, and says why', async () => {
    const backends = await fixture.start(1);
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ p2c_ewma: { decayTime: 10 } }, /decayTime is 10, but has to be a duration/],
      [{ static_weighted_round_robin: { weights: { 'a:1': -1 } } }, /weights\["a:1"\] is -1, but has to be a number/],
      [{ consistent_hash: {} }, /hashHeader is missing, but has to be the name/],
    ];
    for (const [policy, message] of wrong) assert.match(await fixture.open(backends, [policy]).failure(), message);
  });
});
