import fc from 'fast-check';
import assert from 'node:assert/strict';
import { duration, flag, integer, parseFields } from '../../src/policies/config';

const fields = {
  pickTimes: integer(3, { min: 1, max: 16 }),
  decayTime: duration(10e9, { min: 1e6, max: 3600e9 }),
  keepHistory: flag(false),
};

type Config = { [Name in keyof typeof fields]: ReturnType<(typeof fields)[Name]> };

function parse(json: Readonly<Record<string, unknown>>): Config {
  return parseFields<Config>(json, fields);
}

/** What is said against a config. */
function complaint(json: Readonly<Record<string, unknown>>): string {
  try {
    parse(json);
  } catch (error) {
    return (error as Error).message;
  }
  return assert.fail(`${JSON.stringify(json)} was accepted`);
}

describe('a service config of a policy', () => {
  it('has the default of each field that is left out or null', () => {
    const defaults = { pickTimes: 3, decayTime: 10e9, keepHistory: false };
    assert.deepEqual(parse({}), defaults);
    assert.deepEqual(parse({ pickTimes: null, decayTime: null, keepHistory: null }), defaults);
  });

  it('has durations as protobuf writes them', () => {
    assert.equal(parse({ decayTime: '1s' }).decayTime, 1e9);
    assert.equal(parse({ decayTime: '1.5s' }).decayTime, 1.5e9);
    assert.equal(parse({ decayTime: '1.000340012s' }).decayTime, 1_000_340_012);
    fc.assert(
      fc.property(fc.integer({ min: 1e6, max: 3600e9 }), (time) => {
        const nanos = String(time % 1e9).padStart(9, '0');
        assert.equal(parse({ decayTime: `${Math.floor(time / 1e9)}.${nanos}s` }).decayTime, time);
      }),
    );
  });

  it('is refused with the field, what it holds and what it has to be', () => {
    assert.equal(complaint({ pickTimes: 0 }), 'pickTimes is 0, but has to be a whole number from 1 to 16.');
    assert.equal(complaint({ pickTimes: '3' }), 'pickTimes is "3", but has to be a whole number from 1 to 16.');
    assert.equal(complaint({ pickTimes: NaN }), 'pickTimes is NaN, but has to be a whole number from 1 to 16.');
    assert.equal(complaint({ keepHistory: 1 }), 'keepHistory is 1, but has to be true or false.');
    for (const decayTime of [10, '10', '-1s', '1e3s', '', 's', '0.0000000001s', '3601s', '0s', {}, ['1s']]) {
      const expected = `decayTime is ${JSON.stringify(decayTime)}, but has to be a duration from "0.001s" to "3600s".`;
      assert.equal(complaint({ decayTime }), expected);
    }
  });

  it('is refused with the nearest name where a field is not known', () => {
    const all = 'It has: pickTimes, decayTime, keepHistory.';
    assert.equal(
      complaint({ decay_time: '1s' }),
      `"decay_time" is not a field of this policy. Did you mean decayTime? ${all}`,
    );
    assert.equal(
      complaint({ picktime: 3 }),
      `"picktime" is not a field of this policy. Did you mean pickTimes? ${all}`,
    );
    assert.equal(complaint({ weights: {} }), `"weights" is not a field of this policy. ${all}`);
    assert.match(complaint(JSON.parse('{"__proto__":1}') as Record<string, unknown>), /^"__proto__" is not a field/);
  });

  it('is refused in few words whatever it holds', () => {
    assert.ok(complaint({ decayTime: 'x'.repeat(10_000) }).length < 200);
    assert.ok(complaint({ ['x'.repeat(10_000)]: 1 }).length < 200);
  });
});
