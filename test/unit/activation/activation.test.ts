import assert from 'node:assert/strict';
import { build } from 'esbuild';

/** Megabytes that a window without a client never needs. */
const heavy = /node_modules\/(@grpc|protobufjs|long)\//;

describe('What is loaded at start-up', () => {
  it('has nothing of gRPC in it: what speaks it is loaded at the first attach', async () => {
    const { metafile } = await build({
      entryPoints: ['src/extension.ts'],
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      format: 'cjs',
      conditions: ['pickscope-source'],
      external: ['vscode', '*/stream'],
      logLevel: 'silent',
    });
    const [output] = Object.values(metafile.outputs);
    const modules = Object.keys(output!.inputs);
    assert.ok(modules.length > 20);
    assert.deepEqual(
      modules.filter((file) => heavy.test(file)),
      [],
    );
    const streams = Object.values(metafile.inputs).flatMap(({ imports }) =>
      imports.filter(({ path }) => path.endsWith('/stream')),
    );
    assert.deepEqual([...new Set(streams.map(({ kind }) => kind))], ['dynamic-import']);
  });
});
