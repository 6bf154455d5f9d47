import assert from 'node:assert/strict';
import { feedOf, open, openAs, patienceMs, pickRows } from './opening';
import type { Page, PanelPage } from './page';

const chart = '.charts canvas';
const canvas = 'canvas';

/** What a hidden page says of itself, and what it is told when it is seen again. */
async function turnAway(page: Page, hidden: boolean): Promise<void> {
  await page.evaluate((isHidden) => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
}

/** All that is drawn, as text and as pictures. */
function drawnOn({ page }: PanelPage): Promise<readonly string[]> {
  return page.evaluate(
    (of) => [
      document.body.innerText,
      ...[...document.querySelectorAll<HTMLCanvasElement>(of)].map((each) => each.toDataURL()),
    ],
    chart,
  );
}

/** Pixels of a chart for each that the page has. */
function sharpness({ page }: PanelPage): Promise<number[]> {
  return page.evaluate(
    (of) =>
      [...document.querySelectorAll<HTMLCanvasElement>(of)]
        .filter((each) => each.clientWidth > 0)
        .map((each) => Math.round((each.width / each.clientWidth) * 10) / 10),
    canvas,
  );
}

describe('panel: when it is drawn', function () {
  this.timeout(patienceMs);

  it('draws nothing while the page is hidden, and all that it missed when it is seen again', async () => {
    const feed = feedOf(20);
    const panel = await open({ feed, startMs: feed.nowMs });
    const { page } = panel;
    await page.locator(pickRows).first().waitFor();
    await page.clock.runFor(2000);
    await turnAway(page, true);
    const before = await drawnOn(panel);
    assert.ok(before.length > 2, 'text and charts');
    const received = () => panel.posted.filter(({ type }) => type === 'received').length;
    const sent = received();
    feed.run(5000);
    await panel.refresh();
    while (received() < sent + 2) await page.clock.runFor(100);
    await page.clock.runFor(3000);
    assert.deepEqual(await drawnOn(panel), before);
    await turnAway(page, false);
    await page.clock.runFor(1000);
    const [newest] = feed.picks();
    await page.locator(`.picks tr[data-key="${newest!.key}"]`).waitFor();
    const after = await drawnOn(panel);
    assert.equal(after.length, before.length);
    for (const [index, drawn] of after.slice(0, 2).entries()) assert.notEqual(drawn, before[index]);
  });

  it('draws its charts sharp on another screen, though nothing else changes', async () => {
    const panel = await open({ feed: feedOf(20), width: 1200 });
    const { page } = panel;
    await page.locator(pickRows).nth(2).click();
    await panel.asked(({ inspect, points }) => inspect !== undefined && points % 10 === 1);
    await page.locator('.pick-chart canvas').waitFor();
    assert.deepEqual(new Set(await sharpness(panel)), new Set([1]));
    const session = await page.context().newCDPSession(page);
    for (const deviceScaleFactor of [2, 1.5]) {
      const { width, height } = page.viewportSize()!;
      await session.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor, mobile: false });
      await page.waitForFunction((ratio) => devicePixelRatio === ratio, deviceScaleFactor);
      await page.waitForFunction(
        ({ of, ratio }) =>
          [...document.querySelectorAll<HTMLCanvasElement>(of)]
            .filter((each) => each.clientWidth > 0)
            .every((each) => Math.abs(each.width / each.clientWidth - ratio) < 0.05),
        { of: canvas, ratio: deviceScaleFactor },
      );
    }
  });

  for (const situation of ['connecting', 'recording-read', 'lost', 'live']) {
    it(`moves nothing for who wants less motion: ${situation}`, async () => {
      const panel = await openAs(situation);
      const moving = () =>
        panel.page.evaluate(() => {
          const slow = [...document.querySelectorAll('*')].filter((each) =>
            /[1-9]/.test(getComputedStyle(each).transitionDuration),
          );
          return document.getAnimations().length + slow.length;
        });
      if (situation === 'connecting') assert.ok((await moving()) > 0, 'else something turns');
      await panel.page.emulateMedia({ reducedMotion: 'reduce' });
      assert.equal(await moving(), 0);
    });
  }
});
