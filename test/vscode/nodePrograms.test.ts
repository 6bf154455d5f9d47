import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commands as vscodeCommands, debug, extensions, window } from 'vscode';
import { commands } from '../../src/contributions';
import { until } from '../unit/waiting';

/** Writes what it was started with; whole at once, as the test waits for the file. */
const program = `
const { renameSync, writeFileSync } = require('node:fs');
writeFileSync(process.argv[2] + '.part', process.env.NODE_OPTIONS ?? '');
renameSync(process.argv[2] + '.part', process.argv[2]);`;

describe('Node programs in VS Code', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-node-'));
  const script = path.join(folder, 'program.cjs');
  let starts = 0;

  before(async () => {
    writeFileSync(script, program);
    await extensions.getExtension('pickscope.pickscope')!.activate();
  });
  afterEach(() => vscodeCommands.executeCommand(commands.stopNodeAttachable));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  /** NODE_OPTIONS of the program, as it is started in a new terminal. */
  async function inTerminal(): Promise<string> {
    const said = path.join(folder, `terminal-${++starts}`);
    const terminal = window.createTerminal({ shellPath: process.execPath, shellArgs: [script, said] });
    await until(() => existsSync(said));
    terminal.dispose();
    return readFileSync(said, 'utf8');
  }

  /** As it is started by the debugger. */
  async function inDebugger(configuration: object = {}): Promise<string> {
    const said = path.join(folder, `debugger-${++starts}`);
    const launch = { type: 'node', request: 'launch', name: said, program: script, args: [said], ...configuration };
    assert.ok(await debug.startDebugging(undefined, launch));
    await until(() => existsSync(said));
    return readFileSync(said, 'utf8');
  }

  const loadsPreload = /--require "[^"]*[\\/]globalStorage[\\/]pickscope\.pickscope[\\/]register\.cjs"/;

  it('are left alone until a person asks for it', async () => {
    assert.doesNotMatch(await inTerminal(), /register\.cjs/);
    assert.doesNotMatch(await inDebugger(), /register\.cjs/);
  });

  it('are made attachable in terminals, and no longer after the same command', async () => {
    await vscodeCommands.executeCommand(commands.makeNodeAttachable);
    assert.match(await inTerminal(), loadsPreload);
    await vscodeCommands.executeCommand(commands.makeNodeAttachable);
    assert.doesNotMatch(await inTerminal(), /register\.cjs/);
  });

  it('are made attachable in debug sessions, and no longer after the same command', async () => {
    await vscodeCommands.executeCommand(commands.makeNodeAttachable);
    const options = await inDebugger({ env: { NODE_OPTIONS: '--no-deprecation' } });
    assert.match(options, loadsPreload);
    assert.match(options, /--no-deprecation/);
    await vscodeCommands.executeCommand(commands.makeNodeAttachable);
    assert.doesNotMatch(await inDebugger(), /register\.cjs/);
  });

  it('load a preload that stays when the extension is updated', async () => {
    await vscodeCommands.executeCommand(commands.makeNodeAttachable);
    const [, file] = /--require "(.*)"/.exec(await inTerminal())!;
    const shipped = path.join(
      extensions.getExtension('pickscope.pickscope')!.extensionPath,
      'dist/preload/register.cjs',
    );
    assert.deepEqual(readFileSync(file!), readFileSync(shipped));
    assert.ok(!path.resolve(file!).startsWith(path.dirname(shipped)));
  });
});
