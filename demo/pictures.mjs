import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { installAll } from '../test/install.mjs';
import { cutWalkthroughPictures } from './walkthroughPictures.mjs';

/*
 * What `npm run pictures` runs: plays the demo in the real VS Code, and takes the pictures of the README, of
 * docs/questions.md, in docs/pictures, and of the walkthrough. With a folder, only pictures to judge the panel by: each theme, in a side bar and in
 * a tab.
 *
 *     node demo/pictures.mjs [folder]
 */

const root = path.dirname(import.meta.dirname);
const [judged] = process.argv.slice(2);
const folder = judged ?? path.join(root, 'docs', 'pictures');

const themes = {
  dark: { label: 'Dark Modern', bodyClass: 'vs-dark' },
  light: { label: 'Light Modern', bodyClass: 'vs' },
  'high-contrast': { label: 'Dark High Contrast', bodyClass: 'hc-black' },
  'high-contrast-light': { label: 'Light High Contrast', bodyClass: 'hc-light' },
};

/** Long enough for the scene to show all that happens in it, ms. */
const playMs = 110_000;
/** What moved under the pointer fades, and the panel draws anew for its new width; ms. */
const settleMs = 2000;

installAll();
const { launchBrowser } = await import('../test/host/browser.mjs');
const { startServer } = await import('../test/host/server.mjs');
const { openWorkbench } = await import('../test/host/workbench.mjs');
const { makeProfile } = await import('./profile.mjs');
const { pictures } = await import('./questions.mjs');
const { clients, startScene } = await import('./scene.mjs');

const profile = makeProfile(clients.map(({ name }) => name));
const workspace = path.join(profile.folder, 'shop');
mkdirSync(workspace);
mkdirSync(path.join(folder, 'questions'), { recursive: true });
// Of the machine's clients, only the demo's.
const env = { PICKSCOPE_RUNTIME_DIR: path.join(profile.folder, 'run') };
const scene = await startScene(env);
const server = await startServer(profile, env);
const browser = await launchBrowser();
try {
  const viewport = { width: 1560, height: 1060 };
  const workbench = await openWorkbench(browser, server.origin, {
    folder: workspace,
    developmentPath: root,
    viewport,
    scale: 1.5,
  });
  await takeAll(workbench);
  if (!judged) await cutWalkthroughPictures(await browser.newPage(), root);
} finally {
  await browser.close();
  await server.stop();
  scene.stop();
  profile.remove();
}
process.exit();

async function takeAll(workbench) {
  const { page } = workbench;
  const side = workbench.webview('pickscope.pickscope', 'view');
  const client = (name) => page.locator('.pane-body .monaco-list-row', { hasText: name });
  await side.locator('.header button.state[data-state="live"]').waitFor();
  await client('orders-api').click();
  await workbench.setSideBarWidth(380);
  await workbench.setTheme(themes.dark.label, themes.dark.bodyClass);
  await page.waitForTimeout(playMs);
  await workbench.runCommand('Pickscope: Open in Editor');
  const tab = workbench.webview('pickscope.pickscope', 'editor');
  await tab.locator('.header button.state[data-state="live"]').waitFor();
  if (judged) return judge(workbench);
  for (const { name, show } of pictures) {
    const parts = await show({ workbench, side, tab, client, second: (second) => scene.second(second) });
    await page.waitForTimeout(settleMs);
    await take(page, parts, `${name}.png`);
  }
}

/** The rectangle around the parts, in one picture. */
async function take(page, parts, name) {
  const boxes = await Promise.all(parts.map((part) => part.boundingBox()));
  const left = Math.min(...boxes.map(({ x }) => x));
  const top = Math.min(...boxes.map(({ y }) => y));
  const right = Math.max(...boxes.map(({ x, width }) => x + width));
  const bottom = Math.max(...boxes.map(({ y, height }) => y + height));
  const margin = 8;
  const clip = {
    x: left - margin,
    y: top - margin,
    width: right - left + 2 * margin,
    height: Math.min(bottom, page.viewportSize().height - 24) - top + 2 * margin,
  };
  await page.screenshot({ path: path.join(folder, name), clip });
  console.log(path.join(path.relative(process.cwd(), folder), name));
}

async function judge(workbench) {
  const { page } = workbench;
  for (const [name, { label, bodyClass }] of Object.entries(themes)) {
    await workbench.setTheme(label, bodyClass);
    await page.waitForTimeout(settleMs);
    await page.screenshot({ path: path.join(folder, `${name}.png`) });
    console.log(`${name}.png`);
  }
}
