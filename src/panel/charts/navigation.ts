import type { Marker, TimeSpan } from '../../messages/panel';
import { setStyle } from '../dom';
import type { Store } from '../store';
import { timeAt, xOf } from './axis';
import type { Targets } from './ground';
import { timeScale, type Scene } from './layout';
import type { PlacedMarker } from './markers';
import { runKey, windowKeys } from './timeKeys';

/** What the charts show, and what can be pointed at in it. */
export interface Shown {
  readonly scene: Scene;
  readonly targets: Targets;
}

/** px */
const dragBegins = 3;
const edgeGrip = 4;
const markerGrip = 8;
const nameGrip = 6;
/** A notch of a wheel (100 px) changes the window by about a quarter. */
const zoomPerPixel = 0.0022;
const pixelsPerLine = 16;
/** ms after the page scrolled in which the wheel goes on scrolling it, though the charts came under the pointer. */
const scrollGoesOn = 250;
const bucketsByShift = 10;
/** ms between two clicks that are one. */
const doubleClick = 400;

type Drag =
  | { readonly kind: 'brush'; readonly x: number; readonly anchorMs: number }
  /** The window under the pointer, by its begin when the drag began. */
  | { readonly kind: 'scrub'; readonly x: number; readonly span: TimeSpan };

/** Pointer, wheel and keys on the charts: they move the window, brush a part of it, or point at a moment. */
export class Navigation {
  /** What is brushed while the pointer is down. */
  draft: TimeSpan | undefined;
  /** The marker that the reader looks at. */
  marker: Marker | undefined;
  private drag: Drag | undefined;
  private scrolledAt = -Infinity;
  private lastName: { readonly endpoint: number; readonly at: number } | undefined;
  private readonly touches = new Map<number, number>();

  /**
   * @param surface lies over all charts.
   * @param redraw after the draft or the marker changed.
   * @param announce what a key led to, for those who listen.
   */
  constructor(
    private readonly surface: HTMLElement,
    private readonly store: Store,
    private readonly shown: () => Shown | undefined,
    private readonly redraw: () => void,
    private readonly announce: (what: Marker | number) => void,
  ) {
    surface.addEventListener('pointerdown', (event) => this.down(event));
    surface.addEventListener('pointermove', (event) => this.move(event));
    surface.addEventListener('pointerup', (event) => this.up(event));
    surface.addEventListener('pointercancel', (event) => this.cancel(event));
    surface.addEventListener('pointerleave', () => this.leave());
    // Not passive: where the wheel zooms, the page must not scroll.
    surface.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    document.addEventListener('scroll', (event) => this.scrolled(event), { capture: true, passive: true });
  }

  // ── Pointer ────────────────────────────────────────────────────────────────────────────────────────────────────

  private down(event: PointerEvent): void {
    const { scene } = this.shown() ?? {};
    if (!scene || event.button !== 0) return;
    const { offsetX: x } = event;
    if (event.pointerType === 'touch') this.touches.set(event.pointerId, x);
    if (this.touches.size > 1 || x < scene.layout.left - edgeGrip || x > scene.layout.right + edgeGrip) {
      this.drag = undefined;
      return;
    }
    this.surface.setPointerCapture(event.pointerId);
    this.drag = event.shiftKey ? { kind: 'scrub', x, span: scene.span } : this.brushFrom(scene, x);
  }

  /** From the pointer, or where it takes hold of an edge of the brush, from the other edge. */
  private brushFrom(scene: Scene, x: number): Drag {
    const edge = this.edgeAt(scene, x);
    const { selection } = this.store.query;
    const begin = timeAt(timeScale(scene), x);
    if (!edge || !selection) return { kind: 'brush', x, anchorMs: begin };
    return { kind: 'brush', x, anchorMs: edge === 'from' ? selection.toMs : selection.fromMs };
  }

  private edgeAt(scene: Scene, x: number): 'from' | 'to' | undefined {
    const { selection } = this.store.query;
    if (!selection) return undefined;
    const scale = timeScale(scene);
    if (Math.abs(x - xOf(scale, selection.toMs)) <= edgeGrip) return 'to';
    return Math.abs(x - xOf(scale, selection.fromMs)) <= edgeGrip ? 'from' : undefined;
  }

  private move(event: PointerEvent): void {
    const shown = this.shown();
    if (!shown) return;
    if (this.touches.size > 1) this.pinch(shown.scene, event);
    else if (this.drag) this.dragTo(shown.scene, this.drag, event.offsetX);
    else this.hover(shown, event);
  }

  private dragTo(scene: Scene, drag: Drag, x: number): void {
    if (Math.abs(x - drag.x) < dragBegins && !this.draft) return;
    const scale = timeScale(scene);
    if (drag.kind === 'scrub') {
      const byMs = timeAt(scale, drag.x) - timeAt(scale, x);
      this.store.showSpan({ fromMs: drag.span.fromMs + byMs, toMs: drag.span.toMs + byMs });
      return;
    }
    const atMs = timeAt(scale, Math.min(Math.max(x, scale.left), scale.right));
    this.draft = { fromMs: Math.min(atMs, drag.anchorMs), toMs: Math.max(atMs, drag.anchorMs) };
    this.redraw();
  }

  private hover({ scene, targets }: Shown, { offsetX: x, offsetY: y }: PointerEvent): void {
    const { left, right, lane, heat } = scene.layout;
    const within = x >= left && x <= right;
    const marker = y >= lane.top && y < lane.bottom ? markerAt(targets.markers, x) : undefined;
    const inHeat = heat && y >= heat.top && y < heat.bottom;
    const row = inHeat ? (heat.rows[Math.floor((y - heat.top) / heat.pitch)] ?? null) : null;
    const named = x > right ? nameAt(targets, y) : undefined;
    this.store.setHover({ timeMs: within ? bucketAt(scene, x) : null, endpoint: named ?? row });
    this.surface.dataset.target = named !== undefined ? 'name' : within && this.edgeAt(scene, x) ? 'edge' : '';
    this.setMarker(marker);
  }

  private up(event: PointerEvent): void {
    const { drag, draft } = this;
    const single = this.touches.size <= 1;
    this.cancel(event);
    if (!single) return;
    if (drag?.kind === 'brush' && draft) this.store.select(draft);
    else if (!drag || Math.abs(event.offsetX - drag.x) < dragBegins) this.click(event);
  }

  /** Draws the brush as it was. */
  private cancel(event: PointerEvent): void {
    this.touches.delete(event.pointerId);
    this.drag = undefined;
    this.draft = undefined;
    this.redraw();
  }

  private leave(): void {
    if (this.drag) return;
    this.setMarker(undefined);
    this.store.setHover({ timeMs: null, endpoint: null });
  }

  private click(event: PointerEvent): void {
    const { scene, targets } = this.shown() ?? {};
    if (!scene || !targets) return;
    const { offsetX: x, offsetY: y } = event;
    const { lane, left, right } = scene.layout;
    const marker = y >= lane.top && y < lane.bottom ? markerAt(targets.markers, x) : undefined;
    if (marker) this.goTo(marker);
    else if (x > right) this.toggleName(event);
    else if (x >= left) this.clickMoment(scene, x);
  }

  /** Inspects the pick nearest to it; where single picks are not shown, it drops the brush that it is outside of. */
  private clickMoment(scene: Scene, x: number): void {
    const atMs = timeAt(timeScale(scene), x);
    const pick = scene.marks?.nearest(atMs);
    const { selection } = this.store.query;
    if (pick) this.store.inspect(pick.key);
    else if (selection && (atMs < selection.fromMs || atMs > selection.toMs)) this.store.select(undefined);
  }

  /** The line whose name is there, on or off; with Alt or by two clicks, it alone. */
  private toggleName({ offsetY: y, timeStamp, altKey }: PointerEvent): void {
    const { scene, targets } = this.shown() ?? {};
    if (!scene || !targets) return;
    const { lastName } = this;
    // The name went with its line at the first of two clicks.
    const again = lastName !== undefined && timeStamp - lastName.at < doubleClick;
    const endpoint = again ? lastName.endpoint : nameAt(targets, y);
    this.lastName = again || endpoint === undefined ? undefined : { endpoint, at: timeStamp };
    const slots = new Map(scene.channel.endpoints.map(({ id, slot }) => [id, slot]));
    const slot = endpoint === undefined ? undefined : slots.get(endpoint);
    if (slot === undefined) return;
    if (again || altKey) this.store.showOnly(slot, [...slots.values()]);
    else this.store.toggleLine(slot);
  }

  /** Two fingers stretch the window between them. */
  private pinch(scene: Scene, { pointerId, offsetX }: PointerEvent): void {
    const before = this.touches.get(pointerId);
    const other = [...this.touches].find(([id]) => id !== pointerId)?.[1];
    if (before === undefined || other === undefined) return;
    this.touches.set(pointerId, offsetX);
    const [was, is] = [Math.abs(before - other), Math.abs(offsetX - other)];
    if (was > 10 && is > 10) this.store.zoom(was / is, timeAt(timeScale(scene), (offsetX + other) / 2));
  }

  // ── Wheel ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The charts themselves were moved. */
  private scrolled({ target, timeStamp }: Event): void {
    if (target instanceof Node && target.contains(this.surface)) this.scrolledAt = timeStamp;
  }

  /** Zooms around the pointer; sideways, or with shift, it scrubs. What the charts cannot use scrolls the page. */
  private wheel(event: WheelEvent): void {
    const { scene } = this.shown() ?? {};
    if (!scene || event.timeStamp - this.scrolledAt < scrollGoesOn) return;
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? pixelsPerLine : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    const sideways = event.shiftKey ? dx || dy : Math.abs(dx) > Math.abs(dy) ? dx : 0;
    const used = sideways === 0 ? this.zoomBy(scene, dy, event.offsetX) : this.scrubBy(scene, sideways);
    if (used) event.preventDefault();
  }

  private zoomBy(scene: Scene, pixels: number, x: number): boolean {
    const { store } = this;
    const before = store.query;
    store.zoom(Math.exp(pixels * zoomPerPixel), timeAt(timeScale(scene), x));
    return store.query.windowSeconds !== before.windowSeconds;
  }

  private scrubBy({ span, layout: { left, right } }: Scene, pixels: number): boolean {
    const { store } = this;
    // Live is the end already.
    if (!store.paused && pixels > 0) return false;
    const before = store.query.untilMs;
    store.scrub((pixels / (right - left)) * (span.toMs - span.fromMs));
    return store.query.untilMs !== before;
  }

  // ── Keys ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** On the charts as a group. */
  key(event: KeyboardEvent): void {
    const { scene } = this.shown() ?? {};
    if (!scene) return;
    const buckets = event.shiftKey ? bucketsByShift : 1;
    const used = runKey(event, {
      ...windowKeys(this.store, scene.span),
      ArrowLeft: () => this.step(scene, -buckets),
      ArrowRight: () => this.step(scene, buckets),
      '[': () => this.jump(scene, -1),
      ']': () => this.jump(scene, 1),
      ...(this.clearable && { Escape: () => this.clear() }),
    });
    // Otherwise Escape would close the inspector as well.
    if (used) event.stopPropagation();
  }

  private get clearable(): boolean {
    const { hover, query } = this.store;
    return hover.timeMs !== null || query.selection !== undefined || this.marker !== undefined || !!this.draft;
  }

  private clear(): void {
    const pointing = this.store.hover.timeMs !== null || this.marker !== undefined;
    this.drag = undefined;
    this.draft = undefined;
    this.setMarker(undefined);
    this.store.setHover({ timeMs: null });
    if (!pointing) this.store.select(undefined);
    this.redraw();
  }

  /** The crosshair, so many buckets on; it begins at the newest one. */
  private step({ chart: { series } }: Scene, by: number): void {
    const { times } = series;
    if (times.length === 0) return;
    const { timeMs } = this.store.hover;
    const at = timeMs === null ? times.length - (by > 0 ? 1 : 0) : times.findLastIndex((time) => time <= timeMs);
    const next = times[Math.min(Math.max(at + by, 0), times.length - 1)]!;
    this.setMarker(undefined);
    this.store.setHover({ timeMs: next });
    this.announce(next);
  }

  /** The next marker after the one that is looked at, or after the crosshair; without either from the window's end. */
  private jump({ chart, span }: Scene, direction: 1 | -1): void {
    const fromMs = this.marker?.timeMs ?? this.store.hover.timeMs ?? (direction > 0 ? span.fromMs : span.toMs);
    const { markers } = chart;
    const next =
      direction > 0 ? markers.find(({ timeMs }) => timeMs > fromMs) : markers.findLast(({ timeMs }) => timeMs < fromMs);
    if (next) this.goTo(next);
  }

  private goTo(marker: Marker): void {
    const { scene } = this.shown() ?? {};
    if (!scene) return;
    const { span, chart } = scene;
    const { timeMs } = marker;
    if (timeMs < span.fromMs || timeMs > span.toMs) this.store.goTo(timeMs);
    const { bucketMs } = chart.series;
    this.setMarker(marker);
    this.store.setHover({ timeMs: Math.floor(timeMs / bucketMs) * bucketMs });
    this.announce(marker);
  }

  private setMarker(marker: Marker | undefined): void {
    if (marker === this.marker) return;
    this.marker = marker;
    setStyle(this.surface, 'cursor', marker ? 'pointer' : '');
    this.redraw();
  }
}

/** Begin of the bucket there; null: there is none. */
function bucketAt(scene: Scene, x: number): number | null {
  const { times, bucketMs } = scene.chart.series;
  const timeMs = timeAt(timeScale(scene), x);
  const begin = times.findLast((time) => time <= timeMs);
  return begin !== undefined && timeMs < begin + bucketMs ? begin : null;
}

function markerAt(markers: readonly PlacedMarker[], x: number): Marker | undefined {
  return markers.find((placed) => Math.abs(placed.x - x) <= markerGrip)?.marker;
}

function nameAt({ ends }: Targets, y: number): number | undefined {
  return ends.find((end) => Math.abs(end.y - y) <= nameGrip)?.endpoint;
}
