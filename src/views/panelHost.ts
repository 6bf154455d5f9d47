import {
  commands as vscodeCommands,
  env,
  l10n,
  Uri,
  type Disposable,
  type LogOutputChannel,
  type Webview,
} from 'vscode';
import { commands } from '../contributions';
import type { PanelAction, PanelCommand, Query, Redaction, ToHost, ToPanel } from '../messages/panel';
import type { ClientModel } from '../model/clientModel';
import { panelHtml } from './panelHtml';
import type { PanelSource } from './panelSource';
import { showReadme } from './readme';

/** At most ten frames a second. */
const frameMs = 100;
/** And two charts: nobody sees a line grow more often. */
const chartMs = 500;
/** What is paused moves only at its edges: how many came since, and how far back one can go. */
const pausedMs = { frame: 500, chart: 1000 };
/** Ages on display move on, though nothing happens. */
const idleFrameMs = 1000;
/** A reader who drags asks with each movement of the mouse. */
const queryMs = 30;
/** A panel that has not taken what was sent within this time has lost it. */
const patienceMs = 2000;
/** A panel that does not draw its picture within this time never will. */
const pictureMs = 10_000;

/** The panel, or what else holds it, as far as it matters here. */
export interface Holder {
  readonly webview: Webview;
  readonly visible: boolean;
}

export interface PanelHostOptions {
  readonly source: PanelSource;
  readonly extensionUri: Uri;
  readonly log: LogOutputChannel;
  /** Brings the panel into view. */
  readonly reveal: () => unknown;
  /** To be called while the panel is in view. */
  readonly watch?: () => Pick<Disposable, 'dispose'>;
  /** What the panel shows first, where it was never there before. */
  readonly firstQuery?: Query;
  /** The reader turned to this panel. */
  readonly onFocused: () => void;
  /** The panel asks for something else. */
  readonly onQuery?: (query: Query) => void;
}

/** Serves one panel: owns what it shows, and answers its query whenever the answer changes. */
export class PanelHost {
  #holder: Holder | undefined;
  #shown = false;
  #query: Query | undefined;
  #received: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #watching: Pick<Disposable, 'dispose'> | undefined;
  #answering: NodeJS.Timeout | undefined;
  #answeredMs = 0;
  /** A query came while the panel had not taken yet what was sent before. */
  #owed = false;
  /** Sent, and not taken yet: a panel that is slow gets fewer, rather than a queue of them. */
  #unread = { count: 0, sinceMs: 0 };
  /** Asked for before the panel was there. */
  #pending: PanelAction[] = [];
  #picture: ((png: Uint8Array) => void) | undefined;
  /** What was sent last. */
  #frame = { ms: 0, version: -1 };
  #chart = { ms: 0, version: -1, asked: '' };
  /** What the panel draws unasked waits until then, by the monotonic clock. */
  #restsUntilMs = { frame: 0, chart: 0 };

  constructor(private readonly options: PanelHostOptions) {}

  get query(): Query | undefined {
    return this.#query;
  }

  /** What knows what the panel shows; undefined: nothing is there. */
  get model(): ClientModel | undefined {
    return this.#query && this.options.source.modelOf(this.#query);
  }

  get source(): PanelSource {
    return this.options.source;
  }

  /** Fills the holder's webview, and answers it until it is let go of. */
  hold(holder: Holder): void {
    this.letGo();
    this.#holder = holder;
    const { webview } = holder;
    const root = this.options.extensionUri;
    webview.options = {
      enableScripts: true,
      localResourceRoots: [Uri.joinPath(root, 'dist'), Uri.joinPath(root, 'media')],
    };
    this.#received = webview.onDidReceiveMessage((message: ToHost) => this.#receive(message));
    webview.html = panelHtml(webview, root, env.language);
    this.visibilityChanged();
  }

  letGo(): void {
    this.#received?.dispose();
    this.#holder = undefined;
    this.#query = undefined;
    this.visibilityChanged();
  }

  visibilityChanged(): void {
    const visible = this.#holder?.visible ?? false;
    if (visible === this.#shown) return;
    this.#shown = visible;
    clearInterval(this.#timer);
    clearTimeout(this.#answering);
    this.#answering = undefined;
    this.#watching?.dispose();
    this.#watching = undefined;
    if (!visible) return;
    this.#frame.version = -1;
    this.#chart.version = -1;
    this.#unread.count = 0;
    this.#restsUntilMs = { frame: 0, chart: 0 };
    this.#timer = setInterval(() => this.#guarded('frame', () => this.#tick()), frameMs);
    this.#watching = this.options.watch?.();
  }

  /** Shows the panel, and has it do something as soon as it can. */
  async do(action: PanelAction): Promise<void> {
    this.#pending.push(action);
    await this.options.reveal();
    this.#flushPending();
  }

  /** The window of this panel, as a PNG file. @throws Error if the panel does not draw it. */
  async picture(redaction: Redaction): Promise<Uint8Array> {
    const drawn = new Promise<Uint8Array>((resolve) => (this.#picture = resolve));
    await this.do({ name: 'picture', redaction });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The panel did not draw its picture.')), pictureMs);
    });
    return Promise.race([drawn, late]).finally(() => clearTimeout(timer));
  }

  #receive(message: ToHost): void {
    this.#guarded(message.type, () => {
      switch (message.type) {
        case 'ready':
          this.#unread.count = 0;
          this.#post({ type: 'init', l10n: l10n.bundle ?? {}, language: env.language, ...this.#first() });
          break;
        case 'query':
          this.#ask(message.query);
          break;
        case 'command':
          this.options.onFocused();
          this.#run(message.command).catch((error: unknown) => this.options.log.error(String(error)));
          break;
        case 'received':
          this.#unread.count = Math.max(0, this.#unread.count - 1);
          this.#restsUntilMs[message.what] = performance.now() + message.restMs;
          if (this.#owed && !this.#busy) this.#answer();
          break;
        case 'focused':
          this.options.onFocused();
          break;
        case 'picture':
          this.#picture?.(message.png);
      }
    });
  }

  #first(): { readonly query?: Query } {
    const { firstQuery } = this.options;
    return firstQuery ? { query: firstQuery } : {};
  }

  /** Several queries that come at once get one answer. */
  #ask(query: Query): void {
    this.#query = query;
    this.options.onQuery?.(query);
    const waitMs = Math.max(0, this.#answeredMs + queryMs - performance.now());
    this.#answering ??= setTimeout(() => this.#guarded('query', () => this.#answer()), waitMs);
  }

  #answer(): void {
    this.#answering = undefined;
    this.#owed = this.#busy;
    if (this.#owed) return;
    this.#answeredMs = performance.now();
    this.#sendFrame(Date.now());
    if (this.#query && chartPart(this.#query) !== this.#chart.asked) this.#sendChart(Date.now());
    this.#flushPending();
  }

  async #run(command: PanelCommand): Promise<void> {
    switch (command.name) {
      case 'attach':
        return vscodeCommands.executeCommand(commands.attachTo, command.client);
      case 'attachTo':
        return vscodeCommands.executeCommand(commands.attach);
      case 'select':
        return vscodeCommands.executeCommand(commands.select, command.client);
      case 'copyImportLine':
        return vscodeCommands.executeCommand(commands.copyImportLine, command.of);
      case 'openHelp':
        return showReadme(this.options.extensionUri);
      case 'detach':
      case 'retryNow':
      case 'enterToken':
      case 'record':
      case 'stopRecording':
        return vscodeCommands.executeCommand(commands[command.name], this.#query?.client);
      default:
        return vscodeCommands.executeCommand(commands[command.name]);
    }
  }

  get #busy(): boolean {
    const { count, sinceMs } = this.#unread;
    return count > 0 && performance.now() - sinceMs < patienceMs;
  }

  #tick(): void {
    if (!this.#query || this.#busy) return;
    if (this.#owed) {
      this.#answer();
      return;
    }
    const { source } = this.options;
    const nowMs = Date.now();
    const model = source.modelOf(this.#query);
    const apartMs = this.#query.untilMs === undefined ? { frame: 0, chart: chartMs } : pausedMs;
    // A clock that was set back counts as well.
    const due = (what: 'frame' | 'chart', sentMs: number, ms: number) =>
      performance.now() >= this.#restsUntilMs[what] && (nowMs - sentMs >= ms || nowMs < sentMs);
    const aged = source.ages && model !== undefined && due('frame', this.#frame.ms, idleFrameMs);
    const changed = source.version(this.#query) !== this.#frame.version && due('frame', this.#frame.ms, apartMs.frame);
    if (aged || changed) this.#sendFrame(nowMs);
    const charted = (model?.chartVersion ?? 0) !== this.#chart.version;
    if (charted && due('chart', this.#chart.ms, apartMs.chart)) this.#sendChart(nowMs);
  }

  #sendFrame(nowMs: number): void {
    if (!this.#holder?.visible || !this.#query) return;
    const { source } = this.options;
    this.#frame = { ms: nowMs, version: source.version(this.#query) };
    this.#show({ type: 'frame', frame: source.frame(this.#query, source.atMs(nowMs)) });
  }

  #sendChart(nowMs: number): void {
    if (!this.#holder?.visible || !this.#query) return;
    const { source } = this.options;
    const model = source.modelOf(this.#query);
    this.#chart = { ms: nowMs, version: model?.chartVersion ?? 0, asked: chartPart(this.#query) };
    const chart = model?.chart(this.#query, source.atMs(nowMs));
    this.#show({ type: 'chart', ...(chart && { chart }) });
  }

  #flushPending(): void {
    if (!this.#query) return;
    for (const action of this.#pending.splice(0)) this.#post({ type: 'do', action });
  }

  #show(message: ToPanel): void {
    const { count } = this.#busy ? this.#unread : { count: 0 };
    this.#unread = { count: count + 1, sinceMs: performance.now() };
    this.#post(message);
  }

  #post(message: ToPanel): void {
    void this.#holder?.webview.postMessage(message);
  }

  /** One failure must not end a panel silently. */
  #guarded(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.options.log.error(`The panel's "${what}" failed.`, error);
    }
  }
}

/** Of a query, what a chart depends on. */
function chartPart({ client, channel, windowSeconds, untilMs, points, filter }: Query): string {
  return JSON.stringify([client, channel, windowSeconds, untilMs, points, filter]);
}
