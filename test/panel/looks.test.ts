import assert from 'node:assert/strict';
import { feedOf, open, openAs, patienceMs } from './opening';
import { answersOf, situations } from './situations';
import { themes, type ThemeName } from './themes';

describe('panel: looks', function () {
  this.timeout(patienceMs);

  for (const theme of Object.keys(themes) as ThemeName[]) {
    it(`draws every series in its colour, readable, in ${theme}`, async () => {
      const panel = await open({ feed: feedOf(60), theme });
      await panel.page.getByRole('img', { name: /^Lag, / }).waitFor();
      const found = await panel.page.evaluate(coloursOfLagChart);
      for (const { name, contrast, pixels } of found.series) {
        assert.ok(contrast >= 3, `${name}: contrast ${contrast}`);
        assert.ok(pixels > 5, `${name}: ${pixels} pixels`);
      }
      assert.ok(found.red >= 4.5, `red: contrast ${found.red}`);
    });
  }

  // In a dark theme all of them are looked at for those who do not see them; see access.test.ts.
  it('goes through all situations without a complaint', async () => {
    for (const situation of Object.values(situations)) {
      const feed = feedOf(26, situation.feed);
      const panel = await open({ theme: 'light', feed, ...answersOf(situation, feed) });
      await situation.act?.(panel.page, feed);
    }
  });

  it('draws picks alone for a policy that tells neither loads nor lags', async () => {
    const feed = feedOf(26);
    const panel = await openAs('bare', {}, feed);
    await panel.page.getByRole('img', { name: /^Picks\/s, / }).waitFor();
    const headings = await panel.page.locator('.plots h2:visible').allInnerTexts();
    assert.deepEqual(headings, ['Picks/s']);
  });

  it('follows a change of the theme', async () => {
    const panel = await open({ feed: feedOf(60), theme: 'dark' });
    await panel.page.getByRole('img', { name: /^Lag, / }).waitFor();
    await panel.setTheme('light');
    await panel.page.waitForFunction(coloursDrawn);
  });

  it('keeps marks and lines in forced colours', async () => {
    const panel = await open({ feed: feedOf(20), forcedColors: true });
    const fills = await panel.page
      .locator('.endpoints .key .solid')
      .evaluateAll((paths) => paths.map((path) => getComputedStyle(path).fill));
    assert.equal(new Set(fills).size, 1);
    assert.equal(await panel.page.locator('.endpoints .key .solid').count(), 5);
  });

  it('folds endpoints beyond twelve lines into a band, and keeps all in the table', async () => {
    const feed = feedOf(20, situations.many!.feed);
    const panel = await open({ feed });
    // The head is a row as well; those out of view are not in the page.
    assert.equal(await panel.page.getByRole('table', { name: 'Endpoints' }).getAttribute('aria-rowcount'), '51');
    await panel.page.getByRole('img', { name: /^Picks\/s, / }).waitFor();
    assert.match(await panel.page.locator('.charts').innerText(), /38 others/);
  });

  it('drops at 240 px what matters least, and never scrolls sideways', async () => {
    for (const width of [240, 300, 320, 600, 900]) {
      const panel = await open({ feed: feedOf(30), width });
      const visible = (selector: string) => panel.page.locator(selector).first().isVisible();
      assert.equal(await visible('.endpoints td.success'), width > 240, `success at ${width}`);
      assert.equal(await visible('.endpoints td.load'), width === 600, `load at ${width}`);
      assert.equal(await visible('.picks td.method'), width > 240, `method at ${width}`);
      const end = await panel.page
        .locator('.picks td.ms')
        .first()
        .evaluate((cell) => cell.getBoundingClientRect().right);
      assert.ok(end <= width, `the list ends at ${end} of ${width}`);
      assert.equal(await visible('.picks td.outcome'), width >= 600, `outcome at ${width}`);
      assert.ok(
        await panel.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
        `overflow at ${width}`,
      );
    }
  });

  it('speaks Chinese', async () => {
    const l10n = {
      '{0} picks/s': '每秒 {0} 次选取',
      Live: '实时',
      'load A': '负载 A',
      '{0} endpoints': '{0} 个端点',
    };
    const panel = await open({ feed: feedOf(20), l10n, language: 'zh-cn' });
    const text = await panel.page.locator('body').innerText();
    for (const words of ['实时', '负载 A', '5 个端点']) assert.ok(text.includes(words), `"${words}" in:\n${text}`);
    assert.match(text, /每秒 \d+ 次选取/);
    assert.equal(await panel.page.locator('html').getAttribute('lang'), 'zh-cn');
  });

  it('describes each chart to those who do not see it', async () => {
    const panel = await open({ feed: feedOf(20) });
    const canvases = panel.page.locator('.charts canvas[role=img]');
    await canvases.first().waitFor();
    const labels = await canvases.evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')));
    assert.equal(labels.length, 3);
    for (const label of labels) assert.match(label!, /10\.0\.0\.1 [\d.]+k?/);
  });
});

/** In the page: how well each series of the lag chart is seen, and how often its colour is there. */
function coloursOfLagChart() {
  const probe = document.body.appendChild(document.createElement('span'));
  const paper = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const rgb = (variable: string): [number, number, number] => {
    probe.style.setProperty('color', `var(${variable})`);
    paper.fillStyle = getComputedStyle(probe).color;
    paper.fillRect(0, 0, 1, 1);
    const [red, green, blue] = paper.getImageData(0, 0, 1, 1).data;
    return [red!, green!, blue!];
  };
  const luminance = (colour: readonly number[]) => {
    const [r, g, b] = colour.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const ground = luminance(rgb('--background'));
  const contrast = (colour: readonly number[]) => {
    const own = luminance(colour);
    return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
  };
  const canvas = document.querySelector<HTMLCanvasElement>('.plots canvas[aria-label^="Lag, "]')!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  const occurrences = ([red, green, blue]: readonly number[]) => {
    let pixels = 0;
    for (let i = 0; i < data.length; i += 4) {
      const near = Math.abs(data[i]! - red!) + Math.abs(data[i + 1]! - green!) + Math.abs(data[i + 2]! - blue!) < 12;
      if (near && data[i + 3]! > 128) pixels += 1;
    }
    return pixels;
  };
  const series = [0, 1, 2, 3, 4].map((index) => {
    const colour = rgb(`--series-${index}`);
    return { name: `series ${index}`, contrast: contrast(colour), pixels: occurrences(colour) };
  });
  const red = contrast(rgb('--red'));
  probe.remove();
  return { series, red };
}

/** In the page: the lag chart has the light theme's blue in it. */
function coloursDrawn(): boolean {
  const canvas = document.querySelector<HTMLCanvasElement>('.plots canvas[aria-label^="Lag, "]')!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 255 && data[i]! < 20 && Math.abs(data[i + 1]! - 96) < 12 && data[i + 2]! > 180) return true;
  }
  return false;
}
