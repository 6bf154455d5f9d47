import assert from 'node:assert/strict';
import type { ChannelView, FilterError } from '../../src/messages/panel';
import { SeenNames, suggestionsFor } from '../../src/panel/picks/suggestions';
import { feedOf, open, patienceMs } from './opening';
import type { PanelPage } from './page';

describe('panel: filter', function () {
  this.timeout(patienceMs);

  const box = (panel: PanelPage) => panel.page.getByRole('combobox', { name: 'Filter the picks' });
  const options = (panel: PanelPage) => panel.page.locator('.suggestions li .token').allTextContents();

  it('sends what is typed, and says how many match', async () => {
    const panel = await open({ feed: feedOf() });
    await box(panel).fill('GetCart forced');
    await panel.page.locator('.note', { hasText: /^\d+ of [\d,]+ picks$/ }).waitFor();
    await panel.asked(({ filter }) => filter === 'GetCart forced');
    assert.equal(await panel.page.locator('.picks tr[data-key]:not([data-reason=forced])').count(), 0);
  });

  const problems: Readonly<Record<FilterError['reason'], readonly [typed: string, said: RegExp]>> = {
    number: ['>x', /“>x” needs a number, as in >20ms/],
    unit: ['>3h', /“>3h” has a unit that is not known: us, ms or s/],
    nothing: ['method:', /“method:” does not say what to look for/],
    quote: ['"Get', /“"Get” has a quotation mark that is not closed/],
  };
  it('says what it does not understand, and what it would', async () => {
    const panel = await open({ feed: feedOf(5) });
    for (const [typed, said] of Object.values(problems)) {
      await box(panel).fill(typed);
      await panel.page.locator('.filter .red.small', { hasText: said }).waitFor();
    }
  });

  it('has the counts by reason as filters, one reason at a time, each with its share', async () => {
    const feed = feedOf();
    const panel = await open({ feed });
    const { reasons } = feed.frame(panel.query!).channel!;
    const { errors, ...ways } = reasons;
    const all = Object.values(ways).reduce((sum, each) => sum + each, 0);
    const counter = (name: string) => panel.page.locator('.counter', { hasText: name });
    const part = (value: number) => (value / all < 0.005 ? '<1' : String(Math.round((value / all) * 100)));
    assert.equal(
      await counter('lower').innerText(),
      `${reasons.lower.toLocaleString('en')} lower ${part(reasons.lower)} %`,
    );
    assert.ok(errors > 0);
    assert.equal(await counter('failed').innerText(), `${errors} failed ${part(errors)} %`);
    await counter('forced').click();
    await panel.asked(({ filter }) => filter === 'forced');
    await counter('lower').click();
    await panel.asked(({ filter }) => filter === 'lower');
    await panel.page.locator('.counter[aria-pressed=true]', { hasText: 'lower' }).waitFor();
    assert.equal(await panel.page.locator('.counter[aria-pressed=true]').count(), 1);
  });

  it('is given the focus by the host', async () => {
    const panel = await open({ feed: feedOf(5) });
    await panel.send({ type: 'do', action: { name: 'focusFilter' } });
    await panel.page.waitForFunction(() => document.activeElement?.tagName === 'INPUT');
  });

  it('exports what it leaves, and is cleared by its button', async () => {
    const panel = await open({ feed: feedOf(5) });
    await box(panel).fill('lower');
    await panel.page.getByRole('button', { name: 'Export these picks…' }).click();
    assert.deepEqual(await panel.commanded(1), [{ name: 'exportPicks' }]);
    await panel.page.getByRole('button', { name: 'Clear the filter' }).click();
    await panel.asked(({ filter }) => filter === '');
    assert.ok(await box(panel).evaluate((node) => node === document.activeElement));
  });

  it('says that the charts count only what matches, and how far back', async () => {
    const feed = feedOf(20);
    const panel = await open({
      feed,
      chart: (query) => {
        const chart = feed.chart(query)!;
        return query.filter === '' ? chart : { ...chart, filteredSinceMs: feed.nowMs - 5000 };
      },
    });
    await box(panel).fill('lower');
    await panel.refresh();
    await panel.page.getByText('Charts count only matching picks, kept back to 14:01:05.').waitFor();
    await box(panel).fill('');
    await panel.page.getByText(/Charts count only/).waitFor({ state: 'hidden' });
  });

  describe('suggests', () => {
    it('what begins like the word at the caret, and puts it in its place', async () => {
      const panel = await open({ feed: feedOf() });
      const { keyboard } = panel.page;
      await box(panel).pressSequentially('ok GetC');
      await panel.page.locator('.suggestions').waitFor();
      assert.deepEqual(await options(panel), ['GetCart']);
      await keyboard.press('Home');
      await keyboard.press('Shift+End');
      await keyboard.type('meth');
      await panel.page.locator('.suggestions li', { hasText: 'method:' }).waitFor();
      assert.equal(await box(panel).getAttribute('aria-expanded'), 'true');
      await keyboard.press('ArrowDown');
      const active = await box(panel).getAttribute('aria-activedescendant');
      assert.equal(await panel.page.locator(`#${active}[aria-selected=true] .token`).textContent(), 'method:');
      await keyboard.press('Enter');
      assert.equal(await box(panel).inputValue(), 'method:');
      assert.deepEqual(
        new Set(await options(panel)),
        new Set(['GetCart', 'ListItems', 'PutItem', 'Checkout'].map((name) => `method:${name}`)),
      );
      await keyboard.press('ArrowUp');
      await keyboard.press('Tab');
      assert.match(await box(panel).inputValue(), /^method:\w+ $/);
      assert.equal(await box(panel).getAttribute('aria-expanded'), 'false');
      await panel.asked(({ filter }) => /^method:\w+ $/.test(filter));
    });

    it('by the pointer as well, and is closed by Escape before the filter is', async () => {
      const panel = await open({ feed: feedOf() });
      await box(panel).pressSequentially('endp');
      await panel.page.locator('.suggestions li', { hasText: 'endpoint:' }).click();
      await panel.page.locator('.suggestions li', { hasText: 'endpoint:10.0.0.4' }).click();
      await panel.asked(({ filter }) => filter === 'endpoint:10.0.0.4 ');
      await panel.page.keyboard.press('ArrowDown');
      await panel.page.locator('.suggestions').waitFor();
      await panel.page.keyboard.press('Escape');
      await panel.page.locator('.suggestions').waitFor({ state: 'hidden' });
      assert.equal(await box(panel).inputValue(), 'endpoint:10.0.0.4 ');
      await panel.page.keyboard.press('Escape');
      await panel.asked(({ filter }) => filter === '');
    });

    const tokens = (typed: string) => {
      const query = { windowSeconds: 60, points: 120, filter: '', rows: { skip: 0, limit: 60 } };
      const channel: ChannelView = feedOf(30).frame(query).channel!;
      const seen = new SeenNames();
      seen.see(channel);
      return suggestionsFor(typed, channel, seen).map(({ token }) => token);
    };

    it('keys, reasons and names that are there, those first that begin so', () => {
      assert.ok(tokens('').includes('forced'));
      assert.ok(!tokens('').includes('probe'), 'no pick is a probe');
      assert.deepEqual(tokens('lo').slice(0, 3), ['lower', 'lost:', 'load:']);
      assert.deepEqual(tokens('0.0.4'), ['10.0.0.4']);
    });

    it('within negations and alternatives', () => {
      assert.deepEqual(tokens('-forc'), ['-forced']);
      assert.deepEqual(tokens('lower|forc'), ['lower|forced']);
      assert.ok(tokens('method:GetCart|').includes('method:GetCart|PutItem'));
      assert.deepEqual(tokens('lost:10.0.0.2'), []);
    });
  });
});
