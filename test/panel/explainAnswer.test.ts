import assert from 'node:assert/strict';
import type { Answer, Query } from '../../src/messages/panel';
import type { Feed } from './feed';
import { feedOf, open, openAs, patienceMs, pickRows } from './opening';
import type { PanelPage } from './page';

function endpointOf(feed: Feed, address: string): number {
  const query = { windowSeconds: 120, points: 120, filter: '', rows: { skip: 0, limit: 1 } };
  return feed.frame(query).channel!.endpoints.find(({ label }) => label === address)!.id;
}

/** Standing still, so that what is shown can be compared with what the model says. */
async function asking(address: string, width = 320): Promise<{ panel: PanelPage; feed: Feed; answer: () => Answer }> {
  const feed = feedOf();
  const panel = await open({ feed, width });
  await panel.send({ type: 'do', action: { name: 'pause' } });
  await panel.send({ type: 'do', action: { name: 'ask', endpoint: endpointOf(feed, address) } });
  await panel.page.locator('.answer').waitFor();
  return { panel, feed, answer: () => feed.frame(panel.query!).channel!.answer! };
}

const number = (text: string) => Number(text.replaceAll(/[^\d]/g, ''));

describe('panel: why not this one', function () {
  this.timeout(patienceMs);

  it('counts every pick of the span once, and says so in bar, rows and table', async () => {
    const { panel, answer } = await asking('10.0.0.4');
    const { page } = panel;
    const told = answer();
    assert.match(await page.locator('.answer h2').innerText(), /^Why not\s+10\.0\.0\.4\?$/);
    const counts = await page.locator('.categories td:nth-child(2)').allInnerTexts();
    assert.equal(
      counts.map(number).reduce((sum, each) => sum + each, 0),
      told.total,
    );
    assert.ok(told.total > 1000);
    assert.equal(number(await page.locator('[data-category=notDrawn] td').first().innerText()), told.notDrawn);
    assert.equal(await page.locator('.all-picks .swatch').count(), counts.filter((each) => number(each) > 0).length);
    const widths = await page
      .locator('.all-picks .swatch')
      .evaluateAll((parts) => parts.map((part) => Number(getComputedStyle(part).flexGrow)));
    assert.ok(Math.abs(widths.reduce((sum, each) => sum + each, 0) - 1) < 1e-6);
    const opponents = await page.locator('.opponents tbody tr td:nth-child(3)').allInnerTexts();
    const lost = told.opponents.map(({ lostTo }) => lostTo).filter((times) => times > 0);
    assert.deepEqual(opponents.map(number).sort(byValue), lost.sort(byValue));
    assert.match(await page.locator('.answer .sentence').innerText(), /^It was drawn in \d+ % of .* picks/);
  });

  it('leads to the picks that it counted', async () => {
    const { panel, feed, answer } = await asking('10.0.0.4');
    await panel.page.locator('[data-category=lost-lower] button').click();
    const query = await panel.asked(({ filter }) => filter === 'lost:10.0.0.4:50051 lower');
    // The window holds all that there is.
    assert.equal(feed.frame(query).channel!.matching, answer().lost.lower);
  });

  it('tells the other side, copies itself as text, and closes with Esc', async () => {
    const { panel, answer } = await asking('10.0.0.4');
    const { page } = panel;
    await page.getByRole('button', { name: 'Why this one?' }).click();
    assert.match(await page.locator('.answer h2').innerText(), /^Why\s+10\.0\.0\.4\?$/);
    assert.match(await page.locator('.answer .sentence').innerText(), /^It was taken in \d+ %/);
    assert.equal(await page.locator('.opponents thead th').first().innerText(), 'won against');
    await page.evaluate(() => {
      const writeText = (text: string) => Promise.resolve(void ((window as { copied?: string }).copied = text));
      Object.defineProperty(navigator, 'clipboard', { value: { writeText } });
    });
    await page.getByRole('button', { name: 'Copy as text' }).click();
    await page.getByText('Copied.').waitFor();
    const text = await page.evaluate(() => (window as { copied?: string }).copied!);
    assert.match(text, /^Why 10\.0\.0\.4\?/);
    assert.ok(text.includes(`  not drawn`) && text.includes(new Intl.NumberFormat('en').format(answer().notDrawn)));
    await page.keyboard.press('Escape');
    await panel.asked(({ ask }) => ask === undefined);
    await page.locator('.answer').waitFor({ state: 'hidden' });
  });

  it('gives way to a pick that is chosen, and comes back when that is closed; asks from the pick, too', async () => {
    const { panel, feed } = await asking('10.0.0.4');
    const { page } = panel;
    await page.locator(pickRows).nth(2).click();
    await page.locator('.inspector').waitFor();
    assert.ok(await page.locator('.answer').isHidden(), 'one at a time');
    const name = page.locator('.inspector .formula .endpoint-name').first();
    const address = (await name.innerText()).trim();
    await name.click();
    const { ask } = await panel.asked((query: Query) => query.ask === endpointOf(feed, address));
    assert.ok(ask);
    await page.locator('.answer').waitFor();
    assert.ok(await page.locator('.inspector').isHidden());
    await page.locator('.answer h2', { hasText: address }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.inspector').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.inspector').waitFor({ state: 'hidden' });
  });

  it('says of one that is down since when, with which error', async () => {
    const feed = feedOf(28);
    const panel = await open({ feed });
    await panel.send({ type: 'do', action: { name: 'ask', endpoint: endpointOf(feed, '10.0.0.5') } });
    await panel.page.locator('.answer').waitFor();
    const states = await panel.page.locator('.states-in-span').innerText();
    assert.match(states, /TRANSIENT_FAILURE/);
    assert.match(states, /connect ECONNREFUSED/);
    assert.match(await panel.page.locator('.answer .sentence').innerText(), /not READY/);
  });

  it('says of one that the resolver left out since when, and counts what was picked without it', async () => {
    const feed = feedOf(10);
    const endpoint = endpointOf(feed, '10.0.0.2');
    feed.source.remove('10.0.0.2:50051');
    feed.run(15_000);
    const panel = await open({ feed });
    await panel.send({ type: 'do', action: { name: 'ask', endpoint } });
    await panel.page.locator('.answer').waitFor();
    const sentence = await panel.page.locator('.answer .sentence').innerText();
    assert.match(sentence, /^It was not among the resolver’s addresses since 14:01:00 \(1[45] s\)/);
    const row = panel.page.locator('.answer [data-category=notListed]');
    assert.match(await row.innerText(), /not among the resolver’s addresses/);
    assert.ok(number(await row.locator('td').first().innerText()) > 1000);
    const states = await panel.page.locator('.states-in-span').innerText();
    assert.match(states, /not among the resolver’s addresses/);
    assert.doesNotMatch(states, /SHUTDOWN/);
  });

  it('says what can be said where candidates are not told', async () => {
    const feed = feedOf();
    const panel = await openAs('bare', {}, feed);
    await panel.send({ type: 'do', action: { name: 'ask', endpoint: endpointOf(feed, '10.0.0.1') } });
    await panel.page.locator('.answer .sentence').waitFor();
    assert.notEqual(await panel.page.locator('.answer .sentence').innerText(), '');
  });

  it('stands beside the reasons of all picks where there is room, which filter, too', async () => {
    const { panel, feed } = await asking('10.0.0.4', 1200);
    const { page } = panel;
    const { reasons } = feed.frame(panel.query!).channel!;
    assert.equal(number(await page.locator('[data-reason=lower] td').first().innerText()), reasons.lower);
    assert.equal(number(await page.locator('[data-reason=unhealthy] td').first().innerText()), 0, 'none is said');
    await page.locator('.reasons [data-reason=forced] button').click();
    await panel.asked(({ filter }) => filter === 'forced');
    await page.locator('.reasons [data-reason=forced] [aria-pressed=true]').waitFor();
    const columns = await page.evaluate(() => {
      const right = (selector: string) => document.querySelector(selector)!.getBoundingClientRect().right;
      return { answer: right('.answer'), chart: document.querySelector('.charts')!.getBoundingClientRect().left };
    });
    assert.ok(columns.answer <= columns.chart, 'who and why on the left, when on the right');
  });
});

function byValue(a: number, b: number): number {
  return a - b;
}
