import {
  commands as vscodeCommands,
  Uri,
  ViewColumn,
  window,
  type LogOutputChannel,
  type WebviewPanel,
  type WebviewPanelSerializer,
  type WebviewView,
  type WebviewViewProvider,
} from 'vscode';
import { tabs, views } from '../contributions';
import type { Query } from '../messages/panel';
import { PanelHost, type PanelHostOptions } from './panelHost';
import { LiveSource, type LiveSourceOptions, type PanelSource } from './panelSource';

const titlePrefix = 'Pickscope: ';

export interface PanelsOptions extends LiveSourceOptions {
  readonly extensionUri: Uri;
  readonly log: LogOutputChannel;
  /** What was attached before the window was reloaded is attached again. */
  readonly restored: Promise<void>;
}

/** An editor tab with a panel in it: of a client, or of a recording. */
export interface PanelTab {
  readonly host: PanelHost;
  readonly panel: WebviewPanel;
}

/** All panels, and which of them the reader turned to last: commands from elsewhere are for that one. */
export class Panels implements WebviewViewProvider, WebviewPanelSerializer {
  readonly side: PanelHost;
  readonly #tabs = new Set<PanelTab>();
  readonly #listeners = new Set<() => void>();
  #active: PanelHost;

  constructor(private readonly options: PanelsOptions) {
    this.side = this.#host(new LiveSource('side', options), {
      reveal: () => vscodeCommands.executeCommand(`${views.picks}.focus`),
    });
    this.#active = this.side;
  }

  /** The one that the reader turned to last. */
  get active(): PanelHost {
    return this.#active;
  }

  /** The reader turned to this one. */
  activate(host: PanelHost): void {
    this.#active = host;
    this.#changed();
  }

  /** The tab that is on top of the editor area, if it is one of ours. */
  get activeTab(): PanelHost | undefined {
    return [...this.#tabs].find(({ panel }) => panel.active)?.host;
  }

  /** Another panel is active, or one asks for something else. */
  onDidChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  resolveWebviewView(view: WebviewView): void {
    this.side.hold(view);
    const moved = view.onDidChangeVisibility(() => this.side.visibilityChanged());
    view.onDidDispose(() => {
      moved.dispose();
      this.side.letGo();
    });
  }

  /** Opens what this panel shows in a tab of its own, which keeps to its client. */
  openInEditor(from: PanelHost): PanelTab | undefined {
    const { query, source } = from;
    const attachment = source instanceof LiveSource && query ? source.attachmentOf(query) : undefined;
    if (!query || !attachment) return undefined;
    const title = `${titlePrefix}${attachment.identity.name}`;
    const panel = window.createWebviewPanel(tabs.panel, title, ViewColumn.Active);
    return this.#fillTab(panel, { ...query, client: attachment.id });
  }

  async deserializeWebviewPanel(panel: WebviewPanel): Promise<void> {
    await this.options.restored;
    this.#fillTab(panel, undefined);
  }

  /** Serves a panel in an editor tab until it is closed. */
  open(panel: WebviewPanel, source: PanelSource, firstQuery?: Query): PanelTab {
    const host = this.#host(source, { reveal: () => panel.reveal(), ...(firstQuery && { firstQuery }) });
    const tab = { host, panel };
    this.#tabs.add(tab);
    panel.onDidChangeViewState(() => {
      host.visibilityChanged();
      if (panel.active) this.activate(host);
    });
    panel.onDidDispose(() => {
      this.#tabs.delete(tab);
      host.letGo();
      if (this.#active === host) this.activate(this.side);
    });
    host.hold(panel);
    if (panel.active) this.activate(host);
    return tab;
  }

  dispose(): void {
    this.side.letGo();
    for (const { host } of this.#tabs) host.letGo();
  }

  #fillTab(panel: WebviewPanel, firstQuery: Query | undefined): PanelTab {
    const source = new LiveSource('editor', this.options, panel.title.slice(titlePrefix.length));
    panel.iconPath = Uri.joinPath(this.options.extensionUri, 'media', 'icon.png');
    panel.onDidDispose(() => source.dispose());
    return this.open(panel, source, firstQuery);
  }

  #host(source: PanelSource, options: Pick<PanelHostOptions, 'reveal' | 'firstQuery'>): PanelHost {
    const host: PanelHost = new PanelHost({
      ...options,
      source,
      extensionUri: this.options.extensionUri,
      log: this.options.log,
      watch: () => this.options.discovery.watch(),
      onFocused: () => this.activate(host),
      onQuery: () => this.#changed(),
    });
    return host;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
