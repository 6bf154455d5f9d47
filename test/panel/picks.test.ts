import assert from 'node:assert/strict';
import { PickResult } from '@pickscope/protocol/messages';
import { feedOf, open, patienceMs, pickRows } from './opening';

describe('panel: the list of picks', function () {
  this.timeout(patienceMs);

  it('shows in each row the choice that follows from its loads and its reason', async () => {
    const feed = feedOf(60);
    const panel = await open({ feed, answer: (query) => feed.frame({ ...query, rows: { skip: 0, limit: 1000 } }) });
    const shown = await panel.page.locator(`${pickRows}:has(.a)`).evaluateAll((trs) =>
      trs.map((tr) => ({
        loads: [...tr.querySelectorAll('.number')].map((node) => Number(node.textContent)),
        chosen: [...tr.querySelectorAll('td.a, td.b')].findIndex((node) => node.classList.contains('chosen')),
        marks: [...tr.querySelectorAll('.mark path')].map((node) => node.getAttribute('class')),
        reason: tr.querySelector('.reason')!.textContent,
      })),
    );
    assert.ok(shown.length > 500);
    for (const { loads, chosen, marks, reason } of shown) {
      const [a, b] = loads as [number, number];
      const expected = reason === 'forced' ? (a > b ? 0 : 1) : a > b ? 1 : 0;
      assert.equal(chosen, expected, `${a} against ${b}: ${reason}`);
      assert.deepEqual(marks, chosen === 0 ? ['solid', 'hollow'] : ['hollow', 'solid']);
    }
    assert.ok(shown.some(({ reason }) => reason === 'forced'));
  });

  for (const width of [300, 600, 900]) {
    it(`draws the candidates' bars as long as their loads are, ${width} px wide`, async () => {
      const panel = await open({ feed: feedOf(30), width });
      const shown = await panel.page.locator(`${pickRows}:has(.b .bar)`).evaluateAll((trs) =>
        trs.map((tr) => ({
          loads: [...tr.querySelectorAll('.number')].map((node) => Number(node.textContent)),
          bars: [...tr.querySelectorAll('.bar')].map((bar) => bar.getBoundingClientRect().width),
        })),
      );
      assert.ok(shown.length > 50);
      for (const { loads, bars } of shown) {
        const [load, bar] = [Math.max(...loads), Math.max(...bars)];
        const expected = loads.map((each) => Math.max(0.02, each / load) * bar);
        const close = expected.every((length, index) => Math.abs(length - bars[index]!) < 1);
        assert.ok(close, `${loads.join(' against ')}: ${bars.join(' and ')} px`);
      }
    });
  }

  for (const width of [240, 300, 600]) {
    it(`leaves its columns their room when a generation separates picks, ${width} px wide`, async () => {
      const feed = feedOf(24);
      feed.run(300);
      const panel = await open({ feed, width });
      await panel.page.locator('.picks .separator').first().waitFor({ state: 'attached' });
      const [used, given] = await panel.page
        .locator(pickRows)
        .first()
        .evaluate((tr) => {
          const widths = [...tr.children].map((cell) => cell.getBoundingClientRect().width);
          return [widths.reduce((sum, each) => sum + each, 0), tr.closest('table')!.clientWidth] as const;
        });
      assert.ok(Math.abs(used - given) < 1, `${used} of ${given} px`);
    });
  }

  it('shows a generation between the picks that it separates', async () => {
    const feed = feedOf(24);
    feed.run(300);
    const panel = await open({ feed });
    const separator = panel.page.locator('.picks .separator', { hasText: 'generation' });
    assert.match(await separator.innerText(), /generation 49, history lost/);
  });

  it('shows picks that chose nothing, and calls that failed', async () => {
    const feed = feedOf(5);
    feed.add({ result: PickResult.QUEUED });
    feed.add({ result: PickResult.FAILED, code: 14 });
    feed.add({ result: PickResult.DROPPED, code: 8 });
    feed.add({ backend: 1, end: { code: 4, latencyMs: 20.04 } });
    const panel = await open({ feed });
    const texts = await panel.page
      .locator(pickRows)
      .evaluateAll((trs) =>
        trs.slice(0, 4).map((tr) => [...tr.querySelectorAll('td')].map((td) => td.textContent.trim()).slice(2)),
      );
    assert.deepEqual(texts, [
      ['10.0.0.2', '–', '✕ DEADLINE_EXCEEDED', '✕ 20.0'],
      ['✕ RESOURCE_EXHAUSTED', 'dropped', '✕ RESOURCE_EXHAUSTED', ''],
      ['✕ UNAVAILABLE', 'refused', '✕ UNAVAILABLE', ''],
      ['no endpoint', 'queued', '', ''],
    ]);
  });

  it('says how far back it reaches, and what was dropped', async () => {
    const feed = feedOf(5);
    const panel = await open({
      feed,
      answer: (query) => {
        const frame = feed.frame({ ...query, filter: 'tie' });
        return { ...frame, channel: { ...frame.channel!, drops: { picks: 1204, completions: 3 } } };
      },
    });
    const text = await panel.page.locator('body').innerText();
    assert.ok(text.includes('Single picks are kept back to 14:00:50.'), text);
    assert.ok(text.includes('1,204 picks and 3 completions dropped'), text);
  });

  it('holds still under the pointer, says how many are newer, and lets go', async () => {
    const feed = feedOf(10);
    const panel = await open({ feed });
    const top = await panel.page.locator(pickRows).first().getAttribute('data-key');
    await panel.page.locator(pickRows).nth(2).hover();
    const before = feed.picks().length;
    feed.run(400);
    await panel.refresh();
    const newer = feed.picks().length - before;
    await panel.page.waitForFunction(
      (words) => document.querySelector('.note')?.textContent === words,
      `held, ${newer} newer`,
    );
    assert.equal(await panel.page.locator(pickRows).first().getAttribute('data-key'), top);
    await panel.page.mouse.move(5, 5);
    await panel.page.waitForFunction(
      (key) => document.querySelector('.picks tr[data-key]')?.getAttribute('data-key') !== key,
      top,
    );
  });

  it('shows the outcome of a held pick when it becomes known', async () => {
    const feed = feedOf(10, { meansMs: [300, 400, 500] });
    const panel = await open({ feed });
    const running = panel.page.locator(pickRows, { has: panel.page.locator('.ms', { hasText: '…' }) }).first();
    const key = await running.getAttribute('data-key');
    await running.hover();
    feed.run(2000);
    panel.answer = (query) => feed.frame({ ...query, rows: { skip: 0, limit: 1000 } });
    await panel.refresh();
    await panel.page.waitForFunction(
      (of) => /\d/.test(document.querySelector(`.picks tr[data-key="${of}"] .ms`)?.textContent ?? ''),
      key,
    );
  });
});
