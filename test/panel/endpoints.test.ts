import assert from 'node:assert/strict';
import type { EndpointRow } from '../../src/messages/panel';
import type { Reading } from '../../src/panel/endpoints/reading';
import { RowOrder } from '../../src/panel/endpoints/rowOrder';
import type { Feed } from './feed';
import { feedOf, open, patienceMs } from './opening';
import type { PanelPage } from './page';

const rows = '.endpoints tbody tr';

const known = (value: number) => (Number.isNaN(value) ? 0 : value);

describe('panel: the table of endpoints', function () {
  this.timeout(patienceMs);

  const cells = (panel: PanelPage, column: string) => panel.page.locator(`${rows} .${column}`).allTextContents();
  const names = (panel: PanelPage) => panel.page.locator(`${rows} .name-button`).allTextContents();

  it('shows the numbers of the frame', async () => {
    const feed = feedOf(20);
    const panel = await open({ feed });
    const { endpoints } = feed.frame(panel.query!).channel!;
    const shown = await panel.page
      .locator(rows)
      .evaluateAll((trs) =>
        trs.map((tr) =>
          ['name-button', 'share', 'inflight', 'success'].map((name) => tr.querySelector(`.${name}`)!.textContent),
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
      .locator(rows)
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

  it('draws bars on a scale that fits, in steps', async () => {
    const feed = feedOf(10, { meansMs: Array.from({ length: 40 }, () => 5), picksPerSecond: 900 });
    const panel = await open({ feed });
    const { endpoints } = feed.frame(panel.query!).channel!;
    const longest = Math.max(...endpoints.map(({ share }) => share!));
    const { bar, row } = await panel.page
      .locator(rows)
      .first()
      .evaluate((tr) => ({
        bar: tr.querySelector('.bar')!.getBoundingClientRect().width,
        row: tr.getBoundingClientRect().width,
      }));
    const scale = (endpoints[0]!.share! * row) / bar;
    assert.ok(longest <= scale + 0.001 && longest * 2.5 > scale, `${longest} on a scale to ${scale}`);
    assert.ok(
      [0.05, 0.1].some((step) => Math.abs(scale - step) < 0.002),
      `${scale}`,
    );
  });

  it('shows the state and its age in place of the numbers of an endpoint that is not READY', async () => {
    const panel = await open({ feed: feedOf(30) });
    const last = panel.page.locator(rows).last();
    assert.match(await last.innerText(), /TRANSIENT_FAILURE\s+\d+ s/);
    assert.equal(await last.locator('.success').innerText(), '');
  });

  for (const [width, shown] of [
    [240, ['share', 'lag']],
    [300, ['share', 'lag', 'inflight', 'success']],
    [600, ['share', 'lag', 'inflight', 'success', 'rate', 'load', 'last']],
    [1900, ['trend', 'share', 'lag', 'inflight', 'success', 'rate', 'load', 'last']],
    [860, ['trend', 'share', 'lag', 'p50', 'p95', 'inflight', 'success', 'failures', 'rate', 'load', 'last']],
  ] as const) {
    it(`has the columns that there is room for, ${width} px wide, and gives them all of it`, async () => {
      const panel = await open({ feed: feedOf(20), width });
      const row = panel.page.locator(rows).first();
      const found = await row.evaluate((tr) => {
        const visible = [...tr.children].filter((cell) => cell.getBoundingClientRect().width > 0);
        return {
          names: visible.map((cell) => cell.className).filter((name) => !/^(key|name|state)/.test(name)),
          cut: visible.filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.className),
          used: visible.reduce((sum, cell) => sum + cell.getBoundingClientRect().width, 0) - tr.clientWidth,
        };
      });
      assert.deepEqual(found.names, shown);
      assert.deepEqual(found.cut, []);
      assert.ok(Math.abs(found.used) < 1);
    });
  }

  it('draws a line of picks/s for each endpoint, anew with a chart alone', async () => {
    const feed = feedOf(120);
    const chart = feed.chart({ windowSeconds: 120, points: 120, filter: '', rows: { skip: 0, limit: 1 } });
    const panel = await open({ feed, chart: () => chart, width: 860 });
    const lines = () =>
      panel.page.locator('.sparkline path').evaluateAll((all) => all.map((each) => each.getAttribute('d')!));
    await panel.page.locator('.sparkline path[d*=L]').nth(4).waitFor();
    const before = await lines();
    assert.equal(new Set(before).size, 5);
    for (const line of before) assert.ok(line.split('L').length > 10, line);
    feed.run(3000);
    await panel.send({ type: 'frame', frame: feed.frame(panel.query!) });
    const share = feed.frame(panel.query!).channel!.endpoints[0]!.picksPerSecond;
    await panel.page
      .locator('.endpoints td.rate')
      .first()
      .getByText(String(Math.round(share)))
      .waitFor();
    assert.deepEqual(await lines(), before);
    panel.chart = (query) => feed.chart(query);
    await panel.refresh();
    await panel.page.waitForFunction(
      (line) => document.querySelector('.sparkline path')!.getAttribute('d') !== line,
      before[0],
    );
  });

  it('filters the list by a click on a row', async () => {
    const panel = await open({ feed: feedOf() });
    await panel.page.getByRole('button', { name: '10.0.0.4', exact: true }).click();
    await panel.asked(({ filter }) => filter === '10.0.0.4');
    await panel.page.locator(rows).nth(3).locator('.share').click();
    await panel.asked(({ filter }) => filter === '');
  });

  it('asks why of the row that is pointed at, or has the focus, and offers it in the menu of VS Code', async () => {
    const panel = await open({ feed: feedOf(), width: 900 });
    const row = panel.page.locator(rows).nth(3);
    const why = row.getByRole('button', { name: 'Why 10.0.0.4, and why not?' });
    const opacity = () => why.evaluate((node) => getComputedStyle(node).opacity);
    assert.equal(await opacity(), '0');
    await row.hover();
    assert.equal(await opacity(), '1');
    await why.click();
    const id = Number(await row.getAttribute('data-id'));
    await panel.asked(({ ask }) => ask === id);
    await row.locator('.name-button').focus();
    await panel.page.keyboard.press('w');
    await panel.asked(({ ask }) => ask === undefined);
    assert.deepEqual(JSON.parse((await row.getAttribute('data-vscode-context'))!), {
      webviewSection: 'endpoint',
      endpoint: id,
      preventDefaultContextMenuItems: true,
    });
  });

  it('says of an endpoint that it is new, and for how long, once there were others', async () => {
    const feed = feedOf(130);
    const panel = await open({ feed, width: 600 });
    assert.equal(await panel.page.locator('.endpoints .new').filter({ visible: true }).count(), 0);
    feed.source.add({ address: '10.0.0.6:50051', latencyMs: 3, errors: 0, tail: 0.4 });
    feed.run(5000);
    await panel.refresh();
    await panel.page.locator(rows).nth(5).waitFor();
    assert.deepEqual(await panel.page.locator('.endpoints .new').filter({ visible: true }).allTextContents(), [
      ' new 5 s',
    ]);
  });

  describe('sorted', () => {
    it('by the column that is chosen, downwards, then upwards, then by address again', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed, width: 860 });
      const byAddress = await names(panel);
      const { endpoints } = feed.frame(panel.query!).channel!;
      const byLag = [...endpoints].sort((a, b) => b.lagMs! - a.lagMs!).map(({ label }) => label);
      const head = panel.page.locator('.endpoints th.lag');
      await head.getByRole('button').click();
      await panel.page.locator('.endpoints th[aria-sort=descending]').waitFor();
      assert.deepEqual(await names(panel), byLag);
      await head.getByRole('button').click();
      await panel.page.locator('.endpoints th.lag[aria-sort=ascending]').waitFor();
      assert.deepEqual(await names(panel), [...byLag].reverse());
      await head.getByRole('button').click();
      await panel.page.waitForFunction(() => document.querySelector('.endpoints th[aria-sort]') === null);
      assert.deepEqual(await names(panel), byAddress);
      for (const column of [
        'share',
        'p50',
        'p95',
        'inflight',
        'success',
        'failures',
        'rate',
        'load',
        'last',
        'state',
      ]) {
        await panel.page.locator(`.endpoints th.${column} button`).click();
        await panel.page.locator(`.endpoints th.${column}[aria-sort=descending]`).waitFor();
      }
    });

    it('keeps its rows where they are under the pointer', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      await panel.page.locator('.endpoints th.share button').click();
      await panel.page.locator('.endpoints th.share[aria-sort]').waitFor();
      const before = await names(panel);
      const frame = feed.frame(panel.query!);
      const channel = frame.channel!;
      const shares = channel.endpoints.map(({ share }) => share!).sort((a, b) => a - b);
      const places = before.map((name) => channel.endpoints.findIndex(({ label }) => label === name));
      const endpoints = channel.endpoints.map((endpoint, index) => ({
        ...endpoint,
        share: shares[places.indexOf(index)]!,
      }));
      await panel.send({ type: 'frame', frame: { ...frame, channel: { ...channel, endpoints } } });
      await panel.page
        .locator(rows)
        .last()
        .getByText(`${Math.round(shares.at(-1)! * 100)} %`)
        .waitFor();
      assert.deepEqual(await names(panel), before);
    });

    it('puts rows in order again at most every 5 s, never while they are attended to, and new ones last', () => {
      const order = new RowOrder();
      const sorting = { column: 'share', descending: true };
      const sorted = (shares: readonly (number | null)[], attended: boolean, nowMs: number) => {
        const endpoints = shares.map((_, id) => ({ id }) as EndpointRow);
        return order.of(
          endpoints,
          shares.map((share) => ({ share }) as Reading),
          sorting,
          attended,
          nowMs,
        );
      };
      assert.deepEqual(sorted([0.1, null, 0.6, 0.3], true, 0), [2, 3, 0, 1], 'at once, though attended to');
      assert.deepEqual(sorted([0.7, null, 0.2, 0.1], false, 4999), [2, 3, 0, 1], 'not yet');
      assert.deepEqual(sorted([0.7, null, 0.2, 0.1], true, 60_000), [2, 3, 0, 1], 'attended to');
      assert.deepEqual(sorted([0.7, null, 0.2, 0.1, 0.9], true, 60_000), [2, 3, 0, 1, 4], 'a new one');
      assert.deepEqual(sorted([0.7, null, 0.2, 0.1, 0.9], false, 60_001), [4, 0, 2, 3, 1], 'left alone');
      assert.deepEqual(sorted([0.1, null, 0.2, 0.1], false, 60_002), [0, 2, 3, 1], 'one is gone');
    });
  });

  describe('reads out', () => {
    const said = (panel: PanelPage, words: RegExp) => panel.page.locator('.legend', { hasText: words }).waitFor();
    const close = (shown: string, value: number, label: string) => {
      assert.ok(
        Math.abs(Number(shown.replace(/[,%\s]/g, '')) - value) <= Math.max(0.51, value * 0.01),
        `${label}: ${shown}, ${value}`,
      );
    };

    it('the moment under the crosshair', async () => {
      const feed = feedOf(60);
      const panel = await open({ feed, width: 860 });
      await panel.page.locator('.overlay').hover({ position: { x: 640, y: 60 } });
      await said(panel, /^at 14:01:\d\d/);
      const [, time] = /at (14:01:\d\d)/.exec(await panel.page.locator('.legend').innerText())!;
      const { series } = feed.chart(panel.query!)!;
      const { endpoints } = feed.frame(panel.query!).channel!;
      const candidates = [...series.times.keys()].filter((index) =>
        new Date(series.times[index]!).toISOString().includes(time!),
      );
      const lines = endpoints.map(({ id }) => series.endpoints.find(({ endpoint }) => endpoint === id)!);
      const lags = await cells(panel, 'lag');
      const index = candidates.find((each) =>
        lines.every(
          ({ lagMs }, place) => Number.isNaN(lagMs[each]!) || Math.abs(lagMs[each]! - Number(lags[place])) < 0.06,
        ),
      );
      assert.ok(index !== undefined, `lags ${lags.join()} at ${time}`);
      const all = lines.reduce((sum, { picksPerSecond }) => sum + known(picksPerSecond[index]!), 0);
      const columns = {
        inflight: 'inflight',
        success: 'success',
        p50: 'latencyMs',
        p95: 'latencyP95Ms',
        rate: 'picksPerSecond',
      } as const;
      for (const [column, measure] of Object.entries(columns)) {
        const shown = await cells(panel, column);
        for (const [place, line] of lines.entries()) {
          const value = line[measure][index]!;
          if (Number.isNaN(value)) assert.equal(shown[place], '');
          else close(shown[place]!, value, `${column} of ${endpoints[place]!.label}`);
        }
      }
      const shares = await cells(panel, 'share');
      for (const [place, { picksPerSecond }] of lines.entries())
        close(shares[place]!, (known(picksPerSecond[index]!) / all) * 100, `share ${place}`);
    });

    it('the state in which an endpoint was', async () => {
      const feed = feedOf(60);
      const panel = await open({ feed });
      const { series } = feed.chart(panel.query!)!;
      const down = series.endpoints[4]!.state.findIndex((state) => state === 4);
      const box = (await panel.page.locator('.overlay').boundingBox())!;
      const last = panel.page.locator(rows).last();
      // Somewhere along the axis it was down.
      for (let x = 40; x < box.width - 40 && !(await last.innerText()).includes('TRANSIENT_FAILURE'); x += 4) {
        await panel.page.locator('.overlay').hover({ position: { x, y: 60 } });
      }
      assert.ok(down >= 0);
      await said(panel, /^at 14:01:/);
      assert.doesNotMatch(await last.innerText(), /\d+ s/, 'no age is told of the past');
    });

    it('the selected part: counted over it, levels in the mean', async () => {
      const feed = feedOf(60);
      const panel = await open({ feed, width: 860 });
      const selection = { fromMs: feed.nowMs - 20_000, toMs: feed.nowMs - 10_000 };
      await select(panel, selection);
      await said(panel, /^14:01:\d\d to 14:01:\d\d/);
      const query = await panel.asked((each) => each.selection !== undefined);
      const { endpoints } = feed.frame(query).channel!;
      const { series } = feed.chart(query)!;
      await panel.page.waitForFunction(
        (wanted) => Math.abs(parseFloat(document.querySelector('.endpoints td.share')!.textContent) - wanted) <= 0.5,
        endpoints[0]!.share! * 100,
      );
      const shares = await cells(panel, 'share');
      const lags = await cells(panel, 'lag');
      const { fromMs, toMs } = query.selection!;
      const within = [...series.times.keys()].filter(
        (index) => series.times[index]! + series.bucketMs > fromMs && series.times[index]! < toMs,
      );
      for (const [place, { id, share }] of endpoints.slice(0, 4).entries()) {
        close(shares[place]!, share! * 100, `share ${place}`);
        const lag = series.endpoints.find(({ endpoint }) => endpoint === id)!.lagMs;
        const known = within.map((index) => lag[index]!).filter((value) => !Number.isNaN(value));
        close(lags[place]!, known.reduce((sum, value) => sum + value, 0) / known.length, `lag ${place}`);
      }
    });
  });

  describe('with many endpoints', () => {
    const many = (count: number): Feed =>
      feedOf(4, { meansMs: Array.from({ length: count }, (_, index) => 2 + (index % 9) * 3), picksPerSecond: 900 });

    it('builds only the rows in view, and all are found by scrolling and by keys', async () => {
      const feed = many(200);
      const panel = await open({ feed });
      assert.ok((await panel.page.locator(rows).count()) < 25);
      assert.equal(await panel.page.locator('.endpoints table').getAttribute('aria-rowcount'), '201');
      const { endpoints } = feed.frame(panel.query!).channel!;
      await panel.page.locator('.endpoints .scroller').evaluate((node) => (node.scrollTop = 100 * 32));
      await panel.page.locator(rows, { hasText: endpoints[100]!.label }).first().waitFor();
      const places = await panel.page
        .locator(rows)
        .evaluateAll((trs) => trs.map((tr) => Number(tr.getAttribute('aria-rowindex')) - 2));
      assert.deepEqual(
        await names(panel),
        places.map((place) => endpoints[place]!.label),
      );
      await panel.page.locator(`${rows} .name-button[tabindex="0"]`).focus();
      assert.equal(await panel.page.locator(`${rows} [tabindex="0"]`).count(), 3);
      await panel.page.keyboard.press('End');
      await panel.page.waitForFunction(
        (label) => document.activeElement?.textContent === label,
        endpoints.at(-1)!.label,
      );
      await panel.page.keyboard.press('ArrowUp');
      await panel.page.waitForFunction(
        (label) => document.activeElement?.textContent === label,
        endpoints.at(-2)!.label,
      );
    });

    it('finds them by address, and those that are not READY', async () => {
      const feed = many(30);
      feed.source.fail('10.0.0.17:50051').fail('10.0.0.23:50051');
      feed.run(500);
      const panel = await open({ feed });
      await panel.page.getByLabel('Find endpoints by address').fill('0.2');
      await panel.page.waitForFunction((of) => document.querySelectorAll(of).length === 11, rows);
      for (const name of await names(panel)) assert.match(name, /0\.2/);
      await panel.page.keyboard.press('Escape');
      await panel.page.waitForFunction((of) => document.querySelectorAll(of).length > 11, rows);
      await panel.page.getByRole('button', { name: '2 not READY' }).click();
      await panel.page.waitForFunction((of) => document.querySelectorAll(of).length === 2, rows);
      assert.deepEqual(await names(panel), ['10.0.0.17', '10.0.0.23']);
    });

    it('has no find box for few', async () => {
      const panel = await open({ feed: many(12) });
      assert.equal(await panel.page.getByLabel('Find endpoints by address').isVisible(), false);
    });
  });

  /** Drags over the charts from one moment to another. */
  async function select(panel: PanelPage, { fromMs, toMs }: { fromMs: number; toMs: number }): Promise<void> {
    const box = (await panel.page.locator('.overlay').boundingBox())!;
    const windowMs = panel.query!.windowSeconds * 1000;
    const endMs = panel.query!.untilMs ?? toMs + 10_000;
    // The plots have a gutter of 30 px at either side.
    const xOf = (ms: number) => box.x + 30 + ((ms - endMs + windowMs) / windowMs) * (box.width - 60);
    await panel.page.mouse.move(xOf(fromMs), box.y + 60);
    await panel.page.mouse.down();
    await panel.page.mouse.move(xOf(toMs), box.y + 60, { steps: 4 });
    await panel.page.mouse.up();
    await panel.page.mouse.move(5, 5);
  }
});
