import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { extensionFile } from './window';

describe('the packaged extension', () => {
  it('is small: at most 500 KB', () => {
    const { size } = statSync(extensionFile);
    assert.ok(size <= 500_000, `${size} bytes`);
  });
});
