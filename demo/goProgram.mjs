import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { goMissing } from '../test/go.mjs';

/**
 * Builds the demo's client in Go, where there is Go.
 *
 * @returns {string | undefined} The program; undefined: there is none, which was said, with the reason.
 */
export function buildGoProgram() {
  if (goMissing !== undefined) {
    console.log(`The client in Go is left out. ${goMissing}`);
    return undefined;
  }
  const folder = path.join(import.meta.dirname, 'go');
  const program = path.join(
    import.meta.dirname,
    '..',
    'out',
    'demo',
    `recommendations${process.platform === 'win32' ? '.exe' : ''}`,
  );
  console.log('go build, in demo/go: go-zero is brought and compiled the first time, which takes some minutes');
  const { status } = spawnSync('go', ['build', '-o', program, '.'], { cwd: folder, stdio: 'inherit' });
  if (status === 0) return program;
  console.log('The client in Go is left out: it could not be built; above is why.');
  return undefined;
}
