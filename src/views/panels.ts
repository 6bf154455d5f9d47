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
import type { Attachment } from '../attachment/attachment';
import { tabs, views } from '../contributions';
import type { Query } from '../messages/panel';
import { PanelHost, type PanelHostOptions } from './panelHost';
import { LiveSource, type LiveSourceOptions, type PanelSource } from './panelSource';

const titlePrefix = 'Pickscope: ';

export interface PanelsOptions extends Omit<LiveSourceOptions, 'changes'> {
  readonly extensionUri: Uri;
  readonly log: LogOutputChannel;
  /** What was attached before the window was reloaded is attached again. */
  readonly restored: Promise<void>;
}

/** All panels, and which of them the reader turned to last: commands from elsewhere are for that one. */
export class Panels implements WebviewViewProvider, WebviewPanelSerializer {
  readonly side: PanelHost;
  readonly #tabs = new Map<WebviewPanel, PanelHost>();
  readonly #listeners = new Set<() => void>();
  #active: PanelHost;
  /** Of what all live panels tell. */
  #changes = 0;

  constructor(private readonly options: PanelsOptions) {
    this.#countChanges();
    this.side = this.#host(this.#live('side'), {
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
    return [...this.#tabs].find(([panel]) => panel.active)?.[1];
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
  openInEditor(from: PanelHost): void {
    const { query, source } = from;
    const attachment = source instanceof LiveSource && query ? source.attachmentOf(query) : undefined;
    if (!query || !attachment) return;
    const panel = window.createWebviewPanel(tabs.panel, titleOf(attachment), ViewColumn.Active);
    this.#fillTab(panel, { ...query, client: attachment.id });
  }

  async deserializeWebviewPanel(panel: WebviewPanel): Promise<void> {
    await this.options.restored;
    this.#fillTab(panel);
  }

  /** Serves a panel in an editor tab until it is closed. */
  open(panel: WebviewPanel, source: PanelSource, options: Pick<PanelHostOptions, 'firstQuery' | 'onQuery'> = {}): void {
    const host = this.#host(source, { reveal: () => panel.reveal(), ...options });
    this.#tabs.set(panel, host);
    panel.onDidChangeViewState(() => {
      host.visibilityChanged();
      if (panel.active) this.activate(host);
    });
    panel.onDidDispose(() => {
      this.#tabs.delete(panel);
      host.letGo();
      if (this.#active === host) this.activate(this.side);
    });
    host.hold(panel);
    if (panel.active) this.activate(host);
  }

  dispose(): void {
    this.side.letGo();
    for (const host of this.#tabs.values()) host.letGo();
  }

  #fillTab(panel: WebviewPanel, firstQuery?: Query): void {
    const source = this.#live('editor', panel.title.slice(titlePrefix.length));
    panel.iconPath = Uri.joinPath(this.options.extensionUri, 'media', 'icon.png');
    const onQuery = (query: Query) => {
      const attachment = source.attachmentOf(query);
      if (attachment && panel.title !== titleOf(attachment)) panel.title = titleOf(attachment);
    };
    this.open(panel, source, { onQuery, ...(firstQuery && { firstQuery }) });
  }

  #countChanges(): void {
    const { attachments, discovery, programs, recorder } = this.options;
    const count = () => this.#changes++;
    attachments.on('change', count);
    discovery.on('change', count);
    recorder.on('change', count);
    recorder.on('progress', count);
    programs.onDidChange(count);
  }

  #live(place: 'side' | 'editor', name?: string): LiveSource {
    return new LiveSource(place, { ...this.options, changes: () => this.#changes }, name);
  }

  #host(source: PanelSource, options: Pick<PanelHostOptions, 'reveal' | 'firstQuery' | 'onQuery'>): PanelHost {
    const host: PanelHost = new PanelHost({
      ...options,
      source,
      extensionUri: this.options.extensionUri,
      log: this.options.log,
      watch: () => this.options.discovery.watch(),
      onFocused: () => this.activate(host),
      onQuery: (query) => {
        options.onQuery?.(query);
        this.#changed();
      },
    });
    return host;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function titleOf({ identity }: Attachment): string {
  return `${titlePrefix}${identity.name}`;
}
