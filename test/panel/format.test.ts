import assert from 'node:assert/strict';
import {
  age,
  briefAge,
  count,
  distinctEnds,
  duration,
  exactLoad,
  latency,
  percent,
  rate,
  short,
  shortMethod,
  threeDigits,
} from '../../src/panel/format';

describe('numbers as the panel shows them', () => {
  const table: readonly (readonly [name: string, shown: string, expected: string])[] = [
    ['three digits below ten', threeDigits(2.206), '2.21'],
    ['three digits below a hundred', threeDigits(46.48), '46.5'],
    ['three digits round up without a fourth', threeDigits(9.996), '10.0'],
    ['three digits above', threeDigits(1204.4), '1,204'],
    ['a latency in the list', latency(5.84), '5.8'],
    ['a long latency in the list', latency(104.2), '104'],
    ['a share', percent(0.494), '49'],
    ['a share below one percent', percent(0.004), '<1'],
    ['no share', percent(0), '0'],
    ['an integer load', exactLoad(13648), '13648'],
    ['the largest exact load', exactLoad(99_999), '99999'],
    ['a load beyond', exactLoad(158_400), '158k'],
    ['a load of nanoseconds', exactLoad(3_508_123.4), '3.51M'],
    ['a larger one', exactLoad(12_340_000.5), '12.3M'],
    ['one that rounds up to the next unit', exactLoad(999_600), '1.00M'],
    ['a load that is no integer', exactLoad(12.3456), '12.346'],
    ['an axis number', short(3000), '3k'],
    ['an axis number between', short(1436), '1.4k'],
    ['a slow rate', rate(3.04), '3.0'],
    ['a rate', rate(152.4), '152'],
    ['a count', count(19_329), '19,329'],
    ['milliseconds', duration(29.4), '29 ms'],
    ['part of a second', duration(249), '0.25 s'],
    ['seconds', duration(1234), '1.2 s'],
    ['minutes', age(130_000), '2 min 10 s'],
    ['hours', age(11_100_000), '3 h 5 min'],
    ['a brief age', briefAge(130_000), '2 min'],
    ['a method', shortMethod('/shop.Cart/GetCart'), 'GetCart'],
  ];
  for (const [name, shown, expected] of table) it(`${name}: ${expected}`, () => assert.equal(shown, expected));

  it('shows different loads differently where they are compared', () => {
    for (let load = 99_990; load < 99_999; load += 1) assert.notEqual(exactLoad(load), exactLoad(load + 1));
  });

  it('leaves out what all labels share, up to a separator', () => {
    assert.deepEqual(distinctEnds(['10.0.0.1', '10.0.0.2']), ['.1', '.2']);
    assert.deepEqual(distinctEnds(['10.0.0.11', '10.0.0.12']), ['.11', '.12']);
    assert.deepEqual(distinctEnds(['127.0.0.1:50051', '127.0.0.1:50052']), [':50051', ':50052']);
    assert.deepEqual(distinctEnds(['alpha', 'beta']), ['alpha', 'beta']);
    assert.deepEqual(distinctEnds(['10.0.0.1']), ['10.0.0.1']);
  });
});
