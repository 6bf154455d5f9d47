#!/usr/bin/env node
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';
import { runServerCommand, startServer, writeSettings } from './server.mjs';
import { openWorkbench } from './workbench.mjs';

/*
 * Takes the arguments of desktop VS Code's `code` that tests use, so that it serves as `vscodeExecutablePath` of
 * @vscode/test-electron: runs an extension's suite in the real VS Code that npm brings, and ends with its exit code.
 */

const { values, positionals } = parseArgs({
  options: {
    extensionDevelopmentPath: { type: 'string' },
    extensionTestsPath: { type: 'string' },
    'user-data-dir': { type: 'string' },
    'extensions-dir': { type: 'string' },
  },
  strict: false,
});

const userData = values['user-data-dir'];
const extensions = values['extensions-dir'];
if (!userData || !extensions) throw new Error('--user-data-dir and --extensions-dir are needed.');
const profile = { userData: path.resolve(userData), extensions: path.resolve(extensions) };

const questions = ['--version', '--install-extension', '--uninstall-extension', '--list-extensions'];
if (process.argv.some((argument) => questions.includes(argument.split('=')[0]))) {
  const { code, output } = await runServerCommand(profile, ownArguments());
  process.stdout.write(output);
  process.exitCode = code ?? 1;
} else {
  process.exitCode = await runSuite();
}

/** All but those that name the profile, which the server is told in its own way. */
function ownArguments() {
  return process.argv.slice(2).filter((argument) => !/^--(user-data-dir|extensions-dir)(=|$)/.test(argument));
}

/** @returns {Promise<number>} */
async function runSuite() {
  mkdirSync(profile.extensions, { recursive: true });
  writeSettings(profile);
  const server = await startServer(profile);
  const browser = await launchBrowser();
  const stop = async () => {
    await browser.close();
    await server.stop();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    return await new Promise((resolve, reject) => {
      server.exited.then(() => reject(new Error('The VS Code server ended before the suite.')));
      openWorkbench(browser, server.origin, {
        folder: positionals[0],
        developmentPath: values.extensionDevelopmentPath,
        testsPath: values.extensionTestsPath,
        onExit: resolve,
      }).catch(reject);
    });
  } finally {
    await stop();
  }
}
