import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import type { ChartView, Frame, PanelCommand, Query, ToHost, ToPanel } from '../../src/messages/panel';
import type { launchBrowser } from '../host/browser.mjs';
import { Feed, firstQuery, type Answers } from './feed';
import { themes, type ThemeName } from './themes';

export type Browser = Awaited<ReturnType<typeof launchBrowser>>;
export type Page = Awaited<ReturnType<Browser['newPage']>>;

const origin = 'http://panel.test';

/** As the host sends it with the webview's page: no inline style, no script but the panel's own. Fonts are ours. */
const policy = `default-src 'none'; style-src ${origin}; script-src ${origin}; font-src ${origin}`;

/** One that has all glyphs, so that no picture hangs on what a machine has; the widest that was tried, too. */
const fonts = [
  { family: 'DejaVu Sans', weight: 400, file: 'DejaVuSans.ttf' },
  { family: 'DejaVu Sans', weight: 700, file: 'DejaVuSans-Bold.ttf' },
  { family: 'DejaVu Sans Mono', weight: 400, file: 'DejaVuSansMono.ttf' },
] as const;

export interface PageOptions {
  readonly theme?: ThemeName;
  readonly width?: number;
  readonly height?: number;
  readonly scale?: number;
  readonly l10n?: Readonly<Record<string, string>>;
  readonly language?: string;
  /** What it shows first. */
  readonly query?: Partial<Query>;
  /** What answers the panel's queries; a feed of no time if left out. */
  readonly feed?: Answers;
  /** Frames and charts that differ from the feed's. */
  readonly answer?: (query: Query) => Frame;
  readonly chart?: (query: Query) => ChartView | undefined;
  readonly forcedColors?: boolean;
  /** What the page takes for now, ms: its time can then be let run by its clock. The machine's own time, if left out. */
  readonly startMs?: number;
}

/** The bundled panel in a plain page, with a stand-in for VS Code around it. */
export class PanelPage {
  readonly posted: ToHost[] = [];
  /** Errors and warnings of the console, and exceptions: there must be none. */
  readonly complaints: string[] = [];
  query: Query | undefined;
  /** Replaced at will. */
  answer: (query: Query) => Frame;
  chart: (query: Query) => ChartView | undefined;
  private readonly waiting: (() => void)[] = [];

  private constructor(
    readonly page: Page,
    private readonly options: PageOptions,
  ) {
    const feed = options.feed ?? new Feed();
    this.answer = options.answer ?? ((query) => feed.frame(query));
    this.chart = options.chart ?? ((query) => feed.chart(query));
  }

  static async open(browser: Browser, options: PageOptions = {}): Promise<PanelPage> {
    const context = await browser.newContext({
      viewport: { width: options.width ?? 320, height: options.height ?? 900 },
      deviceScaleFactor: options.scale ?? 1,
      timezoneId: 'UTC',
      locale: 'en-US',
      ...(options.forcedColors && { forcedColors: 'active' as const }),
    });
    if (options.startMs !== undefined) await context.clock.install({ time: options.startMs });
    const opened = new PanelPage(await context.newPage(), options);
    await opened.load();
    return opened;
  }

  async close(): Promise<void> {
    await this.page.context().close();
  }

  async send(message: ToPanel): Promise<void> {
    await this.page.evaluate((sent) => window.postMessage(sent, '*'), message);
  }

  /** Answers the last query anew, as the host does when the answer changes. */
  async refresh(): Promise<void> {
    if (!this.query) return;
    const chart = this.chart(this.query);
    await this.send({ type: 'frame', frame: this.answer(this.query) });
    await this.send({ type: 'chart', ...(chart && { chart }) });
  }

  async setTheme(theme: ThemeName): Promise<void> {
    await this.page.evaluate(({ bodyClass, tokens }) => {
      const { style } = document.documentElement;
      for (const name of [...style].filter((each) => /^--vscode-(?!.*font-family)/.test(each)))
        style.removeProperty(name);
      for (const [name, value] of Object.entries(tokens))
        document.documentElement.style.setProperty(`--vscode-${name}`, value);
      document.body.className = bodyClass;
    }, themes[theme]);
  }

  /** Waits until the panel asks for what is described: its messages come after the click that caused them. */
  async asked(matches: (query: Query) => boolean): Promise<Query> {
    while (!this.query || !matches(this.query)) await this.nextMessage();
    return this.query;
  }

  async commanded(count: number): Promise<PanelCommand[]> {
    const commands = () => this.posted.filter((message) => message.type === 'command').map(({ command }) => command);
    while (commands().length < count) await this.nextMessage();
    return commands();
  }

  /** The last one of so many pictures of the charts. */
  async pictured(count: number): Promise<Uint8Array> {
    const pictures = () => this.posted.filter((message) => message.type === 'picture').map(({ png }) => png);
    while (pictures().length < count) await this.nextMessage();
    return pictures().at(-1)!;
  }

  private nextMessage(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private async load(): Promise<void> {
    const { page } = this;
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    await page.exposeFunction('postToHost', (message: ToHost) => void this.receive(message));
    const files = await bundle();
    await page.route(`${origin}/**`, (route) => {
      const file = files.get(new URL(route.request().url()).pathname);
      const headers = { 'content-security-policy': policy };
      return file === undefined ? route.fulfill({ status: 404 }) : route.fulfill({ ...file, headers });
    });
    await page.goto(`${origin}/`);
    await this.setTheme(this.options.theme ?? 'dark');
    await page.waitForFunction(
      () => document.querySelector('.panel[data-state]:not([data-state="starting"])') !== null,
    );
  }

  private async receive(message: ToHost): Promise<void> {
    this.posted.push(message);
    if (message.type === 'query') this.query = message.query;
    for (const resolve of this.waiting.splice(0)) resolve();
    if (message.type === 'ready') {
      const { l10n = {}, language = 'en', query } = this.options;
      await this.send({ type: 'init', l10n, language, ...(query && { query: { ...firstQuery, ...query } }) });
    } else if (message.type === 'query') {
      await this.refresh();
    }
  }
}

interface ServedFile {
  readonly contentType: string;
  readonly body: string | Buffer;
}

const page = `<!doctype html><html><head><meta charset="utf-8"><title>Pickscope</title><link rel="stylesheet" href="/panel.css">
<script src="/vscode.js"></script></head><body></body></html>`;

/** What VS Code puts around a webview; the state outlives a reload, as there. */
const vscodeStandIn = `
// tsx names the functions that a test sends into the page by a helper of its own.
window.__name = (named) => named;
document.documentElement.style.setProperty('--vscode-font-family', '"DejaVu Sans", sans-serif');
document.documentElement.style.setProperty('--vscode-editor-font-family', '"DejaVu Sans Mono", monospace');
window.acquireVsCodeApi = () => ({
  postMessage: (message) => void window.postToHost(structuredClone(message)),
  getState: () => JSON.parse(sessionStorage.getItem('state') ?? 'null') ?? undefined,
  setState: (state) => sessionStorage.setItem('state', JSON.stringify(state)),
});
// Charts draw their text once: the fonts are there before.
addEventListener('DOMContentLoaded', async () => {
  await Promise.all(${JSON.stringify(fonts)}.map(({ family, weight }) => document.fonts.load(weight + ' 13px "' + family + '"')));
  document.body.append(Object.assign(document.createElement('script'), { src: '/panel.js' }));
});`;

let bundled: Promise<ReadonlyMap<string, ServedFile>> | undefined;

function bundle(): Promise<ReadonlyMap<string, ServedFile>> {
  return (bundled ??= bundleOnce());
}

async function bundleOnce(): Promise<ReadonlyMap<string, ServedFile>> {
  const { outputFiles } = await build({
    entryPoints: { panel: 'src/panel/main.ts' },
    outdir: '/',
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
    logLevel: 'warning',
  });
  const textOf = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))!.text;
  return new Map([
    ['/', { contentType: 'text/html', body: page }],
    ['/vscode.js', { contentType: 'text/javascript', body: vscodeStandIn }],
    ['/panel.js', { contentType: 'text/javascript', body: textOf('.js') }],
    ['/panel.css', { contentType: 'text/css', body: [textOf('.css'), ...fonts.map(fontFace), ground].join('\n') }],
    ...(await Promise.all(fonts.map(fontFile))),
  ]);
}

/** A webview has the ground of the side bar behind it. */
const ground = 'body { background: var(--vscode-sideBar-background) }';

function fontFace({ family, weight, file }: (typeof fonts)[number]): string {
  return `@font-face { font-family: "${family}"; font-weight: ${weight}; src: url("/${file}") }`;
}

async function fontFile({ file }: (typeof fonts)[number]): Promise<[string, ServedFile]> {
  const folder = path.dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json'));
  return [`/${file}`, { contentType: 'font/ttf', body: await readFile(path.join(folder, 'ttf', file)) }];
}
