import { spawn } from 'node:child_process';
import path from 'node:path';
import { buildPrograms } from './build.mjs';

/*
 * Measures how fast the library is; docs/speed.md says what each part measures.
 *
 *     node bench/run.mjs [picks] [rpc]
 */

const programs = { picks: ['picks', 'pickWorker'], rpc: ['rpc', 'rpcClient', 'rpcServer', 'rpcWatcher'] };

const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(programs)) {
  if (!(name in programs)) throw new Error(`There is no "${name}"; there are ${Object.keys(programs).join(', ')}.`);
  const folder = await buildPrograms('speed', ...programs[name]);
  console.log(`\n── ${name} ──\n`);
  const program = spawn(process.execPath, [path.join(folder, `${name}.cjs`)], { stdio: 'inherit' });
  const code = await new Promise((resolve) => program.once('close', resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}.`);
}
