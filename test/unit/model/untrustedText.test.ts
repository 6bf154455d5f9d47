import assert from 'node:assert/strict';
import { untrustedText } from '../../../src/model/untrustedText';

describe('untrustedText', () => {
  const cases: [string, string, string][] = [
    ['leaves text as it is', 'größe 订单 ก็ี่ שָׁ 👩', 'größe 订单 ก็ี่ שָׁ 👩'],
    ['shows where text would run backwards', 'a\u202egnp', 'a\ufffdgnp'],
    ['shows what does not show', 'a\u200bb\u0000c\u001b[31m\ud800', 'a\ufffdb\ufffdc\ufffd[31m\ufffd'],
    ['shows where lines would end', 'a\r\nb\u2028c', 'a\ufffd\ufffdb\ufffdc'],
    [
      'takes marks away that are heaped upon a letter',
      `Z${'\u0301\u20dd'.repeat(50)}a`,
      `Z\u0301\u20dd\u0301\u20dd\ufffda`,
    ],
    ['cuts', 'x'.repeat(1e6), 'x'.repeat(256)],
  ];
  for (const [what, text, shown] of cases) it(what, () => assert.equal(untrustedText(text), shown));
});
