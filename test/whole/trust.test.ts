import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startClient } from '../unit/attachment/announcedClient';
import type { FakeDebugServer } from '../unit/attachment/debugServer';
import { TestRuntimeFolder } from '../unit/discovery/runtimeFolder';
import { until } from '../unit/waiting';
import { installExtension, restrictedMode, VsCodeWindow } from './window';

describe('a workspace that is not trusted, in the packaged extension', function () {
  this.timeout(120_000);

  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-trust-'));
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  const workspace = path.join(folder, 'shop');
  const own = new TestRuntimeFolder();
  const named = new TestRuntimeFolder();
  const clients: FakeDebugServer[] = [];
  let opened: VsCodeWindow;

  before(async () => {
    mkdirSync(path.join(workspace, '.vscode'), { recursive: true });
    const settings = {
      'pickscope.runtimeFolders': [named.path],
      'pickscope.autoAttach': ['named-client', 'own-client'],
    };
    writeFileSync(path.join(workspace, '.vscode', 'settings.json'), JSON.stringify(settings));
    clients.push(await startClient(named, 'named-client'));
    await installExtension(profile, restrictedMode);
    opened = await VsCodeWindow.open(profile, workspace, own.path, { workspaceTrust: true });
  });
  after(async () => {
    await opened.close();
    for (const client of clients) client.kill();
    for (const each of [own, named]) each.remove();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await opened.picture('trust-failed');
  });

  it('does not say where to look for clients, nor which to attach to', async () => {
    const { page } = opened.workbench;
    await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
    // Found by a scan that would have found the other, too.
    clients.push(await startClient(own, 'own-client'));
    await opened.client('own-client').waitFor();
    assert.equal(await opened.client('named-client').count(), 0);
    for (const client of clients) assert.equal(client.asked, 0, client.name);
  });

  it('has no program made attachable', async () => {
    const { page } = opened.workbench;
    await opened.workbench.runCommand('Pickscope: Make programs attachable');
    const notice = await opened.notice('In Restricted Mode, Pickscope makes no program');
    assert.equal(await page.locator('.statusbar-item', { hasText: 'Programs attachable' }).count(), 0);
    await notice.getByRole('button', { name: 'Manage Workspace Trust' }).click();
    await page.locator('.workspace-trust-editor').waitFor();
  });

  it('has its settings as soon as it is trusted', async () => {
    const { page } = opened.workbench;
    await page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).click();
    await until(() => clients.every(({ watchers }) => watchers.length === 1));
    await opened.client('named-client').waitFor();
    await opened.workbench.runCommand('Pickscope: Make programs attachable');
    await page.locator('.statusbar-item', { hasText: 'Programs attachable' }).waitFor();
  });
});
