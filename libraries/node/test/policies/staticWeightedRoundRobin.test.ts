import fc from 'fast-check';
import assert from 'node:assert/strict';
import type { Random, ReadyEndpoint } from '../../src/policies/picker';
import { staticWeightedRoundRobin, StaticWeightedRoundRobinPicker } from '../../src/policies/staticWeightedRoundRobin';
import { at, readyEndpoints } from './endpoints';

const parse = (json: Readonly<Record<string, unknown>>) => staticWeightedRoundRobin.parseConfig!(json);

/** A picker whose ties go to the endpoint that is named first, unless `random` says otherwise. */
function setUp(endpoints: readonly ReadyEndpoint[], weights: object, random?: Random) {
  const lines: string[] = [];
  let rank = 0;
  const picker = new StaticWeightedRoundRobinPicker({
    readyEndpoints: endpoints,
    config: parse({ weights }),
    log: (line) => lines.push(line),
    random: random ?? (() => rank++),
  });
  return { picker, lines };
}

function sequence(picker: StaticWeightedRoundRobinPicker, length: number): string {
  return Array.from({ length }, () => picker.pick(at(0)).endpoint).join('');
}

/** How many of 1000 picks each endpoint got. */
function counts(endpoints: readonly ReadyEndpoint[], weights: object): number[] {
  const { picker } = setUp(endpoints, weights);
  const result = endpoints.map(() => 0);
  for (let i = 0; i < 1000; i++) result[picker.pick(at(0)).endpoint]!++;
  return result;
}

describe('static_weighted_round_robin', () => {
  it('gives each endpoint its share, evenly mixed', () => {
    const weights = { '10.0.0.1:50051': 20, '10.0.0.2:50051': 80 };
    assert.deepEqual(counts(readyEndpoints(2), weights), [200, 800]);
    assert.equal(sequence(setUp(readyEndpoints(2), weights).picker, 15), '101111011110111');
  });

  it('says whose turn it was, and who was next in line', () => {
    const { picker } = setUp(readyEndpoints(2), { '10.0.0.1:50051': 20, '10.0.0.2:50051': 80 });
    picker.pick(at(100));
    const { decision } = picker;
    assert.deepEqual([decision.reason, decision.chosen, decision.candidateCount], ['turn', 1, 2]);
    assert.deepEqual(
      decision.candidates.map(({ endpoint, score, idle, lag, success }) => [endpoint, score, idle, lag, success]),
      [
        [1, 80, Infinity, NaN, NaN],
        [0, 20, Infinity, NaN, NaN],
      ],
    );
    picker.pick(at(150));
    assert.deepEqual([decision.chosen, decision.candidateCount], [0, 1]);
    picker.pick(at(160));
    assert.equal(decision.candidates[0]!.idle, 60);
    assert.equal(staticWeightedRoundRobin.scoreOrder, 'higher_wins');
  });

  it('takes the only endpoint', () => {
    const { picker } = setUp(readyEndpoints(1), { '10.0.0.1:50051': 0 });
    assert.equal(sequence(picker, 3), '000');
    assert.deepEqual([picker.decision.reason, picker.decision.candidateCount], ['only_one', 1]);
  });

  describe('counts', () => {
    it('a missing weight as 1, and says so once', () => {
      const endpoints = readyEndpoints(2);
      assert.deepEqual(counts(endpoints, {}), [500, 500]);
      const { picker, lines } = setUp(readyEndpoints(3), { '10.0.0.1:50051': 3 });
      assert.equal(sequence(picker, 10).replaceAll(/[12]/g, 'x'), '0x0x00x0x0');
      assert.deepEqual(lines, [
        'static_weighted_round_robin - 10.0.0.2:50051 is not among the weights: it counts 1',
        'static_weighted_round_robin - 10.0.0.3:50051 is not among the weights: it counts 1',
      ]);
      assert.deepEqual(setUp(endpoints, { '10.0.0.1:50051': 3 }).lines, [], 'these were there before');
    });

    it('zero as never, unless no other endpoint is READY', () => {
      const weights = { '10.0.0.1:50051': 0, '10.0.0.2:50051': 0, '10.0.0.3:50051': 5 };
      assert.deepEqual(counts(readyEndpoints(3), weights), [0, 0, 1000]);
      assert.deepEqual(counts(readyEndpoints(2), weights), [500, 500]);
    });

    it('fractions as they are', () => {
      assert.deepEqual(counts(readyEndpoints(2), { '10.0.0.1:50051': 0.2, '10.0.0.2:50051': 0.8 }), [200, 800]);
    });

    it('huge weights as 4294967295, and tiny ones as 0.000001', () => {
      const huge = { '10.0.0.1:50051': Infinity, '10.0.0.2:50051': 1e300 };
      assert.deepEqual(counts(readyEndpoints(2), huge), [500, 500]);
      assert.deepEqual(counts(readyEndpoints(2), { '10.0.0.1:50051': 1e300, '10.0.0.2:50051': 1 }), [1000, 0]);
      assert.deepEqual(counts(readyEndpoints(2), { '10.0.0.1:50051': 5e-324, '10.0.0.2:50051': 1e-6 }), [500, 500]);
    });

    it('an endpoint with several addresses by the first of them that has a weight', () => {
      const double = { addresses: ['10.0.0.7:50051', '10.0.0.8:50051', '10.0.0.9:50051'] };
      const weights = { '10.0.0.1:50051': 1, '10.0.0.8:50051': 3, '10.0.0.9:50051': 9 };
      assert.deepEqual(counts([...readyEndpoints(1), double], weights), [250, 750]);
    });

    it('IPv6 addresses however they are written', () => {
      const endpoints = [{ addresses: ['[2001:db8::1]:50051'] }, { addresses: ['[::1]:50051'] }];
      const weights = { '[2001:DB8:0:0::0:1]:50051': 1, '[0:0:0:0:0:0:0:1]:50051': 3 };
      assert.deepEqual(counts(endpoints, weights), [250, 750]);
      const scoped = [{ addresses: ['[fe80::1%eth0]:50051'] }, { addresses: ['/run/a.sock'] }];
      assert.deepEqual(counts(scoped, { '[fe80::1%eth0]:50051': 1, '/run/a.sock': 3 }), [250, 750]);
    });

    it('a weight whose address is no endpoint not at all', () => {
      assert.deepEqual(
        counts(readyEndpoints(2), { '10.0.0.1:50051': 1, '10.0.0.2:50051': 1, '10.9.9.9:1': 1e6 }),
        [500, 500],
      );
    });
  });

  it('refuses other weights', () => {
    const says = (weights: unknown, message: string) => assert.throws(() => parse({ weights }), { message });
    for (const weight of [-1, NaN, -Infinity, '20', null, true, {}]) {
      const shown = typeof weight === 'number' ? String(weight) : JSON.stringify(weight);
      says({ 'a:1': weight }, `weights["a:1"] is ${shown}, but has to be a number from 0.`);
    }
    says(
      [20, 80],
      'weights is [20,80], but has to be an object that has weights by address, such as {"10.0.0.1:50051":20}.',
    );
    says(
      { '::1:50051': 1 },
      'weights has the address "::1:50051", but IPv6 needs brackets, as in "[2001:db8::1]:50051".',
    );
    assert.throws(() => parse({ weight: {} }), /Did you mean weights\?/);
  });

  it('goes on with its turns over rebuilds', () => {
    const weights = { '10.0.0.1:50051': 5, '10.0.0.2:50051': 2, '10.0.0.3:50051': 1 };
    const whole = sequence(setUp(readyEndpoints(3), weights).picker, 80);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 20 }), (runs) => {
        const endpoints = readyEndpoints(3);
        let seen = sequence(setUp(endpoints, weights).picker, 3);
        for (const run of runs) seen += sequence(setUp(endpoints, weights).picker, run);
        for (const index of [0, 1, 2]) {
          const had = seen.split(String(index)).length;
          const expected = whole.repeat(3).slice(0, seen.length).split(String(index)).length;
          assert.ok(Math.abs(had - expected) <= 1, `${had} of ${index}, not ${expected}, in ${seen}`);
        }
      }),
    );
  });

  it('gives each endpoint its share of the picks while it is READY, however often others come and go', () => {
    const weights = [5, 3, 2, 1];
    const endpoints = readyEndpoints(4);
    const config = Object.fromEntries(endpoints.map((endpoint, index) => [endpoint.addresses[0]!, weights[index]!]));
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat()), (numbers) => {
        const next = (limit: number) => (numbers.next().value ?? 0) % limit;
        const had = [0, 0, 0, 0];
        const due = [0, 0, 0, 0];
        for (let rebuild = 0; rebuild < 40; rebuild++) {
          const ready = [...endpoints.keys()].filter((index) => index === 0 || next(2) === 0);
          const { picker } = setUp(
            ready.map((index) => endpoints[index]!),
            config,
          );
          const total = ready.reduce((sum, index) => sum + weights[index]!, 0);
          const picks = 1 + next(10);
          for (let i = 0; i < picks; i++) had[ready[picker.pick(at(0)).endpoint]!]!++;
          for (const index of ready) due[index]! += (picks * weights[index]!) / total;
        }
        for (const index of had.keys()) {
          assert.ok(Math.abs(had[index]! - due[index]!) < 5, `${had.join()} of ${due.join()}`);
        }
      }),
    );
  });

  it('follows new weights at the next rebuild', () => {
    const endpoints = readyEndpoints(2);
    sequence(setUp(endpoints, { '10.0.0.1:50051': 1, '10.0.0.2:50051': 99 }).picker, 100);
    assert.deepEqual(counts(endpoints, { '10.0.0.1:50051': 3, '10.0.0.2:50051': 1 }), [750, 250]);
  });

  it('begins with any of equal endpoints, so that clients that start together do not all begin with one', () => {
    const first = new Set(
      [
        [0, 1, 2],
        [2, 0, 1],
        [1, 2, 0],
      ].map((ranks) => setUp(readyEndpoints(3), {}, () => ranks.shift()!).picker.pick(at(0)).endpoint),
    );
    assert.deepEqual([...first].sort(), [0, 1, 2]);
  });
});
