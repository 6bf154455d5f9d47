import assert from 'node:assert/strict';
import { client } from './feed';
import { feedOf, open, patienceMs, pickRows } from './opening';

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
