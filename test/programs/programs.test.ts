import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../../libraries/node/test/backends';
import { descriptorOf, Watcher } from '../../libraries/node/test/preload/watcher';
import { programs, startProgram, type ProgramName, type StartedProgram } from './programs';

describe('programs from npm that know nothing of Pickscope', () => {
  let runtimeFolder: string;
  let program: StartedProgram | undefined;
  let watcher: Watcher | undefined;

  beforeEach(() => (runtimeFolder = mkdtempSync(path.join(tmpdir(), 'ps-'))));

  afterEach(async () => {
    watcher?.close();
    await program?.stop();
    rmSync(runtimeFolder, { recursive: true });
  });

  const names: Readonly<Record<ProgramName, string>> = {
    nestjs: 'orders-gateway',
    'nice-grpc': 'stock-poller',
    'google-gax': 'review-moods',
  };

  for (const key of Object.keys(names) as ProgramName[]) {
    it(`${key} is attached, with the picks that its backends count`, async () => {
      program = await startProgram(key, { env: { PICKSCOPE_RUNTIME_DIR: runtimeFolder } });
      const { backends, child } = program;
      const descriptor = await descriptorOf(runtimeFolder, child.pid!);
      assert.equal(descriptor.name, names[key]);
      watcher = await Watcher.attach(descriptor);
      assert.deepEqual(watcher.process?.limitations, []);
      await until(() => backends.every(({ received }) => received >= 20));
      await program.hold();
      const received = () => backends.reduce((sum, backend) => sum + backend.received, 0);
      await until(() => [...watcher!.counted.values()].reduce((sum, picks) => sum + picks, 0) === received());
      assert.deepEqual(watcher.counted, new Map(backends.map((backend) => [backend.address, backend.received])));
      const { method } = programs[key];
      assert.deepEqual(
        [...watcher.picks.keys()].sort(),
        backends.map(({ address }) => `${method} ${address}`).sort(),
        'each pick has its method and endpoint',
      );
      assert.equal(program.said(), '');
    });
  }
});
