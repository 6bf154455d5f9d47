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
    const namedOfGo = [...page.matchAll(/`([\w/]+_test\.go)`/g)].map(([, file]) => file!);
    assert.ok(namedOfGo.length > 10, 'and for each of the Go library');
    const inFolder = (file: string) => (file.startsWith('test/') ? '.' : 'libraries/node/test/server');
    assert.deepEqual(
      namedOfGo.filter((file) => !existsSync(path.join('libraries/go', file))),
      [],
    );
    const missing = named.filter((file) => !existsSync(path.join(inFolder(file), file)));
    assert.deepEqual(missing, []);
  });
});

describe('README.zh-CN.md', () => {
  it('has the commands and the code of README.md', () => {
    const blocks = (page: string) =>
      [...readFileSync(page, 'utf8').matchAll(/<!-- run: .* -->\n+```[^]*?\n```/g)].map(([it]) => it);
    const theirs = new Set(blocks('README.md'));
    const own = blocks('README.zh-CN.md');
    assert.ok(own.length > 0);
    for (const block of own) assert.ok(theirs.has(block), block);
  });
});
