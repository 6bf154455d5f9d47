import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { WatchResponse } from '@pickscope/protocol/messages';
import { startClient, stopClient } from '../unit/attachment/announcedClient';
import { FakeDebugServer } from '../unit/attachment/debugServer';
import { descriptorOf, TestRuntimeFolder } from '../unit/discovery/runtimeFolder';
import { FakeClient } from '../unit/model/fakeClient';
import { installExtension, VsCodeWindow } from './window';

/** What a client may call its methods, targets, policies, errors, itself; each would do harm somewhere. */
const texts = [
  '<img src="https://evil.example/a.png" onerror="window.hurt=1">',
  '<script>window.hurt=1</script><style>*{display:none}</style>',
  '"><svg onload="window.hurt=1"><iframe src="https://evil.example/"></iframe>',
  '[here](command:workbench.action.closeSidebar) ![x](https://evil.example/b.png) <a href="command:x">y</a>',
  '$(alert) $(loading~spin) \u001b[31mred\u001b[0m \u001b]0;title\u0007 \r\n\u2028next',
  '\u202egnp.exe\u2066 \u200b\u200d\ufeff\u00ad \u{e0041}\ud800',
  `Zal${'\u0301\u0489\u20dd'.repeat(5000)}go`,
  'W'.repeat(1_000_000),
];

/** A stream of sane numbers, in which every text is one of the above. */
function hostileStream(): WatchResponse[] {
  const backends = texts.map((_, index) => ({ address: `${index}`, latencyMs: 5 + index }));
  const client = new FakeClient({ backends, picksPerSecond: 50, startMs: Date.now() - 21_000 });
  client.attach().run(10_000);
  client.fail('2', 'error').run(5000);
  client.recover('2').run(5000);
  let next = 0;
  const poison = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string' && !key.startsWith('$') && key !== 'case') return texts[next++ % texts.length];
    if (Array.isArray(value)) return value.map((each) => poison(each));
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, poison(each, name)]));
  };
  return client.messages.map((message) => poison(message) as WatchResponse);
}

class HostileServer extends FakeDebugServer {
  override get process() {
    const sane = super.process;
    const [image, script, , link, escapes] = texts as [string, string, string, string, string];
    return {
      ...sane,
      ...{ name: image, folder: script, hostName: link, runtimeVersion: escapes },
      ...{ limitations: texts, capabilities: texts, grpcVersions: texts },
    };
  }

  override sendSnapshot(): void {
    this.send({ case: 'process', value: this.process });
    for (const { body } of hostileStream()) {
      if (body.case === 'changes') for (const { entity } of body.value.changes) note(entity);
      if (body.case !== 'process') this.send(body);
    }
  }
}

/** A policy runs that nobody asked for. */
function note(entity: { case: string | undefined; value?: unknown }): void {
  if (entity.case === 'policy') Object.assign(entity.value as object, { note: texts[0] });
}

describe('a client that means harm, in the packaged extension', function () {
  this.timeout(120_000);

  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-malice-'));
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  const runtimeFolder = new TestRuntimeFolder();
  const servers: FakeDebugServer[] = [];
  /** What the browser was made to do that it should not. */
  const harm: string[] = [];
  let opened: VsCodeWindow;

  before(async () => {
    await installExtension(profile);
    opened = await VsCodeWindow.open(profile, folder, runtimeFolder.path);
    const { page } = opened.workbench;
    page.on('dialog', (dialog) => void harm.push(`dialog ${dialog.message()}`));
    page.on('request', (request) => {
      const { hostname, pathname } = new URL(request.url());
      // VS Code gives a webview its own files under a name, that no request leaves the machine for.
      const own = hostname.endsWith('.vscode-resource.vscode-cdn.net') && /\/dist\/panel\.(css|js)$/.test(pathname);
      if (hostname !== '127.0.0.1' && hostname !== '' && !own) harm.push(`request ${request.url()}`);
    });
    page.on('console', (message) => {
      if (/content security policy|refused to/i.test(message.text())) harm.push(message.text());
    });
    for (const text of texts) servers.push(await startClient(runtimeFolder, text.slice(0, 250)));
  });
  after(async () => {
    await opened.close();
    for (const server of servers) server.kill();
    runtimeFolder.remove();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await opened.picture('malice-failed');
    assert.deepEqual(harm, []);
  });

  /** Elements that nothing of ours makes, within what VS Code makes of a client's texts. */
  async function madeIn(selector: string): Promise<string[]> {
    return opened.workbench.page
      .locator(selector)
      .evaluateAll((roots) =>
        roots.flatMap((root) =>
          [...root.querySelectorAll('img, script, iframe, svg, style, a[href], [onerror], [onload]')].map(
            (made) => made.outerHTML,
          ),
        ),
      );
  }

  it('is listed in the tree and the panel as text', async () => {
    await opened.client('<img src=').waitFor();
    await opened.panel.frame.locator('.empty .clients li').nth(7).waitFor();
    assert.deepEqual(await madeIn('.pane-body .monaco-list-rows'), []);
    const shown = await opened.workbench.page.locator('.pane-body .monaco-list-row .label-name').allInnerTexts();
    assert.ok(
      shown.some((text) => text.includes('$(alert)')),
      'no icon is made of a name',
    );
    await assertUnharmed();
  });

  it('is listed as text by the picker', async () => {
    const { page } = opened.workbench;
    await opened.workbench.runCommand('Pickscope: Attach to Client…');
    await page.locator('.quick-input-list .monaco-list-row', { hasText: '<img src=' }).waitFor();
    assert.deepEqual(await madeIn('.quick-input-list .monaco-list-rows'), []);
    assert.equal(await page.locator('.quick-input-list .codicon-alert').count(), 0);
    await page.keyboard.press('Escape');
  });

  it('is shown by the panel, with all that it says, as text', async () => {
    const server = new HostileServer('harmful');
    await server.listen(`unix:${runtimeFolder.file('harmful.sock')}`);
    servers.push(server);
    const { instance, token, address, name } = server;
    runtimeFolder.announce(descriptorOf({ instance, token, address, name, folder: 'shop', hostName: 'laptop' }));
    const { frame } = opened.panel;
    await frame.getByRole('button', { name: /^Attach to harmful/ }).click();
    await opened.panel.state('live').waitFor();
    await frame.locator('.picks tbody tr[data-key]').nth(10).waitFor({ state: 'attached' });
    await opened.panel.openEvents();
    for (const summary of await frame.locator('.notices summary:visible').all()) await summary.click();
    await frame.locator('.picks tbody tr[data-key]').nth(5).click();
    await frame.locator('.inspector').waitFor();
    await assertUnharmed();
    await opened.picture('malice');
  });

  it('says no Markdown in the tooltip, and draws no icon in the status bar', async () => {
    const { page } = opened.workbench;
    await opened.client('<img src=').first().hover();
    const tooltip = page.locator('.monaco-hover', { hasText: 'Cannot be seen' });
    await tooltip.waitFor();
    assert.deepEqual(await madeIn('.monaco-hover'), []);
    assert.deepEqual(await madeIn('.statusbar-item[id^="pickscope"]'), []);
    assert.equal(await page.locator('.statusbar-item[id^="pickscope"] .codicon').count(), 1);
    await opened.picture('malice-tooltip');
  });

  it('writes only text into the log', () => {
    const files = readdirSync(profile.userData, { recursive: true, encoding: 'utf8' });
    const logs = files.filter((file) => /pickscope[^/]*\/Pickscope\.log$/.test(file));
    assert.ok(logs.length > 0);
    for (const log of logs) {
      const lines = readFileSync(path.join(profile.userData, log), 'utf8').split('\n');
      assert.deepEqual(
        lines.filter((line) => /[\p{Cc}\p{Cf}\u2028]/u.test(line)),
        [],
      );
    }
  });

  it('is one of two hundred, that come and go', async () => {
    for (const server of servers) stopClient(runtimeFolder, server);
    const many = Array.from({ length: 200 }, (_, index) =>
      descriptorOf({ name: `client-${String(index).padStart(3, '0')}`, hostName: 'laptop', pid: 1000 + index }),
    );
    for (const descriptor of many) runtimeFolder.announce(descriptor);
    await opened.client('client-000').waitFor();
    await opened.workbench.page.mouse.move(200, 120);
    await opened.picture('two-hundred');
    const rows = opened.workbench.page.locator('.pane-body .monaco-list-row');
    assert.ok((await rows.count()) < 100, 'only those in view are drawn');
    for (const descriptor of many.slice(1)) runtimeFolder.withdraw(descriptor);
    await opened.client('client-001').waitFor({ state: 'detached' });
    await opened.client('client-000').waitFor();
  });

  /** The panel has no element and no script of the client's, and is no wider or taller for it. */
  async function assertUnharmed(): Promise<void> {
    const found = await opened.panel.frame.locator('body').evaluate((body) => ({
      hurt: 'hurt' in window,
      made: [...body.querySelectorAll('img, iframe, object, embed, a[href], style, [onerror], [onload]')].length,
      scripts: body.querySelectorAll('.panel script').length,
      tooWide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      // No line of text is taller than a line, whatever is heaped upon its letters.
      longest: Math.max(0, ...[...body.querySelectorAll('.foreign')].map((node) => node.textContent.length)),
      rows: [...new Set([...body.querySelectorAll('.picks tbody tr[data-key]')].map((row) => row.clientHeight))].length,
    }));
    assert.deepEqual(
      { ...found, longest: found.longest <= 2001, rows: found.rows <= 2 },
      { hurt: false, made: 0, scripts: 0, tooWide: false, longest: true, rows: true },
    );
  }
});
