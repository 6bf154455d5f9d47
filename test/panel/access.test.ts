import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Feed, FeedOptions } from './feed';
import { feedOf, open, patienceMs } from './opening';
import type { Page, PageOptions, PanelPage } from './page';
import { answersOf, situations } from './situations';
import { themes, type ThemeName } from './themes';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('the panel for everybody', function () {
  this.timeout(patienceMs);

  const feeds = new Map<FeedOptions | undefined, Feed>();

  /** Not so high that axe has to read a long list. */
  async function openLow(name: string, options: PageOptions = {}): Promise<PanelPage> {
    const situation = situations[name]!;
    const feed = feeds.get(situation.feed) ?? feedOf(40, situation.feed);
    feeds.set(situation.feed, feed);
    const panel = await open({ height: 500, feed, ...answersOf(situation, feed), ...options });
    await situation.act?.(panel.page, feed);
    return panel;
  }

  for (const name of Object.keys(situations))
    it(`has nothing that axe finds: ${name}`, async () => {
      const { page } = await openLow(name);
      assert.deepEqual(await violations(page), []);
    });

  for (const name of ['live', 'pick', 'lost', 'refused', 'none-attached'])
    it(`has words that stand out in each theme: ${name}`, async () => {
      const panel = await openLow(name);
      for (const theme of Object.keys(themes) as ThemeName[]) {
        await panel.setTheme(theme);
        assert.deepEqual(await violations(panel.page, ['color-contrast']), [], theme);
      }
    });
});

/** What axe finds, and where. */
async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  // By the debugger: the page's own policy allows no such script.
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(
    (runOnly) =>
      (window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } }).axe.run(
        runOnly ? { runOnly } : {},
      ),
    rules,
  );
  return found.map(
    ({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}
