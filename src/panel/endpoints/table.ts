import type { ChannelView, ChartView, EndpointRow, EndpointSeries } from '../../messages/panel';
import { derivedSign, derivedTitle, isDerived } from '../derived';
import { button, capped, element, foreign, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { age, briefAge, count, exactTime, percent, rate, short, threeDigits } from '../format';
import { icon, key } from '../glyphs';
import { t } from '../l10n';
import type { Looks } from '../looks';
import type { Store } from '../store';
import './table.css';

/** At and below it go-zero's p2c_ewma holds an endpoint for unhealthy. */
const throttleSuccess = 500;

/** The bars' full width, in steps, so that they do not breathe. */
const barScales = [0.05, 0.1, 0.25, 0.5, 1];

const narrow = matchMedia('(max-width: 899px)');

/** Numbers of one endpoint, at the shown moment. */
interface Reading {
  readonly share: number | null;
  readonly picksPerSecond: number | null;
  readonly lagMs: number | null;
  readonly peakMs: number | null;
  readonly load: number | null;
  readonly inflight: number | null;
  readonly success: number | null;
}

interface Column {
  readonly name: string;
  readonly text: (channel: ChannelView) => string;
  readonly title: () => string;
  readonly mayBeDerived?: boolean;
}

/** Between the share and the state. */
const columns: readonly Column[] = [
  {
    name: 'lag',
    text: () => t('lag ms'),
    title: () => t('Moving average of the latency (EWMA)'),
    mayBeDerived: true,
  },
  {
    name: 'peak',
    text: () => t('peak ms'),
    title: () => t('Average of the latency that rises at once and falls slowly: what the picker compares by'),
  },
  { name: 'inflight', text: () => t('infl'), title: () => t('Calls in flight'), mayBeDerived: true },
  {
    name: 'success',
    text: () => t('success'),
    title: () => t('Moving average of success, 0 to 1000; red at 500 and below'),
    mayBeDerived: true,
  },
  { name: 'rate', text: () => t('picks/s'), title: () => t('Of the last 10 s') },
  {
    name: 'load',
    text: ({ scoreOrder }) => (scoreOrder === 'higher' ? t('weight') : t('load')),
    title: () => t('What the picker compares'),
  },
  { name: 'last', text: () => t('last picked'), title: () => t('When it was chosen last') },
];

/** The table of endpoints: who gets how much, and how each one does. */
export class EndpointTable {
  readonly element = element('section', 'endpoints');
  private readonly body = element('tbody');
  private readonly toggle: HTMLButtonElement;
  private readonly summary = element('span');
  private readonly collapsed = element('span', 'muted collapsed');
  private readonly table: HTMLTableElement;
  private readonly tickSample = element('span', 'tick-sample');
  private readonly leftOut = element('p', 'left-out');
  private readonly footnote = element(
    'p',
    'footnote',
    `${derivedSign} ${t('lag, inflight, success: kept by Pickscope')}`,
  );
  private readonly heads = new Map<string, HTMLTableCellElement>();
  private readonly fair = element('span');
  private readonly fairness = element('span');
  private readonly rows = new Map<number, EndpointTableRow>();

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
  ) {
    this.toggle = button('section-toggle', () => store.toggleSection('endpoints'), icon('chevron'), this.summary);
    this.table = this.buildTable();
    const legend = element('p', 'legend', element('span', 'muted', this.tickSample, this.fair), this.fairness);
    this.fairness.title = t("Jain's index of the picks of the last 10 s: 1 = all equal, 1/n = one gets all.");
    this.footnote.title = derivedTitle();
    this.element.append(element('div', 'scroller', this.table), this.leftOut, legend, this.footnote, this.collapsed);
  }

  private buildTable(): HTMLTableElement {
    const head = element('tr');
    for (const { name } of columns) this.heads.set(name, element('th', { class: name, scope: 'col' }));
    head.append(
      element('th', { class: 'name', scope: 'col', colspan: '2' }, this.toggle),
      element('th', { class: 'share', scope: 'col', title: t('Of the picks of the last 10 s') }, t('share')),
      ...this.heads.values(),
      element('th', { class: 'state', scope: 'col' }, element('span', 'sr-only', t('state'))),
    );
    const widths = ['key', 'name', 'share', ...this.heads.keys(), 'state'];
    return element(
      'table',
      '',
      element('colgroup', '', ...widths.map((name) => element('col', name))),
      element('thead', '', head),
      this.body,
    );
  }

  render(): void {
    const { store } = this;
    const { channel } = store;
    show(this.element, channel !== undefined);
    if (!channel) return;
    // While a pick is read in a narrow panel, the table steps back to one line.
    const open = store.open.endpoints && !(store.inspecting && narrow.matches);
    const all = channel.endpoints.length + channel.endpointsLeftOut;
    setText(this.summary, all === 1 ? t('1 endpoint') : t('{0} endpoints', all));
    setAttribute(this.toggle, 'aria-expanded', String(open));
    this.table.classList.toggle('closed', !open);
    this.renderCollapsed(channel, open);
    this.renderHeads(channel);
    if (open) this.renderRows(channel);
    this.renderLegend(channel, open);
  }

  /** What a policy keeps and compares differs: columns are named for it, or left out. */
  private renderHeads(channel: ChannelView): void {
    const derived = isDerived(channel);
    for (const { name, text, title, mayBeDerived = false } of columns) {
      const head = this.heads.get(name)!;
      // One sign is enough for the footnote that it leads to; narrow heads have no room for more.
      setText(head, derived && name === 'lag' ? `${text(channel)}${derivedSign}` : text(channel));
      setAttribute(head, 'title', derived && mayBeDerived ? `${title()}. ${derivedTitle()}` : title());
    }
    this.table.classList.toggle(
      'peaked',
      channel.endpoints.some(({ peakMs }) => peakMs !== null),
    );
    this.table.classList.toggle('derived', derived);
    this.table.classList.toggle('unscored', channel.scoreOrder === 'none');
  }

  private renderCollapsed(channel: ChannelView, open: boolean): void {
    show(this.collapsed, !open);
    if (open) return;
    const ready = channel.endpoints.filter(({ state }) => state === 'READY').length;
    const failing = channel.endpoints.find(({ state }) => state === 'TRANSIENT_FAILURE' || state === 'SHUTDOWN');
    const parts: Node[] = [element('span', 'muted', t('{0} ready', ready))];
    if (failing) parts.push(element('span', 'red', '✕ ', foreign(failing.label), ` ${failing.state}`));
    if (this.collapsed.textContent !== parts.map((part) => part.textContent).join(''))
      setChildren(this.collapsed, parts);
  }

  private renderRows(channel: ChannelView): void {
    const scale = barScale(channel.endpoints);
    const readings = readingsAt(channel, this.store.chart, this.store.hover.timeMs);
    for (const [index, endpoint] of channel.endpoints.entries()) {
      let row = this.rows.get(endpoint.id);
      if (!row) this.rows.set(endpoint.id, (row = new EndpointTableRow(endpoint.id, this.store)));
      row.render(endpoint, readings[index]!, channel, this.looks, scale);
    }
    const present = new Set(channel.endpoints.map(({ id }) => id));
    for (const id of this.rows.keys()) if (!present.has(id)) this.rows.delete(id);
    setChildren(
      this.body,
      channel.endpoints.map(({ id }) => this.rows.get(id)!.element),
    );
    this.table.classList.toggle('past', this.store.hover.timeMs !== null);
  }

  private renderLegend(channel: ChannelView, open: boolean): void {
    show(this.leftOut, open && channel.endpointsLeftOut > 0);
    setText(this.leftOut, t('{0} more have no room here', count(channel.endpointsLeftOut)));
    const legend = this.fair.closest('p')!;
    const fair = Math.max(0, ...channel.endpoints.map(({ fairShare }) => fairShare));
    show(legend, open && channel.endpoints.length > 1);
    show(this.footnote, open && isDerived(channel));
    const { timeMs } = this.store.hover;
    show(this.tickSample, timeMs === null && fair > 0);
    if (timeMs !== null) setText(this.fair, t('at {0}', exactTime(timeMs).slice(0, -4)));
    else setText(this.fair, fair > 0 ? t('equal share {0} %', percent(fair)) : t('no endpoint is READY'));
    setText(this.fairness, channel.fairness === null ? '' : t('fairness {0}', channel.fairness.toFixed(2)));
  }
}

class EndpointTableRow {
  readonly element = element('tr');
  private readonly key: HTMLButtonElement;
  private readonly name: HTMLButtonElement;
  private readonly label = foreign('');
  private readonly bar = element('span', 'bar');
  private readonly tick = element('span', 'fair-tick');
  private readonly share = element('td', 'share');
  private readonly numbers = {
    lag: element('td', 'lag'),
    peak: element('td', 'peak'),
    inflight: element('td', 'inflight'),
    success: element('td', 'success'),
    rate: element('td', 'rate'),
    load: element('td', 'load'),
    last: element('td', 'last'),
  };
  private readonly state = element('td', 'state');
  private readonly stateWord = element('span', 'word');
  private readonly stateAge = element('span', 'age');
  private readonly stateIcon = element('span', 'state-icon');
  private drawnLook = '';
  private endpoint: EndpointRow | undefined;

  constructor(id: number, store: Store) {
    this.key = button('key-button', () => this.endpoint && store.toggleLine(this.endpoint.slot));
    this.name = button('name-button', () => this.endpoint && store.toggleWord(this.endpoint.label), this.label);
    this.state.append(element('span', 'not-ready', this.stateWord, this.stateAge), this.stateIcon);
    this.element.append(
      element('td', 'key', this.key, this.bar, this.tick),
      element('th', { class: 'name', scope: 'row' }, this.name),
      this.share,
      ...Object.values(this.numbers),
      this.state,
    );
    this.element.addEventListener('pointerenter', () => store.setHover({ endpoint: id }));
    this.element.addEventListener('pointerleave', () => store.setHover({ endpoint: null }));
    this.hidden = (slot) => store.hiddenSlots.has(slot);
    this.filtered = (label) => store.query.filter.split(/\s+/).includes(label);
  }

  private readonly hidden: (slot: number) => boolean;
  private readonly filtered: (label: string) => boolean;

  render(endpoint: EndpointRow, reading: Reading, channel: ChannelView, looks: Looks, scale: number): void {
    this.endpoint = endpoint;
    this.renderName(endpoint, looks);
    this.renderCounters(endpoint);
    const ready = endpoint.state === 'READY';
    this.element.classList.toggle('absent', !ready);
    setText(this.share, ready && reading.share !== null ? `${percent(reading.share)} %` : '');
    this.renderNumbers(endpoint, reading, channel.atMs, ready);
    this.renderState(endpoint, channel.atMs, ready);
    setStyle(this.bar, 'width', `${(Math.min(1, (reading.share ?? 0) / scale) * 100).toFixed(2)}%`);
    const fair = Math.max(0, ...channel.endpoints.map(({ fairShare }) => fairShare));
    show(this.tick, fair > 0);
    setStyle(this.tick, 'left', `${((fair / scale) * 100).toFixed(2)}%`);
  }

  private renderName(endpoint: EndpointRow, looks: Looks): void {
    const look = looks.of(endpoint.id);
    const hidden = this.hidden(endpoint.slot);
    const signature = JSON.stringify([look, hidden]);
    if (signature !== this.drawnLook) {
      this.drawnLook = signature;
      setChildren(this.key, [key(look)]);
      this.element.className = look.colour === null ? 'series-other' : `series-${look.colour}`;
      this.element.classList.toggle('line-off', hidden);
      setAttribute(this.key, 'aria-pressed', String(!hidden));
    }
    setText(this.label, capped(endpoint.label));
    setAttribute(this.name, 'title', capped(endpoint.addresses.join('\n')));
    setAttribute(this.name, 'aria-pressed', String(this.filtered(endpoint.label)));
    setAttribute(this.key, 'aria-label', t('Line of {0} in the charts', capped(endpoint.label)));
    this.element.classList.toggle('selected', this.filtered(endpoint.label));
  }

  /** The exact counters, for whoever reads the panel by machine; there is no room for them in a row. */
  private renderCounters({ addresses, picks, started, neverStarted, failures }: EndpointRow): void {
    const counters = {
      addresses: capped(addresses.join(' '), 2000),
      picks,
      started,
      'never-started': neverStarted,
      failures,
    };
    for (const [name, value] of Object.entries(counters)) setAttribute(this.element, `data-${name}`, String(value));
  }

  private renderNumbers(endpoint: EndpointRow, reading: Reading, atMs: number, ready: boolean): void {
    const { lag, peak, inflight, success, rate: perSecond, load, last } = this.numbers;
    const known = (value: number | null, format: (value: number) => string) =>
      ready && value !== null && !Number.isNaN(value) ? format(value) : '';
    setText(lag, known(reading.lagMs, threeDigits));
    setText(peak, known(reading.peakMs, threeDigits));
    // A narrow table has no room for the column.
    setAttribute(lag, 'title', peak.textContent === '' ? null : t('Peak {0} ms', peak.textContent));
    setText(inflight, known(reading.inflight, count));
    const unhealthy = ready && reading.success !== null && reading.success <= throttleSuccess;
    if (success.classList.toggle('red', unhealthy))
      setChildren(success, [icon('warning'), document.createTextNode(String(Math.round(reading.success!)))]);
    else
      setText(
        success,
        known(reading.success, (value) => String(Math.round(value))),
      );
    setText(perSecond, known(reading.picksPerSecond, rate));
    setText(load, known(reading.load, short));
    setText(
      last,
      known(endpoint.lastPickMs, (ms) => t('{0} ago', atMs - ms < 1000 ? t('<{0} s', 1) : age(atMs - ms))),
    );
  }

  private renderState(endpoint: EndpointRow, atMs: number, ready: boolean): void {
    const failing = endpoint.state === 'TRANSIENT_FAILURE' || endpoint.state === 'SHUTDOWN';
    const since = atMs - endpoint.stateSinceMs;
    setText(this.stateWord, ready ? '' : endpoint.state);
    setText(this.stateAge, ready ? '' : briefAge(since));
    this.state.classList.toggle('red', failing);
    setAttribute(this.state, 'title', capped([endpoint.state, endpoint.error].filter(Boolean).join(': ')));
    if (this.stateIcon.dataset.state === endpoint.state) return;
    this.stateIcon.dataset.state = endpoint.state;
    setChildren(this.stateIcon, [
      icon(ready ? 'tick' : failing ? 'cross' : 'ring'),
      ...(ready ? [element('span', 'sr-only', endpoint.state)] : []),
    ]);
  }
}

function barScale(endpoints: readonly EndpointRow[]): number {
  const longest = Math.max(0, ...endpoints.map(({ share, fairShare }) => Math.max(share ?? 0, fairShare)));
  return barScales.find((scale) => scale >= longest) ?? 1;
}

/** The table is the charts' read-out: under the crosshair it shows that second. */
function readingsAt(channel: ChannelView, chart: ChartView | undefined, timeMs: number | null): Reading[] {
  if (timeMs === null || !chart) return channel.endpoints.map((endpoint) => endpoint);
  const { times, endpoints } = chart.series;
  const index = times.findLastIndex((start) => start <= timeMs);
  const series = new Map(endpoints.map((each) => [each.endpoint, each]));
  const total = endpoints.reduce((sum, each) => sum + known(each.picksPerSecond[index]), 0);
  return channel.endpoints.map(({ id }) => readingOf(series.get(id), index, total));
}

function readingOf(series: EndpointSeries | undefined, index: number, total: number): Reading {
  const at = (values: Float64Array | undefined) => values?.[index] ?? null;
  const picksPerSecond = at(series?.picksPerSecond);
  return {
    picksPerSecond,
    share: picksPerSecond !== null && total > 0 ? known(picksPerSecond) / total : null,
    lagMs: at(series?.lagMs),
    peakMs: null,
    load: at(series?.load),
    inflight: at(series?.inflight),
    success: at(series?.success),
  };
}

function known(value: number | undefined): number {
  return value === undefined || Number.isNaN(value) ? 0 : value;
}
