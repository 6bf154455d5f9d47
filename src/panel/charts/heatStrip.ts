import { states, type EndpointSeries, type Series } from '../../messages/panel';
import type { Looks } from '../looks';
import { seriesColour, type Palette } from '../theme';
import { xOf } from './axis';
import { Sheet } from './canvas';
import { drawName, type Drawing } from './ground';
import { timeScale, type HeatBox, type Scene } from './layout';

/** Even the least picked bucket is told from none. */
const faintest = 0.16;
const hatchPitch = 6;
/** A row so high has room for its endpoint's name. */
const namedPitch = 12;
const ready = states.indexOf('READY');
const unknown = states.indexOf('UNKNOWN');
const failing = [states.indexOf('TRANSIENT_FAILURE'), states.indexOf('SHUTDOWN')];

/**
 * Endpoint × time: the more picks in a bucket the stronger its colour, what failed of them red from below, hatched where
 * the endpoint was not READY. Kept as a picture of its own, which is moved while the reader drags the window.
 */
export class HeatStrip {
  private readonly sheet = new Sheet(document.createElement('canvas'));
  private span: Scene['span'] = { fromMs: 0, toMs: 1 };

  update(scene: Scene, palette: Palette, looks: Looks, ratio: number): void {
    const { heat, left, right } = scene.layout;
    if (!heat) return;
    this.span = scene.span;
    const height = heat.bottom - heat.top;
    const context = this.sheet.wipe({ width: right - left, height }, palette.fontFamily, ratio);
    const byEndpoint = new Map(scene.chart.series.endpoints.map((each) => [each.endpoint, each]));
    const strip: Strip = {
      context,
      palette,
      height: heat.rowHeight,
      most: mostPicks(byEndpoint, heat),
      xs: edges(scene.chart.series, { span: scene.span, left: 0, right: right - left }),
    };
    for (const [index, endpoint] of heat.rows.entries()) {
      const series = byEndpoint.get(endpoint);
      const colour = seriesColour(palette, looks.of(endpoint).colour);
      if (series) drawRow(strip, series, index * heat.pitch, colour);
    }
  }

  /** Where the scene's window has it, which may have moved since. */
  draw(drawing: Drawing, scene: Scene): void {
    const { context } = drawing;
    const { heat, left, right } = scene.layout;
    if (!heat) return;
    const scale = timeScale(scene);
    const from = xOf(scale, this.span.fromMs);
    const width = xOf(scale, this.span.toMs) - from;
    context.save();
    context.beginPath();
    context.rect(left, heat.top, right - left, heat.bottom - heat.top);
    context.clip();
    context.drawImage(this.sheet.canvas, from, heat.top, width, heat.bottom - heat.top);
    context.restore();
    if (heat.pitch < namedPitch) return;
    for (const [index, endpoint] of heat.rows.entries())
      drawName(drawing, scene, endpoint, heat.top + index * heat.pitch + heat.rowHeight / 2);
  }
}

interface Strip {
  readonly context: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly height: number;
  /** Picks a second of the strongest colour. */
  readonly most: number;
  /** Where each bucket begins, and the last one ends. */
  readonly xs: readonly number[];
}

function edges({ times, bucketMs }: Series, scale: Parameters<typeof xOf>[0]): number[] {
  const ends = [...times, (times.at(-1) ?? 0) + bucketMs];
  // Whole pixels: neither gaps nor seams between buckets.
  return ends.map((time) => Math.round(xOf(scale, time)));
}

function mostPicks(series: ReadonlyMap<number, EndpointSeries>, { rows }: HeatBox): number {
  let most = 0;
  for (const endpoint of rows)
    for (const picks of series.get(endpoint)?.picksPerSecond ?? []) if (picks > most) most = picks;
  return most;
}

function drawRow(strip: Strip, series: EndpointSeries, top: number, colour: string): void {
  const { context, palette, height, most, xs } = strip;
  const { picksPerSecond, failuresPerSecond, state } = series;
  for (let i = 0; i < picksPerSecond.length; i += 1) {
    const [x, width] = [xs[i]!, xs[i + 1]! - xs[i]!];
    const picks = picksPerSecond[i]!;
    if (picks > 0) {
      context.globalAlpha = faintest + (1 - faintest) * (picks / most);
      context.fillStyle = colour;
      context.fillRect(x, top, width, height);
      context.globalAlpha = 1;
    }
    const failures = failuresPerSecond[i]!;
    if (failures > 0) {
      const red = Math.min(height, Math.max(2, (height * failures) / Math.max(failures, picks)));
      context.fillStyle = palette.red;
      context.fillRect(x, top + height - red, width, red);
    }
  }
  for (const { from, to, value } of stretches(state)) {
    if (value === ready || value === unknown) continue;
    hatch(strip, { x: xs[from]!, end: xs[to]!, top }, failing.includes(value) ? palette.red : palette.muted);
  }
}

/** Where the same value stands: from (inclusive) to (exclusive). */
function stretches(values: Uint8Array): { from: number; to: number; value: number }[] {
  const found: { from: number; to: number; value: number }[] = [];
  for (let i = 0; i < values.length; i += 1) {
    const last = found.at(-1);
    if (last && last.value === values[i]) last.to = i + 1;
    else found.push({ from: i, to: i + 1, value: values[i]! });
  }
  return found;
}

function hatch(
  { context, height }: Strip,
  { x, end, top }: { x: number; end: number; top: number },
  colour: string,
): void {
  context.save();
  context.beginPath();
  context.rect(x, top, end - x, height);
  context.clip();
  context.beginPath();
  const first = Math.floor((x - height) / hatchPitch) * hatchPitch;
  for (let at = first; at < end; at += hatchPitch) {
    context.moveTo(at, top + height);
    context.lineTo(at + height, top);
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.4;
  context.stroke();
  context.restore();
}
