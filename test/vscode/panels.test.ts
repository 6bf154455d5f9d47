import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  commands as vscodeCommands,
  extensions,
  TabInputCustom,
  TabInputWebview,
  Uri,
  window,
  workspace,
  type Tab,
} from 'vscode';
import { readRecording } from '@pickscope/protocol/recording';
import { commands, settings, tabs } from '../../src/contributions';
import { startClient, stopClient } from '../unit/attachment/announcedClient';
import type { FakeDebugServer } from '../unit/attachment/debugServer';
import { TestRuntimeFolder } from '../unit/discovery/runtimeFolder';
import { until } from '../unit/waiting';

describe('panels in the editor', () => {
  const files = mkdtempSync(path.join(tmpdir(), 'pickscope-files-'));
  let folder: TestRuntimeFolder;
  let server: FakeDebugServer;

  before(async () => {
    folder = new TestRuntimeFolder();
    await workspace.getConfiguration().update(settings.runtimeFolders, [folder.path], true);
    await extensions.getExtension('pickscope.pickscope')!.activate();
    server = await startClient(folder);
    await vscodeCommands.executeCommand(commands.attachTo, server.instance);
    await until(() => server.watchers.length === 1);
  });
  after(async () => {
    await vscodeCommands.executeCommand('workbench.action.closeAllEditors');
    await vscodeCommands.executeCommand(commands.detach, server.instance);
    stopClient(folder, server);
    await workspace.getConfiguration().update(settings.runtimeFolders, undefined, true);
    folder.remove();
    rmSync(files, { recursive: true });
  });

  const all = (): Tab[] => window.tabGroups.all.flatMap((group) => group.tabs);
  const ofClients = () =>
    all().filter(({ input }) => input instanceof TabInputWebview && input.viewType.endsWith(tabs.panel));
  const ofRecordings = () =>
    all().flatMap(({ input }) =>
      input instanceof TabInputCustom && input.viewType === tabs.recording ? [path.basename(input.uri.path)] : [],
    );

  it('are opened from the side panel, several at once, with the name of their client', async () => {
    await vscodeCommands.executeCommand(commands.focus);
    // Until the panel has loaded, and says what it shows, there is nothing to open.
    while (ofClients().length < 2) {
      await vscodeCommands.executeCommand(commands.openInEditor);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(new Set(ofClients().map(({ label }) => label)), new Set(['Pickscope: orders-api']));
  });

  it('record a client to a file, which is opened by what opens files', async () => {
    const file = Uri.file(path.join(files, 'orders.pickscope'));
    const before = server.watchers.length;
    await vscodeCommands.executeCommand(commands.record, server.instance, file);
    await until(() => server.watchers.length > before);
    const watcher = server.watchers.at(-1)!;
    await until(() => statSync(file.fsPath).size > 50);
    void vscodeCommands.executeCommand(commands.stopRecording, server.instance);
    await until(() => watcher.cancelled);
    const kinds: (string | undefined)[] = [];
    for await (const { body } of readRecording([readFileSync(file.fsPath)])) kinds.push(body.case);
    assert.deepEqual(kinds, ['process', 'snapshotBegin', 'snapshotEnd']);
    await vscodeCommands.executeCommand('vscode.open', file);
    await until(() => ofRecordings().includes('orders.pickscope'));
  });

  it('open a recording that is not one as well, to say so', async () => {
    const file = Uri.file(path.join(files, 'foreign.pickscope'));
    writeFileSync(file.fsPath, 'not a recording');
    await vscodeCommands.executeCommand(commands.openRecording, file);
    await until(() => ofRecordings().includes('foreign.pickscope'));
  });
});
