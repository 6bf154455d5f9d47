import assert from 'node:assert/strict';
import { feedOf, open, patienceMs } from './opening';

describe('panel: filter', function () {
  this.timeout(patienceMs);

  it('sends what is typed, and says how many match', async () => {
    const panel = await open({ feed: feedOf() });
    await panel.page.getByLabel('Filter the picks').fill('GetCart forced');
    await panel.page.waitForFunction(() => /^\d+ of [\d,]+ picks$/.test(document.querySelector('.note')!.textContent));
    await panel.asked(({ filter }) => filter === 'GetCart forced');
    assert.equal(await panel.page.locator('.picks tr[data-key]:not([data-reason=forced])').count(), 0);
  });

  it('says which word it does not understand', async () => {
    const panel = await open({ feed: feedOf(5) });
    await panel.page.getByLabel('Filter the picks').fill('>x');
    await panel.page.locator('.filter .red.small').waitFor({ state: 'visible' });
    assert.match(await panel.page.locator('.filter .red.small').innerText(), /“>x” is not understood/);
  });

  it('has the counts by reason as filters, one reason at a time', async () => {
    const panel = await open({ feed: feedOf() });
    await panel.page.locator('.counter', { hasText: 'forced' }).click();
    await panel.asked(({ filter }) => filter === 'forced');
    await panel.page.locator('.counter', { hasText: 'lower' }).click();
    await panel.asked(({ filter }) => filter === 'lower');
    assert.equal(
      await panel.page.locator('.counter[aria-pressed=true]').innerText(),
      await panel.page.locator('.counter', { hasText: 'lower' }).innerText(),
    );
  });

  it('is given the focus by the host', async () => {
    const panel = await open({ feed: feedOf(5) });
    await panel.send({ type: 'do', action: { name: 'focusFilter' } });
    await panel.page.waitForFunction(() => document.activeElement?.tagName === 'INPUT');
  });
});
