import {
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  type ChartConfiguration,
  type ChartDataset,
  type Plugin,
} from 'chart.js';
import type { EndpointSeries, Marker, Series, TimeSpan } from '../../messages/panel';
import { element, setAttribute } from '../dom';
import { short } from '../format';
import { t } from '../l10n';
import type { Look } from '../looks';
import type { Measure } from '../store';
import { seriesColour, type Palette } from '../theme';
import { antilog, bucketTime, xOf, type Axis } from './axis';
import { axisGutter, marksIn, timeScale, type Scene } from './layout';
import { measureLooks, titleOf, type MeasureLook } from './measures';

Chart.register(LineController, LineElement, PointElement, LinearScale);

interface Point {
  x: number;
  y: number;
}

type Dataset = ChartDataset<'line', Point[]>;

/** What is drawn by one line of the library. */
interface DrawnLine {
  readonly dataset: Dataset;
  /** null: an edge of the band of folded ones. */
  readonly endpoint: number | null;
  readonly look: Look | undefined;
  readonly values: Float64Array;
  /** A companion of another line, such as its 95th percentile. */
  readonly faint?: boolean;
}

/** Above and below a plot, within its canvas: room for half of a number of the axis. */
export const overhang = 8;
const dimmed = 0.3;
const faint = 0.4;
/** Where history is lost more often than every so many buckets, breaks would leave nothing of the lines. */
const bucketsPerBreak = 4;

/** One measure of all endpoints over time, as lines or as a stack. Its axis of time is hidden: the charts share one. */
export class TimeChart {
  readonly canvas = element('canvas', { role: 'img' });
  /** Ends of the lines, in pixels below the plot's top. */
  readonly ends = new Map<number, number>();
  private readonly look: MeasureLook;
  private readonly chart: Chart<'line', Point[]>;
  private readonly datasets = new Map<string, Dataset>();
  private drawn: readonly DrawnLine[] = [];
  private lit: number | null = null;
  private times = new Float64Array();
  private size = '';

  constructor(readonly measure: Measure) {
    this.look = measureLooks[measure];
    this.chart = new Chart(this.canvas, this.configuration());
  }

  /** Computes everything anew: for other data, another size or other colours. */
  update(scene: Scene, palette: Palette, ratio: number): void {
    const { layout, chart } = scene;
    const box = layout.plots.find(({ measure }) => measure === this.measure)!;
    const height = box.bottom - box.top;
    this.resize(layout.right, height + 2 * overhang, ratio);
    this.times = middles(chart.series);
    this.drawn = this.linesOf(scene);
    for (const [index, line] of this.drawn.entries()) paint(line, this.fillOf(line, index), palette);
    this.forgetUnused();
    this.chart.data.datasets = this.drawn.map(({ dataset }) => dataset);
    const axis = this.scale(scene, palette);
    this.chart.update('none');
    this.findEnds(axis, height);
    setAttribute(this.canvas, 'aria-label', this.summary(scene));
  }

  /** The lines as they are, at once, for a window that the reader drags; their data follow. */
  shift(scene: Scene): void {
    const scale = timeScale(scene);
    for (const [index, { dataset }] of this.drawn.entries()) {
      const { data, dataset: line } = this.chart.getDatasetMeta(index);
      for (const [at, point] of data.entries()) point.x = xOf(scale, dataset.data[at]!.x);
      // Setting the points anew drops the path that the library keeps of them.
      Object.assign(line!, { points: data });
    }
    this.chart.draw();
  }

  /** The others step back. */
  light(endpoint: number | null): void {
    this.lit = endpoint;
    this.chart.draw();
  }

  private resize(width: number, height: number, ratio: number): void {
    const size = `${width} ${height} ${ratio}`;
    if (size === this.size) return;
    this.size = size;
    this.chart.options.devicePixelRatio = ratio;
    this.chart.resize(width, height);
  }

  private configuration(): ChartConfiguration<'line', Point[]> {
    return {
      type: 'line',
      data: { datasets: [] },
      // Steps back what is not lit before the filler draws below it.
      plugins: [this.fading(), Filler],
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        events: [],
        responsive: false,
        maintainAspectRatio: false,
        layout: { padding: { top: overhang, bottom: overhang } },
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

  private fading(): Plugin<'line'> {
    return {
      id: 'fading',
      beforeDatasetDraw: ({ ctx }, { index }) => {
        ctx.save();
        ctx.globalAlpha = this.alphaOf(this.drawn[index]!);
      },
      afterDatasetDraw: ({ ctx }) => ctx.restore(),
    };
  }

  private alphaOf({ endpoint, faint: isFaint = false }: DrawnLine): number {
    const { lit } = this;
    const hasLine = this.drawn.some((line) => line.endpoint === lit);
    // A folded endpoint has no line of its own: its band is lit for it.
    const isLit = lit === null || (hasLine ? endpoint === lit : endpoint === null);
    return (isLit ? 1 : dimmed) * (isFaint ? faint : 1);
  }

  private linesOf(scene: Scene): DrawnLine[] {
    if (marksIn(this.measure, scene)) return [];
    return this.look.stacked ? this.stack(scene) : this.separate(scene);
  }

  private line(name: string, endpoint: number | null, values: Float64Array, look?: Look, isFaint = false): DrawnLine {
    let dataset = this.datasets.get(name);
    if (!dataset) this.datasets.set(name, (dataset = { label: name, data: [] }));
    return { dataset, endpoint, look, values, faint: isFaint };
  }

  /** Each on top of the ones before it; the folded ones last, as one band. */
  private stack({ lines: { own, folded } }: Scene): DrawnLine[] {
    const all = [...own.map(({ series }) => series), ...folded];
    // Where nothing is known of any endpoint, as before attaching, there is no point: not one at 0.
    const sums = this.times.map((_, i) => (all.some((it) => it[this.measure][i]! >= 0) ? 0 : NaN));
    const add = (series: EndpointSeries) => {
      for (let i = 0; i < sums.length; i += 1) sums[i]! += series[this.measure][i]! || 0;
    };
    const stacked = own.map(({ series, endpoint, look }) => {
      add(series);
      return this.line(String(endpoint), endpoint, sums.slice(), look);
    });
    if (folded.length > 0) {
      for (const series of folded) add(series);
      stacked.push(this.line('folded', null, sums));
    }
    for (const { dataset, values } of stacked) fillPoints(dataset.data, this.times, values, noBreaks);
    return stacked;
  }

  /** Broken where the policy forgot what it knew. */
  private separate({ lines: { own, folded }, chart: { series, markers } }: Scene): DrawnLine[] {
    const lines: DrawnLine[] = [];
    for (const edge of folded.length === 0 ? [] : (['low', 'high'] as const))
      lines.push(this.line(edge, null, this.drawnValues(envelope(folded, this.measure, edge))));
    if (this.measure === 'latencyMs')
      for (const { endpoint, look, series: of } of own)
        lines.push(this.line(`p95 ${endpoint}`, endpoint, this.drawnValues(of.latencyP95Ms), look, true));
    for (const { endpoint, look, series: of } of own)
      lines.push(this.line(String(endpoint), endpoint, this.drawnValues(of[this.measure]), look));
    const breaks = this.measure === 'latencyMs' ? noBreaks : breaksOf(markers, series);
    for (const { dataset, values } of lines) fillPoints(dataset.data, this.times, values, breaks);
    return lines;
  }

  private drawnValues(values: Float64Array): Float64Array {
    // Load and lag of 0 mean "not yet measured": there is no point for them on a logarithmic axis.
    return this.look.log ? values.map((value) => (value > 0 ? Math.log10(value) : NaN)) : values;
  }

  private fillOf({ dataset }: DrawnLine, index: number): Dataset['fill'] {
    if (this.look.stacked) return index === 0 ? 'origin' : '-1';
    return dataset.label === 'high' ? '-1' : false;
  }

  private forgetUnused(): void {
    const used = new Set(this.drawn.map(({ dataset }) => dataset.label));
    for (const name of this.datasets.keys()) if (!used.has(name)) this.datasets.delete(name);
  }

  private scale(scene: Scene, palette: Palette): Axis {
    const { x, y } = this.chart.options.scales as { x: AxisOptions; y: AxisOptions };
    x.min = scene.span.fromMs;
    x.max = scene.span.toMs;
    const axis = this.axisOf(scene);
    y.min = axis.min;
    y.max = axis.max;
    y.afterBuildTicks = (scale) => void (scale.ticks = axis.ticks.map((value) => ({ value })));
    y.ticks.callback = (value) => this.look.tick(this.look.log ? antilog(value) : value);
    y.ticks.color = palette.muted;
    y.ticks.font = { family: palette.fontFamily, size: 11 };
    y.grid.color = palette.grid;
    return axis;
  }

  private axisOf(scene: Scene): Axis {
    const marks = marksIn(this.measure, scene);
    if (marks) return marks.axis;
    let [low, high] = [Infinity, -Infinity];
    for (const { values } of this.drawn) {
      for (const value of values) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return this.look.axis(low, high);
  }

  private findEnds({ min, max }: Axis, height: number): void {
    this.ends.clear();
    for (const { endpoint, dataset, faint: isFaint = false } of this.drawn) {
      const last = dataset.data.at(-1)?.y ?? NaN;
      if (endpoint === null || isFaint || Number.isNaN(last)) continue;
      this.ends.set(endpoint, ((max - last) / (max - min)) * height);
    }
  }

  private summary({ channel, chart, span, lines, names }: Scene): string {
    const latest = lines.own.map(({ endpoint, series }) => {
      const value = series[this.measure].findLast((each) => !Number.isNaN(each));
      return `${names.full.get(endpoint) ?? ''} ${value === undefined ? '–' : short(value)}`;
    });
    const time = (ms: number) => bucketTime(ms, chart.series.bucketMs);
    const title = titleOf(this.measure, channel);
    return t('{0}, {1} to {2}; last: {3}', title, time(span.fromMs), time(span.toMs), latest.join(', '));
  }
}

/** The part of the library's options that changes with the data. */
interface AxisOptions {
  min: number;
  max: number;
  afterBuildTicks: (scale: { ticks: { value: number }[] }) => void;
  ticks: { callback: (value: number) => string; color: string; font: { family: string; size: number } };
  grid: { color: string };
}

const noBreaks: readonly Marker[] = [];

/** Where lines end and begin anew: memory left and right of it is not the same. */
function breaksOf(markers: readonly Marker[], { times, bucketMs }: Series): readonly Marker[] {
  const span: TimeSpan = { fromMs: times[0] ?? 0, toMs: (times.at(-1) ?? 0) + bucketMs };
  const breaks = markers.filter(
    ({ historyLost, kind, timeMs }) =>
      (historyLost || kind === 'restart') && timeMs >= span.fromMs && timeMs < span.toMs,
  );
  return breaks.length * bucketsPerBreak > times.length ? noBreaks : breaks;
}

function paint({ dataset, endpoint, look, faint: isFaint }: DrawnLine, fill: Dataset['fill'], palette: Palette): void {
  const colour = look?.colour ?? null;
  dataset.borderColor = seriesColour(palette, colour);
  dataset.borderDash = isFaint ? [] : [...(look?.dash ?? [])];
  dataset.borderWidth = endpoint === null ? 0 : isFaint ? 1 : 1.5;
  dataset.fill = fill;
  dataset.backgroundColor = colour === null ? palette.otherFill : palette.fills[colour]!;
}

/** A value stands for its whole bucket: its point is in the middle. */
function middles({ times, bucketMs }: Series): Float64Array<ArrayBuffer> {
  return Float64Array.from(times, (time) => time + bucketMs / 2);
}

/** Writes into the same points each time: the library keeps an element for each. */
function fillPoints(points: Point[], times: Float64Array, values: Float64Array, breaks: readonly Marker[]): void {
  const half = times.length < 2 ? 0 : (times[1]! - times[0]!) / 2;
  let next = 0;
  for (let i = 0; i < times.length; i += 1) {
    const x = times[i]!;
    while (next < breaks.length && breaks[next]!.timeMs < x - half) next += 1;
    // The bucket of a break has both memories in it: it is left out, which breaks the line.
    const broken = (breaks[next]?.timeMs ?? Infinity) < x + half;
    const y = broken ? NaN : values[i]!;
    const point = points[i];
    if (point) [point.x, point.y] = [x, y];
    else points.push({ x, y });
  }
  points.length = times.length;
}

function envelope(all: readonly EndpointSeries[], measure: Measure, edge: 'low' | 'high'): Float64Array {
  const outermost = edge === 'low' ? Math.min : Math.max;
  return all[0]![measure].map((_, index) => {
    let found = NaN;
    for (const series of all) {
      const value = series[measure][index]!;
      if (value > 0) found = Number.isNaN(found) ? value : outermost(found, value);
    }
    return found;
  });
}
