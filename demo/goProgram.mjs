import { spawn } from 'node:child_process';
import path from 'node:path';
import { goMissing } from '../test/go.mjs';

/**
 * Builds the demo's client in Go, where there is Go, beside what goes on.
 *
 * @returns {{ program: Promise<string | undefined>, stop(): void }} undefined: there is none, which was said, with the reason.
 */
export function buildGoProgram() {
  if (goMissing !== undefined) {
    console.log(`The client in Go is left out. ${goMissing}`);
    return { program: Promise.resolve(undefined), stop: () => undefined };
  }
  const program = path.join(import.meta.dirname, '..', 'out', 'demo', `recommendations${executableEnding}`);
  const build = spawn('go', ['build', '-o', program, '.'], {
    cwd: path.join(import.meta.dirname, 'go'),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const built = new Promise((resolve) => build.once('error', () => resolve(1)).once('exit', resolve));
  return {
    program: built.then((status) => {
      if (status === 0) return program;
      console.log('The client in Go is left out: it could not be built; above is why.');
      return undefined;
    }),
    stop: () => build.kill(),
  };
}

const executableEnding = process.platform === 'win32' ? '.exe' : '';
