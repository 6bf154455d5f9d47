import './panel.css';
import type { ChartView, Frame, PanelAction, Query } from '../messages/panel';
import { Charts } from './charts/charts';
import { element } from './dom';
import { EndpointTable } from './endpoints/table';
import { Events } from './events';
import { FilterBar } from './picks/filterBar';
import { Header } from './header';
import { Host } from './host';
import { Inspector } from './explain/inspector';
import { useBundle } from './l10n';
import { Notices } from './notices';
import { PickChart } from './charts/pickChart';
import { PickList } from './picks/list';
import { Looks } from './looks';
import { Announcer, Idle, States } from './states';
import { Store, type PersistedState } from './store';
import { Theme } from './theme';

/** ms; frames that come in a bunch are drawn at most so often. Less than between two of the host's: none of those has to wait. */
const interval = 50;

/** Composes the views, and draws them when something changed and someone looks. */
class Panel {
  private readonly store: Store;
  private readonly looks = new Looks();
  private readonly views: { render(): void }[];
  private readonly charts: Charts;
  private readonly filter: FilterBar;
  private readonly root = element('main', 'panel');
  private lastDrawn = -Infinity;
  private drawAt = Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: Host<PersistedState>, query: Query | undefined) {
    const store = (this.store = new Store(host, query));
    const { looks } = this;
    const theme = new Theme(() => {
      this.charts.render(true);
      pickChart.render();
    });
    this.charts = new Charts(store, looks, theme);
    const pickChart = new PickChart(store, looks, theme);
    this.filter = new FilterBar(store);
    const picks = new PickList(store, looks);
    const header = new Header(store);
    const states = new States(store);
    const notices = new Notices(store);
    const endpoints = new EndpointTable(store, looks);
    const idle = new Idle(store);
    const inspector = new Inspector(store, looks, (from, by) => picks.move(from, by));
    const events = new Events(store);
    const announcer = new Announcer(store);
    this.views = [
      header,
      states,
      notices,
      endpoints,
      idle,
      this.filter,
      picks,
      pickChart,
      inspector,
      events,
      announcer,
    ];
    const who = element('div', 'who', endpoints.element, pickChart.element, inspector.element, events.element);
    const when = element('div', 'when', idle.element, this.charts.element, this.filter.element, picks.element);
    this.root.append(
      header.element,
      states.element,
      notices.element,
      element('div', 'columns', who, when),
      announcer.element,
    );
    store.subscribe((what) => this.schedule(what === 'frame' || what === 'chart' ? interval : 0));
    document.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('visibilitychange', () => this.schedule(0));
    setInterval(() => this.tick(), 1000);
  }

  start(): void {
    document.body.append(this.root);
    this.store.ask();
  }

  receive(frame: Frame): void {
    this.store.receive(frame);
  }

  receiveChart(chart: ChartView | undefined): void {
    this.store.receiveChart(chart);
  }

  do(action: PanelAction): void {
    const { store } = this;
    if (action.name === 'pause') store.pause();
    else if (action.name === 'resume') store.resume();
    else if (action.name === 'ask') store.askWhy(action.endpoint);
    else if (action.name === 'compare') store.compare(action.with);
    else if (action.name === 'focusFilter') this.filter.focus();
  }

  private schedule(apart: number): void {
    const at = Math.max(performance.now(), this.lastDrawn + apart);
    if (at >= this.drawAt) return;
    this.drawAt = at;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => requestAnimationFrame(() => this.draw(apart === 0)), at - performance.now());
  }

  private draw(now: boolean): void {
    this.drawAt = Infinity;
    // Nothing is drawn while hidden; becoming visible schedules anew.
    if (document.hidden) return;
    this.lastDrawn = performance.now();
    const { store } = this;
    this.root.dataset.state = store.frame?.attachment.state ?? 'starting';
    this.root.classList.toggle('inspecting', store.inspecting);
    if (store.channel) this.looks.update(store.channel);
    for (const view of this.views) view.render();
    this.charts.render(false);
    if (now) this.charts.renderHover();
  }

  /** The countdown to the next try goes on without frames. */
  private tick(): void {
    if (this.store.frame?.attachment.state === 'lost') this.schedule(0);
  }

  private key(event: KeyboardEvent): void {
    const { target } = event;
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (event.key === 'Escape') this.escape(target);
    if (event.key !== ' ' || typing || target instanceof HTMLButtonElement) return;
    event.preventDefault();
    if (this.store.paused) this.store.resume();
    else this.store.pause();
  }

  /** Closes what is innermost: the filter's text, else the inspector. */
  private escape(target: EventTarget | null): void {
    if (target instanceof HTMLInputElement && target.value !== '') this.store.setFilter('');
    else this.store.closeInspector();
  }
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
