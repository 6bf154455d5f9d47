import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { launchBrowser } from '../host/browser.mjs';
import { runServerCommand, startServer, writeSettings, type Profile } from '../host/server.mjs';
import { openWorkbench, type Locator, type Workbench } from '../host/workbench.mjs';
import { ShownPanel } from './panel';
import { doUntil, eventually } from './patience';

/** ms; what moves away from under a click is aimed at anew. */
const clickMs = 5000;

export const extensionFile = path.resolve('pickscope-0.1.0.vsix');

/** Settings with which a folder is not trusted before a person says so, and nobody is asked. */
export const restrictedMode = {
  'security.workspace.trust.enabled': true,
  'security.workspace.trust.startupPrompt': 'never',
  'security.workspace.trust.banner': 'never',
};

/** Makes a profile in a folder, with the packaged extension in it; gives the folder where that is installed. */
export async function installExtension(profile: Profile, settings: Record<string, unknown> = {}): Promise<string> {
  mkdirSync(profile.extensions, { recursive: true });
  writeSettings(profile, settings);
  const { code, output } = await runServerCommand(profile, ['--install-extension', extensionFile]);
  const [installed] = readdirSync(profile.extensions).filter((name) => name.startsWith('pickscope.pickscope-'));
  if (code !== 0 || installed === undefined) throw new Error(`The extension could not be installed:\n${output}`);
  return path.join(profile.extensions, installed);
}

/** A window of VS Code with the extension's side bar open. */
export class VsCodeWindow {
  readonly panel: ShownPanel;

  private constructor(
    readonly workbench: Workbench,
    private readonly openAnother: () => Promise<Workbench>,
    private readonly closeAll: () => Promise<void>,
  ) {
    this.panel = new ShownPanel(workbench.webview('pickscope.pickscope'));
  }

  /**
   * @param folder That is open in it.
   * @param runtimeFolder Where clients make themselves known.
   */
  static async open(
    profile: Profile,
    folder: string,
    runtimeFolder: string,
    options: { readonly workspaceTrust?: boolean } = {},
  ): Promise<VsCodeWindow> {
    const server = await startServer(profile, { PICKSCOPE_RUNTIME_DIR: runtimeFolder }, options);
    const browser = await launchBrowser();
    const openOne = () => openWorkbench(browser, server.origin, { folder });
    const workbench = await openOne();
    const opened = new VsCodeWindow(workbench, openOne, async () => {
      await browser.close();
      await server.stop();
    });
    await workbench.openSideBar('Pickscope');
    return opened;
  }

  /** A second window of the same VS Code, with an extension host of its own. */
  async another(): Promise<VsCodeWindow> {
    const workbench = await this.openAnother();
    await workbench.openSideBar('Pickscope');
    return new VsCodeWindow(workbench, this.openAnother, () => workbench.close());
  }

  /** A row of the tree of clients that has this text. */
  client(text: string) {
    return this.workbench.page.locator('.pane-body .monaco-list-row', { hasText: text });
  }

  /** Answers a list to choose one from. */
  async choose(label: string): Promise<void> {
    const row = this.listed(label);
    await row.waitFor();
    await doUntil(
      `"${label}" is chosen`,
      async () => !(await row.isVisible()),
      () => row.click({ timeout: clickMs }),
    );
  }

  /** Answers what is to be left out of an export: these. */
  async leaveOut(...labels: string[]): Promise<void> {
    const row = this.listed('Addresses');
    await row.waitFor();
    for (const label of labels) await this.tick(label);
    await doUntil(
      'what is left out is answered',
      async () => !(await row.isVisible()),
      () => this.workbench.page.keyboard.press('Enter'),
    );
  }

  private async tick(label: string): Promise<void> {
    const ticked = this.listed(label).and(this.workbench.page.locator('[aria-checked="true"]'));
    const isTicked = async () => (await ticked.count()) > 0;
    await doUntil(`"${label}" is ticked`, isTicked, () => this.listed(label).click({ timeout: clickMs }));
  }

  private listed(label: string): Locator {
    return this.workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first();
  }

  /** Answers VS Code's own dialog for files: with this path. */
  async save(file: string): Promise<void> {
    const input = this.workbench.page.locator('.quick-input-widget .quick-input-box input').first();
    // It opens with a proposal, and what is typed before that comes is lost.
    const proposed = path.extname(file);
    await eventually('a file is proposed', async () => (await input.inputValue()).endsWith(proposed));
    await doUntil(
      'the path is typed',
      async () => (await input.inputValue()) === file,
      () => input.fill(file),
    );
    // While it still looks into the folder, it does not hear.
    const closed = async () => !(await input.isVisible());
    await doUntil('the dialog took the path', closed, () => this.workbench.page.keyboard.press('Enter'));
  }

  /** Whatever list or dialog a command left open. */
  async closeQuickInput(): Promise<void> {
    const closed = async () => !(await this.workbench.page.locator('.quick-input-widget').isVisible());
    await doUntil('no list is open', closed, () => this.workbench.page.keyboard.press('Escape'));
  }

  async closeEditors(): Promise<void> {
    const tabs = this.workbench.page.locator('.editor-group-container .tabs-container .tab');
    const close = () => this.workbench.runCommand('View: Close All Editors');
    await doUntil('all editors are closed', async () => (await tabs.count()) === 0, close);
  }

  /** A message in the list of notifications; where a driver drives VS Code, it shows them nowhere else. */
  async notice(text: string): Promise<Locator> {
    await this.workbench.runCommand('Notifications: Show Notifications');
    const notice = this.workbench.page.locator('.notifications-center .notification-list-item', { hasText: text });
    await notice.waitFor();
    return notice;
  }

  async picture(name: string): Promise<void> {
    await this.workbench.page.screenshot({ path: `out/${name}.png` });
  }

  close(): Promise<void> {
    return this.closeAll();
  }
}
