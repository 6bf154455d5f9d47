import assert from 'node:assert/strict';
import type { Query, Redaction } from '../../src/messages/panel';
import { until } from '../unit/waiting';
import { feedOf, open, openAs, patienceMs, pickRows } from './opening';
import type { Feed } from './feed';
import type { PanelPage } from './page';
import { answersOf, situations } from './situations';

/** Left and right of the plots; see src/panel/charts/layout.ts. */
const [axisGutter, endGutter] = [34, 30];

interface Surface {
  readonly x: number;
  readonly y: number;
  readonly left: number;
  readonly right: number;
  /** Of the page, for a moment of the shown window. */
  readonly xOf: (timeMs: number) => number;
}

/** Where the charts are, and what of the time is where. */
async function surfaceOf(panel: PanelPage): Promise<Surface> {
  const overlay = panel.page.locator('.charts .overlay');
  await overlay.waitFor();
  // The charts have told how many points they have room for, which is not what a panel asks for first.
  await panel.asked(({ points }) => points % 10 === 1);
  const { x, y, width } = (await overlay.boundingBox())!;
  const [left, right] = [x + axisGutter, x + width - endGutter];
  const { span } = panel.chart(panel.query!)!;
  const xOf = (timeMs: number) => left + ((timeMs - span.fromMs) / (span.toMs - span.fromMs)) * (right - left);
  return { x, y, left, right, xOf };
}

/** The end of the query's window. */
function endOf(panel: PanelPage, query: Query): number {
  return query.untilMs ?? panel.chart(query)!.span.toMs;
}

async function drag(panel: PanelPage, fromX: number, toX: number, y: number): Promise<void> {
  const { mouse } = panel.page;
  await mouse.move(fromX, y);
  await mouse.down();
  await mouse.move((fromX + toX) / 2, y);
  await mouse.move(toX, y);
  await mouse.up();
}

const brushed = 80;

describe('panel: charts', function () {
  this.timeout(patienceMs);

  /** One for all: nothing changes it. */
  let feed: Feed;

  before(() => (feed = feedOf(300)));

  it('shows the loads around the selected one, and chooses by a click', async () => {
    const panel = await open({ feed });
    await panel.page.locator(pickRows).nth(8).click();
    const canvas = panel.page.getByRole('img', { name: /^Loads of \d+ picks around the selected one$/ });
    await canvas.waitFor();
    const { inspect } = await panel.asked((query) => query.inspect !== undefined);
    const { width } = (await canvas.boundingBox())!;
    await canvas.click({ position: { x: width - 32, y: 60 } });
    const chosen = await panel.asked((query) => query.inspect !== inspect);
    assert.ok(chosen.inspect! > inspect!, 'the right end is the newest');
  });

  describe('the brush', () => {
    it('selects what is dragged over, moves by its edges, and is cleared by its button', async () => {
      const panel = await open({ feed });
      const { left, right, y, xOf } = await surfaceOf(panel);
      await drag(panel, left + 60, left + 60 + brushed, y + 60);
      const { selection, untilMs } = await panel.asked((query) => query.selection !== undefined);
      const windowMs = panel.query!.windowSeconds * 1000;
      const length = (brushed / (right - left)) * windowMs;
      assert.ok(Math.abs(selection!.toMs - selection!.fromMs - length) < windowMs / 50, 'as long as it was dragged');
      assert.ok(untilMs !== undefined, 'the view stands still for it');
      const label = panel.page.locator('.charts .brush');
      const [, seconds] = /^(\d+) s selected$/.exec((await label.innerText()).trim())!;
      assert.ok(Math.abs(Number(seconds) - length / 1000) <= 1);

      const edge = xOf(selection!.toMs);
      await drag(panel, edge, edge - 40, y + 60);
      const moved = await panel.asked((query) => query.selection!.toMs < selection!.toMs - windowMs / 20);
      assert.equal(moved.selection!.fromMs, selection!.fromMs);

      await panel.page.getByRole('button', { name: 'Clear the selection' }).click();
      await panel.asked((query) => query.selection === undefined);
      await label.waitFor({ state: 'hidden' });
    });

    it('goes with Escape, after the crosshair', async () => {
      const panel = await open({ feed });
      const { left, y } = await surfaceOf(panel);
      await drag(panel, left + 60, left + 60 + brushed, y + 60);
      await panel.asked((query) => query.selection !== undefined);
      await panel.page.locator('.plots').press('Escape');
      await panel.page.getByText(/^at \d\d:\d\d:\d\d$/).waitFor({ state: 'hidden' });
      assert.ok(panel.query!.selection, 'first the crosshair');
      await panel.page.locator('.plots').press('Escape');
      await panel.asked((query) => query.selection === undefined);
    });
  });

  describe('the wheel', () => {
    it('zooms around the pointer, and shows single picks where the window is short', async () => {
      const panel = await open({ feed });
      const { left, right, y } = await surfaceOf(panel);
      await panel.page.keyboard.press('Space');
      const paused = await panel.asked((query) => query.untilMs !== undefined);
      const share = 0.75;
      const at = (query: Query) => endOf(panel, query) - (1 - share) * query.windowSeconds * 1000;
      await panel.page.mouse.move(left + share * (right - left), y + 60);
      await panel.page.mouse.wheel(0, -300);
      const zoomed = await panel.asked((query) => query.windowSeconds < paused.windowSeconds);
      assert.ok(Math.abs(at(zoomed) - at(paused)) < 500, 'what is under the pointer stays there');
      for (let notch = 0; panel.query!.windowSeconds > 3; notch += 1) {
        assert.ok(notch < 100, 'it zooms on');
        const before = panel.query!.windowSeconds;
        await panel.page.mouse.wheel(0, -300);
        await panel.asked((query) => query.windowSeconds < before);
      }
      await panel.page.getByRole('heading', { name: 'Load, each pick' }).waitFor();
      await panel.page.mouse.click(left + (right - left) / 2, y + 120);
      const { inspect } = await panel.asked((query) => query.inspect !== undefined);
      const { singlePicks, span } = panel.chart({ ...panel.query!, inspect })!;
      const clicked = (span.fromMs + span.toMs) / 2;
      const distance = (key: number) => Math.abs(singlePicks!.find((pick) => pick.key === key)!.timeMs - clicked);
      const nearest = Math.min(...singlePicks!.map(({ key }) => distance(key)));
      assert.ok(distance(inspect!) - nearest < 15, 'the pick nearest to the click');
    });

    it('scrubs with Shift, and leaves to the page what it cannot use', async () => {
      const panel = await open({ feed });
      const { left, y } = await surfaceOf(panel);
      await panel.page.evaluate(() => {
        const seen: boolean[] = [];
        Object.assign(window, { wheelsTaken: seen });
        document.addEventListener('wheel', ({ defaultPrevented }) => seen.push(defaultPrevented));
      });
      const taken = async (count: number) => {
        await panel.page.waitForFunction((wanted) => (window as never as Taken).wheelsTaken.length >= wanted, count);
        return panel.page.evaluate(() => (window as never as Taken).wheelsTaken.at(-1));
      };
      await panel.page.mouse.move(left + 60, y + 60);
      await panel.page.keyboard.down('Shift');
      await panel.page.mouse.wheel(0, -100);
      const scrubbed = await panel.asked((query) => query.untilMs !== undefined);
      assert.ok(scrubbed.untilMs! < panel.chart({ ...scrubbed, untilMs: undefined })!.span.toMs - 10_000);
      assert.equal(await taken(1), true);
      await panel.page.keyboard.up('Shift');
      for (let count = 2; ; count += 1) {
        await panel.page.mouse.wheel(0, 2000);
        if (!(await taken(count))) break;
        assert.ok(count < 20, 'there is a longest window');
      }
      await panel.asked((query) => query.windowSeconds === 15 * 60);
    });
  });

  describe('the keyboard', () => {
    it('steps the crosshair, and the table reads it out', async () => {
      const panel = await open({ feed });
      await surfaceOf(panel);
      const { series } = panel.chart(panel.query!)!;
      const plots = panel.page.locator('.plots');
      const time = new Date(series.times.at(-12)!).toISOString().slice(11, 19);
      const readOut = panel.page.getByText(`at ${time}`, { exact: true });
      // From the newest bucket on, once the charts have the one that they asked for last.
      await until(async () => {
        for (const key of ['Escape', 'ArrowLeft', 'ArrowLeft', 'Shift+ArrowLeft']) await plots.press(key);
        return readOut.waitFor({ timeout: 1000 }).then(
          () => true,
          () => false,
        );
      });
      const spoken = panel.page.locator('.charts [aria-live]');
      assert.match(await spoken.innerText(), new RegExp(`^${time}: Picks/s 10\\.0\\.0\\.1 \\d+`));
    });

    it('zooms, moves by a window, and goes to the oldest and back to live', async () => {
      const panel = await open({ feed });
      await surfaceOf(panel);
      const plots = panel.page.locator('.plots');
      await plots.press('+');
      const half = await panel.asked((query) => query.windowSeconds === 60);
      assert.equal(half.untilMs, undefined, 'still live');
      await plots.press('PageUp');
      const { untilMs } = await panel.asked((query) => query.untilMs !== undefined);
      assert.ok(Math.abs(endOf(panel, half) - untilMs! - 60_000) < 2000);
      await plots.press('Home');
      const oldest = await panel.asked((query) => query.untilMs! < untilMs!);
      const { fromMs } = panel.answer(oldest).reach!;
      assert.ok(Math.abs(oldest.untilMs! - fromMs - 60_000) < 2000);
      await plots.press('End');
      await panel.asked((query) => query.untilMs === undefined);
    });

    it('goes from marker to marker, and says what happened', async () => {
      const panel = await open({ feed });
      await surfaceOf(panel);
      const states = panel.chart(panel.query!)!.markers.filter(({ kind }) => kind !== 'generation');
      const spoken = panel.page.locator('.charts [aria-live]');
      const said = (text: string) =>
        panel.page.waitForFunction(
          (wanted) => document.querySelector('.charts [aria-live]')!.textContent.includes(wanted),
          text,
        );
      const words = ({ kind }: (typeof states)[number]) => `10.0.0.5 is ${kind === 'ready' ? '' : 'not '}READY`;
      const plots = panel.page.locator('.plots');
      await plots.press('[');
      await said(words(states.at(-1)!));
      const time = new Date(states.at(-1)!.timeMs).toISOString().slice(11, 23);
      assert.ok((await spoken.innerText()).startsWith(time));
      await plots.press('[');
      await said(words(states.at(-2)!));
      await plots.press(']');
      await said(words(states.at(-1)!));
    });
  });

  describe('the overview', () => {
    it('moves the window by its frame, stretches it by an edge, and goes on from the end', async () => {
      const panel = await open({ feed });
      const slider = panel.page.getByRole('slider', { name: 'Shown window' });
      const box = (await slider.boundingBox())!;
      const [left, right] = [box.x + axisGutter, box.x + box.width - endGutter];
      const y = box.y + 7;
      const { fromMs, toMs } = panel.answer(panel.query!).reach!;
      const xOf = (timeMs: number) => left + ((timeMs - fromMs) / (toMs - fromMs)) * (right - left);
      const middle = xOf(toMs - 60_000);
      await drag(panel, middle, middle - 60, y);
      const expected = toMs - (60 / (right - left)) * (toMs - fromMs);
      const near = (query: Query) => Math.abs((query.untilMs ?? Infinity) - expected) < 2000;
      const { untilMs, windowSeconds } = await panel.asked(near);
      assert.equal(windowSeconds, 120, 'as long as it was');
      assert.match((await slider.getAttribute('aria-valuetext'))!, /^\d\d:\d\d:\d\d to \d\d:\d\d:\d\d$/);

      const begin = xOf(untilMs! - 120_000);
      await drag(panel, begin, begin - 30, y);
      const stretched = await panel.asked((query) => query.windowSeconds > 140);
      assert.ok(Math.abs(stretched.untilMs! - untilMs!) < 10, 'the end stays');

      await slider.press('ArrowLeft');
      await panel.asked((query) => query.untilMs! < untilMs! - 5000);
      await drag(panel, xOf(panel.query!.untilMs! - 60_000), right + 50, y);
      await panel.asked((query) => query.untilMs === undefined);
      await panel.page.waitForFunction(() =>
        document.querySelector('.overview')!.getAttribute('aria-valuetext')!.endsWith(', Live'),
      );
    });
  });

  describe('what is shown', () => {
    it('is chosen by chips, and kept', async () => {
      const panel = await open({ feed });
      await surfaceOf(panel);
      const headings = () => panel.page.locator('.plots h2:visible > :first-child').allInnerTexts();
      assert.deepEqual(await headings(), ['Picks/s', 'Load', 'Lag']);
      await panel.page.getByRole('button', { name: 'Latency', exact: true }).click();
      await panel.page.getByRole('button', { name: 'Load', exact: true }).click();
      await panel.page.getByRole('button', { name: 'Heat strip', exact: true }).click();
      await panel.page.getByRole('heading', { name: 'Picks, each 1 s' }).waitFor();
      const chosen = ['Picks, each 1 s', 'Picks/s', 'Lag', 'Latency'];
      assert.deepEqual(await headings(), chosen);
      await panel.page.reload();
      await panel.page.getByRole('img', { name: /^Latency, / }).waitFor();
      assert.deepEqual(await headings(), chosen);
    });

    it('leaves out what a policy without scores does not have', async () => {
      const panel = await openAs('bare');
      await panel.page.locator('.chart-bar').waitFor();
      const chips = await panel.page.locator('.chart-bar button:visible').allInnerTexts();
      assert.deepEqual(
        chips.filter((chip) => !chip.startsWith('Success')),
        ['Picks/s', 'Latency', 'In flight', 'Heat strip', 'As tables'],
      );
    });

    it('is switched off line by line at their names, or all but one', async () => {
      const panel = await open({ feed });
      const { right, y } = await surfaceOf(panel);
      const shown = async () => {
        const label = await panel.page.getByRole('img', { name: /^Load, / }).getAttribute('aria-label');
        return [...label!.matchAll(/10\.0\.0\.\d/g)].map(([name]) => name);
      };
      const counted = (count: number) =>
        panel.page.waitForFunction(
          (wanted) =>
            document.querySelector('[aria-label^="Load, "]')!.getAttribute('aria-label')!.split('10.0.0').length ===
            wanted + 1,
          count,
        );
      assert.equal((await shown()).length, 5);
      // The lowest name of the stack is that of the first one.
      const lowest = [right + 10, y + 96] as const;
      await panel.page.mouse.click(...lowest);
      await counted(4);
      assert.ok(!(await shown()).includes('10.0.0.1'));
      await panel.page.getByRole('button', { name: 'Line of 10.0.0.1 in the charts' }).click();
      await counted(5);
      await panel.page.keyboard.down('Alt');
      await panel.page.mouse.click(...lowest);
      await counted(1);
      assert.deepEqual(await shown(), ['10.0.0.1']);
    });

    it('steps back behind the endpoint that the reader looks at', async () => {
      const panel = await open({ feed, width: 900 });
      const { left, y } = await surfaceOf(panel);
      // Read in one turn, as readbacks slow a canvas down and the browser says so.
      const inked = () =>
        panel.page
          .locator('.plots canvas[role=img]')
          .first()
          .evaluate((canvas: HTMLCanvasElement) => {
            const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d')!;
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(100, 0, 1, canvas.height);
            return data.reduce((sum, value, index) => sum + (index % 4 === 3 ? value : 0), 0);
          });
      const before = await inked();
      const rest = panel.page.locator('.endpoints tbody tr').nth(1);
      // The first row of the heat strip.
      await panel.page.mouse.move(left + 100, y + 30);
      await panel.page.getByText(/^at \d\d:\d\d:\d\d$/).waitFor();
      assert.ok((await inked()) < before * 0.9);
      await rest.hover();
      await panel.page.getByText(/^at \d\d:\d\d:\d\d$/).waitFor({ state: 'hidden' });
      assert.ok((await inked()) < before * 0.9, 'a row of the table does the same');
    });
  });

  describe('as tables', () => {
    it('have the numbers of the series', async () => {
      const panel = await open({ feed });
      await surfaceOf(panel);
      await panel.page.keyboard.press('Space');
      await panel.asked((query) => query.untilMs !== undefined);
      await panel.page.getByRole('button', { name: 'As tables' }).click();
      const table = panel.page.getByRole('table', { name: /^Picks\/s/ });
      await table.waitFor();
      const cells = await table
        .locator('tbody tr')
        .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
      const { series } = panel.chart(panel.query!)!;
      const step = Math.ceil(series.times.length / 30);
      assert.equal(cells.length, Math.ceil(series.times.length / step));
      for (const [index, [time, ...numbers]] of cells.entries()) {
        const [from, to] = [index * step, (index + 1) * step];
        assert.equal(time, new Date(series.times[from]!).toISOString().slice(11, 19));
        for (const [column, number] of numbers.entries()) {
          const values = series.endpoints[column]!.picksPerSecond.subarray(from, to).filter((value) => value >= 0);
          const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
          if (Number.isNaN(mean)) assert.equal(number, '–');
          else assert.ok(Math.abs(Number(number) - mean) <= (mean < 9.95 ? 0.051 : 0.51), `${number} for ${mean}`);
        }
      }
      await panel.page.getByRole('button', { name: 'As tables' }).click();
      await panel.page.getByRole('img', { name: /^Picks\/s, / }).waitFor();
    });
  });

  describe('the picture', () => {
    const nothing: Redaction = { addresses: false, methods: false };

    async function pictureOf(panel: PanelPage, redaction: Redaction): Promise<Uint8Array> {
      const before = panel.posted.filter(({ type }) => type === 'picture').length;
      await panel.send({ type: 'do', action: { name: 'picture', redaction } });
      return panel.pictured(before + 1);
    }

    it('is a PNG file of the window at twice its size, with ground and colours', async () => {
      const panel = await open({ feed, width: 900 });
      const { left, right } = await surfaceOf(panel);
      const png = await pictureOf(panel, nothing);
      assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
      const found = await panel.page.evaluate(pixelsOf, [...png]);
      assert.equal(found.width, 2 * (right - left + axisGutter + endGutter + 32));
      assert.equal(found.corner, found.ground);
      assert.ok(found.colours.length >= 5, `${found.colours.length} colours with many pixels`);
    });

    it('differs where addresses are left out, and leaves the charts as they were', async () => {
      const panel = await open({ feed });
      await surfaceOf(panel);
      const [open_, redacted] = [
        await pictureOf(panel, nothing),
        await pictureOf(panel, { addresses: true, methods: true }),
      ];
      assert.notDeepEqual(redacted, open_);
      const label = await panel.page.getByRole('img', { name: /^Load, / }).getAttribute('aria-label');
      assert.match(label!, /10\.0\.0\.1/);
    });
  });

  it('keeps to its time with many endpoints, and folds those that have no line', async () => {
    const many = feedOf(20, situations.many!.feed);
    const panel = await open({ feed: many, ...answersOf(situations.many!, many), width: 900 });
    await surfaceOf(panel);
    const label = await panel.page.getByRole('img', { name: /hatched: not READY$/ }).getAttribute('aria-label');
    assert.match(label!, /of 50 endpoints/);
  });
});

interface Taken {
  readonly wheelsTaken: boolean[];
}

async function pixelsOf(bytes: readonly number[]) {
  const blob = new Blob([Uint8Array.from(bytes)], { type: 'image/png' });
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d')!;
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const counts = new Map<string, number>();
  for (let i = 0; i < data.length; i += 4) {
    const colour = `rgb(${data[i]}, ${data[i + 1]}, ${data[i + 2]})`;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const colours = [...counts].filter(([, count]) => count > 400).map(([colour]) => colour);
  const ground = getComputedStyle(document.body).backgroundColor;
  return { width: bitmap.width, colours, corner: `rgb(${data[0]}, ${data[1]}, ${data[2]})`, ground };
}
