import type { Marker } from '../../messages/panel';
import { exactTime } from '../format';
import { t } from '../l10n';
import type { Palette } from '../theme';
import { xOf } from './axis';
import { glyph, text, vertical, type Glyph } from './canvas';
import { timeScale, type Scene } from './layout';
import type { Names } from './lines';

/** A marker whose glyph is drawn, and where. */
export interface PlacedMarker {
  readonly marker: Marker;
  readonly x: number;
}

const markerGlyphs: Readonly<Record<Marker['kind'], Pick<Glyph, 'path' | 'outline'>>> = {
  generation: { path: 'M5 .5l4.5 4.5l-4.5 4.5l-4.5-4.5z' },
  resolver: { path: 'M1 3.2h6.2M5.4 1l2.2 2.2l-2.2 2.2M9 6.8H2.8M4.6 4.6l-2.2 2.2l2.2 2.2', outline: 1.3 },
  notReady: { path: 'M1.5 1.5l7 7M8.5 1.5l-7 7', outline: 2 },
  ready: { path: 'M1 5.5l3 3l5-7', outline: 2 },
  restart: { path: 'M8.2 3a4 4 0 1 0 .8 2.5M8.6 .5v2.8h-2.8', outline: 2 },
  drops: { path: 'M5 1v5M5 8v1.4', outline: 2 },
};

/** A glyph covers so many pixels left and right of it. */
const reach = 9;

export function markersIn({ chart, span }: Scene): Marker[] {
  return chart.markers.filter(({ timeMs }) => timeMs >= span.fromMs && timeMs <= span.toMs);
}

/** Memory left and right of it is not the same. */
function isBoundary({ historyLost, kind }: Marker): boolean {
  return historyLost || kind === 'restart' || kind === 'generation';
}

/** The dashed lines, and the glyphs in the lane with their names where there is room. Returns the glyphs that found room. */
export function drawMarkers(context: CanvasRenderingContext2D, scene: Scene, palette: Palette): PlacedMarker[] {
  const { layout, names } = scene;
  const scale = timeScale(scene);
  const placed = markersIn(scene).map((marker) => ({ marker, x: Math.round(xOf(scale, marker.timeMs)) + 0.5 }));
  drawBoundaries(context, scene, placed, palette);
  const glyphs = withoutCaused(placed);
  const shown: PlacedMarker[] = [];
  let free = -Infinity;
  for (const [index, each] of glyphs.entries()) {
    if (each.x < free) continue;
    const nextX = (glyphs[index + 1]?.x ?? layout.width) - 6;
    free = drawMarker(context, each, nextX, scene, briefName(each.marker, names), palette);
    shown.push(each);
  }
  return shown;
}

/** One line a pixel, however many there are. */
function drawBoundaries(
  context: CanvasRenderingContext2D,
  { layout: { lane, axis } }: Scene,
  placed: readonly PlacedMarker[],
  palette: Palette,
): void {
  const xs = new Set(placed.filter(({ marker }) => isBoundary(marker)).map(({ x }) => x));
  for (const x of xs) vertical(context, x, lane.bottom - 2, axis.top, { colour: palette.muted, dash: [3, 3] });
}

/** A generation has a glyph only where no change of state caused it; its dashed line it always has. */
function withoutCaused(placed: readonly PlacedMarker[]): PlacedMarker[] {
  const isCause = ({ marker }: PlacedMarker) => marker.kind !== 'generation';
  const near = (each: PlacedMarker, other: PlacedMarker | undefined) =>
    other !== undefined && isCause(other) && Math.abs(other.x - each.x) < reach;
  return placed.filter(
    (each, index) => isCause(each) || !(near(each, placed[index - 1]) || near(each, placed[index + 1])),
  );
}

/** Returns where the next one may begin. */
function drawMarker(
  context: CanvasRenderingContext2D,
  { marker, x }: PlacedMarker,
  nextX: number,
  { layout: { lane } }: Scene,
  name: string,
  palette: Palette,
): number {
  const middle = (lane.top + lane.bottom) / 2;
  const colour = marker.kind === 'notReady' ? palette.red : palette.foreground;
  glyph(context, { ...markerGlyphs[marker.kind], colour }, x, middle);
  const end = x + 8 + context.measureText(name).width;
  if (name === '' || end > nextX) return x + reach;
  text(context, name, x + 8, middle + 0.5, colour);
  return end;
}

function briefName({ kind, endpoint }: Marker, { short }: Names): string {
  switch (kind) {
    case 'restart':
      return t('restart');
    case 'drops':
      return t('drops');
    default:
      return endpoint === undefined ? '' : (short.get(endpoint) ?? '');
  }
}

/** What happened, in words, with its time. */
export function markerText(marker: Marker, names: Names): string {
  const parts = [whatHappened(marker, names), marker.kind === 'generation' ? '' : generationText(marker)];
  if (marker.historyLost) parts.push(t('history lost'));
  return `${exactTime(marker.timeMs)} ${parts.filter(Boolean).join(', ')}`;
}

function whatHappened(marker: Marker, { full }: Names): string {
  const name = marker.endpoint === undefined ? '' : (full.get(marker.endpoint) ?? '');
  switch (marker.kind) {
    case 'generation':
      return generationText(marker);
    case 'resolver':
      return t('resolver update');
    case 'notReady':
      return t('{0} is not READY', name);
    case 'ready':
      return t('{0} is READY', name);
    case 'restart':
      return t('the client was started again');
    case 'drops':
      return t('picks are missing here');
  }
}

function generationText({ generation }: Marker): string {
  return generation === undefined ? '' : t('generation {0}', generation);
}
