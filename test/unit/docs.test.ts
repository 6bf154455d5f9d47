import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

describe('docs/protocol.md', () => {
  it('names the hash of the schema that it was written for', () => {
    const schema = readFileSync('protocol/pickscope/v1/debug.proto');
    const page = readFileSync('docs/protocol.md', 'utf8');
    const hash = createHash('sha256').update(schema).digest('hex');
    assert.ok(page.includes(hash), `The schema changed: read docs/protocol.md again, then put ${hash} there.`);
  });
});
