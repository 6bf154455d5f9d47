import type { ChannelView, ChartView, EndpointSeries, Marker } from '../../messages/panel';
import { glyph, text, vertical, wipe, type Glyph } from './canvas';
import { element } from '../dom';
import { clock, distinctEnds, timeOfDay } from '../format';
import { t } from '../l10n';
import { namedEndpoints, type ChartedLines, type Looks, type NamedEndpoint } from '../looks';
import type { Store } from '../store';
import type { Palette, Theme } from '../theme';

/** Where one chart's lines are drawn, in pixels of the section. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  /** Height of the end of an endpoint's line; undefined: it has none now. */
  endOf(endpoint: number): number | undefined;
}

interface Scene {
  readonly channel: ChannelView;
  readonly chart: ChartView;
  readonly range: { readonly from: number; readonly to: number };
  readonly plots: readonly Plot[];
  readonly gutter: number;
  readonly lines: ChartedLines;
}

const laneHeight = 20;
const leastGutter = 30;
const mostGutter = 58;
const labelPitch = 12;

/** One canvas over all charts: what belongs to all of them is drawn without a seam. */
export class Overlay {
  readonly element = element('canvas', { class: 'overlay', 'aria-hidden': 'true' });
  private readonly context = this.element.getContext('2d')!;
  private scene: Scene | undefined;

  constructor(
    private readonly store: Store,
    private readonly theme: Theme,
    private readonly looks: Looks,
  ) {
    this.element.addEventListener('pointermove', (event) => this.hover(event.offsetX));
    this.element.addEventListener('pointerleave', () => store.setHover({ timeMs: null }));
  }

  /** Room right of the plots for the names of the lines. */
  endGutter(labels: readonly string[]): number {
    this.context.font = `11px ${this.palette.fontFamily}`;
    const widest = Math.max(0, ...labels.map((label) => this.context.measureText(label).width));
    return Math.min(mostGutter, Math.max(leastGutter, Math.ceil(widest) + 18));
  }

  update(scene: Scene): void {
    this.scene = scene;
    this.draw();
  }

  draw(): void {
    const { scene } = this;
    const [first] = scene?.plots ?? [];
    if (!scene || !first) return;
    wipe(this.element, this.context, this.palette.fontFamily);
    this.drawTimeAxis(scene, first);
    for (const plot of scene.plots) this.drawEnds(scene, plot);
    this.drawMarkers(scene, first);
    if (this.store.hover.timeMs !== null) this.drawCrosshair(scene, first, this.store.hover.timeMs);
  }

  private get palette(): Palette {
    return this.theme.palette;
  }

  private hover(x: number): void {
    const { scene } = this;
    const [plot] = scene?.plots ?? [];
    if (!scene || !plot) return;
    const { from, to } = scene.range;
    const timeMs = from + ((x - plot.left) / (plot.right - plot.left)) * (to - from);
    const start = scene.chart.series.times.findLast((time) => time <= timeMs);
    this.store.setHover({ timeMs: x < plot.left || x > plot.right ? null : (start ?? null) });
  }

  private xOf(scene: Scene, plot: Plot, timeMs: number): number {
    const { from, to } = scene.range;
    const x = plot.left + ((timeMs - from) / (to - from)) * (plot.right - plot.left);
    return Math.round(x) + 0.5;
  }

  private drawTimeAxis(scene: Scene, plot: Plot): void {
    const { context } = this;
    const bottom = scene.plots.at(-1)!.bottom;
    for (let time = Math.ceil(scene.range.from / 30_000) * 30_000; time < scene.range.to; time += 30_000) {
      const x = this.xOf(scene, plot, time);
      vertical(context, x, plot.top - 8, bottom + 3, { colour: this.palette.grid });
      const { hourMinute, seconds } = clock(time);
      const words = seconds === '00' ? hourMinute : `:${seconds}`;
      const half = context.measureText(words).width / 2;
      text(context, words, Math.min(x, plot.right + scene.gutter - half), bottom + 12, this.palette.muted, 'center');
    }
  }

  /** Mark and name at the end of each line, moved apart where they would cover each other. */
  private drawEnds(scene: Scene, plot: Plot): void {
    const ends = scene.lines.own
      .map(({ endpoint }, index) => ({ endpoint, label: scene.lines.labels[index]!, y: plot.endOf(endpoint) }))
      .filter((end): end is typeof end & { y: number } => end.y !== undefined);
    const room = Math.floor((plot.bottom - plot.top + 16) / labelPitch);
    const placed = spread(mostDistant(ends, room), plot.top, plot.bottom);
    const { context } = this;
    const { endpoint: lit } = this.store.hover;
    for (const { endpoint, label, y } of placed) {
      const { colour, mark } = this.looks.of(endpoint);
      context.globalAlpha = lit === null || lit === endpoint ? 1 : 0.3;
      const shown = colour === null ? this.palette.other : this.palette.series[colour]!;
      glyph(context, { path: mark, colour: shown }, plot.right + 9, y, 0.9);
      text(context, label, plot.right + 16, y + 0.5, this.palette.foreground);
    }
    context.globalAlpha = 1;
  }

  /** A generation has a glyph only where no change of state caused it; its dashed line it always has. */
  private drawMarkers(scene: Scene, plot: Plot): void {
    const bottom = scene.plots.at(-1)!.bottom;
    const named = namedEndpoints(scene.channel);
    const labels = new Map(zip(named, distinctEnds(named.map(({ label }) => label))));
    const markers = shownMarkers(scene).map((marker) => ({
      marker,
      x: this.xOf(scene, plot, marker.timeMs),
    }));
    let free = -Infinity;
    const boundary = { colour: this.palette.muted, dash: [3, 3] };
    for (const { marker, x } of markers) {
      if (isBoundary(marker)) vertical(this.context, x, laneHeight - 2, bottom, boundary);
    }
    const causes = markers.filter(({ marker }) => marker.kind !== 'generation');
    const glyphs = markers.filter(
      (each) => causes.includes(each) || !causes.some((cause) => Math.abs(cause.x - each.x) < 9),
    );
    for (const [index, { marker, x }] of glyphs.entries()) {
      if (x < free) continue;
      const nextX = (glyphs[index + 1]?.x ?? plot.right + scene.gutter) - 6;
      free = this.drawMarker(marker, x, nextX, nameOf(marker, labels));
    }
  }

  /** The glyph, and its name where there is room before the next one; returns where the next may begin. */
  private drawMarker(marker: Marker, x: number, nextX: number, name: string): number {
    const { context } = this;
    const colour = marker.kind === 'notReady' ? this.palette.red : this.palette.foreground;
    glyph(context, { ...markerGlyphs[marker.kind], colour }, x, laneHeight / 2);
    const end = x + 8 + context.measureText(name).width;
    if (name === '' || end > nextX) return x + 9;
    text(context, name, x + 8, laneHeight / 2 + 0.5, colour);
    return end;
  }

  private drawCrosshair(scene: Scene, plot: Plot, timeMs: number): void {
    const bottom = scene.plots.at(-1)!.bottom;
    const x = this.xOf(scene, plot, timeMs);
    const { context } = this;
    vertical(context, x, plot.top - 8, bottom + 3, { colour: this.palette.foreground });
    const words = timeOfDay(timeMs);
    const width = context.measureText(words).width + 8;
    const left = Math.max(0, Math.min(x - width / 2, plot.right + scene.gutter - width));
    context.fillStyle = this.palette.foreground;
    context.fillRect(left, bottom + 4, width, 15);
    text(context, words, left + 4, bottom + 12, this.palette.background);
  }
}

const markerGlyphs: Readonly<Record<Marker['kind'], Pick<Glyph, 'path' | 'outline'>>> = {
  generation: { path: 'M5 .5l4.5 4.5l-4.5 4.5l-4.5-4.5z' },
  resolver: { path: 'M8.6 3.4a4 4 0 1 0 .4 2.6M8.8 .6v3h-3', outline: 1.4 },
  notReady: { path: 'M1.5 1.5l7 7M8.5 1.5l-7 7', outline: 2 },
  ready: { path: 'M1 5.5l3 3l5-7', outline: 2 },
  restart: { path: 'M8.2 3a4 4 0 1 0 .8 2.5M8.6 .5v2.8h-2.8', outline: 2 },
  drops: { path: 'M5 1v5M5 8v1.4', outline: 2 },
};

/** Memory left and right of it is not the same. */
function isBoundary(marker: Marker): boolean {
  return marker.historyLost || marker.kind === 'restart' || marker.kind === 'generation';
}

function shownMarkers({ chart, range }: Scene): Marker[] {
  const within = chart.markers.filter(({ timeMs }) => timeMs >= range.from && timeMs <= range.to);
  return within.sort((a, b) => a.timeMs - b.timeMs);
}

function nameOf(marker: Marker, labels: ReadonlyMap<number, string>): string {
  switch (marker.kind) {
    case 'restart':
      return t('restart');
    case 'drops':
      return t('drops');
    default:
      return marker.endpoint === undefined ? '' : (labels.get(marker.endpoint)?.slice(0, 24) ?? '');
  }
}

function zip(endpoints: readonly NamedEndpoint[], labels: readonly string[]): [number, string][] {
  return endpoints.map(({ id }, index) => [id, labels[index]!]);
}

/** The names of the lines: only what tells them apart. */
export function endLabels(endpoints: readonly NamedEndpoint[], lines: readonly EndpointSeries[]): string[] {
  const labels = new Map(zip(endpoints, distinctEnds(endpoints.map(({ label }) => label))));
  return lines.map(({ endpoint }) => (labels.get(endpoint) ?? '').slice(0, 24));
}

interface End {
  readonly endpoint: number;
  readonly label: string;
  readonly y: number;
}

/** Where there is not room for all: those that stand farthest from their neighbours. */
function mostDistant(ends: readonly End[], room: number): End[] {
  const kept = [...ends].sort((a, b) => a.y - b.y);
  while (kept.length > Math.max(1, room)) {
    const gaps = kept.slice(1).map((end, index) => end.y - kept[index]!.y);
    kept.splice(gaps.indexOf(Math.min(...gaps)) + 1, 1);
  }
  return kept;
}

/** Moves sorted labels apart to a readable pitch, within the plot and a little more. */
function spread(ends: readonly End[], top: number, bottom: number): End[] {
  const ys = ends.map(({ y }) => y);
  for (let i = 1; i < ys.length; i += 1) ys[i] = Math.max(ys[i]!, ys[i - 1]! + labelPitch);
  const over = (ys.at(-1) ?? bottom) - (bottom + 4);
  if (over > 0) ys[ys.length - 1]! -= over;
  for (let i = ys.length - 2; i >= 0; i -= 1) ys[i] = Math.min(ys[i]!, ys[i + 1]! - labelPitch);
  return ends.map((end, index) => ({ ...end, y: Math.max(top - 8 + index * labelPitch, ys[index]!) }));
}
