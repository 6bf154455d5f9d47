import { pathToFileURL } from 'node:url';

/** How long a person would wait for VS Code to do something, ms; a slow machine needs more than a fast one. */
const patienceMs = 60_000;

/**
 * For those that cannot import from this folder's own modules.
 *
 * @typedef {import('playwright-core').FrameLocator} FrameLocator
 * @typedef {import('playwright-core').Locator} Locator
 */

/**
 * @typedef {object} WorkbenchOptions
 * @property {string} [folder] The folder that is opened; none by default.
 * @property {string} [developmentPath] Folder of an extension under development.
 * @property {string} [testsPath] Module whose run() the extension host calls. VS Code then closes when it has.
 * @property {{ width: number, height: number }} [viewport] Pixels.
 * @property {number} [scale] Device pixels a pixel.
 * @property {(code: number) => void} [onExit] Told the exit code of the tests.
 */

/**
 * Opens the workbench of a server (see server.mjs) in a browser.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin
 * @param {WorkbenchOptions} [options]
 * @returns {Promise<Workbench>}
 */
export async function openWorkbench(browser, origin, options = {}) {
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 900 },
    deviceScaleFactor: options.scale ?? 1,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  await page.exposeFunction('codeAutomationExit', (code) => options.onExit?.(code));
  await page.exposeFunction('codeAutomationLog', () => undefined);
  await page.goto(workbenchAddress(origin, options), { timeout: patienceMs });
  return new Workbench(page);
}

/**
 * @param {string} origin
 * @param {WorkbenchOptions} options
 * @returns {string} The address to open in a browser.
 */
export function workbenchAddress(origin, options) {
  const { host } = new URL(origin);
  // The authority must be the address's own, or VS Code takes the two for different machines.
  const remote = (file) => `vscode-remote://${host}${pathToFileURL(file).pathname}`;
  const payload = [
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
  ];
  if (options.developmentPath) payload.push(['extensionDevelopmentPath', remote(options.developmentPath)]);
  if (options.testsPath) payload.push(['extensionTestsPath', remote(options.testsPath)]);
  const address = new URL('/', origin);
  if (options.folder) address.searchParams.set('folder', options.folder);
  address.searchParams.set('payload', JSON.stringify(payload));
  return address.href;
}

/** What a person does in VS Code. */
export class Workbench {
  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
  }

  /** Opens an extension's view container by its name in the activity bar. */
  async openSideBar(name) {
    const label = this.page.locator(`.action-label[aria-label^="${name}"]`);
    const item = this.page.locator('.activitybar .action-item', { has: label });
    await item.waitFor();
    const checked = this.page.locator('.activitybar .action-item.checked', { has: label });
    if ((await checked.count()) === 0) await item.click();
    await checked.waitFor();
  }

  /** Runs a command by the palette. Until the extension that brings it is there, the palette is asked again. */
  async runCommand(title) {
    const { page } = this;
    const input = page.locator('.quick-input-widget input');
    const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    for (const end = Date.now() + patienceMs; ;) {
      await page.keyboard.press('F1');
      await input.waitFor();
      await input.fill(`>${title}`);
      if (await chosen(row)) return;
      if (Date.now() > end) throw new Error(`VS Code has no command "${title}".`);
      await page.keyboard.press('Escape');
    }
  }

  /**
   * Answers the input box of this title, by typing and Enter.
   *
   * @param {string} title
   * @param {string} text
   */
  async answer(title, text) {
    const box = this.page.locator('.quick-input-widget', { hasText: title });
    const input = box.locator('input').first();
    await input.waitFor();
    await input.fill(text);
    await input.press('Enter');
    await box.waitFor({ state: 'hidden' });
  }

  /**
   * Chooses a colour theme.
   *
   * @param {string} label As the picker names it: "Light Modern".
   * @param {string} bodyClass The class that VS Code then has: vs, vs-dark, hc-black, hc-light.
   */
  async setTheme(label, bodyClass) {
    await this.runCommand('Preferences: Color Theme');
    await this.page.locator('.quick-input-widget input[placeholder*="Color Theme"]').fill(label);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first().click();
    await this.page.locator(`.monaco-workbench.${bodyClass}`).waitFor();
  }

  /** Opens a file of the folder that is open, by its name. Until it is found, it is asked for again. */
  async openFile(name) {
    const { page } = this;
    const input = page.locator('.quick-input-widget input');
    const row = page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first();
    for (const end = Date.now() + patienceMs; ;) {
      await page.keyboard.press('Control+p');
      await input.waitFor();
      await input.fill(name);
      if (await chosen(row)) return;
      if (Date.now() > end) throw new Error(`VS Code finds no file "${name}".`);
      await page.keyboard.press('Escape');
    }
  }

  /**
   * The document inside an extension's webview.
   *
   * @param {string} extension `publisher.name`
   * @param {'view' | 'editor'} [kind] Where it is; anywhere, if left out.
   */
  webview(extension, kind) {
    const view = '[src*="purpose=webviewView"]';
    const where = kind === 'view' ? view : kind === 'editor' ? `:not(${view})` : '';
    return this.page
      .frameLocator(`iframe.webview.ready[src*="extensionId=${extension}"]${where}`)
      .frameLocator('iframe#active-frame');
  }

  /** Drags the side bar's edge until it is this wide, in pixels. */
  async setSideBarWidth(width) {
    const bar = await this.page.locator('.part.sidebar').boundingBox();
    if (!bar) throw new Error('The side bar is not shown.');
    const y = bar.y + bar.height / 2;
    await this.page.mouse.move(bar.x + bar.width, y);
    await this.page.mouse.down();
    await this.page.mouse.move(bar.x + width, y, { steps: 8 });
    await this.page.mouse.up();
    await this.page.mouse.move(bar.x + width + 200, y);
  }

  async close() {
    await this.page.context().close();
  }
}

/**
 * Clicks it, if it is there within the time after which a person would type it again.
 *
 * @param {Locator} row
 * @returns {Promise<boolean>} Whether it was there, and stayed.
 */
async function chosen(row) {
  try {
    await row.waitFor({ timeout: 4000 });
    await row.click({ timeout: 15_000 });
    return true;
  } catch {
    return false;
  }
}
