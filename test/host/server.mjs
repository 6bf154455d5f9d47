import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/*
 * The VS Code that npm brings: the server and web workbench inside the package code-server, run as Microsoft's own
 * server is run. test/host/package.json brings it and the Node that it wants; that in the folder oldest, where
 * PICKSCOPE_VSCODE=oldest asks for it, the oldest VS Code that the extension runs in.
 */

const oldest = process.env.PICKSCOPE_VSCODE === 'oldest';
const modules = path.join(import.meta.dirname, oldest ? 'oldest' : '', 'node_modules');
const serverRoot = path.join(modules, 'code-server', 'lib', 'vscode');

/** Nothing that moves or speaks by itself, and no network. */
const quietSettings = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'git.openRepositoryInParentFolders': 'never',
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'window.commandCenter': false,
  'workbench.enableExperiments': false,
  'workbench.layoutControl.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/**
 * @typedef {object} Profile
 * @property {string} userData Folder of settings and state.
 * @property {string} extensions Folder of installed extensions.
 */

/**
 * Writes the settings of a profile: the quiet ones, and these.
 *
 * @param {Profile} profile
 * @param {Record<string, unknown>} [settings]
 */
export function writeSettings(profile, settings = {}) {
  const folder = path.join(profile.userData, 'User');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'settings.json'), JSON.stringify({ ...quietSettings, ...settings }, null, 2));
}

/**
 * Starts the server on a free port of 127.0.0.1.
 *
 * @param {Profile} profile
 * @param {NodeJS.ProcessEnv} [env] Variables for the server and the extensions, besides those of this process.
 * @param {{ workspaceTrust?: boolean }} [options] `workspaceTrust`: a folder is not trusted before a person says so.
 * @returns {Promise<{ origin: string, exited: Promise<unknown>, stop(): Promise<void> }>} `origin`: http://127.0.0.1:PORT
 */
export async function startServer(profile, env = {}, { workspaceTrust = false } = {}) {
  // The server leaves sockets there, whose paths must be short.
  const runtime = mkdtempSync(path.join(tmpdir(), 'pickscope-vscode-'));
  const server = spawnServer(
    profile,
    ['--host=127.0.0.1', '--port=0', '--without-connection-token'].concat(
      workspaceTrust ? [] : '--disable-workspace-trust',
      // Without it the page's payload may not name an extension under development; silently.
      '--enable-smoke-test-driver',
      '--enable-remote-auto-shutdown',
    ),
    { TMPDIR: runtime, XDG_RUNTIME_DIR: runtime, ...env },
  );
  const exited = new Promise((resolve) => server.once('exit', resolve));
  const stop = async () => {
    endGroup(server);
    await exited;
    rmSync(runtime, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    return { origin: await announcedOrigin(server), exited, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Runs the server's command line to its end: `--install-extension file.vsix`, `--list-extensions`, `--version`.
 *
 * @param {Profile} profile
 * @param {string[]} args
 * @returns {Promise<{ code: number | null, output: string }>}
 */
export async function runServerCommand(profile, args) {
  const server = spawnServer(profile, args);
  let output = '';
  server.stdout.on('data', (chunk) => (output += chunk));
  server.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => server.once('close', resolve));
  return { code, output };
}

/** @returns {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} */
function spawnServer(profile, args, env = {}) {
  linkModules();
  const places = [
    `--server-data-dir=${path.join(profile.userData, 'server')}`,
    `--user-data-dir=${profile.userData}`,
    `--extensions-dir=${profile.extensions}`,
  ];
  const main = path.join(serverRoot, 'out', 'server-main.js');
  return spawn(nodeForServer(), [main, '--accept-server-license-terms', '--telemetry-level=off', ...places, ...args], {
    env: { ...cleanEnvironment(), EXTENSIONS_GALLERY: '{}', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // In a process group of its own: stopping it stops the extension hosts, too.
    detached: true,
  });
}

/** code-server's own install script would install these modules; ours are beside it. */
function linkModules() {
  try {
    symlinkSync(path.relative(serverRoot, modules), path.join(serverRoot, 'node_modules'));
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
}

/** The server is built for Node 24, the oldest one for Node 20. */
function nodeForServer() {
  if (oldest) return process.execPath;
  const packed = path.join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(packed)) return packed;
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  throw new Error(
    `The VS Code server needs Node 24, and npm has none for ${process.platform} on ${process.arch}: ` +
      'run this with Node 24 or newer.',
  );
}

/** This process's environment, without what would make the server or its extension hosts behave as ours. */
function cleanEnvironment() {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VSCODE_(?!TEST_)|ELECTRON_|NODE_OPTIONS$|npm_)/.test(name),
  );
  return Object.fromEntries(inherited);
}

/** @returns {Promise<string>} */
function announcedOrigin(server) {
  let output = '';
  return new Promise((resolve, reject) => {
    const read = (chunk) => {
      output += chunk;
      const announced = /Web UI available at (http:\/\/[^/\s]+)/.exec(output);
      if (announced) resolve(announced[1].replace('localhost', '127.0.0.1'));
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`The VS Code server ended with code ${code}:\n${output}`)));
  });
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It has ended already.
    if (error.code !== 'ESRCH') throw error;
  }
}
