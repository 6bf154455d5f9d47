import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { keysUnder } from './keys';

describe('l10n/bundle.l10n.zh-cn.json', () => {
  const chinese = JSON.parse(readFileSync('l10n/bundle.l10n.zh-cn.json', 'utf8')) as Record<string, string>;
  const keys = keysUnder('src');
  const texts = new Set(keys.map(({ text }) => text));
  const placeholders = (text: string) => [...new Set(text.match(/\{\d+\}/g) ?? [])].sort();

  it('translates every text of host and panel', () => {
    assert.ok(keys.some(({ place }) => place.includes('views')) && keys.some(({ place }) => place.includes('panel')));
    const missing = keys.filter(({ text }) => chinese[text] === undefined);
    assert.deepEqual(
      missing.map(({ text, place }) => `${place}: ${text}`),
      [],
    );
  });

  it('translates nothing that is not there any more', () => {
    assert.deepEqual(
      Object.keys(chinese).filter((key) => !texts.has(key)),
      [],
    );
  });

  it('keeps every value in its sentence', () => {
    for (const [english, translated] of Object.entries(chinese)) {
      assert.deepEqual(placeholders(translated), placeholders(english), english);
      assert.equal(translated.split('**').length, english.split('**').length, `strong parts of: ${english}`);
      assert.notEqual(translated.trim(), '', english);
    }
  });
});
