import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

describe('docs/protocol.md', () => {
  it('names the hash of the schema that it was written for', () => {
    const schema = readFileSync('protocol/pickscope/v1/debug.proto');
    const page = readFileSync('docs/protocol.md', 'utf8');
    const hash = createHash('sha256').update(schema).digest('hex');
    assert.ok(page.includes(hash), `The schema changed: read docs/protocol.md again, then put ${hash} there.`);
  });
});

describe('docs/trust.md', () => {
  it('names tests that there are', () => {
    const page = readFileSync('docs/trust.md', 'utf8');
    const named = [...page.matchAll(/`([\w./]+\.(?:test|soak)\.ts|test\/[\w/]+\/)`/g)].map(([, file]) => file!);
    assert.ok(named.length > 30, 'the page names a test for each promise');
    const inFolder = (file: string) => (file.startsWith('test/') ? '.' : 'libraries/node/test/server');
    const missing = named.filter((file) => !existsSync(path.join(inFolder(file), file)));
    assert.deepEqual(missing, []);
  });
});
