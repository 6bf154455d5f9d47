import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Locator } from '../host/workbench.mjs';
import { until } from '../unit/waiting';
import { ShownPanel } from './panel';
import { installExtension, VsCodeWindow } from './window';

type Box = NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>;

describe('what one can do with the panel, on the demo', function () {
  this.timeout(120_000);

  // Short: sockets lie in it.
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-do-'));
  const runtimeFolder = path.join(folder, 'run');
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  const recordingFile = path.join(folder, 'orders.pickscope');
  let scene: ChildProcess;
  let opened: VsCodeWindow;
  let side: ShownPanel;

  before(async () => {
    mkdirSync(runtimeFolder, { mode: 0o700 });
    await installExtension(profile, { 'files.simpleDialog.enable': true });
    const program = "import { startScene } from './demo/scene.mjs'; await startScene(); process.send('started');";
    scene = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      // There is a past to go back to as soon as somebody attaches.
      env: { ...process.env, PICKSCOPE_RUNTIME_DIR: runtimeFolder, PICKSCOPE_KEEP: '60s' },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(scene, 'message');
    opened = await VsCodeWindow.open(profile, folder, runtimeFolder);
    side = new ShownPanel(opened.workbench.webview('pickscope.pickscope', 'view'));
    await opened.workbench.setSideBarWidth(620);
  });

  after(async () => {
    await opened.close();
    // Its clients and backends end with it.
    scene.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await opened.picture(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  const plots = () => side.frame.locator('.plots');
  const state = (name: string) => side.state(name).waitFor();
  const command = (title: string) => opened.workbench.runCommand(`Pickscope: ${title}`);

  async function boxOf(place: Locator): Promise<Box> {
    const box = await place.boundingBox();
    assert.ok(box, 'it is drawn');
    return box;
  }

  /** Points at a part of the width, 0..1. */
  async function pointAt(place: Locator, part: number): Promise<void> {
    const { x, y, width, height } = await boxOf(place);
    await opened.workbench.page.mouse.move(x + width * part, y + Math.min(40, height / 2));
  }

  async function drag(place: Locator, from: number, to: number): Promise<void> {
    const { mouse } = opened.workbench.page;
    await pointAt(place, from);
    await mouse.down();
    for (const part of [0.25, 0.5, 0.75, 1]) await pointAt(place, from + (to - from) * part);
    await mouse.up();
  }

  async function live(): Promise<void> {
    await side.frame.getByRole('button', { name: 'Back to live' }).click();
    await state('live');
  }

  const windowLength = () => side.frame.locator('.header .window .chosen').innerText();

  it('attach: to two clients, one after the other', async () => {
    for (const name of ['checkout', 'orders-api']) {
      await opened.client(name).click();
      await side.client.getByText(name).waitFor({ state: 'attached' });
      await state('live');
    }
    await side.frame.locator('.picks tr[data-key]').nth(10).waitFor({ state: 'attached' });
  });

  it('see: endpoints in the order of a column', async () => {
    const head = side.frame.locator('.endpoints th.share');
    // Live, two that are close may change places at any time.
    await side.state('live').click();
    await state('paused');
    await head.locator('.sort').click();
    await until(async () => (await head.getAttribute('aria-sort')) === 'descending');
    // Rows stay where they are under the pointer.
    await opened.workbench.page.mouse.move(1000, 400);
    const shares = () =>
      side.frame
        .locator('.endpoints tbody tr:not(.absent) td.share')
        .evaluateAll((all) => all.map((each) => parseFloat(each.textContent.replace('<', '0.'))));
    await until(async () => {
      const shown = await shares();
      return shown.length > 3 && shown.every((share, index) => index === 0 || share <= shown[index - 1]!);
    });
    await head.locator('.sort').click();
    await head.locator('.sort').click();
    await until(async () => (await head.getAttribute('aria-sort')) === null);
    await live();
  });

  it('go back: the wheel zooms, a part of the axis is brushed, and everything is of it', async () => {
    await side.frame.locator('.header .window select').selectOption('10');
    const reach = async () => Number(await side.frame.locator('.overview').getAttribute('aria-valuemax'));
    await until(async () => (await reach()) > 20);
    const before = await windowLength();
    await pointAt(plots(), 0.5);
    await opened.workbench.page.mouse.wheel(0, -600);
    await until(async () => (await windowLength()) !== before);
    await drag(plots(), 0.8, 0.9);
    await state('paused');
    await side.frame.locator('.plots .clear').waitFor();
    const rows = side.frame.locator('.picks tr[data-key]');
    await rows.first().waitFor({ state: 'attached' });
    const first = await rows.first().getAttribute('data-key');
    await side.text(/^\d[\d,]* newer$/).waitFor();
    assert.equal(await rows.first().getAttribute('data-key'), first, 'it stands still');
  });

  it('ask: why not this one, with counts that add up', async () => {
    await side.frame.locator('.endpoints tbody tr').nth(3).hover();
    await side.frame.locator('.endpoints tbody tr').nth(3).locator('.why').click();
    const answer = side.frame.locator('.answer');
    await answer.waitFor();
    const counts = await answer
      .locator('.categories tr[data-category]:not([data-category="empty"])')
      .evaluateAll((rows) => rows.map((row) => Number(row.querySelector('td')!.textContent.replaceAll(',', ''))));
    const shares = await answer
      .locator('.categories tr[data-category]:not([data-category="empty"])')
      .evaluateAll((rows) =>
        rows.map((row) => parseFloat(row.querySelectorAll('td')[1]!.textContent.replace('<', ''))),
      );
    assert.ok(counts.length > 1 && counts.every((count) => count > 0));
    const whole = shares.reduce((sum, share) => sum + share, 0);
    assert.ok(Math.abs(whole - 100) < 1, `${whole} % of all picks`);
    await side.frame.locator('.answer').getByRole('button', { name: 'Close (Esc)' }).click();
    await answer.waitFor({ state: 'hidden' });
  });

  it('go back: scrub in the overview, and live again', async () => {
    await live();
    await drag(side.frame.locator('.overview'), 0.97, 0.6);
    await state('paused');
    await live();
  });

  it('inspect: a pick, explained, and its neighbours by the arrows', async () => {
    const rows = side.frame.locator('.picks tr[data-key]');
    await rows.nth(4).click();
    await side.frame.locator('.inspector .sentence').waitFor();
    await state('paused');
    const key = () => side.frame.locator('.picks tr.selected').getAttribute('data-key');
    const first = Number(await key());
    await opened.workbench.page.keyboard.press('ArrowDown');
    await until(async () => Number(await key()) < first);
    await opened.workbench.page.keyboard.press('ArrowUp');
    await until(async () => Number(await key()) === first);
    await opened.workbench.page.keyboard.press('Escape');
    await side.frame.locator('.inspector').waitFor({ state: 'hidden' });
    await command('Resume View');
    await state('live');
  });

  it('filter: one language for the list and the charts', async () => {
    const filter = side.frame.getByLabel('Filter the picks');
    await filter.fill('forced GetCart');
    const others = side.frame.locator('.picks tr[data-key]:not([data-reason=forced])');
    await until(async () => (await others.count()) === 0);
    await side.frame.locator('.picks tr[data-reason=forced]').first().waitFor({ state: 'attached' });
    await filter.fill('');
    await others.first().waitFor({ state: 'attached' });
  });

  it('compare: the same target as another client sees it', async () => {
    await side.frame.getByRole('button', { name: 'More actions' }).click();
    await side.frame.getByRole('menuitem', { name: 'Compare with Other Clients' }).click();
    const comparison = side.frame.locator('.comparison');
    await comparison.locator('thead .channel').nth(1).waitFor();
    await until(async () => (await comparison.locator('tbody tr').count()) >= 4);
    await comparison.getByRole('button', { name: /^Close/ }).click();
    await comparison.waitFor({ state: 'hidden' });
  });

  it('keep: what the client sends, in a file that opens as a replay', async () => {
    await side.frame.getByRole('button', { name: 'Record to a File…' }).click();
    await opened.save(recordingFile);
    await side.frame.locator('.header .recording').waitFor();
    await until(() => existsSync(recordingFile) && statSync(recordingFile).size > 20_000);
    await side.frame.locator('.header .recording').getByRole('button', { name: 'Stop' }).click();
    await side.frame.locator('.header .recording').waitFor({ state: 'hidden' });

    await opened.workbench.openFile(path.basename(recordingFile));
    const replay = new ShownPanel(opened.workbench.webview('pickscope.pickscope', 'editor'));
    await replay.frame.locator('.header .file', { hasText: path.basename(recordingFile) }).waitFor();
    await replay.frame.locator('.picks tr[data-key]').nth(5).waitFor({ state: 'attached' });
    const slider = replay.frame.getByLabel('Moment of the recording');
    await slider.fill('0');
    const at = async () => Number(await slider.inputValue());
    assert.equal(await at(), 0);
    await replay.frame.getByRole('button', { name: /^Play/ }).click();
    await until(async () => (await at()) >= 500);
    await opened.workbench.runCommand('View: Close All Editors');
  });

  it('compare: the same panel in an editor tab', async () => {
    await side.frame.getByRole('button', { name: 'Open in Editor' }).first().click();
    const tab = new ShownPanel(opened.workbench.webview('pickscope.pickscope', 'editor'));
    await tab.state('live').waitFor();
    await tab.client.getByText('orders-api').waitFor({ state: 'attached' });
    await tab.frame.locator('.picks tr[data-key]').nth(5).waitFor({ state: 'attached' });
    // The side panel turns to another client, and the tab keeps to its own.
    await opened.client('checkout').click();
    await side.client.getByText('checkout').waitFor({ state: 'attached' });
    await tab.client.getByText('orders-api').waitFor({ state: 'attached' });
    await opened.client('orders-api').click();
    await side.client.getByText('orders-api').waitFor({ state: 'attached' });
    await opened.workbench.runCommand('View: Close All Editors');
  });

  for (const [format, file] of [
    ['CSV', 'picks.csv'],
    ['JSON lines', 'picks.jsonl'],
  ] as const) {
    it(`keep: the picks as ${format}, without addresses`, async () => {
      await side.frame.locator('.header').click();
      await command('Export Picks…');
      await opened.choose(format);
      await opened.leaveOut('Addresses');
      const to = path.join(folder, file);
      await opened.save(to);
      await until(() => existsSync(to) && statSync(to).size > 1000);
      const text = readFileSync(to, 'utf8');
      assert.match(text, /endpoint 1/);
      assert.doesNotMatch(text, /127\.0\.0\.\d/);
      const lines = text.trim().split('\n');
      assert.ok(lines.length > 100);
      if (format === 'JSON lines') for (const line of lines.slice(0, 50)) JSON.parse(line);
      else assert.equal(new Set(lines.slice(0, 50).map((line) => line.split(',').length)).size, 1);
    });
  }

  it('keep: the window as a picture', async () => {
    await side.frame.locator('.header').click();
    await command('Export Picture…');
    await opened.leaveOut();
    const file = path.join(folder, 'pickscope.png');
    await opened.save(file);
    await until(() => existsSync(file) && statSync(file).size > 5000);
    assert.equal(readFileSync(file).subarray(1, 4).toString(), 'PNG');
  });

  it('see nothing, and cost nothing: a panel that is hidden is gone', async () => {
    const page = opened.workbench.page;
    const webviews = page.locator('iframe.webview[src*="extensionId=pickscope.pickscope"]');
    assert.equal(await webviews.count(), 1);
    await page.locator('.activitybar .action-label[aria-label^="Explorer"]').click();
    await until(async () => (await webviews.count()) === 0);
    await opened.workbench.openSideBar('Pickscope');
    await opened.panel.state('live').waitFor();
  });
});
