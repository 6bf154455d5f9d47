import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { DebugService } from '@pickscope/protocol/messages';
import { ServerReflectionRequestSchema } from '@pickscope/protocol/reflection';
import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { reflectionHandlers } from '../../../src/server/otherTools/reflection';

describe('reflection', () => {
  it('reads no further from a caller who does not read the answers', async () => {
    let asked = 0;
    const caller = new Duplex({
      objectMode: true,
      read() {
        const messageRequest = { case: 'fileContainingSymbol', value: DebugService.typeName } as const;
        this.push(asked++ < 10_000 ? create(ServerReflectionRequestSchema, { messageRequest }) : null);
      },
      // Never done.
      write: () => undefined,
    });
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- As in services.ts.
    const { serverReflectionInfo } = reflectionHandlers(grpc, [DebugService]);
    serverReflectionInfo(caller as unknown as Parameters<typeof serverReflectionInfo>[0]);
    for (let turn = 0; turn < 1000; turn++) await new Promise(setImmediate);
    assert.ok(asked > 0 && asked < 200, `${asked} questions were read`);
  });
});
