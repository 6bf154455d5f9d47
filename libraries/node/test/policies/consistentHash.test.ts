import fc from 'fast-check';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { consistentHash, ConsistentHashPicker } from '../../src/policies/consistentHash';
import { murmur3 } from '../../src/policies/murmur3';
import type { Random, ReadyEndpoint } from '../../src/policies/picker';
import { at, readyEndpoints } from './endpoints';

const parse = (json: Readonly<Record<string, unknown>>) => consistentHash.parseConfig!(json);

function setUp(endpoints: readonly ReadyEndpoint[], json: object = {}, random?: Random): ConsistentHashPicker {
  const config = parse({ hashHeader: 'x-user-id', ...json });
  return new ConsistentHashPicker({
    readyEndpoints: endpoints,
    config,
    log: () => undefined,
    ...(random && { random }),
  });
}

/** The address of each key's endpoint. */
function ownersOf(keys: readonly string[], endpoints: readonly ReadyEndpoint[], json?: object): string[] {
  const picker = setUp(endpoints, json);
  return keys.map((key) => endpoints[picker.pick(at(0, { 'x-user-id': key })).endpoint]!.addresses[0]!);
}

const users = Array.from({ length: 10_000 }, (_, index) => `user-${index}`);

interface Vectors {
  /** The 64 bits of go-zero's hash by text, in hex. */
  readonly hashes: Readonly<Record<string, string>>;
  readonly rings: readonly {
    readonly addresses: readonly string[];
    readonly owners: Readonly<Record<string, string>>;
  }[];
}

const vectorFile = path.join(__dirname, '../vectors/consistent_hash/rings.json.gz');
const vectors = JSON.parse(gunzipSync(readFileSync(vectorFile)).toString('utf8')) as Vectors;

describe('consistent_hash', () => {
  it("has go-zero's hash", () => {
    const entries = Object.entries(vectors.hashes);
    assert.ok(entries.length > 100);
    for (const [text, hash] of entries) assert.equal(murmur3(text), Number(BigInt(`0x${hash}`) >> 11n), text);
  });

  for (const { addresses, owners } of vectors.rings) {
    it(`sends each key to the backend that go-zero does, of ${addresses.length}`, () => {
      const endpoints = addresses.map((address) => ({ addresses: [address] }));
      assert.deepEqual(ownersOf(Object.keys(owners), endpoints), Object.values(owners));
    });
  }

  it('sends a key to one endpoint, and says that it is for its key', () => {
    const picker = setUp(readyEndpoints(5));
    const first = picker.pick(at(100, { 'x-user-id': 'anna' })).endpoint;
    const second = picker.pick(at(300, { 'x-user-id': 'anna' })).endpoint;
    assert.equal(second, first);
    const { reason, chosen, candidateCount, candidates } = picker.decision;
    assert.deepEqual([reason, chosen, candidateCount, candidates[0]!.endpoint], ['key', first, 1, first]);
    assert.equal(candidates[0]!.idle, 200);
  });

  it('sends a call without a key anywhere, and says so', () => {
    const draws = [2, 0, 1];
    const picker = setUp(readyEndpoints(3), {}, () => draws.shift()!);
    assert.equal(picker.pick(at(0)).endpoint, 2);
    assert.equal(picker.decision.reason, 'no_key');
    assert.equal(picker.pick(at(0, { 'x-user-id': '' })).endpoint, 0, 'an empty value is no key');
    assert.equal(picker.decision.reason, 'no_key');
    assert.equal(picker.pick(at(0, { 'x-other': 'anna' })).endpoint, 1);
  });

  it('moves keys only to an endpoint that comes, about 1/n of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), (count, number) => {
        const endpoints = readyEndpoints(count);
        const newcomer = endpoints[number % count]!;
        const before = ownersOf(
          users,
          endpoints.filter((it) => it !== newcomer),
        );
        const after = ownersOf(users, endpoints);
        const moved = after.filter((owner, index) => owner !== before[index]);
        assert.deepEqual([...new Set(moved)], [newcomer.addresses[0]]);
        const part = (moved.length / users.length) * count;
        assert.ok(part > 0.6 && part < 1.5, `${part}/${count} moved`);
      }),
      { numRuns: 20 },
    );
  });

  it('moves only the keys of endpoints that go', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 12 }), (staying) => {
        fc.pre(staying.includes(true));
        const endpoints = readyEndpoints(staying.length);
        const left = endpoints.filter((_, index) => staying[index]);
        const addresses = new Set(left.map((it) => it.addresses[0]!));
        const before = ownersOf(users.slice(0, 1000), endpoints);
        const after = ownersOf(users.slice(0, 1000), left);
        for (const [index, owner] of before.entries()) {
          if (addresses.has(owner)) assert.equal(after[index], owner);
          else assert.ok(addresses.has(after[index]!));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('does not depend on the order of endpoints, nor of their addresses', () => {
    const endpoints = Array.from({ length: 8 }, (_, index) => ({
      addresses: [`10.0.0.${index}:50051`, `[2001:db8::${index}]:50051`],
    }));
    const owners = ownersOf(users, endpoints);
    fc.assert(
      fc.property(fc.shuffledSubarray(endpoints, { minLength: 8 }), fc.nat(), (shuffled, turned) => {
        const picker = setUp(
          shuffled.map(({ addresses }, index) =>
            (turned >> index) & 1 ? { addresses: addresses.toReversed() } : { addresses },
          ),
        );
        for (const [index, key] of users.slice(0, 200).entries()) {
          const { endpoint } = picker.pick(at(0, { 'x-user-id': key }));
          assert.equal(shuffled[endpoint]!.addresses[0], owners[index]);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('does not depend on the order of endpoints where two have the same point', () => {
    // One's node "10" to "19" are the other's "0" to "9".
    const endpoints = [{ addresses: ['10.0.0.1:5005'] }, { addresses: ['10.0.0.1:50051'] }];
    assert.deepEqual(ownersOf(users, endpoints), ownersOf(users, endpoints.toReversed()));
  });

  it('spreads keys evenly, and more so with more virtual nodes', () => {
    const unevenness = (virtualNodes: number) => {
      const endpoints = readyEndpoints(20);
      const owners = ownersOf(users, endpoints, { virtualNodes });
      const counts = endpoints.map(({ addresses }) => owners.filter((owner) => owner === addresses[0]).length);
      const variance = counts.reduce((sum, count) => sum + (count / 500 - 1) ** 2, 0) / counts.length;
      return Math.sqrt(variance);
    };
    // A part varies by about 1/sqrt(virtualNodes), and by the sample.
    assert.ok(unevenness(100) < 0.15, `100: ${unevenness(100)}`);
    assert.ok(unevenness(1000) < 0.08, `1000: ${unevenness(1000)}`);
    assert.ok(unevenness(1) > 0.5, `1: ${unevenness(1)}`);
  });

  it('keeps its points for endpoints that stay, unless virtualNodes changes', () => {
    const endpoints = readyEndpoints(4);
    const few = ownersOf(users, endpoints, { virtualNodes: 10 });
    const many = ownersOf(users, endpoints, { virtualNodes: 100 });
    assert.deepEqual(many, ownersOf(users, readyEndpoints(4), { virtualNodes: 100 }));
    assert.deepEqual(ownersOf(users, endpoints, { virtualNodes: 10 }), few);
    assert.notDeepEqual(few, many);
  });

  it('needs the name of a header', () => {
    assert.deepEqual(parse({ hashHeader: 'X-User-Id' }), { hashHeader: 'x-user-id', virtualNodes: 100 });
    const allowed = 'but has to be the name of a metadata key, such as "x-user-id", and not of a binary one ("-bin").';
    assert.throws(() => parse({}), { message: `hashHeader is missing, ${allowed}` });
    for (const hashHeader of ['', 'a b', 'x-trace-bin', ':path', 7, ['x']]) {
      assert.throws(() => parse({ hashHeader }), {
        message: `hashHeader is ${JSON.stringify(hashHeader)}, ${allowed}`,
      });
    }
    assert.throws(() => parse({ hashHeader: 'x', virtualNodes: 0 }), /virtualNodes is 0, .* from 1 to 1000\./);
    assert.throws(() => parse({ hashheader: 'x' }), /Did you mean hashHeader\?/);
  });
});
