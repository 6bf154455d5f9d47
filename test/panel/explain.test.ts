import assert from 'node:assert/strict';
import { PickReason } from '@pickscope/protocol/messages';
import { firstQuery, type Feed } from './feed';
import { feedOf, open, openAs, patienceMs, pickRows } from './opening';
import type { PanelPage } from './page';
import { situations } from './situations';

function nameOf(feed: Feed, endpoint: number): string {
  const query = { windowSeconds: 60, points: 120, filter: '', rows: { skip: 0, limit: 1 } };
  return feed.frame(query).channel!.endpoints.find(({ id }) => id === endpoint)!.label;
}

describe('panel: a pick that is explained', function () {
  this.timeout(patienceMs);

  describe('a pick that is chosen', () => {
    it('is asked for, pauses the view and is explained', async () => {
      const feed = feedOf();
      const panel = await open({ feed });
      const row = panel.page.locator(`${pickRows}[data-reason=lower]`).nth(1);
      const key = Number(await row.getAttribute('data-key'));
      await row.click();
      await panel.page.locator('.inspector').waitFor();
      await panel.asked(({ inspect }) => inspect === key);
      await panel.asked(({ untilMs }) => untilMs === feed.nowMs);
      const { candidates, endpoint } = feed.picks().find((pick) => pick.key === key)!;
      const winner = candidates.find((candidate) => candidate.endpoint === endpoint)!;
      const loser = candidates.find((candidate) => candidate.endpoint !== endpoint)!;
      const format = new Intl.NumberFormat('en');
      assert.equal(
        await panel.page.locator('.sentence b').first().innerText(),
        `${nameOf(feed, endpoint!)} won with load ${format.format(winner.score!)} against ${format.format(loser.score!)}`,
      );
      const formula = await panel.page.locator('.formula').innerText();
      for (const words of ['√(lag in ns + 1)', '× (inflight + 1)', `= ${format.format(winner.score!)}`])
        assert.ok(formula.includes(words), words);
      const steps = await panel.page.locator('.steps').innerText();
      for (const words of ['1 draw', 'both healthy', 'lower load taken', '3 force?', 'OK after'])
        assert.ok(steps.includes(words), words);
    });

    it('is not explained by numbers that calls changed while it was decided', async () => {
      const feed = feedOf();
      for (const width of [300, 900]) {
        const panel = await openAs('raced', { width }, feed);
        const tag = panel.page.locator(`${pickRows}[data-reason=raced] .tag`).first();
        assert.equal(await tag.innerText(), 'raced');
        assert.match((await tag.getAttribute('title'))!, /does not explain the choice/);
        const row = panel.page.locator(`${pickRows}[data-reason=raced]`).last();
        assert.deepEqual(await row.locator('.number').allInnerTexts(), ['1402', '1398']);
        await row.click();
        const sentence = await panel.page.locator('.inspector .sentence').innerText();
        assert.equal(
          sentence,
          '10.0.0.1 was chosen, and what was read does not explain it: calls ended while it was decided.',
        );
        const terms = await panel.page.locator('.inspector .steps dt').allInnerTexts();
        assert.equal(terms[0], 'outcome', 'no branch of the policy is told that it may not have taken');
      }
    });

    it('is counted and found by that it was raced', async () => {
      const feed = feedOf();
      situations.raced!.frame(feed, firstQuery);
      feed.run(1000);
      const panel = await open({ feed, width: 900 });
      const counter = panel.page.locator('.reasons [data-reason=raced]');
      assert.equal(await counter.locator('td').first().innerText(), '2');
      await counter.getByRole('button').click();
      await panel.asked(({ filter }) => filter === 'raced');
      await panel.page.waitForFunction((rows) => document.querySelectorAll(rows).length === 2, pickRows);
    });

    it('is walked from with the keyboard alone', async () => {
      const panel = await open({ feed: feedOf() });
      await panel.page.locator(pickRows).first().focus();
      const keyAt = (index: number) => panel.page.locator(pickRows).nth(index).getAttribute('data-key');
      const asksFor = async (index: number) => {
        const key = await keyAt(index);
        await panel.asked(({ inspect }) => String(inspect) === key);
      };
      const focused = () => panel.page.evaluate(() => document.activeElement!.getAttribute('data-key'));
      await panel.page.keyboard.press('ArrowDown');
      await panel.page.keyboard.press('ArrowDown');
      assert.equal(await focused(), await keyAt(2));
      await panel.page.keyboard.press('Enter');
      await panel.page.locator('.inspector').waitFor();
      await asksFor(2);
      await panel.page.keyboard.press('ArrowUp');
      await asksFor(1);
      await panel.page.keyboard.press('Escape');
      await panel.page.locator('.inspector').waitFor({ state: 'hidden' });
      await panel.asked(({ inspect }) => inspect === undefined);
      await panel.page.keyboard.press('Space');
      await panel.asked(({ untilMs }) => untilMs === undefined);
    });

    it('stays in sight', async () => {
      const panel = await open({ feed: feedOf(), height: 900 });
      await panel.page.locator(pickRows).nth(12).scrollIntoViewIfNeeded();
      await panel.page.locator(pickRows).nth(12).click();
      await panel.page.locator('.inspector').waitFor();
      await panel.page.waitForFunction(() => {
        const row = document.querySelector('.picks tr.selected')!.getBoundingClientRect();
        const list = document.querySelector('.picks .scroller')!.getBoundingClientRect();
        return row.top >= list.top + 24 - 1 && row.bottom <= list.bottom + 1;
      });
    });

    it('cuts no digit off a load, at any width', async () => {
      for (const width of [240, 300, 320, 600, 900]) {
        const feed = feedOf(5);
        const candidates = [99_998, 99_999].map((score, backend) => ({ backend, score }));
        feed.add({ reason: PickReason.BETTER_SCORE, backend: 0, candidates });
        const panel = await open({ feed, width });
        const cut = await panel.page
          .locator('.candidate')
          .evaluateAll((nodes) =>
            nodes.filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.textContent),
          );
        assert.deepEqual(cut, [], `at ${width}`);
      }
    });

    it('leads to its neighbours on the same endpoint', async () => {
      const feed = feedOf();
      const panel = await open({ feed });
      await panel.page.locator(pickRows).nth(5).click();
      const clicked = Number(await panel.page.locator(pickRows).nth(5).getAttribute('data-key'));
      await panel.page.locator('[data-action=before]').click();
      const { inspect } = await panel.asked((query) => query.inspect !== clicked);
      const [from, to] = [clicked, inspect].map((key) => feed.picks().find((pick) => pick.key === key)!);
      assert.ok(to!.key < from!.key);
      assert.equal(to!.endpoint, from!.endpoint);
    });
  });

  describe('another policy', () => {
    async function inspected(name: string): Promise<PanelPage> {
      const panel = await openAs(name);
      await panel.page.locator(pickRows).nth(3).click();
      await panel.page.locator('.inspector').waitFor();
      return panel;
    }

    const textOf = (panel: PanelPage, selector: string) => panel.page.locator(selector).first().innerText();

    it('has what Pickscope keeps for it marked, and never as the reason', async () => {
      const panel = await inspected('round-robin');
      assert.match(
        await textOf(panel, '.inspector .sentence'),
        /^round_robin chose 10\.0\.0\.\d, and does not tell why\.$/,
      );
      assert.match(await textOf(panel, '.inspector .formula'), /lag†/);
      assert.match(await textOf(panel, '.inspector .footnote'), /Kept by Pickscope, not by the policy; it had no part/);
      await panel.page.keyboard.press('Escape');
      assert.equal(await textOf(panel, '.endpoints th.lag'), 'lag ms†');
      assert.match((await panel.page.locator('.endpoints th.success').getAttribute('title'))!, /Kept by Pickscope/);
      assert.equal(await textOf(panel, '.endpoints .footnote'), '† lag, inflight, success: kept by Pickscope');
      assert.deepEqual(await panel.page.locator('.plots h2:visible').allInnerTexts(), ['Picks/s', 'Lag† ms, log']);
    });

    it('takes turns by weight: names stand in the list, weights in the sentence', async () => {
      const panel = await inspected('weighted');
      assert.match(await textOf(panel, '.inspector .sentence'), /^It was the turn of .*, by weight \d+ of 100\.$/);
      assert.match(await textOf(panel, '.inspector .formula'), /weight\s+\d+/);
      assert.equal(await panel.page.locator('.inspector .bars').count(), 0, 'nothing was compared');
      await panel.page.keyboard.press('Escape');
      assert.equal(await textOf(panel, '.picks th.a'), 'endpoint');
      assert.equal(await panel.page.locator('.picks td.single').count(), await panel.page.locator(pickRows).count());
      const headings = await panel.page.locator('.plots h2:visible').allInnerTexts();
      assert.deepEqual(headings, ['Picks/s', 'Weight log', 'Lag† ms, log']);
    });

    it('chooses by key: calls without one are tagged, and counted apart', async () => {
      const panel = await openAs('hash');
      const tagged = panel.page.locator('.picks tr[data-reason="nokey"] .tag').first();
      assert.equal(await tagged.innerText(), 'no key');
      await panel.page.locator('.counter', { hasText: 'no key' }).click();
      await panel.asked(({ filter }) => filter === 'nokey');
    });

    it('compares by a peak: it stands apart from the mean', async () => {
      const panel = await inspected('peak');
      assert.match(await textOf(panel, '.inspector .sentence'), /: its peak was lower, /);
      const headings = await panel.page.locator('.inspector .formula tbody th').allInnerTexts();
      assert.deepEqual(headings, ['lag ms', 'peak ms', 'inflight', 'load', 'success', 'last picked']);
      assert.equal(await panel.page.locator('.inspector .formula thead th').count(), 4, 'all that were compared');
      await panel.page.keyboard.press('Escape');
      const { endpoints } = panel.answer(panel.query!).channel!;
      const lag = panel.page.locator('.endpoints td.lag').first();
      assert.equal(await lag.getAttribute('title'), `Peak ${endpoints[0]!.peakMs!.toFixed(2)} ms`);
      const wide = await openAs('peak', { width: 600 });
      assert.ok(await wide.page.locator('.endpoints td.peak').first().isVisible());
      const without = await openAs('live', { width: 600 });
      assert.ok(!(await without.page.locator('.endpoints td.peak').first().isVisible()));
    });

    it('shows of many candidates the chosen one and the strongest other', async () => {
      const panel = await openAs('peak');
      const { picks } = panel.answer(panel.query!).channel!;
      const { key, endpoint, candidates } = picks.find(({ reason }) => reason === 'lower')!;
      const best = candidates.filter((one) => one.endpoint !== endpoint).sort((a, b) => a.score! - b.score!)[0]!;
      const shown = await panel.page
        .locator(`.picks tr[data-key="${key}"] td[data-endpoint]`)
        .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute('data-endpoint'))));
      assert.deepEqual(shown.sort(), [endpoint, best.endpoint].sort());
    });

    it('than the one asked for is said, and so is what cannot be seen', async () => {
      const panel = await openAs('note');
      assert.match(
        await textOf(panel, '.notices .banner'),
        /^pick_first runs, though .* another policy\.\s+The channel asked/,
      );
      const details = panel.page.locator('.notices details', { hasText: 'cannot be seen' });
      assert.ok(!(await details.locator('li').first().isVisible()));
      await details.locator('summary').click();
      assert.deepEqual(await details.locator('li').allInnerTexts(), panel.answer(panel.query!).limitations);
    });
  });
});
