import assert from 'node:assert/strict';
import { client } from './feed';
import { feedOf, open, openAs, patienceMs, pickRows } from './opening';

describe('panel: header', function () {
  this.timeout(patienceMs);

  describe('pause', () => {
    it('freezes the view, not the capture, and goes back to live', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      await panel.page.getByRole('button', { name: 'Live' }).click();
      await panel.asked(({ untilMs }) => untilMs === feed.nowMs);
      const top = await panel.page.locator(pickRows).first().getAttribute('data-key');
      feed.run(2000);
      await panel.refresh();
      const newer = feed.frame(panel.query!).channel!.newer;
      await panel.page.waitForFunction(
        (words) => document.querySelector('.newer')?.textContent === words,
        `${newer} newer`,
      );
      assert.equal(await panel.page.locator(pickRows).first().getAttribute('data-key'), top);
      await panel.page.getByRole('button', { name: 'Back to live' }).click();
      await panel.page.waitForFunction(
        (key) => document.querySelector('.picks tr[data-key]')?.getAttribute('data-key') !== key,
        top,
      );
      await panel.asked(({ untilMs }) => untilMs === undefined);
    });

    it('obeys the host, and survives that the panel is thrown away', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      await panel.send({ type: 'do', action: { name: 'pause' } });
      await panel.page.locator('.state[data-state=paused]').waitFor();
      const asked = await panel.asked(({ untilMs }) => untilMs !== undefined);
      feed.run(3000);
      panel.query = undefined;
      await panel.page.reload();
      await panel.page.locator('.state[data-state=paused]').waitFor();
      await panel.asked(({ untilMs }) => untilMs === asked.untilMs);
    });

    it('ends by itself where nothing of that time is kept', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      await panel.send({ type: 'do', action: { name: 'pause' } });
      await panel.page.locator('.state[data-state=paused]').waitFor();
      panel.answer = (query) => {
        const frame = feed.frame(query);
        return { ...frame, reach: { fromMs: feed.nowMs + 1000, toMs: feed.nowMs + 2000 } };
      };
      await panel.refresh();
      await panel.page.locator('.state[data-state=live]').waitFor();
    });

    it('ends with the client that it was about', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      await panel.page.locator(pickRows).nth(3).click();
      await panel.asked(({ inspect }) => inspect !== undefined);
      panel.answer = (query) => {
        const frame = feed.frame(query);
        return { ...frame, attachment: { state: 'live', client: { ...client, id: 'another' }, paused: false } };
      };
      await panel.refresh();
      const { inspect } = await panel.asked(({ untilMs }) => untilMs === undefined);
      assert.equal(inspect, undefined);
    });
  });

  describe('tools', () => {
    it('choose the length of the time axis', async () => {
      const panel = await open({ feed: feedOf(20) });
      await panel.page.getByRole('combobox', { name: 'Length of the time axis' }).selectOption('30');
      await panel.asked(({ windowSeconds }) => windowSeconds === 30);
      await panel.page.locator('.window .chosen', { hasText: '30 s' }).waitFor();
    });

    it('lead to an editor, a file and the keys, by pointer and by keyboard', async () => {
      const panel = await open({ feed: feedOf(5) });
      const { page } = panel;
      await page.getByRole('button', { name: 'More actions' }).click();
      const items = await page.getByRole('menuitem').allInnerTexts();
      assert.deepEqual(items.slice(0, 3), ['Open in Editor', 'Record to a File…', 'Open Recording…']);
      assert.ok(items.includes('Export Picks…') && items.includes('Export Picture…'));
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      assert.deepEqual(await panel.commanded(1), [{ name: 'record' }]);
      await page.locator('.menu:popover-open').waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'More actions' }).click();
      await page.getByRole('menuitem', { name: 'Keys' }).click();
      await page.locator('.keys-dialog[open]').waitFor();
    });

    it('say that it is recorded, for how long, how much, and stop it', async () => {
      const panel = await openAs('recorded');
      const line = panel.page.locator('.header .recording');
      assert.match(await line.innerText(), /^Recording\s*0:4\d · 1\.2 MB\s*Stop$/);
      await line.getByRole('button', { name: 'Stop' }).click();
      assert.deepEqual(await panel.commanded(1), [{ name: 'stopRecording' }]);
    });
  });

  describe('events', () => {
    it('shows what happened with its error, when opened', async () => {
      const panel = await open({ feed: feedOf(30) });
      await panel.page.getByRole('button', { name: 'Events' }).click();
      await panel.page.locator('.events li').first().waitFor();
      const text = await panel.page.locator('.events ol').innerText();
      for (const words of [
        /READY → TRANSIENT_FAILURE/,
        /connect ECONNREFUSED/,
        /generation \d+, 4 ready/,
        /history lost/,
      ]) {
        assert.match(text, words);
      }
    });
  });
});
