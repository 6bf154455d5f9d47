import assert from 'node:assert/strict';
import { feedOf, open, openAs, patienceMs, pickRows } from './opening';
import { situations } from './situations';

describe('panel: keys and words', function () {
  this.timeout(patienceMs);

  for (const [name, width] of [
    ['live', 300],
    ['pick', 300],
    ['answer', 1400],
    ['recording', 1400],
    ['compare', 1400],
  ] as const) {
    it(`reach all that can be used, where the focus is seen: ${name}, ${width} px wide`, async () => {
      const feed = feedOf();
      const { page } = await openAs(name, { width }, feed);
      await situations[name]!.act?.(page, feed);
      const reached = new Set<string>();
      const unmarked: string[] = [];
      // From wherever the focus is, once around.
      for (let focused: Control | undefined; !focused || !reached.has(focused.name);) {
        if (focused) reached.add(focused.name);
        if (focused?.marked === false) unmarked.push(focused.name);
        await page.keyboard.press('Tab');
        focused = (await page.evaluate(controls)).find((control) => control.focused);
      }
      const missed = (await page.evaluate(controls))
        .map((control) => control.name)
        .filter((each) => !reached.has(each));
      assert.deepEqual({ unmarked, missed }, { unmarked: [], missed: [] });
      assert.ok(reached.size > 5);
    });
  }

  it('are listed by ?, which closes with Esc alone, and are not taken from who types', async () => {
    const panel = await open({ feed: feedOf(20) });
    const { page } = panel;
    await page.locator(pickRows).nth(3).click();
    await page.locator('.inspector').waitFor();
    await page.keyboard.press('?');
    await page.locator('.keys-dialog[open]').waitFor();
    assert.match(await page.locator('.keys-dialog').innerText(), /pause, and go on/);
    await page.keyboard.press('Escape');
    await page.locator('.keys-dialog[open]').waitFor({ state: 'detached' });
    assert.ok(await page.locator('.inspector').isVisible(), 'one thing at a time');
    await page.keyboard.press('/');
    await page.keyboard.type('a?/');
    await panel.asked(({ filter }) => filter === 'a?/');
    assert.equal(await page.locator('.keys-dialog[open]').count(), 0);
  });

  it('close what is innermost, one after the other', async () => {
    const panel = await open({ feed: feedOf() });
    const { page } = panel;
    const { fromMs, toMs } = panel.answer(panel.query!).reach!;
    await page.locator(pickRows).nth(3).click();
    await panel.asked(({ inspect }) => inspect !== undefined);
    await page.locator('.inspector').waitFor();
    await page.reload();
    await page.evaluate(
      (selection) => {
        const state = JSON.parse(sessionStorage.getItem('state')!) as { query: object };
        sessionStorage.setItem('state', JSON.stringify({ ...state, query: { ...state.query, selection } }));
      },
      { fromMs: fromMs + 1000, toMs: toMs - 1000 },
    );
    await page.reload();
    await page.locator('.inspector').waitFor();
    await page.locator('.inspector').click();
    await page.keyboard.press('Escape');
    const { inspect } = await panel.asked(({ selection }) => selection === undefined);
    assert.notEqual(inspect, undefined, 'the selection closes before the explanation');
    await page.keyboard.press('Escape');
    await panel.asked((query) => query.inspect === undefined);
  });

  it('pause and go on; End goes back to live', async () => {
    const panel = await open({ feed: feedOf(10) });
    await panel.page.keyboard.press('Space');
    await panel.asked(({ untilMs }) => untilMs !== undefined);
    await panel.page.keyboard.press('End');
    await panel.asked(({ untilMs }) => untilMs === undefined);
  });

  it('play a recording, which stops at its end; any moment can be gone to', async () => {
    const feed = feedOf(30);
    const panel = await openAs('recording', {}, feed);
    const { page } = panel;
    assert.match(await page.locator('.header .file').innerText(), /\.pickscope$/);
    assert.equal(await page.locator('.header .chooser').first().isHidden(), true, 'there is no client to choose');
    await page.locator('.replay select').selectOption('16');
    await page.locator('.replay button').focus();
    await page.locator('body').click({ position: { x: 2, y: 2 } });
    const reach = feed.frame(panel.query!).reach!;
    await page.keyboard.press('Space');
    const first = await panel.asked(({ untilMs }) => untilMs !== undefined);
    assert.ok(first.untilMs! < reach.toMs, 'from the begin, where it was at the end');
    await panel.asked(({ untilMs }) => untilMs! > reach.fromMs + 3000);
    await page.getByRole('button', { name: 'Play (Space)' }).waitFor();
    assert.equal(panel.query!.untilMs, reach.toMs, 'it stopped at the end');
    const slider = page.getByRole('slider', { name: 'Moment of the recording' });
    await slider.fill('5000');
    await panel.asked(({ untilMs }) => untilMs === reach.fromMs + 5000);
    await page.waitForFunction(() =>
      document.querySelector('input[type=range]')!.ariaValueText!.includes('5 s of 30 s'),
    );
  });

  it('are explained where a word stands, to the pointer, to the keyboard and to a screen reader', async () => {
    const panel = await open({ feed: feedOf(10) });
    const { page } = panel;
    const counter = page.locator('.counter').first();
    const id = await counter.getAttribute('aria-describedby');
    assert.equal(id, 'term-lower');
    assert.match((await page.locator(`#${id}`).textContent())!, /lower load was taken/);
    await counter.hover();
    await page.locator(`#${id}:popover-open`).waitFor();
    const inside = await page.locator(`#${id}`).evaluate((card) => {
      const { left, right, top, bottom } = card.getBoundingClientRect();
      return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    });
    assert.ok(inside, 'within the window');
    await page.keyboard.press('Escape');
    await page.waitForFunction((card) => !document.getElementById(card)!.matches(':popover-open'), id);
  });
});

interface Control {
  readonly name: string;
  readonly focused: boolean;
  /** Its outline, or the border of the field that it is in, has the colour of the focus. */
  readonly marked: boolean;
}

/** In the page: everything in the order of the tab key that is shown. */
function controls(): Control[] {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = 'var(--vscode-focusBorder)';
  const focusColour = getComputedStyle(probe).color;
  probe.remove();
  const isMarked = (element: Element) => {
    const { outlineStyle, outlineColor, borderColor } = getComputedStyle(element);
    return (outlineStyle === 'none' ? borderColor : outlineColor) === focusColour;
  };
  return [...document.querySelectorAll<HTMLElement>('button, input, select, a[href], [tabindex]')]
    .filter(
      (each) => each.tabIndex >= 0 && !each.matches(':disabled') && each.checkVisibility({ visibilityProperty: true }),
    )
    .map((each) => ({
      name: `${each.className} ${each.getAttribute('aria-label') ?? each.textContent.slice(0, 20)}`,
      focused: each === document.activeElement,
      marked: isMarked(each) || (each.matches('input') && isMarked(each.parentElement!)),
    }));
}
