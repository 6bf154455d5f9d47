import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { extensionFile, installExtension, VsCodeWindow } from '../test/whole/window';
import { framesOf, type TraceEvent } from './panel/frames';

/*
 * What the panel costs, in the real webview of the real VS Code, attached to a client with 15 minutes of past; and what the
 * extension costs to start. Prints figures beside their aims.
 *
 *     npm run bench:panel [-- frames | load]
 *
 * Where there is no graphics card, the browser draws with the processor: that is a process of its own, printed apart.
 */

const picksPerSecond = 5000;
const measuredMs = 20_000;
/** Of the pointer or the wheel: one in each of the browser's frames. */
const steps = 120;
const stepMs = 16;

interface Setting {
  readonly endpoints: number;
  readonly singlePicks: number;
}

/** A window that is attached to a client of its own. */
async function withPanel(setting: Setting, measure: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = await Scene.open(setting);
  try {
    console.log(`\n${setting.endpoints} endpoints, 15 min, ${picksPerSecond} picks/s`);
    await measure(scene);
  } finally {
    await scene.close();
  }
}

async function measureFrames(scene: Scene): Promise<void> {
  print('activation', await scene.activation(), '50 ms');
  const idleBytes = scene.hostBytes();
  await scene.attach();
  const { panel } = scene.window;
  const plots = panel.frame.locator('.plots');
  const overview = panel.frame.locator('.overview');
  const list = panel.frame.locator('.picks .scroller');
  print('retained single picks', await scene.retained(), '1,000,000');
  const aim = '16 ms';
  print('hover', await scene.frames(() => scene.sweep(plots)), aim);
  print('scrub: overview dragged', await scene.frames(() => scene.drag(overview)), aim);
  print('scrub: wheel zooms', await scene.frames(() => scene.turnWheel(plots)), aim);
  await panel.frame.locator('body').press('End');
  print('list scrolls', await scene.frames(() => scene.turnWheel(list)), aim);
  print('list, from end to end', await scene.frames(() => scene.leap(list)), aim);
  print('memory: extension host', `${megabytes(scene.hostBytes() - idleBytes)} over idle`, '');
  print('memory: page and webview', `${megabytes(await scene.pageBytes())} of JavaScript`, '');
}

async function measureLoad(scene: Scene): Promise<void> {
  await delay(measuredMs);
  const idle = await scene.load();
  await scene.attach();
  // The past has been read, and drawn.
  await delay(measuredMs);
  const visible = await scene.load();
  print('frames drawn while visible', await scene.drawn(), '');
  await scene.window.workbench.page.keyboard.press('Control+b');
  const hidden = await scene.load();
  const over = (one: Load, name: keyof Load) => percent(one[name] - idle[name]);
  print('CPU visible: webview', over(visible, 'page'), '10 % with host');
  print('CPU visible: extension host', over(visible, 'host'), '');
  print('CPU visible: drawing by processor', over(visible, 'drawing'), '');
  print('CPU hidden: webview', over(hidden, 'page'), '0 %');
  print('CPU hidden: extension host (it goes on receiving)', over(hidden, 'host'), '');
}

/** Parts of a core. */
interface Load {
  readonly page: number;
  readonly host: number;
  readonly drawing: number;
}

class Scene {
  private constructor(
    readonly window: VsCodeWindow,
    private readonly folder: string,
    private readonly client: ChildProcess,
  ) {}

  static async open({ endpoints, singlePicks }: Setting): Promise<Scene> {
    const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-panel-'));
    const runtimeFolder = path.join(folder, 'run');
    mkdirSync(runtimeFolder, { mode: 0o700 });
    const numbers = [endpoints, picksPerSecond, singlePicks].map(String);
    const client = fork(path.join(import.meta.dirname, 'panel', 'client.ts'), [runtimeFolder, ...numbers]);
    await once(client, 'message');
    const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
    // Room for all single picks.
    await installExtension(profile, { 'pickscope.pickBudgetMegabytes': singlePicks / 4000 });
    const window = await VsCodeWindow.open(profile, folder, runtimeFolder);
    await window.workbench.setSideBarWidth(600);
    return new Scene(window, folder, client);
  }

  private get page() {
    return this.window.workbench.page;
  }

  async attach(): Promise<void> {
    await this.window.client('orders-api').click();
    await this.window.panel.state('live').waitFor();
    await this.window.panel.frame.locator('.picks tr[data-key]').nth(5).waitFor({ state: 'attached' });
    await this.caughtUp();
  }

  /** The past is read: what is shown is of now. */
  private async caughtUp(): Promise<void> {
    const newest = () => this.window.panel.frame.locator('.picks tr[data-key] .time').first().getAttribute('title');
    for (let before = ''; ; before = (await newest()) ?? '') {
      await delay(2000);
      const text = (await newest()) ?? '';
      const [, hours, minutes, seconds] = /(\d+):(\d+):(\d+)/.exec(text) ?? [];
      const shown = new Date().setHours(Number(hours), Number(minutes), Number(seconds));
      if (text !== before && Math.abs(Date.now() - shown) < 3000) return;
    }
  }

  // ── What a person does ─────────────────────────────────────────────────────────────────────────────────────────

  async sweep(over: Place): Promise<void> {
    const box = await boxOf(over);
    for (let step = 0; step < steps; step++) {
      await this.page.mouse.move(box.x + 20 + ((box.width - 60) * step) / steps, box.y + box.height / 2);
      await delay(stepMs);
    }
  }

  async drag(over: Place): Promise<void> {
    const box = await boxOf(over);
    const y = box.y + box.height / 2;
    await this.page.mouse.move(box.x + box.width - 40, y);
    await this.page.mouse.down();
    for (let step = 0; step < steps; step++) {
      await this.page.mouse.move(box.x + box.width - 40 - ((box.width - 80) * step) / steps, y);
      await delay(stepMs);
    }
    await this.page.mouse.up();
  }

  async turnWheel(over: Place): Promise<void> {
    const box = await boxOf(over);
    await this.page.mouse.move(box.x + box.width / 2, box.y + Math.min(60, box.height / 2));
    for (let step = 0; step < steps; step++) {
      await this.page.mouse.wheel(0, step % 20 < 10 ? 120 : -60);
      await delay(stepMs);
    }
  }

  /** As by its scroll bar, to any place of all rows. */
  async leap(list: Place): Promise<void> {
    for (let step = 0; step < 30; step++) {
      await list.evaluate((scroller, part) => (scroller.scrollTop = scroller.scrollHeight * part), (step * 0.37) % 1);
      await delay(100);
    }
  }

  // ── What it costs ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Script of the panel in each frame of the browser while this is done. */
  async frames(act: () => Promise<void>): Promise<string> {
    const browser = this.page.context().browser()!;
    await browser.startTracing(this.page, {
      categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline.frame'],
    });
    await act();
    const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
    const frames = framesOf(trace.traceEvents, /pickscope.*\/dist\/panel\.js/);
    const at = (share: number) => frames[Math.min(frames.length - 1, Math.floor(share * frames.length))] ?? NaN;
    return `p50 ${at(0.5).toFixed(1)}, p95 ${at(0.95).toFixed(1)}, longest ${at(1).toFixed(1)} ms (${frames.length} frames)`;
  }

  async load(): Promise<Load> {
    const [before, host] = [await this.processes(), this.hostTicks()];
    await delay(measuredMs);
    const after = await this.processes();
    const part = (type: string) => ((after.get(type) ?? 0) - (before.get(type) ?? 0)) / (measuredMs / 1000);
    const ticksPerSecond = 100;
    const hostPart = (this.hostTicks() - host) / ticksPerSecond / (measuredMs / 1000);
    return { page: part('renderer'), drawing: part('GPU'), host: hostPart };
  }

  /** How often the list becomes another; what one drawing changes is told at once. */
  async drawn(): Promise<string> {
    const changes = await this.window.panel.frame.locator('.picks tbody').evaluate(
      (body, ms) =>
        new Promise<number>((resolve) => {
          let count = 0;
          const observer = new MutationObserver(() => count++);
          observer.observe(body, { subtree: true, childList: true, characterData: true });
          setTimeout(() => resolve(count), ms);
        }),
      measuredMs,
    );
    return `${(changes / (measuredMs / 1000)).toFixed(1)} /s`;
  }

  /** CPU seconds so far, by the browser's types of processes. */
  private async processes(): Promise<Map<string, number>> {
    const session = await this.page.context().browser()!.newBrowserCDPSession();
    const { processInfo } = await session.send('SystemInfo.getProcessInfo');
    await session.detach();
    const sums = new Map<string, number>();
    for (const { type, cpuTime } of processInfo) sums.set(type, (sums.get(type) ?? 0) + cpuTime);
    return sums;
  }

  async pageBytes(): Promise<number> {
    const session = await this.page.context().newCDPSession(this.page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    await session.detach();
    return usedSize;
  }

  hostBytes(): number {
    const pages = Number(readFileSync(`/proc/${this.hostPid}/statm`, 'utf8').split(' ')[1]);
    return pages * 4096;
  }

  private hostTicks(): number {
    const fields = readFileSync(`/proc/${this.hostPid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return Number(fields[11]) + Number(fields[12]);
  }

  /** The newest extension host of this user's data folder: there is one window. */
  private get hostPid(): number {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    const hosts = pids.filter((pid) => {
      try {
        const said = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const place = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return said.includes('--type=extensionHost') && place.includes(`PICKSCOPE_RUNTIME_DIR=${this.folder}`);
      } catch {
        return false;
      }
    });
    return Math.max(...hosts.map(Number));
  }

  /** As VS Code itself says it. */
  async activation(): Promise<string> {
    await this.window.workbench.runCommand('Developer: Show Running Extensions');
    const row = this.page.locator('.runtime-extensions-editor .monaco-list-row', { hasText: 'pickscope' });
    const time = row.locator('.activation-time');
    await time.filter({ hasText: /\d+ms/ }).waitFor();
    const said = await time.innerText();
    await this.page.keyboard.press('Escape');
    await row.waitFor({ state: 'hidden' });
    return said;
  }

  async retained(): Promise<string> {
    return (await this.window.panel.frame.locator('.picks table').getAttribute('aria-rowcount')) ?? '?';
  }

  async close(): Promise<void> {
    await this.window.close();
    this.client.kill();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

type Place = ReturnType<VsCodeWindow['panel']['frame']['locator']>;

async function boxOf(place: Place) {
  return (await place.boundingBox())!;
}

function print(what: string, figure: string, aim: string): void {
  console.log(`${what.padEnd(50)} ${figure}${aim === '' ? '' : `   (aim: ${aim})`}`);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}

execFileSync('npx', ['vsce', 'package', '--no-dependencies'], { stdio: 'ignore' });
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores`);
print('.vsix', `${Math.ceil(statSync(extensionFile).size / 1000)} kB`, '500 kB');
const [asked] = process.argv.slice(2);
if (asked !== 'load') await withPanel({ endpoints: 50, singlePicks: 1_000_000 }, measureFrames);
if (asked !== 'frames') await withPanel({ endpoints: 20, singlePicks: 250_000 }, measureLoad);
process.exit();
