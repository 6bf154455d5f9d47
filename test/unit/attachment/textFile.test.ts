import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeLines } from '../../../src/attachment/textFile';

describe('a text file', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-text-'));
  const file = path.join(folder, 'picks.csv');
  after(() => rmSync(folder, { recursive: true }));
  const patiently = { isCancelled: () => false, onProgress: () => undefined };

  function* lines(count: number): Generator<string> {
    for (let line = 1; line <= count; line++) yield `${line}\n`;
  }

  it('is written whole, over what was there, for the user alone', async () => {
    writeFileSync(file, 'x'.repeat(100_000), { mode: 0o644 });
    const told: number[] = [];
    const count = await writeLines(lines(2500), file, { ...patiently, onProgress: (each) => told.push(each) });
    assert.equal(count, 2500);
    assert.equal(readFileSync(file, 'utf8'), [...lines(2500)].join(''));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(told, [1000, 2000]);
  });

  it('without a line is empty', async () => {
    assert.equal(await writeLines([], file, patiently), 0);
    assert.equal(readFileSync(file, 'utf8'), '');
  });

  it('that was cancelled is not there', async () => {
    let made = 0;
    const endless = (function* () {
      for (;;) yield `${++made}\n`;
    })();
    assert.equal(await writeLines(endless, file, { ...patiently, isCancelled: () => made >= 3000 }), undefined);
    assert.equal(made, 3000);
    assert.ok(!existsSync(file));
  });

  it('whose lines could not be made is not there', async () => {
    const failing = (function* () {
      yield 'one\n';
      throw new Error('no more');
    })();
    await assert.rejects(writeLines(failing, file, patiently), /no more/);
    assert.ok(!existsSync(file));
  });
});
