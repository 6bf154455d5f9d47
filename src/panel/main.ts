import './panel.css';
import type { ChartView, Frame, PanelAction, Query } from '../messages/panel';
import { Charts } from './charts/charts';
import { PickChart } from './charts/pickChart';
import { ComparisonView } from './comparison/comparison';
import { element, setAttribute } from './dom';
import { EndpointTable } from './endpoints/table';
import { Events } from './events';
import { AnswerView } from './explain/answer';
import { Inspector } from './explain/inspector';
import { ReasonTable } from './explain/reasons';
import { Header } from './header';
import { Host } from './host';
import { KeysDialog, shortcutOf } from './keys';
import { t, useBundle } from './l10n';
import { Looks } from './looks';
import { Notices } from './notices';
import { Pace, type Shown } from './pace';
import { FilterBar } from './picks/filterBar';
import { PickList } from './picks/list';
import { Replay } from './replay';
import { Announcer, Idle, States } from './states';
import { Store, type Changed, type PersistedState } from './store';
import { closeTerm, termCards } from './terms';
import { Theme } from './theme';

/** ms; frames that come in a bunch are drawn at most so often. Less than between two of the host's: none of those has to wait. */
const interval = 50;

const wide = matchMedia('(min-width: 900px)');

/** A view, and after which changes it may look different. */
type Drawn = readonly [view: { render(): void }, after: readonly Changed[]];

const everything: readonly Changed[] = ['frame', 'chart', 'hover', 'reader'];
const figures: readonly Changed[] = ['frame', 'reader'];

/** Composes the views, and draws them when something changed and someone looks. */
class Panel {
  private readonly store: Store;
  private readonly looks = new Looks();
  private readonly charts: Charts;
  private readonly filter: FilterBar;
  private readonly replay: Replay;
  private readonly keys = new KeysDialog();
  private readonly pace = new Pace();
  private readonly root = element('main', 'panel');
  /** Around the channel, or what stands in its place. */
  private readonly frameViews: readonly Drawn[];
  private readonly channelViews: readonly Drawn[];
  private readonly changed = new Set<Changed>();
  private lastDrawn = -Infinity;
  private drawAt = Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly host: Host<PersistedState>,
    query: Query | undefined,
  ) {
    const store = (this.store = new Store(host, query));
    const { looks } = this;
    const theme = new Theme(() => {
      this.charts.render(true);
      pickChart.render();
    });
    this.charts = new Charts(store, looks, theme, this.pace);
    this.filter = new FilterBar(store);
    this.replay = new Replay(store);
    const pickChart = new PickChart(store, looks, theme);
    const picks = new PickList(store, looks);
    const header = new Header(store, () => this.keys.open());
    const states = new States(store);
    const notices = new Notices(store);
    const comparison = new ComparisonView(store);
    const endpoints = new EndpointTable(store, looks);
    const idle = new Idle(store);
    const answer = new AnswerView(store, looks);
    const inspector = new Inspector(store, looks, (from, by) => picks.move(from, by));
    const reasons = new ReasonTable(store);
    const events = new Events(store);
    const announcer = new Announcer(store);
    const around = [header, this.replay, states, notices, comparison, announcer];
    const ofChannel = [idle, picks, pickChart, answer, inspector, reasons, events];
    this.frameViews = around.map((view) => [view, figures]);
    const ofCharts = [endpoints, this.filter];
    this.channelViews = [
      ...ofCharts.map((view): Drawn => [view, everything]),
      ...ofChannel.map((view): Drawn => [view, figures]),
    ];
    const explained = [pickChart.element, answer.element, inspector.element];
    const who = element('div', 'who', endpoints.element, ...explained, reasons.element, events.element);
    const charts = element('h2', 'sr-only', t('Charts'));
    const when = element('div', 'when', idle.element, charts, this.charts.element, this.filter.element, picks.element);
    this.root.append(
      element('h1', 'sr-only', 'Pickscope'),
      header.element,
      this.replay.element,
      states.element,
      notices.element,
      comparison.element,
      element('div', 'columns', who, when),
      announcer.element,
      this.keys.element,
      termCards,
    );
    store.subscribe((what) => this.schedule([what]));
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('visibilitychange', () => this.schedule(everything));
    wide.addEventListener('change', () => this.schedule(everything));
    this.watchScreen();
    setInterval(() => this.tick(), 1000);
  }

  /** A view that stands still gets no frame that would draw it sharp where the page comes to a screen of other pixels. */
  private watchScreen(): void {
    const here = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const moved = () => {
      this.watchScreen();
      this.schedule(everything);
    };
    here.addEventListener('change', moved, { once: true });
  }

  start(): void {
    document.body.append(this.root);
    this.store.ask();
  }

  receive(frame: Frame): void {
    this.store.receive(frame);
    this.received('frame');
  }

  receiveChart(chart: ChartView | undefined): void {
    this.store.receiveChart(chart);
    this.received('chart');
  }

  private received(what: Shown): void {
    this.host.post({ type: 'received', what, restMs: this.pace.restAfter(what) });
  }

  do(action: PanelAction): void {
    const { store } = this;
    if (action.name === 'ask') store.askWhy(action.endpoint);
    else if (action.name === 'compare') store.compare(action.with);
    else if (action.name === 'picture') void this.charts.sendPicture(action.redaction);
    else this.plainActions[action.name]();
  }

  private readonly plainActions = {
    pause: () => {
      this.replay.pause();
      this.store.pause();
    },
    resume: () => this.store.resume(),
    focusFilter: () => this.focusFilter(),
    showKeys: () => this.keys.open(),
    closeAll: () => this.closeAll(),
  };

  // ── Drawing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What the reader did is drawn at once. */
  private schedule(what: readonly Changed[]): void {
    for (const each of what) this.changed.add(each);
    const apart = what.includes('hover') || what.includes('reader') ? 0 : interval;
    const at = Math.max(performance.now(), this.lastDrawn + apart);
    if (at >= this.drawAt) return;
    this.drawAt = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => requestAnimationFrame(() => this.draw()), at - performance.now());
  }

  private draw(): void {
    this.drawAt = Infinity;
    // Nothing is drawn while hidden; becoming visible schedules anew.
    if (document.hidden) return;
    this.lastDrawn = performance.now();
    const { store, changed } = this;
    const what = [...changed];
    changed.clear();
    const byItself = !what.includes('reader') && !what.includes('hover');
    if (byItself) this.pace.measure(what.includes('chart') ? 'chart' : 'frame');
    this.root.dataset.state = store.frame?.attachment.state ?? 'starting';
    // Only where it differs: the theme is read anew whenever it is written.
    setAttribute(document.documentElement, 'data-place', store.frame?.place ?? 'side');
    this.root.classList.toggle('inspecting', store.inspecting);
    this.root.classList.toggle('answering', store.explained === 'endpoint');
    this.root.classList.toggle('comparing', store.comparing);
    drawAfter(what, this.frameViews);
    if (store.comparing) return;
    if (store.channel) this.looks.update(store.channel);
    drawAfter(what, this.channelViews);
    this.charts.render(false);
    if (what.includes('hover') || what.includes('reader')) this.charts.renderHover();
  }

  /** The countdown to the next try, and the length of what is recorded, go on without frames. */
  private tick(): void {
    const { frame } = this.store;
    if (frame?.attachment.state === 'lost' || frame?.recording) this.schedule(['frame']);
  }

  // ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────

  private key(event: KeyboardEvent): void {
    const shortcut = shortcutOf(event);
    if (shortcut === undefined) return;
    if (shortcut !== 'escape') event.preventDefault();
    if (shortcut === 'escape') this.escape(event.target);
    else if (shortcut === 'keys') this.keys.open();
    else if (shortcut === 'filter') this.focusFilter();
    else if (shortcut === 'live') this.store.resume();
    else this.pauseOrGoOn();
  }

  /** A narrow panel has no room for it while a pick is explained. */
  private focusFilter(): void {
    if (!wide.matches && this.store.inspecting) {
      this.store.closeInspector();
      this.root.classList.remove('inspecting');
    }
    this.filter.focus();
  }

  private pauseOrGoOn(): void {
    const { store } = this;
    if (store.frame?.place === 'recording') this.replay.playOrPause();
    else if (store.paused) store.resume();
    else store.pause();
  }

  /** Closes what is innermost; what the browser closes itself, and suggestions, come before all of this. */
  private escape(target: EventTarget | null): void {
    const { store } = this;
    if (this.root.querySelector('dialog[open], .menu:popover-open')) return;
    if (closeTerm()) return;
    if (target instanceof HTMLInputElement && target.closest('.filter') && target.value !== '') store.setFilter('');
    else if (store.query.selection) store.select(undefined);
    else if (store.explained === 'pick') store.closeInspector();
    else if (store.explained === 'endpoint') store.askWhy(null);
    else if (store.comparing) store.compare(undefined);
  }

  private closeAll(): void {
    const { store } = this;
    closeTerm();
    this.keys.element.close();
    store.closeInspector();
    store.askWhy(null);
    store.select(undefined);
    store.compare(undefined);
  }
}

function drawAfter(what: readonly Changed[], views: readonly Drawn[]): void {
  for (const [view, after] of views) if (what.some((each) => after.includes(each))) view.render();
}

/** The texts come first: the views take their words when they are made. */
function main(): void {
  const host = new Host<PersistedState>();
  let panel: Panel | undefined;
  host.listen((message) => {
    switch (message.type) {
      case 'init':
        if (panel) return;
        useBundle(message.l10n, message.language);
        panel = new Panel(host, message.query);
        panel.start();
        break;
      case 'frame':
        panel?.receive(message.frame);
        break;
      case 'chart':
        panel?.receiveChart(message.chart);
        break;
      case 'do':
        panel?.do(message.action);
        break;
    }
  });
  window.addEventListener('focus', () => host.post({ type: 'focused' }));
  host.post({ type: 'ready' });
}

main();
