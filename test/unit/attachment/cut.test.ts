import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readStream } from '../../../src/attachment/stream';
import { Proxy } from '../../faults/proxy';
import { FakeDebugServer } from './debugServer';

describe('a client that ends in the middle of a message', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const bytes of [0, 1, 4, 8, 9, 10, 13, 14, 15, 20, 40, 60]) {
    it(`after ${bytes} bytes: what was whole is read, and nothing else`, async () => {
      const server = new FakeDebugServer();
      const socket = path.join(folder, `${bytes}`);
      await server.listen(`unix:${socket}.sock`);
      const proxy = await Proxy.open(`${socket}.proxy`, `${socket}.sock`);
      const seen: string[] = [];
      const { token } = server;
      const signal = new AbortController().signal;
      for await (const event of readStream({
        address: `unix:${socket}.proxy`,
        token,
        signal,
        answerTimeoutMs: 5000,
      })) {
        seen.push(event.type === 'message' ? (event.message.body.case ?? '') : event.type);
        if (event.type === 'ended') assert.equal(event.failure.kind, 'closed');
        if (seen.at(-1) !== 'snapshotEnd') continue;
        void proxy.breakOffAfter(bytes).then(() => {
          proxy.close();
          server.kill();
        });
        server.send({ case: 'strings', value: { ids: [1], values: ['x'.repeat(1000)] } });
      }
      assert.deepEqual(seen.slice(-2), ['snapshotEnd', 'ended']);
    });
  }
});
