import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Locator } from '../host/workbench.mjs';
import { ShownPanel } from './panel';
import { doUntil, eventually } from './patience';
import { installExtension, VsCodeWindow } from './window';

/** ms; what moves away from under a click is aimed at anew. */
const clickMs = 5000;

type Box = NonNullable<Awaited<ReturnType<Locator['boundingBox']>>>;

describe('what one can do with the panel, on the demo', function () {
  // A test that fails says what it waited for.
  this.timeout(180_000);

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
    const sideBar = opened.workbench.page.locator('.part.sidebar');
    const isWide = async () => (await sideBar.boundingBox())!.width > 600;
    await doUntil('the side bar is wide', isWide, () => opened.workbench.setSideBarWidth(620));
  });

  after(async () => {
    await opened.close();
    // Its clients and backends end with it, and clients write into the folder until then.
    scene.kill();
    await eventually('all clients have gone', () => readdirSync(runtimeFolder).length === 0);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  // Each test begins with the panel as it is when one has just attached, whatever the one before left.
  beforeEach(async () => {
    await opened.closeQuickInput();
    await opened.closeEditors();
    await opened.workbench.openSideBar('Pickscope');
    await turnTo('orders-api');
    await closeExplanations();
    await side.frame.getByLabel('Filter the picks').fill('');
    await live();
    await chooseWindow('120');
    await pointElsewhere();
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await opened.picture(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  const page = () => opened.workbench.page;
  const plots = () => side.frame.locator('.plots');
  const state = (name: string) => side.state(name).waitFor();
  const command = (title: string) => opened.workbench.runCommand(`Pickscope: ${title}`);
  const rows = () => side.frame.locator('.picks tr[data-key]');
  /** The newest that is listed: elements of rows are used again for others. */
  const newestRow = () => side.frame.locator('.picks tr[data-key][aria-rowindex="2"]');
  const windowLength = () => side.frame.locator('.header .window select').inputValue();

  async function turnTo(name: string): Promise<void> {
    const shown = side.client.getByText(name);
    await doUntil(
      `${name} is shown`,
      async () => (await shown.count()) > 0,
      () => opened.client(name).click({ timeout: clickMs }),
    );
  }

  async function closeExplanations(): Promise<void> {
    const open = side.frame.locator('.comparison, .inspector, .answer').filter({ visible: true });
    const close = open
      .first()
      .getByRole('button', { name: /^Close/ })
      .first();
    await doUntil(
      'nothing is explained',
      async () => (await open.count()) === 0,
      () => close.click({ timeout: clickMs }),
    );
  }

  async function chooseWindow(seconds: string): Promise<void> {
    if ((await windowLength()) === seconds) return;
    await side.frame.locator('.header .window select').selectOption(seconds);
    await eventually(`the window has ${seconds} s`, async () => (await windowLength()) === seconds);
  }

  /** Beside the panel, where nothing stands still for it. */
  const pointElsewhere = () => page().mouse.move(1000, 400);

  async function live(): Promise<void> {
    const isLive = () => side.state('live').isVisible();
    const back = side.frame.getByRole('button', { name: 'Back to live' });
    await doUntil('it is live', isLive, () => back.click({ timeout: clickMs }));
  }

  /** Until the panel shows the moment at which it was paused: what is shown first is what was live. */
  async function pause(): Promise<void> {
    await side.state('live').click();
    await state('paused');
    await side.text(/^[1-9][\d,]* newer$/).waitFor();
  }

  async function boxOf(place: Locator): Promise<Box> {
    const box = await place.boundingBox();
    assert.ok(box, 'it is drawn');
    return box;
  }

  /** Points at a part of the width, 0..1. */
  async function pointAt(place: Locator, part: number): Promise<void> {
    const { x, y, width, height } = await boxOf(place);
    await page().mouse.move(x + width * part, y + Math.min(40, height / 2));
  }

  async function drag(place: Locator, from: number, to: number): Promise<void> {
    const { mouse } = page();
    await pointAt(place, from);
    await mouse.down();
    for (const part of [0.25, 0.5, 0.75, 1]) await pointAt(place, from + (to - from) * part);
    await mouse.up();
  }

  /** So much is remembered that a window of ten seconds can be moved in it. */
  async function remembered(): Promise<void> {
    const overview = side.frame.locator('.overview');
    const reach = async () => Number(await overview.getAttribute('aria-valuemax'));
    await eventually('20 s are remembered', async () => (await reach()) > 20);
  }

  /** Time goes on, and the list does not. */
  async function listStandsStill(): Promise<void> {
    const newer = () => side.frame.locator('.header .newer').innerText();
    const look = async () => [await newer(), await newestRow().getAttribute('data-key')] as const;
    let [then, key] = await look();
    await eventually('the list stands still', async () => {
      const [now, top] = await look();
      if (now === then) return false;
      const still = top === key;
      [then, key] = [now, top];
      return still;
    });
  }

  it('attach: to two clients, one after the other', async () => {
    for (const name of ['checkout', 'orders-api']) {
      await turnTo(name);
      await state('live');
    }
    await rows().nth(8).waitFor({ state: 'attached' });
  });

  it('see: endpoints in the order of a column', async () => {
    const head = side.frame.locator('.endpoints th.share');
    const order = () => head.getAttribute('aria-sort');
    const sortUntil = (wanted: string | null) =>
      doUntil(
        `the order is ${wanted ?? 'that of addresses'}`,
        async () => (await order()) === wanted,
        () => head.locator('.sort').click({ timeout: clickMs }),
      );
    // Live, two that are close may change places at any time.
    await pause();
    await sortUntil('descending');
    const shares = () =>
      side.frame
        .locator('.endpoints tbody tr:not(.absent) td.share')
        .evaluateAll((all) => all.map((each) => parseFloat(each.textContent.replace('<', '0.'))));
    // Rows stay where they are under the pointer, and what is under it is read out.
    await pointElsewhere();
    await eventually('the greatest share is the first', async () => {
      const shown = await shares();
      return shown.length > 1 && shown.every((share, index) => index === 0 || share <= shown[index - 1]!);
    });
    await sortUntil('ascending');
    await sortUntil(null);
  });

  it('go back: the wheel zooms, a part of the axis is brushed, and everything is of it', async () => {
    await chooseWindow('10');
    await remembered();
    const zoom = async () => {
      await pointAt(plots(), 0.5);
      await page().mouse.wheel(0, -600);
    };
    await doUntil('the window is shorter', async () => Number(await windowLength()) < 10, zoom);
    const brushed = () => side.frame.locator('.plots .clear').isVisible();
    await doUntil('a part is brushed', brushed, () => drag(plots(), 0.7, 0.9));
    await state('paused');
    await rows().first().waitFor({ state: 'attached' });
    await listStandsStill();
  });

  it('ask: why not this one, with counts that add up', async () => {
    await pause();
    const ready = side.frame.locator('.endpoints tbody tr[data-id]:not(.absent)').first();
    const row = side.frame.locator(`.endpoints tbody tr[data-id="${await ready.getAttribute('data-id')}"]`);
    await row.hover();
    await row.locator('.why').click();
    const answer = side.frame.locator('.answer');
    await answer.waitFor();
    const categories = await answer
      .locator('.categories tr[data-category]:not([data-category="empty"])')
      .evaluateAll((all) =>
        all.map((each) => {
          const [count, share] = [...each.querySelectorAll('td')].map((cell) => cell.textContent.replace(/[<,]/g, ''));
          return { count: Number(count), share: parseFloat(share!) };
        }),
      );
    assert.ok(categories.length > 1 && categories.every(({ count }) => count > 0));
    const whole = categories.reduce((sum, { share }) => sum + share, 0);
    assert.ok(Math.abs(whole - 100) < 1, `${whole} % of all picks`);
    await answer.getByRole('button', { name: 'Close (Esc)' }).click();
    await answer.waitFor({ state: 'hidden' });
  });

  it('go back: scrub in the overview, and live again', async () => {
    await chooseWindow('10');
    await remembered();
    const isPaused = () => side.state('paused').isVisible();
    await doUntil('it is paused', isPaused, () => drag(side.frame.locator('.overview'), 0.97, 0.6));
    await side.frame.getByRole('button', { name: 'Back to live' }).click();
    await state('live');
  });

  it('inspect: a pick, explained, and its neighbours by the arrows', async () => {
    // The list is held for a pointer that comes near, a little later on a slow machine.
    const held = side.frame.locator('.filter button.note', { hasText: /held, [1-9]/ });
    await doUntil(
      'the list is held',
      () => held.isVisible(),
      async () => {
        await pointElsewhere();
        await newestRow().hover({ timeout: clickMs });
      },
    );
    const clicked = await side.frame.locator('.picks tr[aria-rowindex="6"]').getAttribute('data-key');
    await side.frame.locator(`.picks tr[data-key="${clicked}"]`).click();
    await side.frame.locator('.inspector .sentence').waitFor();
    await state('paused');
    const inspected = (key: string | null) => side.frame.locator(`.picks tr.selected[data-key="${key}"]`).waitFor();
    await inspected(clicked);
    const key = () => side.frame.locator('.picks tr.selected').getAttribute('data-key');
    await page().keyboard.press('ArrowDown');
    await eventually('an older one is inspected', async () => Number(await key()) < Number(clicked));
    await page().keyboard.press('ArrowUp');
    await inspected(clicked);
    const closed = async () => !(await side.frame.locator('.inspector').isVisible());
    // The first one may have closed the words on a term that came under the pointer.
    await doUntil('the explanation is closed', closed, () => page().keyboard.press('Escape'));
    await command('Resume View');
    await state('live');
  });

  it('filter: one language for the list and the charts', async () => {
    const filter = side.frame.getByLabel('Filter the picks');
    await filter.fill('forced GetCart');
    const others = side.frame.locator('.picks tr[data-key]:not([data-reason=forced])');
    await eventually('only forced ones are listed', async () => (await others.count()) === 0);
    await side.frame.locator('.picks tr[data-reason=forced]').first().waitFor({ state: 'attached' });
    await filter.fill('');
    await others.first().waitFor({ state: 'attached' });
  });

  it('compare: the same target as another client sees it', async () => {
    await turnTo('checkout');
    await turnTo('orders-api');
    const comparison = side.frame.locator('.comparison');
    await side.frame.getByRole('button', { name: 'More actions' }).click();
    await side.frame.getByRole('menuitem', { name: 'Compare with Other Clients' }).click();
    await comparison.locator('thead .channel').nth(1).waitFor();
    await comparison.locator('tbody tr').nth(3).waitFor();
    await comparison.getByRole('button', { name: /^Close/ }).click();
    await comparison.waitFor({ state: 'hidden' });
  });

  it('keep: what the client sends, in a file that opens as a replay', async () => {
    const recording = side.frame.locator('.header .recording');
    await side.frame.getByRole('button', { name: 'Record to a File…' }).click();
    await opened.save(recordingFile);
    await recording.waitFor();
    const size = () => (existsSync(recordingFile) ? statSync(recordingFile).size : 0);
    await eventually('something is recorded', () => size() > 20_000);
    await recording.getByRole('button', { name: 'Stop' }).click();
    await recording.waitFor({ state: 'hidden' });

    await opened.workbench.openFile(path.basename(recordingFile));
    const replay = new ShownPanel(opened.workbench.webview('pickscope.pickscope', 'editor'));
    await replay.frame.locator('.header .file', { hasText: path.basename(recordingFile) }).waitFor();
    await replay.frame.locator('.picks tr[data-key]').nth(5).waitFor({ state: 'attached' });
    const slider = replay.frame.getByLabel('Moment of the recording');
    const at = async () => Number(await slider.inputValue());
    await doUntil(
      'it is at its begin',
      async () => (await at()) === 0,
      () => slider.fill('0'),
    );
    await replay.frame.getByRole('button', { name: /^Play/ }).click();
    await eventually('it plays', async () => (await at()) > 0);
  });

  it('compare: the same panel in an editor tab', async () => {
    await side.frame.getByRole('button', { name: 'Open in Editor' }).first().click();
    const tab = new ShownPanel(opened.workbench.webview('pickscope.pickscope', 'editor'));
    await tab.state('live').waitFor();
    await tab.client.getByText('orders-api').waitFor({ state: 'attached' });
    await tab.frame.locator('.picks tr[data-key]').nth(5).waitFor({ state: 'attached' });
    // The side panel turns to another client, and the tab keeps to its own.
    await turnTo('checkout');
    await tab.client.getByText('orders-api').waitFor({ state: 'attached' });
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
      const lines = () => (existsSync(to) ? readFileSync(to, 'utf8').split('\n').slice(0, -1) : []);
      await eventually('a hundred lines are written', () => lines().length > 100);
      const written = lines();
      assert.match(written.join('\n'), /endpoint 1/);
      assert.doesNotMatch(written.join('\n'), /127\.0\.0\.\d/);
      if (format === 'JSON lines') for (const line of written.slice(0, 50)) JSON.parse(line);
      else assert.equal(new Set(written.slice(0, 50).map((line) => line.split(',').length)).size, 1);
    });
  }

  it('keep: the window as a picture', async () => {
    await side.frame.locator('.header').click();
    await command('Export Picture…');
    await opened.leaveOut();
    const file = path.join(folder, 'pickscope.png');
    await opened.save(file);
    // A PNG file is whole with its last chunk.
    const end = () => (existsSync(file) ? readFileSync(file).subarray(-8, -4).toString('latin1') : '');
    await eventually('a picture is written', () => end() === 'IEND');
    assert.equal(readFileSync(file).subarray(1, 4).toString(), 'PNG');
    assert.ok(statSync(file).size > 5000);
  });

  it('see nothing, and cost nothing: a panel that is hidden is gone', async () => {
    const webviews = page().locator('iframe.webview[src*="extensionId=pickscope.pickscope"]');
    await eventually('one panel is there', async () => (await webviews.count()) === 1);
    await opened.workbench.openSideBar('Explorer');
    await eventually('no panel is there', async () => (await webviews.count()) === 0);
    await opened.workbench.openSideBar('Pickscope');
    await opened.panel.state('live').waitFor();
  });
});
