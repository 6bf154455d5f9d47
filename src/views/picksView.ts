import { commands as vscodeCommands, env, l10n, Uri } from 'vscode';
import type { ExtensionContext, LogOutputChannel, Webview, WebviewView, WebviewViewProvider } from 'vscode';
import type { Attachment } from '../attachment/attachment';
import type { Attachments } from '../attachment/attachments';
import { knownClients } from '../attachment/knownClients';
import { commands, views } from '../contributions';
import type { Discovery, Watch } from '../discovery/discovery';
import type { NodePrograms } from '../launch/nodePrograms';
import type { Frame, PanelCommand, Query, ToHost, ToPanel } from '../messages/panel';
import { attachmentView, clientChoice } from './attachmentView';
import { panelHtml } from './panelHtml';
import { showReadme } from './readme';

/** At most ten frames a second. */
const frameMs = 100;
/** Ages on display move on, though nothing happens. */
const idleFrameMs = 1000;

export type PanelAction = Extract<ToPanel, { type: 'do' }>['action'];

export interface PicksViewOptions {
  readonly context: ExtensionContext;
  readonly attachments: Attachments;
  readonly discovery: Discovery;
  readonly programs: NodePrograms;
  readonly log: LogOutputChannel;
  readonly onPaused: (paused: boolean) => void;
}

/** The side panel's host: owns the data, and answers the panel's query whenever the answer changes. */
export class PicksView implements WebviewViewProvider {
  #view: WebviewView | undefined;
  #query: Query | undefined;
  #timer: NodeJS.Timeout | undefined;
  #watching: Watch | undefined;
  /** Asked for before the panel was there. */
  #pending: PanelAction[] = [];
  #stale = true;
  #shownVersion = -1;
  #shownMs = 0;

  constructor(private readonly options: PicksViewOptions) {
    const changed = () => (this.#stale = true);
    options.attachments.on('change', changed);
    options.discovery.on('change', changed);
    options.programs.onDidChange(changed);
  }

  resolveWebviewView(view: WebviewView): void {
    this.#view = view;
    this.#query = undefined;
    const root = this.options.context.extensionUri;
    view.webview.options = {
      enableScripts: true,
      localResourceRoots: [Uri.joinPath(root, 'dist'), Uri.joinPath(root, 'media')],
    };
    view.webview.html = panelHtml(view.webview, root, env.language);
    const received = view.webview.onDidReceiveMessage((message: ToHost) => this.#receive(message, view.webview));
    const moved = view.onDidChangeVisibility(() => this.#visibilityChanged());
    view.onDidDispose(() => {
      received.dispose();
      moved.dispose();
      if (this.#view !== view) return;
      this.#view = undefined;
      this.#visibilityChanged();
    });
    this.#visibilityChanged();
  }

  /** Shows the panel, and has it do something as soon as it can. */
  async do(action: PanelAction): Promise<void> {
    this.#pending.push(action);
    await vscodeCommands.executeCommand(`${views.picks}.focus`);
    this.#flushPending();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#watching?.dispose();
  }

  #visibilityChanged(): void {
    clearInterval(this.#timer);
    this.#watching?.dispose();
    this.#watching = undefined;
    if (!this.#view?.visible) return;
    this.#stale = true;
    this.#timer = setInterval(() => this.#tick(), frameMs);
    this.#watching = this.options.discovery.watch();
  }

  #receive(message: ToHost, webview: Webview): void {
    try {
      switch (message.type) {
        case 'ready':
          this.#post(webview, { type: 'init', l10n: l10n.bundle ?? {}, language: env.language });
          break;
        case 'query':
          this.#query = message.query;
          this.options.onPaused(message.query.untilMs !== undefined);
          this.#sendFrame();
          this.#flushPending();
          break;
        case 'command':
          this.#run(message.command).catch((error: unknown) => this.options.log.error(String(error)));
          break;
      }
    } catch (error) {
      this.options.log.error(`The panel's message "${message.type}" failed.`, error);
    }
  }

  async #run(command: PanelCommand): Promise<void> {
    switch (command.name) {
      case 'attach':
        return vscodeCommands.executeCommand(commands.attachTo, command.client);
      case 'attachTo':
        return vscodeCommands.executeCommand(commands.attach);
      case 'select':
        return vscodeCommands.executeCommand(commands.select, command.client);
      case 'openHelp':
        return showReadme(this.options.context.extensionUri);
      default:
        return vscodeCommands.executeCommand(commands[command.name]);
    }
  }

  #tick(): void {
    const version = this.options.attachments.selected?.model.version ?? -1;
    const state = this.options.attachments.selected?.state.kind;
    const idle = state !== undefined && Date.now() - this.#shownMs >= idleFrameMs;
    if (this.#stale || version !== this.#shownVersion || idle) this.#sendFrame();
  }

  #sendFrame(): void {
    if (!this.#view?.visible || !this.#query) return;
    try {
      this.#shownMs = Date.now();
      this.#shownVersion = this.options.attachments.selected?.model.version ?? -1;
      this.#stale = false;
      this.#post(this.#view.webview, { type: 'frame', frame: this.#frame(this.#query, this.#shownMs) });
    } catch (error) {
      this.options.log.error('A frame for the panel could not be made.', error);
    }
  }

  #frame(query: Query, nowMs: number): Frame {
    const { selected, all } = this.options.attachments;
    const channel = selected?.model.view(query, nowMs);
    return {
      attachment: attachmentView(selected, query.untilMs !== undefined, this.options.programs.on, nowMs),
      clients: knownClients(all, this.options.discovery.clients).map(({ id, identity, attachment }) =>
        clientChoice(id, identity, attachment !== undefined),
      ),
      channels: selected?.model.channels(nowMs) ?? [],
      ...(channel && { channel }),
      limitations: selected?.model.process?.limitations ?? [],
      refusedCalls: selected?.model.refusedCalls ?? 0,
      ...keptOf(selected),
    };
  }

  #flushPending(): void {
    if (!this.#query || !this.#view) return;
    for (const action of this.#pending.splice(0)) this.#post(this.#view.webview, { type: 'do', action });
  }

  #post(webview: Webview, message: ToPanel): void {
    void webview.postMessage(message);
  }
}

function keptOf(attachment: Attachment | undefined): Pick<Frame, 'kept'> {
  const seconds = attachment?.model.process?.keepSeconds ?? 0;
  if (attachment?.state.kind !== 'live' || seconds === 0) return {};
  return { kept: { seconds, untilMs: attachment.state.sinceMs } };
}
