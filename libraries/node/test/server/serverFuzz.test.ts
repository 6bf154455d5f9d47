import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endChildren } from './children';
import { fuzz } from './serverFuzz';

describe('the debug server', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));

  after(async () => {
    await endChildren();
    rmSync(folder, { recursive: true });
  });

  it('takes whatever it is sent, while the calls of its program go on', async function () {
    this.timeout(60_000);
    const { kinds } = await fuzz(folder, 1000, 2000);
    assert.equal(kinds.size, 19);
  });
});
