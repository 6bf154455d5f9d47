import assert from 'node:assert/strict';
import Module from 'node:module';
import path from 'node:path';
import { commands as vscodeCommands, extensions, workspace } from 'vscode';
import { commands, settings } from '../../src/contributions';
import { startClient, stopClient } from '../unit/attachment/announcedClient';
import type { FakeDebugServer } from '../unit/attachment/debugServer';
import { TestRuntimeFolder } from '../unit/discovery/runtimeFolder';
import { until } from '../unit/waiting';

describe('the extension in VS Code', () => {
  const extension = extensions.getExtension('pickscope.pickscope')!;
  let folder: TestRuntimeFolder;
  let servers: FakeDebugServer[] = [];

  before(async () => {
    folder = new TestRuntimeFolder();
    const configuration = workspace.getConfiguration();
    await configuration.update(settings.runtimeFolders, [folder.path], true);
    await extension.activate();
  });
  afterEach(async () => {
    for (const server of servers) {
      await vscodeCommands.executeCommand(commands.detach, server.instance);
      stopClient(folder, server);
    }
    servers = [];
  });
  after(async () => {
    await workspace.getConfiguration().update(settings.runtimeFolders, undefined, true);
    folder.remove();
  });

  /** Starts a client that makes itself known. What it sees of its watchers is what the extension really does. */
  async function start(name?: string): Promise<FakeDebugServer> {
    const server = await startClient(folder, name);
    servers.push(server);
    return server;
  }

  async function attach(server: FakeDebugServer): Promise<void> {
    await vscodeCommands.executeCommand(commands.attachTo, server.instance);
    await until(() => server.watchers.length === 1);
  }

  it('does not load gRPC before the first attach', async () => {
    const loaded = () => loadedModules().some((name) => name.endsWith(path.join('dist', 'attachment.cjs')));
    assert.ok(loadedModules().some((name) => name.endsWith(path.join('dist', 'extension.cjs'))));
    assert.ok(!loaded());
    await attach(await start());
    assert.ok(loaded());
  });

  it('offers every command that it declares', async () => {
    const offered = new Set(await vscodeCommands.getCommands(true));
    assert.deepEqual(
      Object.values(commands).filter((command) => !offered.has(command)),
      [],
    );
  });

  it('declares each setting with the default that the code counts on', () => {
    const configuration = workspace.getConfiguration();
    for (const id of Object.values(settings)) assert.notEqual(configuration.inspect(id)?.defaultValue, undefined, id);
    assert.equal(configuration.get(settings.pickBudgetMegabytes), 40);
    assert.equal(configuration.get(settings.reattach), true);
  });

  it('attaches with the picker', async () => {
    const server = await start();
    await attach(server);
    await vscodeCommands.executeCommand(commands.detach, server.instance);
    void vscodeCommands.executeCommand(commands.attach);
    // Enter does nothing before the picker is there; the client is its first item then.
    while (server.watchers.length === 1) {
      await vscodeCommands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    }
  });

  it('ends the stream when it is told to detach', async () => {
    const server = await start();
    await attach(server);
    await vscodeCommands.executeCommand(commands.detach, server.instance);
    await until(() => server.watchers[0]!.cancelled);
  });

  it('follows a client that restarts', async () => {
    const first = await start();
    await attach(first);
    stopClient(folder, first);
    const second = await start();
    await until(() => second.watchers.length === 1);
    await vscodeCommands.executeCommand(commands.detach, first.instance);
    await until(() => second.watchers[0]!.cancelled);
  });

  it('opens a new stream on demand', async () => {
    const server = await start();
    await attach(server);
    await vscodeCommands.executeCommand(commands.retryNow, server.instance);
    await until(() => server.watchers.length === 2 && server.watchers[0]!.cancelled);
  });

  it('shows the panel, and has it pause, resume and clear', async () => {
    await attach(await start());
    for (const command of [commands.focus, commands.pause, commands.resume, commands.clear, commands.focusFilter]) {
      await vscodeCommands.executeCommand(command);
    }
  });
});

/** Paths of what the extension host has loaded by `require`. */
function loadedModules(): string[] {
  return Object.keys(Module.createRequire(path.join(process.cwd(), 'any.js')).cache);
}
