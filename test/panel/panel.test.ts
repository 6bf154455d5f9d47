import assert from 'node:assert/strict';
import type { Frame } from '../../src/messages/panel';
import { launchBrowser } from '../host/browser.mjs';
import { client, FakeFeed, type FakeOptions } from './fakeFeed';
import { PanelPage, type Browser, type PageOptions } from './page';
import { situations } from './situations';
import { themes, type ThemeName } from './themes';

describe('panel', function () {
  this.timeout(60_000);

  let browser: Browser;
  const opened: PanelPage[] = [];

  before(async () => {
    browser = await launchBrowser();
  });

  after(() => browser.close());

  afterEach(async () => {
    for (const panel of opened.splice(0)) {
      await panel.close();
      assert.deepEqual(panel.complaints, []);
    }
  });

  function feedOf(seconds = 40, options?: FakeOptions): FakeFeed {
    const feed = new FakeFeed(options);
    for (let second = 0; second < seconds; second += 1) feed.run(1000);
    return feed;
  }

  async function open(options: PageOptions = {}): Promise<PanelPage> {
    const panel = await PanelPage.open(browser, options);
    opened.push(panel);
    return panel;
  }

  async function openAs(name: string, options: PageOptions = {}): Promise<PanelPage> {
    const feed = feedOf();
    return open({ answer: (query) => situations[name]!.frame(feed, query), ...options });
  }

  async function openWith(feed: FakeFeed, options: PageOptions = {}): Promise<PanelPage> {
    return open({ answer: (query) => feed.frame(query), ...options });
  }

  const rows = '.picks tr[data-key]';

  describe('states', () => {
    const texts: Readonly<Record<string, readonly string[]>> = {
      'none-found': [
        'No gRPC client to attach to.',
        "import '@pickscope/grpc-js/attach';",
        'Copy Line',
        'enter an address',
      ],
      'none-attached': ['2 clients can be attached to.', 'checkout', 'Attach'],
      connecting: [
        'Connecting',
        'Connected',
        'Token accepted, protocol 1',
        'Waiting for the snapshot',
        '1.2 s',
        'Cancel',
      ],
      lost: [
        'Lost',
        'The client closed the stream.',
        'tries so far: 3',
        'What was received stays.',
        'Retry Now',
        'Detach',
      ],
      refused: ['Refused', 'refused the token', 'Enter Token…', 'Detach'],
      idle: ['No call for 2 min 10 s.', 'the next pick appears here at once'],
      live: ['Live', 'orders-api', 'cart.shop.svc:50051', 'p2c_ewma'],
    };
    for (const [name, expected] of Object.entries(texts)) {
      it(`shows ${name}`, async () => {
        const feed = feedOf();
        const panel = await open({ answer: (query) => situations[name]!.frame(feed, query) });
        const text = await panel.page.locator('body').innerText();
        for (const words of expected) assert.ok(text.includes(words), `"${words}" in:\n${text}`);
      });
    }

    it('keeps the data of a lost client, greyed', async () => {
      const feed = feedOf();
      const panel = await open({ answer: (query) => situations.lost!.frame(feed, query) });
      assert.equal(await panel.page.locator('.endpoints tbody tr').count(), 5);
      assert.match(await panel.page.locator('.columns').evaluate((node) => getComputedStyle(node).filter), /grayscale/);
    });

    it('asks for what its buttons say', async () => {
      const feed = feedOf();
      const panel = await open({ answer: (query) => situations.lost!.frame(feed, query) });
      await panel.page.getByRole('button', { name: 'Retry Now' }).click();
      await panel.page.getByRole('button', { name: 'Detach' }).click();
      panel.answer = situations['none-attached']!.frame.bind(undefined, feed);
      await panel.refresh();
      await panel.page.getByRole('button', { name: 'Attach to checkout 51002' }).click();
      const commands = await panel.commanded(3);
      assert.deepEqual(commands, [{ name: 'retryNow' }, { name: 'detach' }, { name: 'attach', client: 'b' }]);
    });

    it('offers to make programs attachable as they are, unless they are already', async () => {
      const panel = await open({ answer: (query) => situations['none-found']!.frame(feedOf(1), query) });
      await panel.page.getByRole('button', { name: 'Make Node programs attachable' }).click();
      assert.deepEqual(await panel.commanded(1), [{ name: 'makeNodeAttachable' }]);
      panel.answer = (query) => situations['none-found-node']!.frame(feedOf(1), query);
      await panel.refresh();
      await panel.page.getByText('shows up here by itself.').waitFor();
      assert.equal(await panel.page.getByRole('button', { name: 'Make Node programs attachable' }).count(), 0);
    });

    it('announces changes of state', async () => {
      const feed = feedOf();
      const panel = await openWith(feed);
      const status = panel.page.locator('[role=status]');
      assert.equal(await status.textContent(), 'orders-api Live');
      panel.answer = (query) => situations.lost!.frame(feed, query);
      await panel.refresh();
      await panel.page.waitForFunction(
        () => document.querySelector('[role=status]')?.textContent === 'orders-api Lost',
      );
    });
  });

  describe('the table of endpoints', () => {
    it('shows the numbers of the frame', async () => {
      const feed = feedOf(20);
      const panel = await openWith(feed);
      const { endpoints } = feed.frame(panel.query!).channel!;
      const shown = await panel.page
        .locator('.endpoints tbody tr')
        .evaluateAll((trs) =>
          trs.map((tr) =>
            ['name', 'share', 'inflight', 'success'].map((name) => tr.querySelector(`.${name}`)!.textContent),
          ),
        );
      assert.deepEqual(
        shown,
        endpoints.map(({ label, share, inflight, success }) => [
          label,
          `${Math.round(share! * 100)} %`,
          String(inflight),
          String(success),
        ]),
      );
    });

    it('draws each bar as long as its share, on one scale with the fair share', async () => {
      const feed = feedOf(20);
      const panel = await openWith(feed);
      const { endpoints } = feed.frame(panel.query!).channel!;
      const widths = await panel.page
        .locator('.endpoints tbody tr')
        .evaluateAll((trs) =>
          trs.map((tr) => [
            tr.querySelector('.bar')!.getBoundingClientRect().width,
            tr.querySelector('.fair-tick')!.getBoundingClientRect().left - tr.getBoundingClientRect().left,
          ]),
        );
      for (const [index, [bar, tick]] of widths.entries()) {
        assert.ok(Math.abs(bar! / tick! - endpoints[index]!.share! / 0.2) < 0.05, `bar ${bar}, tick ${tick}`);
      }
    });

    it('shows the state and its age in place of the numbers of an endpoint that is not READY', async () => {
      const feed = feedOf(30);
      const panel = await openWith(feed);
      const last = panel.page.locator('.endpoints tbody tr').last();
      assert.match(await last.innerText(), /TRANSIENT_FAILURE\s+\d+ s/);
      assert.equal(await last.locator('.success').innerText(), '');
      assert.equal(await panel.page.locator('.health').innerText(), '1 of 5 not ready');
    });

    it('never reorders rows, and updates them in place', async () => {
      const feed = feedOf(10);
      const panel = await openWith(feed);
      const first = await panel.page.locator('.endpoints tbody tr').first().elementHandle();
      feed.run(5000);
      await panel.refresh();
      await panel.page.waitForFunction(
        (ms) => document.querySelector('.endpoints .last')?.textContent !== undefined && ms > 0,
        feed.nowMs,
      );
      assert.ok(await first.evaluate((row) => row === document.querySelector('.endpoints tbody tr')));
    });

    it('reads out the moment under the crosshair', async () => {
      const feed = feedOf(60);
      const panel = await openWith(feed);
      await panel.page.locator('.overlay').hover({ position: { x: 220, y: 60 } });
      const legend = panel.page.locator('.legend');
      await panel.page.waitForFunction(() => document.querySelector('.legend')!.textContent.startsWith('at 14:01:'));
      const time = /at 14:(\d\d):(\d\d)/.exec(await legend.innerText())!;
      const { series, endpoints } = feed.frame(panel.query!).channel!;
      const index = series.times.findIndex((ms) => new Date(ms).toISOString().includes(`14:${time[1]}:${time[2]}`));
      const lag = series.endpoints[0]!.lagMs[index]!;
      assert.equal(endpoints[0]!.id, series.endpoints[0]!.endpoint);
      assert.equal(await panel.page.locator('.endpoints td.lag').first().innerText(), lag.toFixed(2));
    });

    it('filters the list by a click on a name', async () => {
      const panel = await openWith(feedOf());
      await panel.page.getByRole('button', { name: '10.0.0.4', exact: true }).click();
      await panel.asked(({ filter }) => filter === '10.0.0.4');
      await panel.page.getByRole('button', { name: '10.0.0.4', exact: true }).click();
      await panel.asked(({ filter }) => filter === '');
    });
  });

  describe('the list of picks', () => {
    it('shows in each row the choice that follows from its loads and its reason', async () => {
      const feed = feedOf(60);
      const panel = await openWith(feed, { answer: (query) => feed.frame({ ...query, limit: 1000 }) });
      const shown = await panel.page.locator(`${rows}:has(.a)`).evaluateAll((trs) =>
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
        const panel = await openWith(feedOf(30), { width });
        const shown = await panel.page.locator(`${rows}:has(.b .bar)`).evaluateAll((trs) =>
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
        const panel = await openWith(feed, { width });
        await panel.page.locator('.picks .separator').first().waitFor({ state: 'attached' });
        const [used, given] = await panel.page
          .locator(rows)
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
      const panel = await openWith(feed);
      const separator = panel.page.locator('.picks .separator', { hasText: 'generation' });
      assert.match(await separator.innerText(), /generation 49, history lost/);
    });

    it('shows picks that chose nothing, and calls that failed', async () => {
      const feed = feedOf(5);
      feed.add({ reason: 'queued' });
      feed.add({ reason: 'failed', code: 'UNAVAILABLE' });
      feed.add({ reason: 'dropped', code: 'RESOURCE_EXHAUSTED' });
      const outcome = {
        code: 'DEADLINE_EXCEEDED',
        latencyMs: 20.04,
        lagAfterNs: null,
        successAfter: null,
        inflightAfter: null,
      };
      feed.add({ reason: 'untold', endpoint: 2, outcome });
      const panel = await openWith(feed);
      const texts = await panel.page
        .locator(rows)
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
      const panel = await openWith(feed);
      const top = await panel.page.locator(rows).first().getAttribute('data-key');
      await panel.page.locator(rows).nth(2).hover();
      const before = feed.picks.length;
      feed.run(400);
      await panel.refresh();
      const newer = feed.picks.length - before;
      await panel.page.waitForFunction(
        (words) => document.querySelector('.note')?.textContent === words,
        `held, ${newer} newer`,
      );
      assert.equal(await panel.page.locator(rows).first().getAttribute('data-key'), top);
      await panel.page.mouse.move(5, 5);
      await panel.page.waitForFunction(
        (key) => document.querySelector('.picks tr[data-key]')?.getAttribute('data-key') !== key,
        top,
      );
    });

    it('shows the outcome of a held pick when it becomes known', async () => {
      const feed = feedOf(10, { meansMs: [300, 400, 500] });
      const panel = await openWith(feed);
      const running = panel.page.locator(rows, { has: panel.page.locator('.ms', { hasText: '…' }) }).first();
      const key = await running.getAttribute('data-key');
      await running.hover();
      feed.run(2000);
      panel.answer = (query) => feed.frame({ ...query, limit: 1000 });
      await panel.refresh();
      await panel.page.waitForFunction(
        (of) => /\d/.test(document.querySelector(`.picks tr[data-key="${of}"] .ms`)?.textContent ?? ''),
        key,
      );
    });
  });

  describe('filter', () => {
    it('sends what is typed, and says how many match', async () => {
      const panel = await openWith(feedOf());
      await panel.page.getByLabel('Filter the picks').fill('GetCart forced');
      await panel.page.waitForFunction(() =>
        /^\d+ of [\d,]+ picks$/.test(document.querySelector('.note')!.textContent),
      );
      await panel.asked(({ filter }) => filter === 'GetCart forced');
      assert.equal(await panel.page.locator('.picks tr[data-key]:not([data-reason=forced])').count(), 0);
    });

    it('says which word it does not understand', async () => {
      const panel = await openWith(feedOf(5));
      await panel.page.getByLabel('Filter the picks').fill('>x');
      await panel.page.locator('.filter .red.small').waitFor({ state: 'visible' });
      assert.match(await panel.page.locator('.filter .red.small').innerText(), /“>x” is not understood/);
    });

    it('has the counts by reason as filters, one reason at a time', async () => {
      const panel = await openWith(feedOf());
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
      const panel = await openWith(feedOf(5));
      await panel.send({ type: 'do', action: 'focusFilter' });
      await panel.page.waitForFunction(() => document.activeElement?.tagName === 'INPUT');
    });
  });

  describe('a pick that is chosen', () => {
    it('is asked for, pauses the view and is explained', async () => {
      const feed = feedOf();
      const panel = await openWith(feed);
      const row = panel.page.locator(`${rows}[data-reason=lower]`).nth(1);
      const key = Number(await row.getAttribute('data-key'));
      await row.click();
      await panel.page.locator('.inspector').waitFor();
      await panel.asked(({ inspect }) => inspect === key);
      await panel.asked(({ untilMs }) => untilMs === feed.nowMs);
      const { candidates, endpoint } = feed.picks.find((pick) => pick.key === key)!;
      const winner = candidates.find((candidate) => candidate.endpoint === endpoint)!;
      const loser = candidates.find((candidate) => candidate.endpoint !== endpoint)!;
      const format = new Intl.NumberFormat('en');
      assert.equal(
        await panel.page.locator('.sentence b').first().innerText(),
        `10.0.0.${endpoint!} won with load ${format.format(winner.score!)} against ${format.format(loser.score!)}`,
      );
      const formula = await panel.page.locator('.formula').innerText();
      for (const words of ['√(lag in ns + 1)', '× (inflight + 1)', `= ${format.format(winner.score!)}`])
        assert.ok(formula.includes(words), words);
      const steps = await panel.page.locator('.steps').innerText();
      for (const words of ['1 draw', 'both healthy', 'lower load taken', '3 force?', 'OK after'])
        assert.ok(steps.includes(words), words);
    });

    it('is walked from with the keyboard alone', async () => {
      const panel = await openWith(feedOf());
      await panel.page.locator(rows).first().focus();
      const keyAt = (index: number) => panel.page.locator(rows).nth(index).getAttribute('data-key');
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
      const panel = await openWith(feedOf(), { height: 900 });
      await panel.page.locator(rows).nth(40).scrollIntoViewIfNeeded();
      await panel.page.locator(rows).nth(40).click();
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
        const [pick] = feed.picks.slice(-1);
        const candidates = pick!.candidates.map((candidate, index) => ({ ...candidate, score: 99_998 + index }));
        feed.add({ ...pick!, key: 999_999, candidates });
        const panel = await openWith(feed, { width });
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
      const panel = await openWith(feed);
      await panel.page.locator(rows).nth(5).click();
      const clicked = Number(await panel.page.locator(rows).nth(5).getAttribute('data-key'));
      await panel.page.locator('[data-action=before]').click();
      const { inspect } = await panel.asked((query) => query.inspect !== clicked);
      const [from, to] = [clicked, inspect].map((key) => feed.picks.find((pick) => pick.key === key)!);
      assert.ok(to!.key < from!.key);
      assert.equal(to!.endpoint, from!.endpoint);
    });
  });

  describe('another policy', () => {
    async function inspected(name: string): Promise<PanelPage> {
      const panel = await openAs(name);
      await panel.page.locator(rows).nth(3).click();
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
      assert.deepEqual(await panel.page.locator('.chart:visible h3').allInnerTexts(), ['Picks/s', 'Lag† ms, log']);
    });

    it('takes turns by weight: names stand in the list, weights in the sentence', async () => {
      const panel = await inspected('weighted');
      assert.match(await textOf(panel, '.inspector .sentence'), /^It was the turn of .*, by weight \d+ of 100\.$/);
      assert.match(await textOf(panel, '.inspector .formula'), /weight\s+\d+/);
      assert.equal(await panel.page.locator('.inspector .bars').count(), 0, 'nothing was compared');
      await panel.page.keyboard.press('Escape');
      assert.equal(await textOf(panel, '.picks th.a'), 'endpoint');
      assert.equal(await panel.page.locator('.picks td.single').count(), await panel.page.locator(rows).count());
      const headings = await panel.page.locator('.chart:visible h3').allInnerTexts();
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

  describe('what is told of the client', () => {
    const folded = '.notices details';

    it('calls that it refused, and what that means, in one quiet line that opens', async () => {
      const feed = feedOf(60);
      const panel = await open({ answer: (query) => situations['told-folded']!.frame(feed, query) });
      const notice = panel.page.locator(folded).first();
      assert.equal(await notice.locator('summary').innerText(), 'One call with a wrong token was refused');
      assert.ok(!(await notice.locator('li').isVisible()));
      await notice.locator('summary').click();
      assert.match(await notice.locator('li').innerText(), /^Somebody tried to read .* learned nothing\./);
      const frame = panel.answer(panel.query!);
      panel.answer = () => ({ ...frame, refusedCalls: 12_345 });
      await panel.refresh();
      await panel.page.getByText('12,345 calls with a wrong token were refused').waitFor();
      assert.ok(await notice.locator('li').isVisible(), 'it stays open');
      panel.answer = () => ({ ...frame, refusedCalls: 0 });
      await panel.refresh();
      await panel.page.getByText('with a wrong token').waitFor({ state: 'hidden' });
    });

    it('what there was no room for', async () => {
      const panel = await openAs('told');
      await panel.page.locator(folded, { hasText: 'Some things are left out here' }).locator('summary').click();
      const rows = await panel.page.locator(`${folded} li:visible`).allInnerTexts();
      assert.deepEqual(rows, [
        '12 more channels have no room here',
        '48,000 more names of methods, shown as “(other)”',
      ]);
    });

    it('what it had kept from before it was attached, as long as that is in view', async () => {
      const panel = await openAs('told');
      const line = panel.page.locator('.notices > p');
      assert.match(await line.innerText(), /^Before \d\d:\d\d:\d\d: kept by the client, the last 60 s$/);
      const frame = panel.answer(panel.query!);
      panel.answer = () => ({ ...frame, kept: { seconds: 60, untilMs: frame.channel!.atMs - 3_600_000 } });
      await panel.refresh();
      await line.waitFor({ state: 'hidden' });
    });

    it('that there is no place among its watchers, and when it tries again', async () => {
      const panel = await openAs('full');
      const banner = panel.page.locator('.banner.warning');
      assert.match(await banner.innerText(), /as soon as there is room.*\s+Trying again in 1?\d s; tries so far: 2\./);
      await banner.getByRole('button', { name: 'Retry Now' }).click();
      assert.deepEqual(await panel.commanded(1), [{ name: 'retryNow' }]);
    });

    it('that its certificate is not trusted, and that nothing happens by itself', async () => {
      const panel = await openAs('certificate');
      const banner = panel.page.locator('.banner.error');
      assert.match(await banner.innerText(), /pickscope\.tlsRootsFile/);
      assert.doesNotMatch(await banner.innerText(), /Trying again/);
    });
  });

  describe('the chart of single picks', () => {
    it('shows the loads around the selected one, and chooses by a click', async () => {
      const feed = feedOf();
      const panel = await openWith(feed);
      await panel.page.locator(rows).nth(20).click();
      const canvas = panel.page.getByRole('img', { name: /^Loads of \d+ picks around the selected one$/ });
      await canvas.waitFor();
      const { inspect } = await panel.asked((query) => query.inspect !== undefined);
      const { width } = (await canvas.boundingBox())!;
      await canvas.click({ position: { x: width - 32, y: 60 } });
      const chosen = await panel.asked((query) => query.inspect !== inspect);
      assert.ok(chosen.inspect! > inspect!, 'the right end is the newest');
    });
  });

  describe('pause', () => {
    it('freezes the view, not the capture, and goes back to live', async () => {
      const feed = feedOf(20);
      const panel = await openWith(feed);
      await panel.page.getByRole('button', { name: 'Live' }).click();
      await panel.asked(({ untilMs }) => untilMs === feed.nowMs);
      const top = await panel.page.locator(rows).first().getAttribute('data-key');
      feed.run(2000);
      await panel.refresh();
      const newer = feed.frame(panel.query!).channel!.newer;
      await panel.page.waitForFunction(
        (words) => document.querySelector('.newer')?.textContent === words,
        `${newer} newer`,
      );
      assert.equal(await panel.page.locator(rows).first().getAttribute('data-key'), top);
      await panel.page.getByRole('button', { name: 'Back to live' }).click();
      await panel.page.waitForFunction(
        (key) => document.querySelector('.picks tr[data-key]')?.getAttribute('data-key') !== key,
        top,
      );
      await panel.asked(({ untilMs }) => untilMs === undefined);
    });

    it('obeys the host, and survives that the panel is thrown away', async () => {
      const feed = feedOf(20);
      const panel = await openWith(feed);
      await panel.send({ type: 'do', action: 'pause' });
      await panel.page.locator('.state[data-state=paused]').waitFor();
      const asked = await panel.asked(({ untilMs }) => untilMs !== undefined);
      feed.run(3000);
      panel.query = undefined;
      await panel.page.reload();
      await panel.page.locator('.state[data-state=paused]').waitFor();
      await panel.asked(({ untilMs }) => untilMs === asked.untilMs);
    });

    it('ends by itself where nothing of that time is kept', async () => {
      const feed = feedOf(20);
      const panel = await openWith(feed);
      await panel.send({ type: 'do', action: 'pause' });
      await panel.page.locator('.state[data-state=paused]').waitFor();
      panel.answer = (query) => {
        const frame = feed.frame(query);
        return { ...frame, channel: { ...frame.channel!, oldestPickMs: null } };
      };
      await panel.refresh();
      await panel.page.locator('.state[data-state=live]').waitFor();
    });

    it('ends with the client that it was about', async () => {
      const feed = feedOf(20);
      const panel = await openWith(feed);
      await panel.page.locator(rows).nth(3).click();
      await panel.asked(({ inspect }) => inspect !== undefined);
      panel.answer = (query) => {
        const frame = feed.frame(query);
        return { ...frame, attachment: { state: 'live', client: { ...client, id: 'another' }, paused: false } };
      };
      await panel.refresh();
      const { inspect } = await panel.asked(({ untilMs }) => untilMs === undefined);
      assert.equal(inspect, undefined);
    });
  });

  describe('events', () => {
    it('shows what happened with its error, when opened', async () => {
      const panel = await openWith(feedOf(30));
      await panel.page.getByRole('button', { name: 'Events' }).click();
      await panel.page.locator('.events li').first().waitFor();
      const text = await panel.page.locator('.events ol').innerText();
      for (const words of [
        'READY → TRANSIENT_FAILURE',
        'connect ECONNREFUSED',
        'generation 49, 4 ready',
        'history lost',
      ]) {
        assert.ok(text.includes(words), `"${words}" in:\n${text}`);
      }
    });
  });

  describe('strings from clients', () => {
    const hostile = [
      '<img src=x onerror="window.hurt=1">',
      '<script>window.hurt=1</script>',
      '"><svg onload=window.hurt=1>',
      '\u202eevil\u2066',
      '{0} **strong**',
      'x'.repeat(1_000_000),
    ];

    for (const text of hostile) {
      it(`are text: ${text.slice(0, 30)}`, async () => {
        const feed = feedOf(10);
        feed.add({ method: `/${text}`, reason: 'failed', code: text });
        const inspected = feed.add({ method: text, reason: 'failed', code: text });
        feed.events.unshift(
          {
            key: 900,
            timeMs: feed.nowMs,
            kind: 'endpointState',
            endpoint: 1,
            address: text,
            from: 'READY',
            to: 'TRANSIENT_FAILURE',
            error: text,
          },
          { key: 901, timeMs: feed.nowMs, kind: 'resolver', addresses: [text], count: 1, error: text },
          { key: 902, timeMs: feed.nowMs, kind: 'policy', path: [text], note: text },
        );
        const panel = await open({ answer: (query) => withHostile(feed.frame(query), text) });
        await panel.page.getByRole('button', { name: 'Events' }).click();
        await panel.page.locator('.events li').first().waitFor();
        await panel.page.locator(`tr[data-key="${inspected.key}"]`).click();
        await panel.page.locator('.inspector').waitFor();
        const made = await panel.page.evaluate(() => ({
          hurt: 'hurt' in window,
          elements: document.querySelectorAll('.panel img, .panel script, .panel svg[onload]').length,
          longest: Math.max(...[...document.querySelectorAll('.foreign')].map((node) => node.textContent.length)),
          isolated: [...document.querySelectorAll('.foreign')].every(
            (node) => getComputedStyle(node).unicodeBidi === 'isolate',
          ),
        }));
        assert.deepEqual(
          { ...made, longest: made.longest <= 2001 },
          { hurt: false, elements: 0, longest: true, isolated: true },
        );
      });
    }

    function withHostile(frame: Frame, text: string): Frame {
      const channel = frame.channel!;
      const client = { id: 'x', name: text, pid: 1, folder: text, attached: true };
      return {
        attachment: { state: 'lost', client, atMs: channel.atMs, reason: text, nextTryMs: null, tries: 1 },
        clients: [client],
        channels: [{ id: 1, target: text, closed: false, picksPerSecond: 1 }],
        limitations: [text, text],
        refusedCalls: 2,
        channel: {
          ...channel,
          target: text,
          policyPath: [text, text],
          policyNote: text,
          filterError: { token: text },
          endpoints: channel.endpoints.map((endpoint) => ({
            ...endpoint,
            label: text,
            addresses: [text],
            error: text,
          })),
        },
      };
    }
  });

  describe('looks', () => {
    for (const theme of Object.keys(themes) as ThemeName[]) {
      it(`draws every series in its colour, readable, in ${theme}`, async () => {
        const panel = await openWith(feedOf(60), { theme });
        const found = await panel.page.evaluate(coloursOfLagChart);
        for (const { name, contrast, pixels } of found.series) {
          assert.ok(contrast >= 3, `${name}: contrast ${contrast}`);
          assert.ok(pixels > 5, `${name}: ${pixels} pixels`);
        }
        assert.ok(found.red >= 4.5, `red: contrast ${found.red}`);
      });

      it(`goes through all situations without a complaint in ${theme}`, async () => {
        for (const situation of Object.values(situations)) {
          const feed = feedOf(26, situation.feed);
          const panel = await open({ theme, answer: (query) => situation.frame(feed, query) });
          await situation.act?.(panel.page, feed);
        }
      });
    }

    it('draws picks alone for a policy that tells neither loads nor lags', async () => {
      const feed = feedOf(26);
      const panel = await open({ answer: (query) => situations.bare!.frame(feed, query) });
      await panel.page.locator('.chart').first().waitFor();
      const headings = await panel.page.locator('.chart:visible h3').allInnerTexts();
      assert.deepEqual(headings, ['Picks/s']);
    });

    it('follows a change of the theme', async () => {
      const panel = await openWith(feedOf(60), { theme: 'dark' });
      await panel.setTheme('light');
      await panel.page.waitForFunction(coloursDrawn);
    });

    it('keeps marks and lines in forced colours', async () => {
      const panel = await openWith(feedOf(20), { forcedColors: true });
      const fills = await panel.page
        .locator('.endpoints .key .solid')
        .evaluateAll((paths) => paths.map((path) => getComputedStyle(path).fill));
      assert.equal(new Set(fills).size, 1);
      assert.equal(await panel.page.locator('.endpoints .key .solid').count(), 5);
    });

    it('folds endpoints beyond twelve lines into a band, and keeps all in the table', async () => {
      const feed = feedOf(20, situations.many!.feed);
      const panel = await openWith(feed);
      assert.equal(await panel.page.locator('.endpoints tbody tr').count(), 50);
      assert.equal(await panel.page.locator('.endpoints tbody tr.series-other').count(), 38);
      assert.match(await panel.page.locator('.charts').innerText(), /38 others/);
    });

    it('drops at 240 px what matters least, and never scrolls sideways', async () => {
      for (const width of [240, 300, 320, 600, 900]) {
        const panel = await openWith(feedOf(30), { width });
        const visible = (selector: string) => panel.page.locator(selector).first().isVisible();
        assert.equal(await visible('.endpoints td.success'), width > 240, `success at ${width}`);
        assert.equal(await visible('.endpoints td.load'), width === 600, `load at ${width}`);
        assert.equal(await visible('.picks td.method'), width > 240, `method at ${width}`);
        const end = await panel.page
          .locator('.picks td.ms')
          .first()
          .evaluate((cell) => cell.getBoundingClientRect().right);
        assert.ok(end <= width, `the list ends at ${end} of ${width}`);
        assert.equal(await visible('.picks td.outcome'), width >= 600, `outcome at ${width}`);
        assert.ok(
          await panel.page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
          `overflow at ${width}`,
        );
      }
    });

    it('speaks Chinese', async () => {
      const l10n = {
        '{0} picks/s': '每秒 {0} 次选取',
        Live: '实时',
        'load A': '负载 A',
        '{0} endpoints': '{0} 个端点',
      };
      const panel = await openWith(feedOf(20), { l10n, language: 'zh-cn' });
      const text = await panel.page.locator('body').innerText();
      for (const words of ['实时', '负载 A', '5 个端点']) assert.ok(text.includes(words), `"${words}" in:\n${text}`);
      assert.match(text, /每秒 \d+ 次选取/);
      assert.equal(await panel.page.locator('html').getAttribute('lang'), 'zh-cn');
    });

    it('describes each chart to those who do not see it', async () => {
      const panel = await openWith(feedOf(20));
      const labels = await panel.page
        .locator('.charts canvas[role=img]')
        .evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')));
      assert.equal(labels.length, 3);
      for (const label of labels) assert.match(label!, /10\.0\.0\.1 [\d.]+k?/);
    });
  });
});

/** In the page: how well each series of the lag chart is seen, and how often its colour is there. */
function coloursOfLagChart() {
  const probe = document.body.appendChild(document.createElement('span'));
  const paper = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const rgb = (variable: string): [number, number, number] => {
    probe.style.setProperty('color', `var(${variable})`);
    paper.fillStyle = getComputedStyle(probe).color;
    paper.fillRect(0, 0, 1, 1);
    const [red, green, blue] = paper.getImageData(0, 0, 1, 1).data;
    return [red!, green!, blue!];
  };
  const luminance = (colour: readonly number[]) => {
    const [r, g, b] = colour.map((value) =>
      value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4,
    );
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const ground = luminance(rgb('--background'));
  const contrast = (colour: readonly number[]) => {
    const own = luminance(colour);
    return (Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05);
  };
  const canvas = document.querySelectorAll<HTMLCanvasElement>('.chart canvas')[2]!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  const occurrences = ([red, green, blue]: readonly number[]) => {
    let pixels = 0;
    for (let i = 0; i < data.length; i += 4) {
      const near = Math.abs(data[i]! - red!) + Math.abs(data[i + 1]! - green!) + Math.abs(data[i + 2]! - blue!) < 12;
      if (near && data[i + 3]! > 128) pixels += 1;
    }
    return pixels;
  };
  const series = [0, 1, 2, 3, 4].map((index) => {
    const colour = rgb(`--series-${index}`);
    return { name: `series ${index}`, contrast: contrast(colour), pixels: occurrences(colour) };
  });
  const red = contrast(rgb('--red'));
  probe.remove();
  return { series, red };
}

/** In the page: the lag chart has the light theme's blue in it. */
function coloursDrawn(): boolean {
  const canvas = document.querySelectorAll<HTMLCanvasElement>('.chart canvas')[2]!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 255 && data[i]! < 20 && Math.abs(data[i + 1]! - 96) < 12 && data[i + 2]! > 180) return true;
  }
  return false;
}
