import assert from 'node:assert/strict';
import { feedOf, open, patienceMs } from './opening';

describe('panel: the table of endpoints', function () {
  this.timeout(patienceMs);

  it('shows the numbers of the frame', async () => {
    const feed = feedOf(20);
    const panel = await open({ feed });
    const { endpoints } = feed.frame(panel.query!).channel!;
    const shown = await panel.page
      .locator('.endpoints tbody tr')
      .evaluateAll((trs) =>
        trs.map((tr) =>
          ['name', 'share', 'inflight', 'success'].map((name) => tr.querySelector(`.${name}`)!.textContent),
        ),
      );
    assert.deepEqual(
      shown,
      endpoints.map(({ label, share, inflight, success }) => [
        label,
        `${Math.round(share! * 100)} %`,
        String(inflight),
        String(success),
      ]),
    );
  });

  it('draws each bar as long as its share, on one scale with the fair share', async () => {
    const feed = feedOf(20);
    const panel = await open({ feed });
    const { endpoints } = feed.frame(panel.query!).channel!;
    const widths = await panel.page
      .locator('.endpoints tbody tr')
      .evaluateAll((trs) =>
        trs.map((tr) => [
          tr.querySelector('.bar')!.getBoundingClientRect().width,
          tr.querySelector('.fair-tick')!.getBoundingClientRect().left - tr.getBoundingClientRect().left,
        ]),
      );
    for (const [index, [bar, tick]] of widths.entries()) {
      assert.ok(Math.abs(bar! / tick! - endpoints[index]!.share! / 0.2) < 0.05, `bar ${bar}, tick ${tick}`);
    }
  });

  it('shows the state and its age in place of the numbers of an endpoint that is not READY', async () => {
    const feed = feedOf(30);
    const panel = await open({ feed });
    const last = panel.page.locator('.endpoints tbody tr').last();
    assert.match(await last.innerText(), /TRANSIENT_FAILURE\s+\d+ s/);
    assert.equal(await last.locator('.success').innerText(), '');
    assert.equal(await panel.page.locator('.health').innerText(), '1 of 5 not ready');
  });

  it('never reorders rows, and updates them in place', async () => {
    const feed = feedOf(10);
    const panel = await open({ feed });
    const first = await panel.page.locator('.endpoints tbody tr').first().elementHandle();
    feed.run(5000);
    await panel.refresh();
    await panel.page.waitForFunction(
      (ms) => document.querySelector('.endpoints .last')?.textContent !== undefined && ms > 0,
      feed.nowMs,
    );
    assert.ok(await first.evaluate((row) => row === document.querySelector('.endpoints tbody tr')));
  });

  it('reads out the moment under the crosshair', async () => {
    const feed = feedOf(60);
    const panel = await open({ feed });
    await panel.page.locator('.overlay').hover({ position: { x: 220, y: 60 } });
    const legend = panel.page.locator('.legend');
    await panel.page.waitForFunction(() => document.querySelector('.legend')!.textContent.startsWith('at 14:01:'));
    const time = /at 14:(\d\d):(\d\d)/.exec(await legend.innerText())!;
    const { endpoints } = feed.frame(panel.query!).channel!;
    const { series } = feed.chart(panel.query!)!;
    const index = series.times.findIndex((ms) => new Date(ms).toISOString().includes(`14:${time[1]}:${time[2]}`));
    const lag = series.endpoints[0]!.lagMs[index]!;
    assert.equal(endpoints[0]!.id, series.endpoints[0]!.endpoint);
    assert.equal(await panel.page.locator('.endpoints td.lag').first().innerText(), lag.toFixed(2));
  });

  it('filters the list by a click on a name', async () => {
    const panel = await open({ feed: feedOf() });
    await panel.page.getByRole('button', { name: '10.0.0.4', exact: true }).click();
    await panel.asked(({ filter }) => filter === '10.0.0.4');
    await panel.page.getByRole('button', { name: '10.0.0.4', exact: true }).click();
    await panel.asked(({ filter }) => filter === '');
  });
});
