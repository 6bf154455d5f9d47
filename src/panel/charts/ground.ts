import type { Looks } from '../looks';
import type { Measure } from '../store';
import { seriesColour, type Palette } from '../theme';
import { timeTicks, xOf } from './axis';
import { glyph, text, vertical } from './canvas';
import { timeScale, type PlotBox, type Scene } from './layout';
import { drawMarkers, type PlacedMarker } from './markers';

/** The name at the end of a line, and where. */
export interface PlacedEnd {
  readonly endpoint: number;
  readonly y: number;
}

/** What of the ground can be pointed at. */
export interface Targets {
  readonly markers: readonly PlacedMarker[];
  readonly ends: readonly PlacedEnd[];
}

/** What the ground is drawn with, beside the scene. */
export interface Drawing {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly looks: Looks;
  /** Ends of lines of a measure, in pixels below its plot's top. */
  readonly endsOf: (measure: Measure) => ReadonlyMap<number, number>;
  /** The endpoint that the reader looks at. */
  readonly lit: number | null;
}

const labelPitch = 12;
/** From the end of the plots. */
export const nameOffset = 16;
/** px between two times on the axis. */
const timesApart = 52;

/** What belongs to all charts and is drawn without a seam: times, markers, names of lines; and single picks. */
export function drawGround(drawing: Drawing, scene: Scene): Targets {
  const { context, palette } = drawing;
  drawTimeAxis(context, scene, palette);
  drawSinglePicks(drawing, scene);
  const ends = scene.layout.plots.flatMap((plot) => drawEnds(drawing, scene, plot));
  return { markers: drawMarkers(context, scene, palette), ends };
}

function drawTimeAxis(context: CanvasRenderingContext2D, scene: Scene, palette: Palette): void {
  const { plots, axis, width } = scene.layout;
  const scale = timeScale(scene);
  for (const { timeMs, label } of timeTicks(scale, timesApart)) {
    const x = Math.round(xOf(scale, timeMs)) + 0.5;
    vertical(context, x, (plots[0]?.top ?? axis.top) - 8, axis.top + 3, { colour: palette.grid });
    const half = context.measureText(label).width / 2;
    text(context, label, Math.min(Math.max(x, half), width - half), axis.top + 11, palette.muted, 'center');
  }
}

function drawSinglePicks({ context, palette, looks }: Drawing, scene: Scene): void {
  const { marks, layout } = scene;
  const plot = layout.plots.find(({ measure }) => measure === 'load');
  if (!marks || !plot) return;
  const { min, max } = marks.axis;
  const height = plot.bottom - plot.top;
  const scale = timeScale(scene);
  context.save();
  context.beginPath();
  context.rect(layout.left - 5, plot.top - 6, layout.right - layout.left + 10, height + 12);
  context.clip();
  marks.draw(
    context,
    palette,
    looks,
    (timeMs) => xOf(scale, timeMs),
    (logarithm) => plot.bottom - ((logarithm - min) / (max - min)) * height,
  );
  context.restore();
}

/** Mark and name at the end of each line, moved apart where they would cover each other. */
function drawEnds(drawing: Drawing, scene: Scene, plot: PlotBox): PlacedEnd[] {
  const heights = drawing.endsOf(plot.measure);
  const ends = scene.lines.own
    .filter(({ endpoint }) => heights.has(endpoint))
    .map(({ endpoint }) => ({ endpoint, y: plot.top + heights.get(endpoint)! }));
  const room = Math.floor((plot.bottom - plot.top + 16) / labelPitch);
  const placed = spread(mostDistant(ends, room), plot.top, plot.bottom);
  for (const { endpoint, y } of placed) drawName(drawing, scene, endpoint, y);
  return placed;
}

/** Right of a line or row: whose it is. */
export function drawName({ context, palette, looks, lit }: Drawing, scene: Scene, endpoint: number, y: number): void {
  const { layout, names } = scene;
  const { colour, mark } = looks.of(endpoint);
  const room = layout.width - layout.right - nameOffset;
  const name = fitted(context, names.short.get(endpoint) ?? '', room);
  context.globalAlpha = lit === null || lit === endpoint ? 1 : 0.3;
  glyph(context, { path: mark, colour: seriesColour(palette, colour) }, layout.right + 9, y, 0.9);
  text(context, name, layout.right + nameOffset, y + 0.5, palette.foreground);
  context.globalAlpha = 1;
}

/** A name as far as there is room for it: its end tells more than its begin. */
function fitted(context: CanvasRenderingContext2D, name: string, room: number): string {
  if (context.measureText(name).width <= room) return name;
  let cut = name;
  while (cut.length > 1 && context.measureText(`…${cut}`).width > room) cut = cut.slice(1);
  return `…${cut}`;
}

/** Where there is not room for all: those that stand farthest from their neighbours. */
function mostDistant(ends: readonly PlacedEnd[], room: number): PlacedEnd[] {
  const kept = [...ends].sort((a, b) => a.y - b.y);
  while (kept.length > Math.max(1, room)) {
    const gaps = kept.slice(1).map((end, index) => end.y - kept[index]!.y);
    kept.splice(gaps.indexOf(Math.min(...gaps)) + 1, 1);
  }
  return kept;
}

/** Moves sorted labels apart to a readable pitch, within the plot and a little more. */
function spread(ends: readonly PlacedEnd[], top: number, bottom: number): PlacedEnd[] {
  const ys = ends.map(({ y }) => y);
  for (let i = 1; i < ys.length; i += 1) ys[i] = Math.max(ys[i]!, ys[i - 1]! + labelPitch);
  const over = (ys.at(-1) ?? bottom) - (bottom + 4);
  if (over > 0) ys[ys.length - 1]! -= over;
  for (let i = ys.length - 2; i >= 0; i -= 1) ys[i] = Math.min(ys[i]!, ys[i + 1]! - labelPitch);
  return ends.map((end, index) => ({ ...end, y: Math.max(top - 8 + index * labelPitch, ys[index]!) }));
}
