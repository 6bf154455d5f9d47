import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { installAll } from '../test/install.mjs';

/*
 * What `npm run pictures` runs: plays the demo in the real VS Code, and takes the README's picture of the panel, in
 * docs/pictures. With a folder, also pictures to judge it by: each theme, in a narrow and a wide side bar.
 *
 *     node demo/pictures.mjs [folder]
 */

const root = path.dirname(import.meta.dirname);
const [judged] = process.argv.slice(2);

const themes = {
  dark: { label: 'Dark Modern', bodyClass: 'vs-dark' },
  light: { label: 'Light Modern', bodyClass: 'vs' },
  'high-contrast': { label: 'Dark High Contrast', bodyClass: 'hc-black' },
};

/** Long enough for the scene to show all that happens in it, ms. */
const playMs = 80_000;

installAll();
const { launchBrowser } = await import('../test/host/browser.mjs');
const { startServer } = await import('../test/host/server.mjs');
const { openWorkbench } = await import('../test/host/workbench.mjs');
const { makeProfile } = await import('./profile.mjs');
const { startScene } = await import('./scene.mjs');

const profile = makeProfile();
// Of the machine's clients, only the demo's.
const env = { PICKSCOPE_RUNTIME_DIR: path.join(profile.folder, 'run') };
const scene = await startScene(env);
const server = await startServer(profile, env);
const browser = await launchBrowser();
try {
  const viewport = { width: 1000, height: 1060 };
  const workbench = await openWorkbench(browser, server.origin, { developmentPath: root, viewport, scale: 2 });
  const panel = workbench.webview('pickscope.pickscope');
  await panel.locator('.header button.state[data-state="live"]').waitFor();
  await workbench.page.waitForTimeout(playMs);
  await takeAll(workbench);
} finally {
  await browser.close();
  await server.stop();
  scene.stop();
  profile.remove();
}
process.exit();

async function takeAll(workbench) {
  const pictures = path.join(root, 'docs', 'pictures');
  for (const folder of [pictures, judged]) if (folder) mkdirSync(folder, { recursive: true });
  for (const [name, { label, bodyClass }] of Object.entries(themes)) {
    await workbench.setTheme(label, bodyClass);
    if (name === 'dark') await take(workbench, 460, path.join(pictures, 'panel-dark.png'));
    if (!judged) continue;
    for (const width of [300, 600]) await take(workbench, width, path.join(judged, `${name}-${width}.png`));
  }
}

async function take(workbench, width, file) {
  await workbench.setSideBarWidth(width);
  // The panel draws anew for its new width, and what moved under the pointer fades.
  await workbench.page.waitForTimeout(1500);
  await workbench.page.locator('.part.sidebar').screenshot({ path: file });
  console.log(path.relative(process.cwd(), file));
}
