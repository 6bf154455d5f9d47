import { Console } from 'node:console';
import { createWriteStream, readdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';

/*
 * What VS Code calls to run this suite in its extension host. Where that process dies, VS Code reports success, and its
 * console goes nowhere; so the outcome and the output go to files that test/run.mjs reads: no outcome, no pass.
 */

/** Runs every bundled test beside this file. */
export async function run(): Promise<void> {
  const output = createWriteStream(variable('PICKSCOPE_SUITE_OUTPUT'));
  const console = new Console(output);
  // Mocha's reporters write to it; VS Code's own console takes no setters, but may be replaced.
  Object.defineProperty(globalThis, 'console', { value: console, configurable: true });
  const { default: Mocha } = await import('mocha');
  const mocha = new Mocha({ ui: 'bdd', reporter: 'spec', color: false, timeout: 60_000, forbidOnly: true });
  const files = readdirSync(__dirname, { recursive: true, encoding: 'utf8' });
  for (const file of files) if (file.endsWith('.test.cjs')) mocha.addFile(path.join(__dirname, file));
  await mocha.loadFilesAsync();
  const failed = await new Promise<number>((resolve) => {
    mocha.run(resolve);
  });
  output.end();
  await once(output, 'finish');
  writeFileSync(variable('PICKSCOPE_SUITE_RESULT'), String(failed));
  if (failed > 0) throw new Error(`${failed} failed`);
}

function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; run the suite by \`node test/run.mjs vscode\`.`);
  return value;
}
