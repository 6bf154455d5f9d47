import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';
import { launchBrowser } from '../host/browser.mjs';
import { defaultStartMs } from '../unit/model/fakeClient';
import { Feed, Recorded, type Answers } from './feed';
import { PanelPage, type Browser, type PageOptions } from './page';
import { recordingFile } from './record';
import { answersOf, situations } from './situations';
import { themes, type ThemeName } from './themes';

/*
 * The pictures that the panel is compared with, all of one recording. After a change of the look, they are made anew, to
 * be looked at and committed:
 *
 *     npm run pictures:panel
 */

export const picturesFolder = path.join(import.meta.dirname, 'pictures');

export interface Picture {
  readonly name: string;
  readonly options: PageOptions;
  /** What a person does before. */
  readonly act?: (panel: PanelPage) => Promise<void>;
}

const widths = [300, 600, 1200];

const looks: readonly Picture[] = (Object.keys(themes) as ThemeName[]).flatMap((theme) =>
  widths.map((width) => ({ name: `${theme}-${width}`, options: { theme, width, height: 900 } })),
);

/** ms, so many seconds after the recording's begin. */
function at(seconds: number): number {
  return defaultStartMs + seconds * 1000;
}

const selection = { fromMs: at(50), toMs: at(64) };

const states: readonly Picture[] = [
  {
    name: 'inspected',
    options: { width: 320, height: 900 },
    act: async ({ page }) => {
      await page.locator('.picks tr[data-key]').nth(3).click();
      await page.locator('.inspector').waitFor();
    },
  },
  { name: 'forced-colours', options: { width: 600, height: 900, forcedColors: true } },
  // While nearly all calls of one endpoint fail.
  { name: 'selected', options: { width: 900, height: 900, query: { untilMs: at(70), selection } } },
  { name: 'answer', options: { width: 600, height: 900, query: { untilMs: at(70), selection, ask: 5 } } },
  {
    name: 'filtered',
    options: { width: 600, height: 900, theme: 'light', query: { untilMs: at(70), filter: 'forced' } },
  },
  { name: 'single-picks', options: { width: 900, height: 900, query: { untilMs: at(70), windowSeconds: 3 } } },
  {
    name: 'compared',
    options: {
      width: 600,
      height: 900,
      query: { compare: 'clients' },
      ...answersOf(situations.compare!, new Feed().run(60_000)),
    },
  },
];

export const pictures: readonly Picture[] = [...looks, ...states];

/** A screenshot, once nothing moves any more: all that waits for its turn, as charts do, has had it. */
export async function take(browser: Browser, { options, act }: Picture, feed: Answers): Promise<Buffer> {
  const panel = await PanelPage.open(browser, { ...options, feed, startMs: at(0) });
  try {
    await act?.(panel);
    const shoot = async () => {
      await panel.page.clock.runFor(1000);
      return panel.page.screenshot({ animations: 'disabled', caret: 'hide' });
    };
    await shoot();
    for (let before = await shoot(); ;) {
      const now = await shoot();
      if (now.equals(before)) return now;
      before = now;
    }
  } finally {
    await panel.close();
  }
}

export interface Difference {
  /** Of all pixels, 0..1; 1 where the sizes differ. */
  readonly share: number;
  /** Where they differ, as a picture. */
  readonly picture: Buffer;
}

export function difference(actual: Buffer, expected: Buffer): Difference {
  const [a, b] = [PNG.sync.read(actual), PNG.sync.read(expected)];
  const { width, height } = a;
  if (width !== b.width || height !== b.height) return { share: 1, picture: actual };
  const drawn = new PNG({ width, height });
  const pixels = pixelmatch(a.data, b.data, drawn.data, width, height, { threshold: 0.2 });
  return { share: pixels / (width * height), picture: PNG.sync.write(drawn) };
}

async function renew(): Promise<void> {
  const feed = await Recorded.open(recordingFile);
  const browser = await launchBrowser();
  mkdirSync(picturesFolder, { recursive: true });
  for (const file of readdirSync(picturesFolder)) rmSync(path.join(picturesFolder, file));
  for (const picture of pictures) {
    const file = path.join(picturesFolder, `${picture.name}.png`);
    writeFileSync(file, await take(browser, picture, feed));
    console.log(path.relative('.', file));
  }
  await browser.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await renew();
