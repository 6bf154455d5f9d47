import assert from 'node:assert/strict';
import { PickResult } from '@pickscope/protocol/messages';
import type { Frame, Query } from '../../src/messages/panel';
import type { Feed } from './feed';
import { feedOf, open, patienceMs, pickRows } from './opening';
import type { PanelPage } from './page';

const scroller = '.picks .scroller';

describe('panel: the list of picks', function () {
  this.timeout(patienceMs);

  const keysShown = (panel: PanelPage) =>
    panel.page.locator(pickRows).evaluateAll((trs) => trs.map((tr) => Number(tr.getAttribute('data-key'))));

  /** Rows that are wholly in view, below the head. */
  const keysInView = (panel: PanelPage) =>
    panel.page.locator(scroller).evaluate((node) => {
      const { top, bottom } = node.getBoundingClientRect();
      const inView = [...node.querySelectorAll('tr[data-key]')].filter((tr) => {
        const box = tr.getBoundingClientRect();
        return box.top >= top + 24 && box.bottom <= bottom;
      });
      return inView.map((tr) => Number(tr.getAttribute('data-key')));
    });

  /** Waits until all rows in view are there. */
  const settled = (panel: PanelPage) => panel.page.locator('.picks table[aria-busy=false]').waitFor();

  /** Keys of all picks of the feed, newest first. */
  const keysOf = (feed: Feed) => {
    const keys: number[] = [];
    for (let left = Infinity; keys.length < left;) {
      const query = {
        windowSeconds: 60,
        points: 120,
        filter: '',
        rows: { skip: keys.length, limit: Math.min(500, left - keys.length) },
      };
      const { picks, matching } = feed.model.view(query, feed.nowMs)!;
      keys.push(...picks.map(({ key }) => key));
      left = matching;
    }
    return keys;
  };

  for (const filter of ['', 'forced']) {
    it(`shows in each row the choice that follows from its loads and its reason${filter && `: ${filter}`}`, async () => {
      const panel = await open({ feed: feedOf(60), height: 6000 });
      if (filter) {
        await panel.page.getByLabel('Filter the picks').fill(filter);
        await panel.page.waitForFunction(
          () => document.querySelector('.picks tr:not([data-reason=forced])[data-key]') === null,
        );
      }
      await settled(panel);
      const shown = await panel.page.locator(`${pickRows}:has(.a)`).evaluateAll((trs) =>
        trs.map((tr) => ({
          loads: [...tr.querySelectorAll('.number')].map((node) => Number(node.textContent)),
          chosen: [...tr.querySelectorAll('td.a, td.b')].findIndex((node) => node.classList.contains('chosen')),
          marks: [...tr.querySelectorAll('.mark path')].map((node) => node.getAttribute('class')),
          reason: tr.querySelector('.reason')!.textContent,
        })),
      );
      assert.ok(shown.length > (filter ? 10 : 150), `${shown.length} rows`);
      for (const { loads, chosen, marks, reason } of shown) {
        const [a, b] = loads as [number, number];
        const expected = reason === 'forced' ? (a > b ? 0 : 1) : a > b ? 1 : 0;
        assert.equal(chosen, expected, `${a} against ${b}: ${reason}`);
        assert.deepEqual(marks, chosen === 0 ? ['solid', 'hollow'] : ['hollow', 'solid']);
      }
    });
  }

  for (const width of [300, 600, 900]) {
    it(`draws the candidates' bars as long as their loads are, ${width} px wide`, async () => {
      const panel = await open({ feed: feedOf(30), width, height: 2400 });
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

  for (const width of [240, 300, 600, 1400]) {
    it(`gives all its width to its columns, and cuts no time, ${width} px wide`, async () => {
      const panel = await open({ feed: feedOf(24), width });
      const found = await panel.page
        .locator(pickRows)
        .first()
        .evaluate((tr) => {
          const widths = [...tr.children].map((cell) => cell.getBoundingClientRect().width);
          const style = getComputedStyle(tr);
          const time = tr.querySelector('.time')!;
          return {
            used:
              widths.reduce((sum, each) => sum + each, 0) +
              parseFloat(style.paddingLeft) +
              parseFloat(style.paddingRight),
            given: tr.closest('table')!.clientWidth,
            cut: time.scrollWidth - time.clientWidth,
          };
        });
      assert.ok(Math.abs(found.used - found.given) < 1, `${found.used} of ${found.given} px`);
      assert.equal(found.cut, 0);
    });
  }

  it('shows a generation on the edge between the picks that it separates, which takes no room', async () => {
    const feed = feedOf(24);
    feed.run(300);
    const panel = await open({ feed, height: 2400 });
    const edge = panel.page.locator(`${pickRows}:has(.edge:not([hidden]))`).filter({ hasText: 'generation' });
    assert.match((await edge.locator('.edge-text').textContent())!, /^◆ generation \d+, history lost$/);
    const [newer, older] = feed.picks().filter((pick, index, all) => {
      return (
        pick.generation !== (all[index + 1] ?? pick).generation ||
        pick.generation !== (all[index - 1] ?? pick).generation
      );
    });
    assert.ok(newer!.generation > older!.generation);
    assert.equal(await edge.getAttribute('data-key'), String(older!.key));
    const tops = await panel.page
      .locator(pickRows)
      .evaluateAll((trs) => trs.map((tr) => tr.getBoundingClientRect().top).map((top, _, all) => (top - all[0]!) / 24));
    assert.deepEqual(tops, [...tops.keys()]);
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

  describe('held', () => {
    const held = '.filter button.note';

    it('stands still under the pointer, says how many are newer, and lets go', async () => {
      const feed = feedOf(10);
      const panel = await open({ feed });
      const [top] = await keysShown(panel);
      await panel.page.locator(pickRows).nth(2).hover();
      await panel.asked(({ rows }) => rows.newest === top);
      const before = keysOf(feed).length;
      feed.run(400);
      await panel.refresh();
      const newer = keysOf(feed).length - before;
      await panel.page.locator(held, { hasText: `held, ${newer} newer` }).waitFor();
      assert.equal((await keysShown(panel))[0], top);
      await panel.page.mouse.move(5, 5);
      await panel.page.locator(`.picks tr[data-key="${top}"]`).waitFor({ state: 'detached' });
      assert.equal(await panel.page.locator(held).isVisible(), false);
    });

    it('stands still where it was scrolled to, and goes to the newest by its button', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      await panel.page.locator(scroller).hover();
      await panel.page.mouse.wheel(0, 960);
      await panel.page.waitForFunction((of) => document.querySelector(of)!.scrollTop === 960, scroller);
      await panel.page.mouse.move(5, 5);
      const { rows } = await panel.asked((query) => query.rows.newest !== undefined);
      const inView = await keysInView(panel);
      const all = keysOf(feed);
      assert.equal(inView[0], all[all.indexOf(rows.newest!) + 40]);
      feed.run(1000);
      await panel.refresh();
      await panel.page.locator(held, { hasText: /held, \d+ newer/ }).click();
      await panel.asked((query) => query.rows.newest === undefined);
      await panel.page.locator(`.picks tr[data-key="${keysOf(feed)[0]!}"]`).waitFor();
      assert.equal(await panel.page.locator(scroller).evaluate((node) => node.scrollTop), 0);
    });

    it('shows the newest again once nothing is kept any more of what it stood still at', async () => {
      const feed = feedOf(20, { pickBudgetBytes: 60_000 });
      const panel = await open({ feed });
      await panel.page.locator(scroller).hover();
      await panel.page.mouse.wheel(0, 960);
      const { rows } = await panel.asked((query) => query.rows.newest !== undefined);
      feed.run(20_000);
      const kept = keysOf(feed);
      assert.ok(kept.at(-1)! > rows.newest!, 'the ring has turned over');
      await panel.refresh();
      await panel.page.locator(`.picks tr[data-key="${kept[0]!}"]`).waitFor();
      await panel.page.waitForFunction((of) => document.querySelector(of)!.scrollTop === 0, scroller);
      assert.equal((await keysInView(panel))[0], kept[0]);
    });

    it('is not moved by a frame that was under way when it was held', async () => {
      const feed = feedOf(20);
      const panel = await open({ feed });
      const [top] = await keysShown(panel);
      await panel.page.locator(pickRows).nth(2).hover();
      await panel.asked(({ rows }) => rows.newest === top);
      const changes = await panel.page.locator('.picks tbody').evaluateHandle((body) => {
        const keys: (string | null)[] = [];
        new MutationObserver((all) =>
          keys.push(...all.map(({ target }) => (target as Element).getAttribute('data-key'))),
        ).observe(body, { subtree: true, attributeFilter: ['data-key'] });
        return keys;
      });
      feed.run(400);
      await panel.send({ type: 'frame', frame: feed.frame({ ...panel.query!, rows: { skip: 0, limit: 60 } }) });
      await panel.refresh();
      await panel.page.locator(held, { hasText: /held, \d+ newer/ }).waitFor();
      assert.deepEqual(
        (await changes.jsonValue()).filter((key) => Number(key) > top!),
        [],
      );
    });

    it('leaves the focus where it is, though its rows are used again below it', async () => {
      const panel = await open({ feed: feedOf(20) });
      const focused = () => panel.page.evaluate(() => document.activeElement?.getAttribute('data-key'));
      await panel.page.locator(pickRows).first().focus();
      await panel.asked(({ rows }) => rows.newest !== undefined);
      const [top] = await keysShown(panel);
      for (let row = 1; row <= 40; row++) {
        await panel.page.keyboard.press('ArrowDown');
        assert.equal(await focused(), String(top! - row));
      }
    });

    it('shows the outcome of a pick when it becomes known', async () => {
      const feed = feedOf(10, { meansMs: [300, 400, 500] });
      const panel = await open({ feed });
      const running = panel.page.locator(pickRows, { has: panel.page.locator('.ms', { hasText: '…' }) }).first();
      const key = await running.getAttribute('data-key');
      await running.hover();
      await panel.asked(({ rows }) => rows.newest !== undefined);
      feed.run(2000);
      await panel.refresh();
      await panel.page.waitForFunction(
        (of) => /\d/.test(document.querySelector(`.picks tr[data-key="${of}"] .ms`)?.textContent ?? ''),
        key,
      );
    });
  });

  describe('of which only the rows in view exist', () => {
    it('has each row where it belongs, wherever it is scrolled to, and uses its elements again', async () => {
      const feed = feedOf(30);
      const panel = await open({ feed });
      await panel.page.locator(scroller).hover();
      const all = keysOf(feed);
      await panel.asked(({ rows }) => rows.newest === all[0]);
      await panel.page.evaluate(countRowsMade);
      for (const row of [3000, 40, all.length - 20, 500]) {
        await panel.page.locator(scroller).evaluate((node, top) => (node.scrollTop = top), row * 24);
        await panel.page.locator(`.picks tr[data-key="${all[row]!}"]`).waitFor();
        await settled(panel);
        const inView = await keysInView(panel);
        const first = all.indexOf(inView[0]!);
        assert.deepEqual(inView, all.slice(first, first + inView.length));
        assert.ok(inView.includes(all[row]!), `row ${row}`);
        const index = await panel.page.locator(`.picks tr[data-key="${all[row]!}"]`).getAttribute('aria-rowindex');
        assert.equal(Number(index), row + 2);
      }
      assert.equal(await panel.page.locator('.picks table').getAttribute('aria-rowcount'), String(all.length + 1));
      assert.ok((await keysShown(panel)).length < 60);
      // Those at the top lack the spare rows above.
      assert.ok((await panel.page.evaluate(rowsMade)) <= 8);
    });

    it('scrolls through a million: exactly near by, to both ends, and never shows a row in a wrong place', async () => {
      const feed = feedOf(10);
      const million = 1_000_000;
      const panel = await open({ feed, answer: (query) => withMillion(feed, query, million) });
      await panel.page.locator(scroller).hover();
      const indexOf = (key: number) => million - key;
      const rowsOf = async () => (await keysInView(panel)).map(indexOf);
      const firstInView = async () => Math.min(...(await rowsOf()));
      const wheelTo = async (by: number, expected: number) => {
        await panel.page.mouse.wheel(0, by);
        await panel.page.locator(`.picks tr[data-key="${million - expected}"]`).waitFor();
        await settled(panel);
        await panel.page.waitForFunction(
          ([of, key]) => {
            const node = document.querySelector(of)!;
            const row = node.querySelector(`tr[data-key="${key}"]`)!;
            return Math.abs(row.getBoundingClientRect().top - node.getBoundingClientRect().top - 24) < 1;
          },
          [scroller, million - expected] as const,
        );
        assert.equal(await firstInView(), expected);
      };
      await wheelTo(240, 10);
      await wheelTo(-240, 0);
      await panel.page.locator(scroller).evaluate((node) => (node.scrollTop = node.scrollHeight / 2));
      await panel.page.waitForFunction(
        (of) => Number(document.querySelector(`${of} tr[data-key]`)?.getAttribute('data-key') ?? Infinity) < 600_000,
        scroller,
      );
      await settled(panel);
      // To a whole row, from which steps can be counted.
      await panel.page.locator(pickRows).nth(12).focus();
      await panel.page.keyboard.press('PageUp');
      await panel.page.waitForFunction(() => document.activeElement!.matches('tr[data-key]'));
      const from = await panel.page.evaluate(() => Number(document.activeElement!.getAttribute('data-key')));
      await panel.page.waitForFunction(
        (key) => document.activeElement!.getAttribute('data-key') !== String(key),
        await panel.page.locator(pickRows).nth(12).getAttribute('data-key'),
      );
      assert.ok(indexOf(from) > 400_000 && indexOf(from) < 600_000, `row ${indexOf(from)}`);
      const middle = await firstInView();
      await wheelTo(480, middle + 20);
      await wheelTo(-240, middle + 10);
      const inView = await rowsOf();
      assert.deepEqual(
        inView,
        inView.map((_, place) => inView[0]! + place),
      );
      await panel.page.locator(scroller).evaluate((node) => (node.scrollTop = node.scrollHeight));
      await panel.page.locator('.picks tr[data-key="1"]').waitFor();
      await settled(panel);
      assert.equal(Math.max(...(await rowsOf())), million - 1);
      await panel.page.locator(scroller).evaluate((node) => (node.scrollTop = 0));
      await panel.page.locator(`.picks tr[data-key="${million}"]`).waitFor();
    });

    it('is walked by the keys, to rows that are not there yet', async () => {
      const feed = feedOf(30);
      const panel = await open({ feed });
      const { keyboard } = panel.page;
      await panel.page.locator(pickRows).first().focus();
      const all = keysOf(feed);
      const arrives = (index: number) =>
        panel.page.waitForFunction(
          (key) => document.activeElement?.getAttribute('data-key') === key,
          String(all[index]!),
        );
      await keyboard.press('End');
      await arrives(all.length - 1);
      await keyboard.press('ArrowUp');
      await arrives(all.length - 2);
      assert.equal(await panel.page.locator(`${pickRows}[tabindex="0"]`).count(), 1);
      await keyboard.press('Home');
      await arrives(0);
      await keyboard.press('PageDown');
      await panel.page.waitForFunction(
        (key) => document.activeElement?.getAttribute('data-key') !== key,
        String(all[0]!),
      );
      const page = all.indexOf(
        await panel.page.evaluate(() => Number(document.activeElement!.getAttribute('data-key'))),
      );
      assert.ok(page > 3 && page < 60, `a page of ${page} rows`);
      await keyboard.press('PageUp');
      await arrives(0);
    });

    it('keeps the focus on a row that is scrolled away, and goes on from there', async () => {
      const feed = feedOf(30);
      const panel = await open({ feed });
      await panel.page.locator(pickRows).nth(3).focus();
      const all = keysOf(feed);
      await panel.page.locator(scroller).evaluate((node) => (node.scrollTop = 50_000));
      await panel.page.waitForFunction(
        (key) => document.querySelector(`.picks tr[data-key="${key}"]`) === null,
        all[10],
      );
      await panel.page.keyboard.press('ArrowDown');
      await panel.page.waitForFunction(
        (key) => document.activeElement?.getAttribute('data-key') === key,
        String(all[4]!),
      );
    });

    it('goes to the inspected pick, and on from it, however far it is scrolled away', async () => {
      const feed = feedOf(30);
      const panel = await open({ feed });
      const all = keysOf(feed);
      await panel.page.locator(`.picks tr[data-key="${all[2]!}"]`).click();
      await panel.page.locator('.inspector').waitFor();
      await panel.page.locator(scroller).evaluate((node) => (node.scrollTop = 50_000));
      await panel.page.waitForFunction(
        (key) => document.querySelector(`.picks tr[data-key="${key}"]`) === null,
        all[10],
      );
      await panel.page.locator('.inspector [data-action=older]').click();
      await panel.asked(({ inspect }) => inspect === all[3]);
      const selected = panel.page.locator(`.picks tr.selected[data-key="${all[3]!}"]`);
      await selected.waitFor();
      await panel.page.waitForFunction(
        ([of, key]) => {
          const row = document.querySelector(`.picks tr[data-key="${key}"]`)!.getBoundingClientRect();
          const view = document.querySelector(of)!.getBoundingClientRect();
          return row.top >= view.top && row.bottom <= view.bottom;
        },
        [scroller, all[3]!] as const,
      );
    });
  });
});

/** A list of so many picks, whose keys are their places from the oldest on. */
function withMillion(feed: Feed, query: Query, million: number): Frame {
  const frame = feed.frame({ ...query, rows: { skip: 0, limit: 500 } });
  const channel = frame.channel!;
  const skip = Math.min(query.rows.skip, million - query.rows.limit);
  const picks = Array.from({ length: query.rows.limit }, (_none, place) => {
    const like = channel.picks[place % channel.picks.length]!;
    return { ...like, key: million - skip - place, timeMs: channel.atMs - (skip + place) };
  });
  return { ...frame, channel: { ...channel, picks, picksSkipped: skip, matching: million, retained: million } };
}

/** In the page: from now on, rows that come into the list and were not there before are counted. */
function countRowsMade(): void {
  const known = new Set<Node>(document.querySelectorAll('.picks tbody tr'));
  const counted = { rows: 0 };
  (window as unknown as { counted: typeof counted }).counted = counted;
  new MutationObserver((mutations) => {
    for (const node of mutations.flatMap(({ addedNodes }) => [...addedNodes])) {
      if (node.nodeName === 'TR' && !known.has(node)) counted.rows += 1;
      known.add(node);
    }
  }).observe(document.querySelector('.picks tbody')!, { childList: true });
}

function rowsMade(): number {
  return (window as unknown as { counted: { rows: number } }).counted.rows;
}
