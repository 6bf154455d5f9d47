import {
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  type ChartConfiguration,
  type ChartDataset,
} from 'chart.js';
import type { ChannelView, ChartView, EndpointSeries, Marker } from '../../messages/panel';
import { antilog, linearAxis, logAxis, type Axis } from './axis';
import { element, setAttribute, setText, show } from '../dom';
import { short } from '../format';
import { t } from '../l10n';
import { endLabels, Overlay, type Plot } from './overlay';
import { namedEndpoints, type ChartedLines, type Looks } from '../looks';
import { isIdle } from '../states';
import type { Store } from '../store';
import type { Theme } from '../theme';
import { derivedSign, isDerived } from '../derived';
import './charts.css';

Chart.register(LineController, LineElement, PointElement, LinearScale, Filler);

interface Point {
  x: number;
  y: number;
}

type Line = ChartDataset<'line', Point[]>;

type Measure = 'picksPerSecond' | 'load' | 'lagMs';

/** Left of the plots, for the numbers of their axes. */
export const axisGutter = 34;
const titleHeight = 16;
/** Room below a plot for half of its lowest number. */
const overhang = 6;
/** Length of one bucket of the series. */
const bucketMs = 1000;
/** Charts follow at most so often. */
const interval = 500;

/** Three charts on one time axis, read downwards as "why?": who gets how much, what was compared, what made the load. */
export class Charts {
  readonly element = element('section', 'charts');
  private readonly charts: Record<Measure, TimeChart>;
  private readonly overlay: Overlay;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastDrawn = -Infinity;
  private drawnView = '';

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
    private readonly theme: Theme,
  ) {
    this.charts = {
      picksPerSecond: new TimeChart('picksPerSecond', t('Picks/s'), ''),
      load: new TimeChart('load', t('Load'), t('log')),
      lagMs: new TimeChart('lagMs', t('Lag'), t('ms, log')),
    };
    const charts = Object.values(this.charts);
    this.overlay = new Overlay(store, theme, looks);
    this.element.append(
      element('div', 'lane'),
      ...charts.map((chart) => chart.element),
      element('div', 'axis'),
      this.overlay.element,
    );
    new ResizeObserver(() => this.render(true)).observe(this.element);
  }

  /** At once where the reader changed something, else at the charts' own pace. */
  render(now: boolean): void {
    const { channel, chart, query } = this.store;
    const shown =
      channel !== undefined &&
      chart?.channel === channel.id &&
      (this.store.paused || !isIdle(channel.atMs, channel.lastPickMs, query.windowSeconds));
    show(this.element, shown);
    if (!shown) return;
    const wait = now || this.viewChanged() ? 0 : this.lastDrawn + interval - performance.now();
    if (wait > 0) {
      this.timer ??= setTimeout(() => this.render(true), wait);
      return;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    this.lastDrawn = performance.now();
    this.draw(channel, chart);
  }

  /** Only what the pointer lights; the lines stay as they are. */
  renderHover(): void {
    this.overlay.draw();
  }

  private viewChanged(): boolean {
    const { store } = this;
    const { channel } = store;
    const view = JSON.stringify([channel?.id, store.query, [...store.hiddenSlots], store.hover.endpoint]);
    if (view === this.drawnView) return false;
    this.drawnView = view;
    return true;
  }

  private draw(channel: ChannelView, view: ChartView): void {
    const range = { from: view.span.fromMs, to: view.span.toMs };
    const lines = chartedLines(channel, view, this.store, this.looks);
    const gutter = this.overlay.endGutter(lines.labels);
    const plots: Plot[] = [];
    // A policy that compares no scores has no loads, and mostly no lag.
    const scored = channel.scoreOrder !== 'none';
    show(this.charts.load.element, scored);
    this.charts.load.rename(channel.scoreOrder === 'higher' ? t('Weight') : t('Load'));
    this.charts.lagMs.rename(isDerived(channel) ? `${t('Lag')}${derivedSign}` : t('Lag'));
    show(this.charts.lagMs.element, scored || view.series.endpoints.some(({ lagMs }) => lagMs.some(isKnown)));
    for (const chart of Object.values(this.charts)) {
      if (chart.element.hidden) continue;
      chart.update(channel, view, lines, range, gutter, this.store, this.looks, this.theme);
      plots.push(chart.plot(this.element));
    }
    this.overlay.update({ channel, chart: view, range, plots, gutter, lines });
  }
}

function isKnown(value: number): boolean {
  return !Number.isNaN(value);
}

function chartedLines(channel: ChannelView, chart: ChartView, store: Store, looks: Looks): ChartedLines {
  const slots = new Map(namedEndpoints(channel).map(({ id, slot }) => [id, slot]));
  const own = new Set(looks.charted);
  const visible = chart.series.endpoints.filter(({ endpoint }) => !store.hiddenSlots.has(slots.get(endpoint) ?? -1));
  const ownLines = visible.filter(({ endpoint }) => own.has(endpoint));
  return {
    own: ownLines,
    folded: visible.filter(({ endpoint }) => !own.has(endpoint)),
    labels: endLabels(namedEndpoints(channel), ownLines),
  };
}

interface Range {
  readonly from: number;
  readonly to: number;
}

class TimeChart {
  readonly element: HTMLElement;
  private readonly canvas = element('canvas');
  private readonly note: HTMLElement;
  private readonly heading = element('span');
  private readonly chart: Chart<'line', Point[]>;
  private readonly lines = new Map<string, Line>();
  private gutter = 30;

  constructor(
    private readonly measure: Measure,
    private title: string,
    unit: string,
  ) {
    this.canvas.setAttribute('role', 'img');
    this.note = element('span', 'muted', unit);
    this.heading.textContent = title;
    const heading = element('h3', '', this.heading, ' ', this.note);
    this.element = element('div', 'chart', heading, element('div', 'canvas', this.canvas));
    this.chart = new Chart(this.canvas, this.configuration());
  }

  /** Policies differ in what they compare. */
  rename(title: string): void {
    this.title = title;
    setText(this.heading, title);
  }

  private configuration(): ChartConfiguration<'line', Point[]> {
    return {
      type: 'line',
      data: { datasets: [] },
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        events: [],
        responsive: true,
        maintainAspectRatio: false,
        layout: { padding: () => ({ top: titleHeight, bottom: overhang, right: this.gutter }) },
        elements: { point: { radius: 0 }, line: { borderWidth: 1.5, borderJoinStyle: 'round' } },
        scales: {
          x: { type: 'linear', display: false },
          y: {
            type: 'linear',
            afterFit: (scale) => void (scale.width = axisGutter),
            border: { display: false },
            ticks: { maxRotation: 0, padding: 4 },
            grid: { drawTicks: false },
          },
        },
      },
    };
  }

  update(
    channel: ChannelView,
    view: ChartView,
    charted: ChartedLines,
    range: Range,
    gutter: number,
    store: Store,
    looks: Looks,
    theme: Theme,
  ): void {
    this.gutter = gutter;
    const datasets = this.measure === 'picksPerSecond' ? this.stack(view, charted) : this.separate(view, charted);
    const lit = store.hover.endpoint;
    for (const [index, [line, endpoint]] of datasets.entries()) {
      const band = line.label === 'high' ? '-1' : false;
      const stacked = index === 0 ? 'origin' : '-1';
      paint(line, endpoint, lit, looks, theme, this.measure === 'picksPerSecond' ? stacked : band);
    }
    this.chart.data.datasets = datasets.map(([line]) => line);
    this.scale(range, datasets, theme);
    this.chart.update('none');
    if (this.measure === 'picksPerSecond') {
      setText(this.note, charted.folded.length === 0 ? '' : t('grey: {0} others', charted.folded.length));
    }
    setAttribute(this.canvas, 'aria-label', this.summary(channel, view, charted));
  }

  /** Where the plot is within the section, for the overlay. */
  plot(section: HTMLElement): Plot {
    const outer = section.getBoundingClientRect();
    const own = this.canvas.getBoundingClientRect();
    const { top, bottom, left, right } = this.chart.chartArea;
    const [x, y] = [own.left - outer.left, own.top - outer.top];
    const pixel = (value: number) => y + this.chart.scales.y!.getPixelForValue(value);
    const ends = new Map(this.chart.data.datasets.map((line) => [line.label!, endOf(line)]));
    return {
      left: x + left,
      right: x + right,
      top: y + top,
      bottom: y + bottom,
      endOf: (endpoint) => {
        const value = ends.get(String(endpoint));
        return value === undefined ? undefined : pixel(value);
      },
    };
  }

  private line(name: string): Line {
    let line = this.lines.get(name);
    if (!line) this.lines.set(name, (line = { label: name, data: [] }));
    return line;
  }

  /** Each on top of the ones before it; the folded ones last, as one band. */
  private stack(chart: ChartView, { own, folded }: ChartedLines): [Line, number | null][] {
    const { times } = chart.series;
    // Where nothing is known of any endpoint, as before attaching, there is no point: not one at 0.
    const sums = times.map((_, i) => ([...own, ...folded].some((it) => it.picksPerSecond[i]! >= 0) ? 0 : NaN));
    const add = (line: Line, all: readonly EndpointSeries[]) => {
      for (const { picksPerSecond } of all)
        for (let i = 0; i < sums.length; i += 1) sums[i]! += picksPerSecond[i]! || 0;
      fillPoints(line.data, times, sums, []);
    };
    const stacked = own.map((series): [Line, number] => {
      const line = this.line(String(series.endpoint));
      add(line, [series]);
      return [line, series.endpoint];
    });
    if (folded.length === 0) return stacked;
    const band = this.line('folded');
    add(band, folded);
    return [...stacked, [band, null]];
  }

  /** Logarithms of the values, broken where the policy forgot what it knew. */
  private separate(chart: ChartView, { own, folded }: ChartedLines): [Line, number | null][] {
    const { times } = chart.series;
    const breaks = chart.markers.filter((marker) => marker.historyLost || marker.kind === 'restart');
    const lines = own.map((series): [Line, number | null] => {
      const line = this.line(String(series.endpoint));
      fillPoints(line.data, times, logarithms(series[this.measure]), breaks);
      return [line, series.endpoint];
    });
    if (folded.length === 0) return lines;
    const edges = (['low', 'high'] as const).map((edge): [Line, number | null] => {
      const line = this.line(edge);
      fillPoints(line.data, times, logarithms(envelope(folded, this.measure, edge)), breaks);
      return [line, null];
    });
    return [...edges, ...lines];
  }

  private scale(range: Range, datasets: readonly [Line, number | null][], theme: Theme): void {
    const { palette } = theme;
    const { x, y } = this.chart.options.scales as { x: AxisOptions; y: AxisOptions };
    x.min = range.from;
    x.max = range.to;
    const axis = axisOf(datasets, this.measure);
    y.min = axis.min;
    y.max = axis.max;
    y.afterBuildTicks = (scale) => void (scale.ticks = axis.ticks.map((value) => ({ value })));
    y.ticks.callback = (value) => short(this.measure === 'picksPerSecond' ? value : antilog(value));
    y.ticks.color = palette.muted;
    y.ticks.font = { family: palette.fontFamily, size: 11 };
    y.grid.color = palette.grid;
  }

  private summary(channel: ChannelView, chart: ChartView, { own }: ChartedLines): string {
    const labels = new Map(namedEndpoints(channel).map(({ id, label }) => [id, label]));
    const latest = own.map((series) => {
      const value = series[this.measure].findLast((each) => !Number.isNaN(each));
      return `${labels.get(series.endpoint)?.slice(0, 60) ?? ''} ${value === undefined ? '–' : short(value)}`;
    });
    return t('{0} of the last {1} s; now: {2}', this.title, chart.series.times.length, latest.join(', '));
  }
}

/** The part of Chart.js's options that changes with the data. */
interface AxisOptions {
  min: number;
  max: number;
  afterBuildTicks: (scale: { ticks: { value: number }[] }) => void;
  ticks: { callback: (value: number) => string; color: string; font: { family: string; size: number } };
  grid: { color: string };
}

function paint(
  line: Line,
  endpoint: number | null,
  lit: number | null,
  looks: Looks,
  theme: Theme,
  fill: Line['fill'],
): void {
  const { palette } = theme;
  const look = endpoint === null ? undefined : looks.of(endpoint);
  const dimmed = lit !== null && lit !== endpoint;
  const colour = look?.colour ?? null;
  line.borderColor = faded(colour === null ? palette.other : palette.series[colour]!, dimmed);
  line.borderDash = [...(look?.dash ?? [])];
  line.borderWidth = endpoint === null ? 0 : lit === endpoint ? 2.5 : 1.5;
  line.fill = fill;
  line.backgroundColor = faded(colour === null ? palette.otherFill : palette.fills[colour]!, dimmed);
}

/** 30 % of a colour, for the lines that the reader does not look at. */
function faded(colour: string, dimmed: boolean): string {
  return dimmed ? `rgb(from ${colour} r g b / calc(alpha * 0.3))` : colour;
}

/** Writes into the same points each time: Chart.js keeps an element for each. */
function fillPoints(points: Point[], times: Float64Array, values: Float64Array, breaks: readonly Marker[]): void {
  let length = 0;
  const put = (x: number, y: number) => {
    const point = points[length];
    if (point) [point.x, point.y] = [x, y];
    else points.push({ x, y });
    length += 1;
  };
  let next = 0;
  for (let i = 0; i < times.length; i += 1) {
    while (next < breaks.length && breaks[next]!.timeMs < times[i]!) next += 1;
    // The second of a break has both memories in it: it is left out, which breaks the line.
    const broken = (breaks[next]?.timeMs ?? Infinity) < times[i]! + bucketMs;
    put(times[i]!, broken ? NaN : values[i]!);
  }
  points.length = length;
}

function logarithms(values: Float64Array): Float64Array {
  // Load and lag of 0 mean "not yet measured": there is no point for them on a logarithmic axis.
  return values.map((value) => (value > 0 ? Math.log10(value) : NaN));
}

function envelope(all: readonly EndpointSeries[], measure: Measure, edge: 'low' | 'high'): Float64Array {
  const pick = edge === 'low' ? Math.min : Math.max;
  return all[0]![measure].map((_, index) => {
    const known = all.map((series) => series[measure][index]!).filter((value) => value > 0);
    return known.length === 0 ? NaN : pick(...known);
  });
}

function endOf(line: Line): number | undefined {
  const last = line.data.at(-1)?.y;
  return last === undefined || Number.isNaN(last) ? undefined : last;
}

function axisOf(datasets: readonly [Line, number | null][], measure: Measure): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const [line] of datasets) {
    for (const { y } of line.data) {
      if (y < low) low = y;
      if (y > high) high = y;
    }
  }
  if (measure === 'picksPerSecond') return linearAxis(high);
  if (low > high) [low, high] = measure === 'load' ? [3, 4] : [0, 2];
  return logAxis(low, high);
}
