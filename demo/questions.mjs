/*
 * The pictures of docs/questions.md and of the README: what one does in the panel to answer a question, and what then is
 * to be seen.
 */

/**
 * @typedef {import('../test/host/workbench.mjs').FrameLocator} FrameLocator
 * @typedef {import('../test/host/workbench.mjs').Locator} Locator
 * @typedef {import('../test/host/workbench.mjs').Workbench} Workbench
 *
 * @typedef {object} Stage
 * @property {Workbench} workbench
 * @property {FrameLocator} side The panel in the side bar.
 * @property {FrameLocator} tab The panel in an editor tab, attached to orders-api, live.
 * @property {(name: string) => Locator} client A client's row in the tree.
 * @property {(second: number) => Promise<void>} second Waits for this second of the scene's round; see scene.mjs.
 */

/**
 * In the order of the scene, so that all are taken in few rounds; each begins where the one before ended.
 *
 * @type {readonly { name: string, show: (stage: Stage) => Promise<Locator[]> }[]}
 */
export const pictures = [
  {
    name: 'questions/06-fails-fast',
    async show({ workbench, tab, second }) {
      await toggle(tab, 'Success');
      await toggle(tab, 'Load');
      await lasting(tab, '30 s');
      await second(21);
      await brush(workbench, tab, 0.55, 0.85);
      return [tab.locator('.who .endpoints'), tab.locator('.plots')];
    },
  },
  {
    name: 'questions/03-not-ready',
    async show({ workbench, tab, second }) {
      await live(tab);
      await toggle(tab, 'Success');
      await toggle(tab, 'Load');
      await second(33);
      await why(workbench, tab, 4);
      return [tab.locator('.who .endpoints'), tab.locator('.who .answer')];
    },
  },
  {
    name: 'questions/11-errors',
    async show({ tab }) {
      await tab.locator('.answer .icon-button').last().click();
      await tab.locator('.events .section-toggle').click();
      return [tab.locator('.events')];
    },
  },
  {
    name: 'questions/04-new-replica',
    async show({ workbench, tab, second }) {
      await tab.locator('.events .section-toggle').click();
      await second(58);
      await why(workbench, tab, 1);
      return [tab.locator('.who .endpoints'), tab.locator('.who .answer .sentence'), tab.locator('.plots')];
    },
  },
  {
    name: 'questions/02-why-not',
    async show({ workbench, tab }) {
      await lasting(tab, '2 min');
      await why(workbench, tab, 3);
      return [tab.locator('.who .endpoints'), tab.locator('.who .answer')];
    },
  },
  {
    name: 'editor-dark',
    async show({ tab }) {
      return [tab.locator('main.panel')];
    },
  },
  {
    name: 'questions/09-history-lost',
    async show({ tab }) {
      await tab.locator('.answer .icon-button').last().click();
      return [tab.locator('.plots')];
    },
  },
  {
    name: 'questions/05-ewma',
    async show({ workbench, tab }) {
      await toggle(tab, 'Latency');
      await pointAt(workbench, tab.locator('.plots'), 0.6, 300);
      return [tab.locator('.who .endpoints'), tab.locator('.plots')];
    },
  },
  {
    name: 'questions/01-each-call',
    async show({ tab }) {
      await toggle(tab, 'Latency');
      await tab.locator('.filter input').fill('error');
      await tab.locator('.picks tr[data-key]').nth(2).click();
      return [tab.locator('.who .inspector'), tab.locator('.filter'), tab.locator('.picks')];
    },
  },
  {
    name: 'questions/07-cold-start',
    async show({ workbench, tab }) {
      const { keyboard } = workbench.page;
      await tab.locator('.filter input').fill('');
      await live(tab);
      await tab.locator('.plots').focus();
      await keyboard.press('[');
      for (let steps = 0; steps < 6; steps += 1) await keyboard.press('+');
      return [tab.locator('.plots')];
    },
  },
  {
    name: 'questions/12-compare',
    async show({ tab }) {
      await live(tab);
      await lasting(tab, '2 min');
      await tab.locator('.header .menu-place button').first().click();
      await tab.getByRole('menuitem', { name: 'Compare with Other Clients' }).click();
      return [tab.locator('.comparison table')];
    },
  },
  {
    name: 'questions/08-which-policy',
    async show({ side, client }) {
      await client('inventory').click();
      await side.locator('.notices').getByText('pick_first').waitFor();
      return [side.locator('.header'), side.locator('.notices'), side.locator('.endpoints')];
    },
  },
  {
    name: 'panel-dark',
    async show({ workbench, client }) {
      await client('orders-api').click();
      return [workbench.page.locator('.part.sidebar')];
    },
  },
  {
    name: 'questions/10-recording',
    async show({ workbench }) {
      const { page } = workbench;
      await workbench.runCommand('Pickscope: Record to File…');
      await page.waitForFunction(`document.querySelector('.quick-input-widget input')?.value.endsWith('.pickscope')`);
      await page.keyboard.press('Enter');
      await page.locator('.pane-body .monaco-list-row', { hasText: 'recording' }).waitFor();
      await page.waitForTimeout(recordMs);
      await workbench.runCommand('Pickscope: Stop Recording');
      await workbench.runCommand('View: Close All Editors');
      await workbench.openSideBar('Explorer');
      await page.locator('.explorer-folders-view .monaco-list-row', { hasText: '.pickscope' }).dblclick();
      const recording = workbench.webview('pickscope.pickscope', 'editor');
      await recording.locator('.picks tr[data-key]').first().waitFor();
      return [recording.locator('main.panel')];
    },
  },
];

/** Long enough for something to happen in the recording, ms. */
const recordMs = 40_000;

/** Shows a chart, or hides it. */
async function toggle(tab, chart) {
  await tab.locator('.chart-bar').getByText(chart, { exact: true }).click();
}

/** Back to live, from wherever it stands still. */
async function live(tab) {
  const back = tab.locator('.header .back');
  if (await back.isVisible()) await back.click();
}

/** Asks "why not this one?" of an endpoint by its row. */
async function why(workbench, tab, row) {
  const shown = tab.locator('.endpoints tbody tr').nth(row);
  await shown.hover();
  await shown.locator('.why').click();
  await tab.locator('.answer').waitFor();
  await pointElsewhere(workbench);
}

/** Chooses how long the window is. */
async function lasting(tab, text) {
  await tab.locator('.header .window select').selectOption({ label: text });
}

async function pointAt(workbench, place, part, y) {
  const box = await place.boundingBox();
  await workbench.page.mouse.move(box.x + box.width * part, box.y + y);
}

async function brush(workbench, tab, from, to) {
  const plots = tab.locator('.plots');
  await pointAt(workbench, plots, from, 40);
  await workbench.page.mouse.down();
  await pointAt(workbench, plots, (from + to) / 2, 42);
  await pointAt(workbench, plots, to, 44);
  await workbench.page.mouse.up();
  await pointElsewhere(workbench);
}

/** Nothing of the panel is lit then. */
async function pointElsewhere(workbench) {
  await workbench.page.mouse.move(4, 4);
}
