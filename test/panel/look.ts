/*
 * Takes pictures of the panel, to be looked at:
 *
 *     npx tsx --conditions=pickscope-source test/panel/look.ts FOLDER [theme,theme …] [width,width …] [situation]
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { launchBrowser } from '../host/browser.mjs';
import { Feed } from './feed';
import { PanelPage } from './page';
import { answersOf, situations } from './situations';
import type { ThemeName } from './themes';

const [folder = 'look', themeList = 'dark,light,hc-dark,hc-light', widthList = '300,320,600,900', only] =
  process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await launchBrowser();
for (const width of widthList.split(',').map(Number)) {
  for (const theme of themeList.split(',') as ThemeName[]) {
    for (const [name, situation] of Object.entries(situations)) {
      if (only !== undefined && !name.startsWith(only)) continue;
      const feed = new Feed(situation.feed).run(137_000);
      const opened = await PanelPage.open(browser, { theme, width, scale: 2, feed, ...answersOf(situation, feed) });
      await situation.act?.(opened.page, feed);
      await opened.page.waitForTimeout(700);
      await opened.page.screenshot({ path: path.join(folder, `${name}-${width}-${theme}.png`) });
      for (const complaint of opened.complaints) console.error(name, width, theme, complaint);
      await opened.close();
    }
  }
}
await browser.close();
