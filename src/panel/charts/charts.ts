import type { ChannelView, ChartView, Marker, Redaction, TimeSpan } from '../../messages/panel';
import { button, element, setAttribute, setChildren, setStyle, setText, show } from '../dom';
import { duration, rate } from '../format';
import { icon } from '../glyphs';
import { t } from '../l10n';
import type { Looks } from '../looks';
import type { Pace } from '../pace';
import { isIdle } from '../states';
import type { Measure, Store } from '../store';
import type { Theme } from '../theme';
import { bucketTime, xOf } from './axis';
import { fontOf, Sheet } from './canvas';
import { ChartBar } from './chartBar';
import { drawGround, nameOffset, type Drawing } from './ground';
import { headingsOf, heatTitle, type HeadingText } from './headings';
import { HeatStrip } from './heatStrip';
import { layoutOf, mostHeatRows, timeScale, titleHeight, type Layout, type Scene } from './layout';
import { linesOf, namesOf, type Lines, type Names } from './lines';
import { markerText } from './markers';
import { isKept } from './measures';
import { Navigation, type Shown } from './navigation';
import { drawOverlay } from './overlay';
import { Overview } from './overview';
import { PickMarks } from './pickMarks';
import { pictureOf } from './picture';
import { Tables } from './tables';
import { overhang, TimeChart } from './timeChart';
import './charts.css';

/** ms between two drawings of new data, where they answer the reader, who drags the window: what is there moves with it in the frames between. */
const answerInterval = 350;
const [leastEndGutter, mostEndGutter] = [30, 58];
/** Points are asked for in steps, and one for the bucket that still runs: the room for names must not change the query. */
const pointStep = 10;
/** So many endpoints are read out for a moment. */
const mostReadOut = 6;
const wide = matchMedia('(min-width: 900px)');
const keysId = 'chart-keys';
/** Half of the width that the brush's label takes at most. */
const labelHalf = 62;

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
  private readonly headings = new Map<HeadingText['of'], Heading>();
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
  /** What is still to be drawn of the newest chart, a part in each of the browser's frames. */
  private drawing: Generator<void> | undefined;
  private drawnChart: ChartView | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
    private readonly theme: Theme,
    private readonly pace: Pace,
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
    if (!shown || this.width === 0 || document.hidden) return;
    if (now) this.update(channel, chart);
    else this.follow(channel, chart);
  }

  /** Only what the pointer lights; the lines stay as they are. */
  renderHover(): void {
    this.drawOverlay();
  }

  /** The window as a picture, for the host. */
  async sendPicture(redaction: Redaction): Promise<void> {
    const { channel, chart, theme, looks, heat, store } = this.pictured();
    if (!channel || !chart) return;
    const scene = this.sceneOf(channel, chart, namesOf(channel, redaction.addresses));
    const png = pictureOf({ scene, theme, looks, heat, store, redaction, chartOf: (measure) => this.chartOf(measure) });
    // The charts were drawn for the picture's size.
    this.update(channel, chart);
    store.sendPicture(await png);
  }

  private pictured() {
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
    else if (chart !== this.drawnChart) this.updateInTime(channel, chart);
    else if (!this.drawing || this.store.paused) this.shiftTo(this.spanOf(chart));
    if (this.lit !== store.hover.endpoint) this.light(store.hover.endpoint);
  }

  /** What the charts are drawn from, beside their data. */
  private inputs({ id, endpoints }: ChannelView): readonly unknown[] {
    const { hiddenSlots, charts, heat, asTables, tableOrder } = this.store;
    const rows = heat || wide.matches ? tableOrder.slice(0, mostHeatRows).join() : '';
    const { width } = this;
    return [id, endpoints.length, hiddenSlots, charts, heat, asTables, rows, width, wide.matches, devicePixelRatio];
  }

  /** What goes on by itself comes at the charts' own pace already. */
  private updateInTime(channel: ChannelView, chart: ChartView): void {
    const { span, series } = this.shown!.scene.chart;
    const sameWindow = Math.abs(lengthOf(span) - lengthOf(chart.span)) < series.bucketMs;
    // Finer or coarser of the same window: there is room for other points, as when the charts are first seen.
    const resized = sameWindow && series.bucketMs !== chart.series.bucketMs;
    const goesOn = sameWindow && !this.store.paused;
    const apart = resized || goesOn ? 0 : answerInterval;
    const wait = this.drawnAt + apart - performance.now();
    if (wait <= 0) this.drawPartByPart(this.begin(channel, chart));
    else
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.render(false);
      }, wait);
    if (!goesOn) this.shiftTo(this.spanOf(chart));
  }

  private update(channel: ChannelView, chart: ChartView): void {
    const parts = this.begin(channel, chart);
    while (!parts.next().done);
  }

  /** Other lines on the same ground, all of which would take longer than one of the browser's frames. */
  private drawPartByPart(parts: Generator<void>): void {
    this.drawing = parts;
    const next = () => {
      if (this.drawing !== parts) return;
      if (parts.next().done) this.drawing = undefined;
      else
        requestAnimationFrame(() => {
          this.pace.measure('chart');
          next();
        });
    };
    next();
  }

  /** What there is to draw, in its parts; what was not drawn yet of the one before is left out. */
  private begin(channel: ChannelView, chart: ChartView): Generator<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.drawing = undefined;
    this.drawnAt = performance.now();
    this.drawnOf = this.inputs(channel);
    this.drawnChart = chart;
    return this.parts(this.sceneOf(channel, chart, namesOf(channel)));
  }

  private *parts(scene: Scene): Generator<void> {
    const { store } = this;
    store.setPoints(pointsOf(scene.layout));
    this.bar.render(scene.channel, scene.chart);
    show(this.plots, !store.asTables);
    this.tables.update(store.asTables ? scene : undefined, store.paused);
    // The reader may drag the window meanwhile.
    const current = () => ({ ...scene, span: this.spanOf(scene.chart) });
    if (!store.asTables) yield* this.plotParts(scene, current);
    else this.shown = { scene, targets: { markers: [], ends: [] } };
    yield;
    this.overview.draw(current());
  }

  private sceneOf(channel: ChannelView, chart: ChartView, names: Names): Scene {
    const { store, looks } = this;
    const lines = linesOf(channel, chart, store.hiddenSlots, looks);
    const layout = layoutOf({
      width: this.width,
      endGutter: this.endGutter(lines, names),
      measures: store.charts.filter((measure) => isKept(measure, channel, chart)),
      heat: wide.matches ? 'wide' : store.heat ? 'narrow' : undefined,
      endpoints: store.tableOrder.length > 0 ? store.tableOrder : channel.endpoints.map(({ id }) => id),
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

  private *plotParts(scene: Scene, current: () => Scene): Generator<void> {
    const { layout } = scene;
    setStyle(this.plots, 'height', `${layout.height}px`);
    const canvases: HTMLCanvasElement[] = [];
    for (const { measure, top } of layout.plots) {
      const chart = this.chartOf(measure);
      chart.update(current(), this.theme.palette, devicePixelRatio);
      setStyle(chart.canvas, 'top', `${top - overhang}px`);
      canvases.push(chart.canvas);
      yield;
    }
    this.heat.update(scene, this.theme.palette, this.looks, devicePixelRatio);
    this.describeHeat(scene);
    const headings = headingsOf(scene);
    this.brush.beside = this.widthOf(headings.find((text) => text.of === 'heat'));
    setChildren(this.plots, [
      ...headings.map((text) => this.headingOf(text)),
      ...[this.heatImage, ...canvases, this.ground.canvas, this.overlay.canvas, this.brush.element],
    ]);
    this.drawGround(current());
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

  private headingOf(text: HeadingText): HTMLElement {
    let heading = this.headings.get(text.of);
    if (!heading) this.headings.set(text.of, (heading = new Heading()));
    heading.render(text);
    return heading.element;
  }

  private widthOf(text: HeadingText | undefined): number {
    return text ? this.ground.context.measureText(`${text.title} ${text.note}`).width : 0;
  }

  /** What a screen reader finds in place of the heat strip. */
  private describeHeat(scene: Scene): void {
    const { layout, chart } = scene;
    const { heat, left, right } = layout;
    show(this.heatImage, heat !== undefined);
    if (!heat) return;
    const box = { top: heat.top, left, width: right - left, height: heat.bottom - heat.top };
    for (const [name, value] of Object.entries(box)) setStyle(this.heatImage, name, `${value}px`);
    const summary = t(
      '{0} of {1} endpoints; red: failed; hatched: not READY',
      heatTitle(scene),
      chart.series.endpoints.length,
    );
    setAttribute(this.heatImage, 'aria-label', summary);
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
  readonly element = element('h2', '', this.title, ' ', this.note);

  render({ title, note, top }: HeadingText): void {
    setText(this.title, title);
    setText(this.note, note);
    setStyle(this.element, 'top', `${top}px`);
  }
}

/** Over the brush: how much is selected, and a way to let go of it. */
class BrushLabel {
  readonly element: HTMLElement;
  /** Width of the heading that is in the same line. */
  beside = 0;
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
    const least = this.beside > 0 ? left + this.beside : 0;
    setStyle(this.element, 'left', `${Math.min(Math.max(middle, least + labelHalf), width - labelHalf)}px`);
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

function momentText({ chart: { series }, lines, names }: Scene, timeMs: number): string {
  const index = series.times.indexOf(timeMs);
  const values = lines.own.slice(0, mostReadOut).map(({ endpoint, series: { picksPerSecond } }) => {
    const value = picksPerSecond[index] ?? NaN;
    return `${names.full.get(endpoint) ?? ''} ${Number.isNaN(value) ? '–' : rate(value)}`;
  });
  return `${bucketTime(timeMs, series.bucketMs)}: ${t('Picks/s')} ${values.join(', ')}`;
}

function pointsOf({ left, right }: Layout): number {
  return Math.max(1, Math.ceil((right - left) / 2 / pointStep)) * pointStep + 1;
}

function lengthOf({ fromMs, toMs }: TimeSpan): number {
  return toMs - fromMs;
}
