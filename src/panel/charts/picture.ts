import type { Redaction } from '../../messages/panel';
import { capped } from '../dom';
import { count, timeOfDay } from '../format';
import { t } from '../l10n';
import type { Looks } from '../looks';
import type { Measure, Store } from '../store';
import { seriesColour, type Palette, type Theme } from '../theme';
import { fontOf, glyph, text } from './canvas';
import { drawGround, type Drawing } from './ground';
import { headingsOf } from './headings';
import type { HeatStrip } from './heatStrip';
import { titleHeight, type Scene } from './layout';
import { drawOverlay } from './overlay';
import { overhang, type TimeChart } from './timeChart';

/** Pixels a CSS pixel: sharp on any screen, and in print. */
const scale = 2;
const padding = 16;
const linePitch = 16;

export interface PictureParts {
  readonly scene: Scene;
  readonly theme: Theme;
  readonly looks: Looks;
  readonly heat: HeatStrip;
  readonly store: Store;
  readonly redaction: Redaction;
  /** Drawn anew, at the picture's scale. */
  readonly chartOf: (measure: Measure) => TimeChart;
}

/** The window's charts, with what they are of and what their colours mean: the bytes of a PNG file. */
export async function pictureOf(parts: PictureParts): Promise<Uint8Array> {
  const { scene, theme } = parts;
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d')!;
  context.font = fontOf(theme.palette.fontFamily);
  const header = headerOf(parts);
  const legend = legendOf(context, scene);
  const charts = padding + header.length * linePitch + 8;
  const width = scene.layout.width + 2 * padding;
  const height = charts + scene.layout.height + legend.height + 2 * padding;
  [canvas.width, canvas.height] = [width * scale, height * scale];
  context.scale(scale, scale);
  context.fillStyle = theme.palette.background;
  context.fillRect(0, 0, width, height);
  context.translate(padding, padding);
  drawHeader(context, header, theme);
  context.translate(0, charts - padding);
  drawCharts(context, parts);
  context.translate(0, scene.layout.height + padding);
  for (const { endpoint, x, y, name } of legend.entries) {
    const { colour, mark } = parts.looks.of(endpoint);
    glyph(context, { path: mark, colour: seriesColour(theme.palette, colour) }, x + 5, y);
    text(context, name, x + 14, y + 0.5, theme.palette.foreground);
  }
  return bytesOf(canvas);
}

function bytesOf(canvas: HTMLCanvasElement): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (!blob) reject(new Error('The browser made no picture.'));
      else blob.arrayBuffer().then((buffer) => resolve(new Uint8Array(buffer)), reject);
    }, 'image/png');
  });
}

/** Client and policy, channel, time, filter. */
function headerOf({ scene, store, redaction }: PictureParts): string[] {
  const { channel, span } = scene;
  const { attachment } = store.frame!;
  const client = attachment.state === 'none' ? '' : `${capped(attachment.client.name, 80)} ${attachment.client.pid}`;
  const target = redaction.addresses ? '' : capped(channel.target, 120);
  const { filter } = store.query;
  const hidden = redaction.addresses || redaction.methods;
  const filtered = filter === '' ? '' : hidden ? t('filtered') : t('filter: {0}', capped(filter, 120));
  const time = t('{0} to {1}', `${day(span.fromMs)} ${timeOfDay(span.fromMs)}`, timeOfDay(span.toMs));
  const picks = t('{0} picks/s', count(channel.picksPerSecond));
  return [
    [client, channel.policyPath.map((policy) => capped(policy, 60)).join(' › ')].filter(Boolean).join(' · '),
    [target, picks].filter(Boolean).join(' · '),
    [time, filtered].filter(Boolean).join(' · '),
  ];
}

function day(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function drawHeader(context: CanvasRenderingContext2D, header: readonly string[], { palette }: Theme): void {
  for (const [index, line] of header.entries()) {
    const first = index === 0;
    context.font = first ? `600 13px ${palette.fontFamily}` : fontOf(palette.fontFamily);
    text(context, line, 0, index * linePitch + linePitch / 2, first ? palette.foreground : palette.muted);
  }
  context.font = fontOf(palette.fontFamily);
}

function drawCharts(context: CanvasRenderingContext2D, parts: PictureParts): void {
  const { scene, theme, looks, heat, store, chartOf } = parts;
  const { palette } = theme;
  const { layout } = scene;
  for (const { measure, top, bottom } of layout.plots) {
    const chart = chartOf(measure);
    chart.update(scene, palette, scale);
    context.drawImage(chart.canvas, 0, top - overhang, layout.right, bottom - top + 2 * overhang);
  }
  const endsOf = (measure: Measure) => chartOf(measure).ends;
  const drawing: Drawing = { context, palette, looks, endsOf, lit: null };
  heat.update(scene, palette, looks, scale);
  heat.draw(drawing, scene);
  drawGround(drawing, scene);
  drawHeadings(context, scene, palette);
  const brush = store.query.selection;
  drawOverlay(context, scene, { crosshairMs: null, marker: undefined, brush, inspectedMs: undefined }, palette);
}

/** On ground of their own, as the lines of markers go through there. */
function drawHeadings(context: CanvasRenderingContext2D, scene: Scene, palette: Palette): void {
  const { left } = scene.layout;
  for (const { title, note, top } of headingsOf(scene)) {
    const middle = top + titleHeight / 2;
    context.fillStyle = palette.background;
    context.fillRect(left, top, context.measureText(`${title} ${note}`).width + 3, titleHeight - 1);
    text(context, title, left, middle, palette.foreground);
    text(context, note, left + context.measureText(`${title} `).width, middle, palette.muted);
  }
}

interface LegendEntry {
  readonly endpoint: number;
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

/** Marks and names in full, in as many lines as it takes. */
function legendOf(context: CanvasRenderingContext2D, { lines, names, layout }: Scene) {
  const entries: LegendEntry[] = [];
  let [x, y] = [0, linePitch / 2];
  for (const { endpoint } of lines.own) {
    const name = names.full.get(endpoint) ?? '';
    const width = 14 + context.measureText(name).width + 16;
    if (x > 0 && x + width > layout.width) [x, y] = [0, y + linePitch];
    entries.push({ endpoint, name, x, y });
    x += width;
  }
  return { entries, height: y + linePitch / 2 };
}
