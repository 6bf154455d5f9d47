import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endChildren } from './children';
import { fuzz } from './serverFuzz';

const inputs = 100_000;

describe('the debug server', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));

  after(async () => {
    await endChildren();
    rmSync(folder, { recursive: true });
  });

  it(`takes ${inputs} hostile inputs, while the calls of its program go on`, async () => {
    const began = performance.now();
    const { calls, growth } = await fuzz(folder, 1_000_000, inputs);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(
      `    ${inputs} inputs in ${seconds} s; ${calls} calls of the program meanwhile, none failed; ${(growth / 1e6).toFixed(1)} MB more kept`,
    );
  });
});
