import type { Marker, TimeSpan } from '../../messages/panel';
import type { Palette } from '../theme';
import { bucketTime, xOf, type TimeScale } from './axis';
import { text, vertical } from './canvas';
import { timeScale, type Box, type Scene } from './layout';
import { markerText } from './markers';

/** What the reader points at; it lies over all charts, and is all that is drawn anew while the pointer moves. */
export interface Pointed {
  /** Begin of the bucket under the crosshair. */
  readonly crosshairMs: number | null;
  readonly marker: Marker | undefined;
  readonly brush: TimeSpan | undefined;
  /** The moment of the inspected pick. */
  readonly inspectedMs: number | undefined;
}

const tagPadding = 4;

export function drawOverlay(
  context: CanvasRenderingContext2D,
  scene: Scene,
  { crosshairMs, marker, brush, inspectedMs }: Pointed,
  palette: Palette,
): void {
  const { layout, chart } = scene;
  const scale = timeScale(scene);
  if (brush) drawBrush(context, scene, brush, palette);
  if (inspectedMs !== undefined && isIn(scale, inspectedMs)) drawInspected(context, scene, inspectedMs, palette);
  if (crosshairMs !== null) {
    const { bucketMs } = chart.series;
    const x = Math.round(xOf(scale, crosshairMs + bucketMs / 2)) + 0.5;
    if (x >= layout.left && x <= layout.right) {
      vertical(context, x, topOf(scene), layout.axis.top + 3, { colour: palette.foreground });
      drawTag(context, scene, x, layout.axis, bucketTime(crosshairMs, bucketMs), palette);
    }
  }
  if (marker && marker.timeMs >= scene.span.fromMs && marker.timeMs <= scene.span.toMs)
    drawTag(context, scene, xOf(scale, marker.timeMs), layout.lane, markerText(marker, scene.names), palette);
}

function isIn({ span }: TimeScale, timeMs: number): boolean {
  return timeMs >= span.fromMs && timeMs <= span.toMs;
}

function topOf({ layout: { heat, lane } }: Scene): number {
  return heat?.top ?? lane.bottom - 4;
}

function drawBrush(context: CanvasRenderingContext2D, scene: Scene, brush: TimeSpan, palette: Palette): void {
  const { left, right, axis } = scene.layout;
  const scale = timeScale(scene);
  const [from, to] = [xOf(scale, brush.fromMs), xOf(scale, brush.toMs)].map(Math.round) as [number, number];
  if (to < left || from > right) return;
  const top = topOf(scene);
  const [shownFrom, shownTo] = [Math.max(left, from), Math.min(right, to)];
  context.fillStyle = palette.brush;
  context.fillRect(shownFrom, top, shownTo - shownFrom, axis.top - top);
  context.fillStyle = palette.frame;
  context.fillRect(shownFrom, top, shownTo - shownFrom, 1);
  for (const x of [from, to]) if (x >= left && x <= right) context.fillRect(x - 1, top, 2, axis.top - top);
}

/** On the axis, and as a fine line through all charts. */
function drawInspected(context: CanvasRenderingContext2D, scene: Scene, timeMs: number, palette: Palette): void {
  const { axis } = scene.layout;
  const x = Math.round(xOf(timeScale(scene), timeMs)) + 0.5;
  vertical(context, x, topOf(scene), axis.top, { colour: palette.frame, dash: [1, 2] });
  context.fillStyle = palette.frame;
  context.beginPath();
  context.moveTo(x, axis.top - 1);
  context.lineTo(x - 5, axis.top + 6);
  context.lineTo(x + 5, axis.top + 6);
  context.fill();
}

/** Words on the colours turned round, within the width of the charts. */
function drawTag(
  context: CanvasRenderingContext2D,
  { layout }: Scene,
  x: number,
  { top, bottom }: Box,
  words: string,
  palette: Palette,
): void {
  const width = context.measureText(words).width + 2 * tagPadding;
  const left = Math.max(0, Math.min(x - width / 2, layout.width - width));
  context.fillStyle = palette.foreground;
  context.fillRect(left, top + 2, width, bottom - top - 3);
  text(context, words, left + tagPadding, (top + bottom) / 2 + 1, palette.background);
}
