import type { ChannelView, ChartView, Marker, Redaction, TimeSpan } from '../../messages/panel';
import { button, element, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { duration, rate, timeOfDay } from '../format';
import { icon } from '../glyphs';
import { t } from '../l10n';
import type { Looks } from '../looks';
import { isIdle } from '../states';
import type { Measure, Store } from '../store';
import type { Theme } from '../theme';
import { bucketTime, xOf } from './axis';
import { fontOf, Sheet } from './canvas';
import { ChartBar } from './chartBar';
import { drawGround, nameOffset, type Drawing } from './ground';
import { HeatStrip } from './heatStrip';
import { layoutOf, timeScale, titleHeight, type Layout, type Scene } from './layout';
import { linesOf, namesOf, type Lines, type Names } from './lines';
import { markerText } from './markers';
import { isKept, measureLooks, titleOf } from './measures';
import { Navigation, type Shown } from './navigation';
import { drawOverlay } from './overlay';
import { Overview } from './overview';
import { PickMarks } from './pickMarks';
import { pictureOf } from './picture';
import { Tables } from './tables';
import { overhang, TimeChart } from './timeChart';
import './charts.css';

/** ms between two drawings of new data: lines that move more often are no easier to read. */
const interval = 450;
const [leastEndGutter, mostEndGutter] = [30, 58];
/** Points are asked for in steps: the room for names must not change the query. */
const pointStep = 10;
/** So many endpoints are read out for a moment. */
const mostReadOut = 6;
const wide = matchMedia('(min-width: 900px)');
const keysId = 'chart-keys';

/** Everything on the time axis: who gets how much, what was compared, what made the load, and what callers saw. */
export class Charts {
  readonly element = element('section', 'charts');
  private readonly plots = element('div', {
    class: 'plots',
    role: 'group',
    tabindex: '0',
    'aria-label': t('Charts over time'),
    'aria-describedby': keysId,
  });
  private readonly charts = new Map<Measure, TimeChart>();
  private readonly headings = new Map<Measure, Heading>();
  private readonly heatHeading = new Heading();
  private readonly heat = new HeatStrip();
  private readonly ground = new Sheet(element('canvas', { 'aria-hidden': 'true' }));
  private readonly heatImage = element('div', { role: 'img', class: 'heat' });
  private readonly overlay = new Sheet(element('canvas', { class: 'overlay', 'aria-hidden': 'true' }));
  private readonly brush: BrushLabel;
  private readonly spoken = element('p', { class: 'sr-only', 'aria-live': 'polite' });
  private readonly overview: Overview;
  private readonly bar: ChartBar;
  private readonly tables: Tables;
  private readonly navigation: Navigation;
  private width = 0;
  private shown: Shown | undefined;
  private drawnOf: readonly unknown[] = [];
  private lit: number | null = null;
  private drawnAt = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
    private readonly theme: Theme,
  ) {
    this.overview = new Overview(store, theme);
    this.bar = new ChartBar(store);
    this.tables = new Tables();
    this.brush = new BrushLabel(() => store.select(undefined));
    const redraw = () => this.drawOverlay();
    const announce = (what: Marker | number) => this.announce(what);
    this.navigation = new Navigation(this.overlay.canvas, store, () => this.shown, redraw, announce);
    this.plots.addEventListener('keydown', (event) => {
      if (event.target === this.plots) this.navigation.key(event);
    });
    this.plots.append(this.heatImage, this.heatHeading.element, this.ground.canvas, this.overlay.canvas);
    this.plots.append(this.brush.element);
    this.element.append(
      this.plots,
      this.tables.element,
      this.overview.element,
      this.bar.element,
      keysText(),
      this.spoken,
    );
    new ResizeObserver(([entry]) => this.resized(entry!.contentRect.width)).observe(this.element);
    wide.addEventListener('change', () => this.render(false));
  }

  /** What changed since the last time. @param now all of it, as for other colours. */
  render(now: boolean): void {
    const { channel, chart, query, paused } = this.store;
    const idle = channel !== undefined && !paused && isIdle(channel.atMs, channel.lastPickMs, query.windowSeconds);
    const shown = channel !== undefined && !idle && chart?.channel === channel.id;
    show(this.element, shown);
    if (!shown || this.width === 0) return;
    if (now) this.update(channel, chart);
    else this.follow(channel, chart);
  }

  /** Only what the pointer lights; the lines stay as they are. */
  renderHover(): void {
    this.drawOverlay();
  }

  /** The window as a picture, for the host. */
  async sendPicture(redaction: Redaction): Promise<void> {
    const { channel, chart, theme, looks, heat, store } = this.parts();
    if (!channel || !chart) return;
    const scene = this.sceneOf(channel, chart, namesOf(channel, redaction.addresses));
    const png = pictureOf({ scene, theme, looks, heat, store, redaction, chartOf: (measure) => this.chartOf(measure) });
    // The charts were drawn for the picture's size.
    this.update(channel, chart);
    store.sendPicture(await png);
  }

  private parts() {
    const { store, theme, looks, heat } = this;
    return { channel: store.channel, chart: store.chart, theme, looks, heat, store };
  }

  private resized(width: number): void {
    const rounded = Math.floor(width);
    // Hidden, it has none: the last one holds until it is seen again.
    if (rounded === 0 || rounded === this.width) return;
    this.width = rounded;
    this.render(false);
  }

  private follow(channel: ChannelView, chart: ChartView): void {
    const { store, drawnOf } = this;
    const inputs = this.inputs(channel);
    if (inputs.some((each, index) => each !== drawnOf[index])) this.update(channel, chart);
    else if (chart !== this.shown?.scene.chart) this.updateInTime(channel, chart);
    else this.shiftTo(this.spanOf(chart));
    if (this.lit !== store.hover.endpoint) this.light(store.hover.endpoint);
  }

  /** What the charts are drawn from, beside their data. */
  private inputs({ id, endpoints }: ChannelView): readonly unknown[] {
    const { hiddenSlots, charts, heat, asTables, sorting } = this.store;
    const { width } = this;
    return [id, endpoints.length, hiddenSlots, charts, heat, asTables, sorting, width, wide.matches, devicePixelRatio];
  }

  /** At once where it is the answer to what the reader did, else at the charts' own pace. */
  private updateInTime(channel: ChannelView, chart: ChartView): void {
    const { span, series } = this.shown!.scene.chart;
    const sameWindow = Math.abs(lengthOf(span) - lengthOf(chart.span)) < series.bucketMs;
    const wait = sameWindow && !this.store.paused ? this.drawnAt + interval - performance.now() : 0;
    if (wait <= 0) this.update(channel, chart);
    else this.timer ??= setTimeout(() => this.render(false), wait);
  }

  private update(channel: ChannelView, chart: ChartView): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.drawnAt = performance.now();
    this.drawnOf = this.inputs(channel);
    const scene = this.sceneOf(channel, chart, namesOf(channel));
    this.store.setPoints(pointsOf(scene.layout));
    this.bar.render(channel, chart);
    show(this.plots, !this.store.asTables);
    this.tables.update(this.store.asTables ? scene : undefined, this.store.paused);
    if (!this.store.asTables) this.drawPlots(scene);
    else this.shown = { scene, targets: { markers: [], ends: [] } };
    this.overview.draw(scene);
  }

  private sceneOf(channel: ChannelView, chart: ChartView, names: Names): Scene {
    const { store, looks } = this;
    const lines = linesOf(channel, chart, store.hiddenSlots, looks);
    const layout = layoutOf({
      width: this.width,
      endGutter: this.endGutter(lines, names),
      measures: store.charts.filter((measure) => isKept(measure, channel, chart)),
      heat: wide.matches ? 'wide' : store.heat ? 'narrow' : undefined,
      endpoints: channel.endpoints.map(({ id }) => id),
    });
    const singles = chart.singlePicks && new PickMarks(chart.singlePicks, channel.scoreOrder);
    const marks = singles && singles.compared.length > 0 ? singles : undefined;
    return { channel, chart, span: this.spanOf(chart), lines, names, layout, marks };
  }

  /** As the chart has it, unless the reader already wants another one. */
  private spanOf({ span, series: { bucketMs } }: ChartView): TimeSpan {
    const { windowSeconds, untilMs: toMs = span.toMs } = this.store.query;
    const fromMs = toMs - windowSeconds * 1000;
    const answered = Math.abs(toMs - span.toMs) < 1.5 * bucketMs && Math.abs(fromMs - span.fromMs) < 1.5 * bucketMs;
    return answered ? span : { fromMs, toMs };
  }

  /** Room right of the plots for the names of the lines. */
  private endGutter({ own }: Lines, { short }: Names): number {
    const { context } = this.ground;
    context.font = fontOf(this.theme.palette.fontFamily);
    const widest = Math.max(0, ...own.map(({ endpoint }) => context.measureText(short.get(endpoint) ?? '').width));
    return Math.min(mostEndGutter, Math.max(leastEndGutter, Math.ceil(widest) + nameOffset + 2));
  }

  private drawPlots(scene: Scene): void {
    const { layout } = scene;
    setStyle(this.plots, 'height', `${layout.height}px`);
    const canvases = layout.plots.map(({ measure, top }) => {
      const chart = this.chartOf(measure);
      chart.update(scene, this.theme.palette, devicePixelRatio);
      setStyle(chart.canvas, 'top', `${top - overhang}px`);
      return chart.canvas;
    });
    this.heat.update(scene, this.theme.palette, this.looks, devicePixelRatio);
    const headings = layout.plots.map(({ measure, top }) => this.headingOf(measure, top, scene));
    this.renderHeatHeading(scene);
    setChildren(this.plots, [
      ...[this.heatHeading.element, this.heatImage],
      ...canvases.flatMap((canvas, index) => [headings[index]!, canvas]),
      ...[this.ground.canvas, this.overlay.canvas, this.brush.element],
    ]);
    this.drawGround(scene);
  }

  private drawGround(scene: Scene): void {
    const context = this.ground.wipe(scene.layout, this.theme.palette.fontFamily);
    const drawing = this.drawingOn(context);
    this.heat.draw(drawing, scene);
    this.shown = { scene, targets: drawGround(drawing, scene) };
    this.drawOverlay();
  }

  private drawingOn(context: CanvasRenderingContext2D): Drawing {
    const { looks, theme, store } = this;
    const endsOf = (measure: Measure) => this.chartOf(measure).ends;
    return { context, palette: theme.palette, looks, endsOf, lit: store.hover.endpoint };
  }

  /** What is there is moved at once; its data follow. */
  private shiftTo(span: TimeSpan): void {
    const { shown } = this;
    if (!shown || (span.fromMs === shown.scene.span.fromMs && span.toMs === shown.scene.span.toMs)) return;
    const scene = { ...shown.scene, span };
    if (this.store.asTables) this.shown = { scene, targets: shown.targets };
    else {
      for (const { measure } of scene.layout.plots) this.chartOf(measure).shift(scene);
      this.drawGround(scene);
    }
    this.overview.draw(scene);
  }

  private light(endpoint: number | null): void {
    this.lit = endpoint;
    if (!this.shown || this.store.asTables) return;
    const { scene } = this.shown;
    for (const { measure } of scene.layout.plots) this.chartOf(measure).light(endpoint);
    this.drawGround(scene);
  }

  private drawOverlay(): void {
    const { shown, store, navigation, theme } = this;
    if (!shown || store.asTables) return;
    const { scene } = shown;
    const context = this.overlay.wipe(scene.layout, theme.palette.fontFamily);
    const brush = navigation.draft ?? store.query.selection;
    const inspectedMs = store.inspecting ? store.channel?.inspection?.pick.timeMs : undefined;
    const pointed = { crosshairMs: store.hover.timeMs, marker: navigation.marker, brush, inspectedMs };
    drawOverlay(context, scene, pointed, theme.palette);
    this.brush.render(scene, brush, navigation.draft === undefined);
  }

  private chartOf(measure: Measure): TimeChart {
    let chart = this.charts.get(measure);
    if (!chart) this.charts.set(measure, (chart = new TimeChart(measure)));
    return chart;
  }

  private headingOf(measure: Measure, top: number, scene: Scene): HTMLElement {
    let heading = this.headings.get(measure);
    if (!heading) this.headings.set(measure, (heading = new Heading()));
    const each = measure === 'load' && scene.marks !== undefined;
    const title = each ? t('Load, each pick') : titleOf(measure, scene.channel);
    heading.render(title, noteOf(measure, scene), top - titleHeight);
    return heading.element;
  }

  private renderHeatHeading({ layout: { heat, left, right }, chart, lines }: Scene): void {
    show(this.heatHeading.element, heat !== undefined);
    show(this.heatImage, heat !== undefined);
    if (!heat) return;
    const { bucketMs } = chart.series;
    const title = t('Picks, each {0}', bucketLength(bucketMs));
    const more = heat.leftOut > 0 ? ` · ${t('{0} more have no room here', heat.leftOut)}` : '';
    this.heatHeading.render(title, `${t('red: failed')}${more}`, heat.top - titleHeight - 3);
    for (const [name, value] of Object.entries({
      top: heat.top,
      left,
      width: right - left,
      height: heat.bottom - heat.top,
    }))
      setStyle(this.heatImage, name, `${value}px`);
    const endpoints = lines.own.length + lines.folded.length;
    setAttribute(
      this.heatImage,
      'aria-label',
      t('{0} of {1} endpoints; red: failed; hatched: not READY', title, endpoints),
    );
  }

  /** What a key led to: a moment with its values, or a marker. */
  private announce(what: Marker | number): void {
    const { scene } = this.shown ?? {};
    if (!scene) return;
    setText(this.spoken, typeof what === 'number' ? momentText(scene, what) : markerText(what, scene.names));
  }
}

/** Title of a chart, over its plot. */
class Heading {
  private readonly title = element('span');
  private readonly note = element('span', 'muted');
  readonly element = element('h3', '', this.title, ' ', this.note);

  render(title: string, note: string, top: number): void {
    setText(this.title, title);
    setText(this.note, note);
    setStyle(this.element, 'top', `${top}px`);
  }
}

/** Over the brush: how much is selected, and a way to let go of it. */
class BrushLabel {
  readonly element: HTMLElement;
  private readonly words = element('span');
  private readonly clear: HTMLButtonElement;

  constructor(onClear: () => void) {
    this.clear = button({ class: 'clear', 'aria-label': t('Clear the selection') }, onClear, icon('close'));
    this.element = element('div', 'brush', this.words, this.clear);
  }

  render(scene: Scene, brush: TimeSpan | undefined, done: boolean): void {
    const { left, right, heat, lane, width } = scene.layout;
    show(this.element, brush !== undefined);
    if (!brush) return;
    setText(this.words, t('{0} selected', duration(lengthOf(brush))));
    show(this.clear, done);
    const scale = timeScale(scene);
    const middle = (Math.max(left, xOf(scale, brush.fromMs)) + Math.min(right, xOf(scale, brush.toMs))) / 2;
    // Centred on the brush by its style; never beyond the edges.
    setStyle(this.element, 'left', `${Math.min(Math.max(middle, 60), width - 60)}px`);
    setStyle(this.element, 'top', `${heat ? heat.top - titleHeight - 3 : lane.top}px`);
  }
}

function keysText(): HTMLElement {
  const text = element(
    'p',
    'sr-only',
    t(
      'Left and right step a crosshair (with Shift by ten), plus and minus zoom, Page Up and Page Down move by a window, [ and ] go to markers, Home to the oldest, End to live, Escape clears.',
    ),
  );
  text.id = keysId;
  return text;
}

function noteOf(measure: Measure, { chart: { filteredSinceMs }, lines, span }: Scene): string {
  const notes = [measureLooks[measure].unit()];
  if (measure === 'picksPerSecond') {
    if (lines.folded.length > 0) notes.push(t('grey: {0} others', lines.folded.length));
    if (filteredSinceMs === null) notes.push(t('filtered: none are kept'));
    else if (filteredSinceMs !== undefined)
      notes.push(filteredSinceMs > span.fromMs ? t('filtered, since {0}', timeOfDay(filteredSinceMs)) : t('filtered'));
  }
  return notes.filter(Boolean).join(' · ');
}

function momentText({ chart: { series }, lines, names }: Scene, timeMs: number): string {
  const index = series.times.indexOf(timeMs);
  const values = lines.own.slice(0, mostReadOut).map(({ endpoint, series: { picksPerSecond } }) => {
    const value = picksPerSecond[index] ?? NaN;
    return `${names.full.get(endpoint) ?? ''} ${Number.isNaN(value) ? '–' : rate(value)}`;
  });
  return `${bucketTime(timeMs, series.bucketMs)}: ${t('Picks/s')} ${values.join(', ')}`;
}

/** 1 s, 0.5 s. */
function bucketLength(ms: number): string {
  return ms < 100 ? t('{0} ms', ms) : t('{0} s', ms / 1000);
}

function pointsOf({ left, right }: Layout): number {
  return Math.max(pointStep, Math.ceil((right - left) / 2 / pointStep) * pointStep);
}

function lengthOf({ fromMs, toMs }: TimeSpan): number {
  return toMs - fromMs;
}
