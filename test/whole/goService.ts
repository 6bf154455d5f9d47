import { execSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readmeBlock } from './readme';

const demo = path.join('demo', 'go');

/** Whatever speaks of Pickscope; the rest is a service on go-zero as anybody writes it. */
const ours = /^.*pickscope\/libraries\/go.*\n/gm;

/**
 * Takes the demo's service as it would be without Pickscope, and does with it what the README says.
 *
 * @param folder That it is put into.
 * @returns The program.
 */
export function makeGoService(folder: string): string {
  mkdirSync(folder);
  for (const file of ['main.go', 'go.mod']) {
    writeFileSync(path.join(folder, file), readFileSync(path.join(demo, file), 'utf8').replace(ours, ''));
  }
  cpSync(path.join(demo, 'go.sum'), path.join(folder, 'go.sum'));
  writeFileSync(path.join(folder, 'pickscope.go'), `package main\n\n${readmeBlock('go-zero import')}`);
  const run = (command: string) => {
    execSync(command, { cwd: folder, env: { ...process.env, PICKSCOPE_CLONE: path.resolve('.') }, stdio: 'pipe' });
  };
  run(readmeBlock('go-zero get'));
  const program = path.join(folder, process.platform === 'win32' ? 'service.exe' : 'service');
  run(`go build -o "${program}" .`);
  return program;
}
