import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { feedOf, open, patienceMs } from './opening';
import type { Page } from './page';
import { answersOf, situations } from './situations';
import { themes, type ThemeName } from './themes';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

describe('the panel for everybody', function () {
  this.timeout(patienceMs);

  for (const theme of Object.keys(themes) as ThemeName[]) {
    it(`has nothing that axe finds, in any situation, in ${theme}`, async () => {
      const found: string[] = [];
      for (const [name, situation] of Object.entries(situations)) {
        const feed = feedOf(40, situation.feed);
        const panel = await open({ theme, feed, ...answersOf(situation, feed) });
        await situation.act?.(panel.page, feed);
        found.push(...(await violations(panel.page)).map((violation) => `${name}: ${violation}`));
      }
      assert.deepEqual(found, []);
    });
  }
});

/** What axe finds, and where. */
async function violations(page: Page): Promise<string[]> {
  // By the debugger: the page's own policy allows no such script.
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() =>
    (window as unknown as { axe: { run: () => Promise<AxeResults> } }).axe.run(),
  );
  return found.map(
    ({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}
