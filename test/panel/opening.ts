import assert from 'node:assert/strict';
import { launchBrowser } from '../host/browser.mjs';
import { Feed, type FeedOptions } from './feed';
import { PanelPage, type Browser, type PageOptions } from './page';
import { answersOf, situations } from './situations';

/** One browser for the tests of all files. */
let browser: Promise<Browser> | undefined;
const opened: PanelPage[] = [];

after(async () => (await browser)?.close());

afterEach(async () => {
  for (const panel of opened.splice(0)) {
    await panel.close();
    assert.deepEqual(panel.complaints, []);
  }
});

export const patienceMs = 60_000;
/** The rows of the list that are picks. */
export const pickRows = '.picks tr[data-key]';

/** Closed after the test, which fails where the panel complained. */
export async function open(options: PageOptions = {}): Promise<PanelPage> {
  const panel = await PanelPage.open(await (browser ??= launchBrowser()), options);
  opened.push(panel);
  return panel;
}

export function feedOf(seconds = 40, options?: FeedOptions): Feed {
  return new Feed(options).run(seconds * 1000);
}

export function openAs(name: string, options: PageOptions = {}, feed = feedOf()): Promise<PanelPage> {
  return open({ feed, ...answersOf(situations[name]!, feed), ...options });
}
