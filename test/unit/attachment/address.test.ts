import assert from 'node:assert/strict';
import { parseAddress } from '../../../src/attachment/address';

describe('parseAddress', () => {
  const targets = [
    ['/run/user/1000/pickscope/a.sock', 'unix:/run/user/1000/pickscope/a.sock'],
    ['unix:/tmp/a b.sock', 'unix:/tmp/a b.sock'],
    ['unix:///tmp/a.sock', 'unix:/tmp/a.sock'],
    [' 127.0.0.1:7700 ', '127.0.0.1:7700'],
    ['orders.local:07700', 'orders.local:7700'],
    ['[::1]:7700', '[::1]:7700'],
    ['https://orders.local:07700/', 'https://orders.local:7700'],
    ['https://[::1]:7700', 'https://[::1]:7700'],
  ] as const;
  for (const [text, target] of targets) {
    it(`makes ${target} of "${text}"`, () => assert.equal(parseAddress(text), target));
  }

  const nonsense = [
    '',
    'orders',
    'a.sock',
    'unix:a.sock',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '127.0.0.1:77x',
    '::1:7700',
    'http://127.0.0.1:7700',
    'https://127.0.0.1',
    'https://127.0.0.1:7700/path',
    'https:///tmp/a.sock',
    'dns:///a:1',
    'two words:7700',
    `/${'a'.repeat(103)}`,
  ];
  for (const text of nonsense) {
    it(`takes "${text.slice(0, 30)}" for no address`, () => assert.equal(parseAddress(text), undefined));
  }
});
