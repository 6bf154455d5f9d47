import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeBytes } from '../../../src/attachment/privateFile';

describe('a file of bytes', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-bytes-'));
  after(() => rmSync(folder, { recursive: true }));

  it('is written for the user alone', async () => {
    const file = path.join(folder, 'new.png');
    await writeBytes(Uint8Array.of(1, 2, 3), file);
    assert.deepEqual([...readFileSync(file)], [1, 2, 3]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('is so over what was there, which is gone', async () => {
    const file = path.join(folder, 'old.png');
    writeFileSync(file, 'x'.repeat(100_000), { mode: 0o644 });
    await writeBytes(Uint8Array.of(1, 2, 3), file);
    assert.deepEqual([...readFileSync(file)], [1, 2, 3]);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('fails where there can be none', async () => {
    await assert.rejects(writeBytes(Uint8Array.of(1), path.join(folder, 'missing', 'a.png')), /ENOENT/);
  });
});
