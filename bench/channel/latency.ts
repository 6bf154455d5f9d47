import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { launchBrowser } from '../../test/host/browser.mjs';
import { startServer, writeSettings } from '../../test/host/server.mjs';
import { openWorkbench, type FrameLocator } from '../../test/host/workbench.mjs';
import { quantile, type Finding } from './finding';
import type { Participants } from './participants';

/*
 * From a pick to its row in the panel's document: the real extension in the VS Code that npm brings. Client, extension
 * and page are on one machine, and so on one clock. The picks that are looked for have a method of their own each.
 */

const aimMs = 200;
const order = { rate: 30, seconds: 15, completions: true, probes: 150 };

/** When the rows of probes came, by number; ms since the Unix epoch. */
type Sightings = Record<number, number>;

export async function measureLatency(participants: Participants): Promise<Finding[]> {
  const root = path.dirname(path.dirname(import.meta.dirname));
  execFileSync(process.execPath, ['esbuild.mjs', '--production'], { cwd: root, stdio: 'inherit' });
  const folder = path.join(participants.runtimeFolder, 'vscode');
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  mkdirSync(profile.extensions, { recursive: true });
  writeSettings(profile);
  const source = await participants.source();
  const server = await startServer(profile, { PICKSCOPE_RUNTIME_DIR: participants.runtimeFolder });
  const browser = await launchBrowser();
  try {
    const workbench = await openWorkbench(browser, server.origin, { developmentPath: root });
    await workbench.openSideBar('Pickscope');
    await workbench.page.locator('.pane-body .monaco-list-row', { hasText: 'bench' }).first().click();
    const panel = workbench.webview('pickscope.pickscope');
    await panel.locator('.header button.state[data-state="live"]').waitFor();
    // The pointer must not hold the list.
    await workbench.page.mouse.move(900, 300);
    await source.obey({ ...order, seconds: 3, probes: 0 });
    await watchRows(panel);
    const { probes } = await source.obey(order);
    return [findingOf(probes, await sightings(panel, probes.length))];
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** Notes when a row shows a probe's method: rows are used again. */
async function watchRows(panel: FrameLocator): Promise<void> {
  await panel.locator('.picks tbody').evaluate((list) => {
    const seen: Sightings = {};
    (window as unknown as { seen: Sightings }).seen = seen;
    new MutationObserver(() => {
      const now = Date.now();
      for (const method of list.querySelectorAll('td.method')) {
        const probe = /Probe(\d+)/.exec(method.textContent)?.[1];
        if (probe !== undefined) seen[Number(probe)] ??= now;
      }
    }).observe(list, { childList: true, subtree: true });
  });
}

async function sightings(panel: FrameLocator, count: number): Promise<Sightings> {
  const read = () => panel.locator('.picks').evaluate(() => (window as unknown as { readonly seen: Sightings }).seen);
  const end = Date.now() + 3000;
  let seen = await read();
  while (Object.keys(seen).length < count && Date.now() < end) seen = await read();
  return seen;
}

function findingOf(probes: readonly number[], seen: Sightings): Finding {
  const delays = Object.entries(seen).map(([probe, ms]) => ms - probes[Number(probe)]!);
  const shown = delays.length / probes.length;
  const [median, p95] = [quantile(delays, 0.5), quantile(delays, 0.95)];
  console.log(
    `${delays.length} of ${probes.length} probes were seen in the list; ms: least ${Math.min(...delays).toFixed(0)}, ` +
      `median ${median.toFixed(0)}, p95 ${p95.toFixed(0)}, most ${Math.max(...delays).toFixed(0)}.`,
  );
  return {
    what: 'from a pick to its row in the panel, p95',
    aim: `≤ ${aimMs} ms`,
    measured: `${p95.toFixed(0)} ms (median ${median.toFixed(0)})`,
    reached: p95 <= aimMs && shown > 0.9,
  };
}
