import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { installAll } from '../test/install.mjs';
import { buildGoProgram } from './goProgram.mjs';
import { goClient, startScene } from './scene.mjs';

/*
 * What `npm run demo` runs: builds, starts backends and clients, and opens VS Code, attached. Ctrl-C ends all of it.
 *
 *     node demo/run.mjs [--no-editor]
 */

const root = path.dirname(import.meta.dirname);
const opened = path.join(root, 'demo');

installAll();
build();
const interrupted = Promise.race(['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => signalled(signal)));
const scene = await startScene();
const go = buildGoProgram();
void go.program.then(addGoClient);
const editor = process.argv.includes('--no-editor') ? undefined : await openEditor();
console.log('Ctrl-C ends the demo.');
await Promise.race([interrupted, editor?.exited ?? interrupted]);
go.stop();
scene.stop();
await editor?.stop();
process.exit();

function build() {
  const { status } = spawnSync('npm', ['run', 'build', '--silent'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('The build failed; its output above says why.');
}

/** @param {string | undefined} program */
function addGoClient(program) {
  if (program === undefined) return;
  scene.addGoClient(program);
  console.log(`${goClient}, a go-zero service, has joined the clients: there, go-zero's own p2c_ewma is looked into.`);
}

/** @returns {Promise<{ exited: Promise<unknown>, stop(): Promise<void> }>} */
async function openEditor() {
  // Not before all is installed: it wants what test/host brings.
  const { makeProfile } = await import('./profile.mjs');
  const profile = makeProfile();
  const editor = hasDesktopCode() ? openDesktop(profile) : await openWeb(profile);
  const stop = async () => {
    await editor.stop();
    profile.remove();
  };
  return { exited: editor.exited, stop };
}

/** Whether `code` opens a window here: the `code` of a Remote-SSH or WSL terminal opens one on another machine. */
function hasDesktopCode() {
  const remote = process.env.VSCODE_IPC_HOOK_CLI ?? process.env.WSL_DISTRO_NAME;
  if (remote !== undefined || process.getuid?.() === 0) return false;
  const screen = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!screen) return false;
  const { status, stdout } = spawnSync('code', ['--version'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(stdout ?? '') ?? [];
  return status === 0 && (Number(major) > 1 || Number(minor) >= 100);
}

function openDesktop(profile) {
  const args = [
    '--new-window',
    '--wait',
    '--disable-workspace-trust',
    `--user-data-dir=${profile.userData}`,
    `--extensions-dir=${profile.extensions}`,
    `--extensionDevelopmentPath=${root}`,
    opened,
  ];
  const code = spawn('code', args, { stdio: 'ignore', detached: true, shell: process.platform === 'win32' });
  console.log(
    'VS Code opens with the panel attached to orders-api (p2c_ewma); checkout runs on peak_ewma, billing on round_robin, and inventory asked for a policy that there is not.',
  );
  return {
    exited: new Promise((resolve) => code.once('exit', resolve)),
    stop: async () => {
      // The command is not the window's process; that one notes its id in its profile.
      const lock = path.join(profile.userData, 'code.lock');
      if (existsSync(lock)) end(Number(readFileSync(lock, 'utf8')));
      end(-code.pid);
    },
  };
}

async function openWeb(profile) {
  const { startServer } = await import('../test/host/server.mjs');
  const { workbenchAddress } = await import('../test/host/workbench.mjs');
  const server = await startServer(profile);
  console.log(
    `\nOpen this address in a browser:\n\n  ${workbenchAddress(server.origin, { folder: opened, developmentPath: root })}\n`,
  );
  return server;
}

function end(pid) {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    // It has ended already.
    if (error.code !== 'ESRCH') throw error;
  }
}

function signalled(signal) {
  return new Promise((resolve) => process.once(signal, resolve));
}
