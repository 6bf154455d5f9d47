import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commands as vscodeCommands, ConfigurationTarget, debug, env, extensions, window, workspace } from 'vscode';
import type { DebugConfiguration } from 'vscode';
import { commands } from '../../src/contributions';
import { importLines } from '../../src/messages/importLines';
import { until } from '../unit/waiting';

/** Writes what it was started with; whole at once, as the test waits for the file. */
const program = `
const { renameSync, writeFileSync } = require('node:fs');
const { NODE_OPTIONS = '', PICKSCOPE = 'not set' } = process.env;
writeFileSync(process.argv[2] + '.part', JSON.stringify({ NODE_OPTIONS, PICKSCOPE }));
renameSync(process.argv[2] + '.part', process.argv[2]);`;

interface Said {
  readonly NODE_OPTIONS: string;
  readonly PICKSCOPE: string;
}

describe('attachable programs in VS Code', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-programs-'));
  const script = path.join(folder, 'program.cjs');
  let starts = 0;

  before(async () => {
    writeFileSync(script, program);
    await extensions.getExtension('pickscope.pickscope')!.activate();
  });
  afterEach(() => vscodeCommands.executeCommand(commands.stopAttachable));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  async function saidIn(file: string): Promise<Said> {
    await until(() => existsSync(file));
    return JSON.parse(readFileSync(file, 'utf8')) as Said;
  }

  /** What the program gets that is started in a new terminal. */
  async function inTerminal(): Promise<Said> {
    const file = path.join(folder, `terminal-${++starts}`);
    const terminal = window.createTerminal({ shellPath: process.execPath, shellArgs: [script, file] });
    const said = await saidIn(file);
    terminal.dispose();
    return said;
  }

  /** As it is started by the debugger. */
  async function inDebugger(configuration: object = {}): Promise<Said> {
    const file = path.join(folder, `debugger-${++starts}`);
    const launch = { type: 'node', request: 'launch', name: file, program: script, args: [file], ...configuration };
    assert.ok(await debug.startDebugging(undefined, launch));
    return saidIn(file);
  }

  const loadsPreload = /--require "[^"]*[\\/]globalStorage[\\/]pickscope\.pickscope[\\/]register\.cjs"/;

  it('are left alone until a person asks for it', async () => {
    for (const said of [await inTerminal(), await inDebugger()]) {
      assert.doesNotMatch(said.NODE_OPTIONS, /register\.cjs/);
      assert.equal(said.PICKSCOPE, 'not set');
    }
  });

  it('are made so in terminals, and no longer after the same command', async () => {
    await vscodeCommands.executeCommand(commands.makeAttachable);
    const said = await inTerminal();
    assert.match(said.NODE_OPTIONS, loadsPreload);
    assert.equal(said.PICKSCOPE, '1');
    await vscodeCommands.executeCommand(commands.makeAttachable);
    const after = await inTerminal();
    assert.doesNotMatch(after.NODE_OPTIONS, /register\.cjs/);
    assert.equal(after.PICKSCOPE, 'not set');
  });

  it('keep in terminals what a person has set PICKSCOPE to, before or after', async () => {
    const platform = { win32: 'windows', darwin: 'osx' }[process.platform as string] ?? 'linux';
    const settings = workspace.getConfiguration('terminal.integrated.env');
    const set = (value: object | undefined) => settings.update(platform, value, ConfigurationTarget.Global);
    await vscodeCommands.executeCommand(commands.makeAttachable);
    try {
      await set({ PICKSCOPE: 'off' });
      assert.equal((await inTerminal()).PICKSCOPE, 'off');
      await vscodeCommands.executeCommand(commands.stopAttachable);
      await vscodeCommands.executeCommand(commands.makeAttachable);
      assert.equal((await inTerminal()).PICKSCOPE, 'off');
    } finally {
      await set(undefined);
    }
    assert.equal((await inTerminal()).PICKSCOPE, '1');
  });

  it('are made so in debug sessions of Node, and no longer after the same command', async () => {
    await vscodeCommands.executeCommand(commands.makeAttachable);
    const { NODE_OPTIONS } = await inDebugger({ env: { NODE_OPTIONS: '--no-deprecation' } });
    assert.match(NODE_OPTIONS, loadsPreload);
    assert.match(NODE_OPTIONS, /--no-deprecation/);
    await vscodeCommands.executeCommand(commands.makeAttachable);
    assert.doesNotMatch((await inDebugger()).NODE_OPTIONS, /register\.cjs/);
  });

  it('load a preload that stays when the extension is updated', async () => {
    await vscodeCommands.executeCommand(commands.makeAttachable);
    const [, file] = /--require "(.*)"/.exec((await inTerminal()).NODE_OPTIONS)!;
    const shipped = path.join(
      extensions.getExtension('pickscope.pickscope')!.extensionPath,
      'dist/preload/register.cjs',
    );
    assert.deepEqual(readFileSync(file!), readFileSync(shipped));
    assert.ok(!path.resolve(file!).startsWith(path.dirname(shipped)));
  });

  describe('of Go, which VS Code has no debugger for here', () => {
    /** What its debugger would be started with. Stands for the Go extension, too, which reads files of variables first. */
    async function resolved(configuration: object = {}): Promise<DebugConfiguration> {
      let last: DebugConfiguration | undefined;
      const reads = debug.registerDebugConfigurationProvider('go', {
        resolveDebugConfigurationWithSubstitutedVariables: (_, { envFile, ...rest }) => ({
          ...rest,
          env: { ...(envFile === 'off.env' && { PICKSCOPE: 'off' }), ...(rest.env as object) },
        }),
      });
      const ends = debug.registerDebugConfigurationProvider('*', {
        resolveDebugConfigurationWithSubstitutedVariables: (_, each) => {
          last = each;
          return undefined;
        },
      });
      try {
        await debug.startDebugging(undefined, { type: 'go', request: 'launch', name: 'orders', ...configuration });
      } finally {
        reads.dispose();
        ends.dispose();
      }
      assert.ok(last);
      return last;
    }

    it('get the variable in debug sessions, unless a person has set it', async () => {
      assert.deepEqual((await resolved()).env, {});
      await vscodeCommands.executeCommand(commands.makeAttachable);
      assert.deepEqual((await resolved({ env: { A: '1' } })).env, { A: '1', PICKSCOPE: '1' });
      assert.deepEqual((await resolved({ envFile: 'other.env' })).env, { PICKSCOPE: '1' });
      assert.deepEqual((await resolved({ envFile: 'off.env' })).env, { PICKSCOPE: 'off' });
      assert.deepEqual((await resolved({ env: { PICKSCOPE: 'off' } })).env, { PICKSCOPE: 'off' });
      await vscodeCommands.executeCommand(commands.makeAttachable);
      assert.deepEqual((await resolved()).env, {});
    });

    it('get their import from the clipboard', async () => {
      await vscodeCommands.executeCommand(commands.copyImportLine, 'goZero');
      assert.equal(await env.clipboard.readText(), importLines.goZero);
    });
  });
});
