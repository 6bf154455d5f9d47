import type { TimeSpan } from '../../messages/panel';
import { element, setAttribute, show } from '../dom';
import { timeOfDay } from '../format';
import { t } from '../l10n';
import type { Store } from '../store';
import type { Theme } from '../theme';
import { timeAt, timeTicks, xOf, type TimeScale } from './axis';
import { Sheet, text } from './canvas';
import { runKey, windowKeys } from './timeKeys';
import { axisGutter, type Scene } from './layout';

const labelHeight = 14;
/** px around an edge of the frame within which it is taken hold of. */
const grip = 5;
/** The frame never becomes so narrow that it cannot be seen. */
const narrowestFrame = 6;
const leastFailureHeight = 1;
/** Of the window, by an arrow key. */
const keyStep = 0.1;

type Hold = 'frame' | 'from' | 'to';

interface Drag {
  readonly hold: Hold;
  /** Between the pointer and the window's begin. */
  readonly offsetMs: number;
  readonly scale: TimeScale;
}

/** All that is remembered, in one strip, with the frame of the window that the charts show. */
export class Overview {
  readonly element = element('div', {
    class: 'overview',
    role: 'slider',
    tabindex: '0',
    'aria-label': t('Shown window'),
    'aria-orientation': 'horizontal',
    'aria-valuemin': '0',
  });
  private readonly sheet = new Sheet(element('canvas', { 'aria-hidden': 'true' }));
  private scene: Scene | undefined;
  private drag: Drag | undefined;

  constructor(
    private readonly store: Store,
    private readonly theme: Theme,
  ) {
    this.element.append(this.sheet.canvas);
    const { element: own } = this;
    own.addEventListener('pointerdown', (event) => this.down(event));
    own.addEventListener('pointermove', (event) => this.move(event));
    for (const type of ['pointerup', 'pointercancel'] as const) own.addEventListener(type, () => this.up());
    own.addEventListener('keydown', (event) => this.key(event));
  }

  draw(scene: Scene, ratio = window.devicePixelRatio): void {
    this.scene = scene;
    const height = (scene.layout.width >= 500 ? 20 : 14) + labelHeight;
    show(this.element, true);
    const context = this.sheet.wipe({ width: scene.layout.width, height }, this.theme.palette.fontFamily, ratio);
    this.drawInto(context, scene, height);
    this.describe(scene);
  }

  private get whole(): TimeSpan {
    const { span } = this.scene!;
    const { reach = span } = this.store.frame ?? {};
    return { fromMs: Math.min(reach.fromMs, span.fromMs), toMs: Math.max(reach.toMs, span.toMs) };
  }

  private get scale(): TimeScale {
    const { left, right } = this.scene!.layout;
    return { span: this.whole, left, right };
  }

  private drawInto(context: CanvasRenderingContext2D, scene: Scene, height: number): void {
    const { palette } = this.theme;
    const { scale } = this;
    const bottom = height - labelHeight;
    this.drawPicks(context, scene, bottom);
    for (const { timeMs, label } of timeTicks(scale, 72)) {
      const half = context.measureText(label).width / 2;
      const x = Math.min(Math.max(xOf(scale, timeMs), scale.left + half), scale.right - half);
      text(context, label, x, bottom + 8, palette.muted, 'center');
    }
    text(context, reachOf(scale.span), axisGutter - 6, bottom / 2 + 1, palette.muted, 'right');
    const [from, to] = frameOf(scale, scene.span);
    context.fillStyle = palette.brush;
    context.fillRect(from, 0, to - from, bottom);
    context.strokeStyle = palette.frame;
    context.lineWidth = 2;
    context.strokeRect(from + 1, 1, to - from - 2, bottom - 2);
  }

  /** Picks of all endpoints, and from the foot on in red how many calls failed. */
  private drawPicks(context: CanvasRenderingContext2D, { chart }: Scene, bottom: number): void {
    const { palette } = this.theme;
    const { scale } = this;
    const { times, bucketMs, picksPerSecond, failuresPerSecond } = chart.overview;
    const most = picksPerSecond.reduce((high, picks) => (picks > high ? picks : high), 1);
    for (let i = 0; i < times.length; i += 1) {
      const x = Math.round(xOf(scale, times[i]!));
      const width = Math.max(1, Math.round(xOf(scale, times[i]! + bucketMs)) - x);
      const height = (picksPerSecond[i]! / most) * (bottom - 2);
      if (height > 0) {
        context.fillStyle = palette.overview;
        context.fillRect(x, bottom - height, width, height);
      }
      if (failuresPerSecond[i]! > 0) {
        const failed = Math.max(leastFailureHeight, (failuresPerSecond[i]! / most) * (bottom - 2));
        context.fillStyle = palette.red;
        context.fillRect(x, bottom - failed, width, failed);
      }
    }
  }

  private describe({ span }: Scene): void {
    const { whole, store } = this;
    const seconds = (ms: number) => String(Math.round((ms - whole.fromMs) / 1000));
    setAttribute(this.element, 'aria-valuemax', seconds(whole.toMs));
    setAttribute(this.element, 'aria-valuenow', seconds(span.toMs));
    const words = t('{0} to {1}', timeOfDay(span.fromMs), timeOfDay(span.toMs));
    setAttribute(this.element, 'aria-valuetext', store.paused ? words : `${words}, ${t('Live')}`);
  }

  private holdAt(x: number): Hold {
    const [from, to] = frameOf(this.scale, this.scene!.span);
    // A frame that is hardly wider than its edges is moved rather than stretched.
    const edge = Math.min(grip, (to - from) / 4);
    if (Math.abs(x - from) <= edge) return 'from';
    return Math.abs(x - to) <= edge ? 'to' : 'frame';
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0 || !this.scene) return;
    const { scale } = this;
    const { span } = this.scene;
    const atMs = timeAt(scale, event.offsetX);
    const hold = this.holdAt(event.offsetX);
    const outside = hold === 'frame' && (atMs < span.fromMs || atMs > span.toMs);
    const offsetMs = outside ? (span.toMs - span.fromMs) / 2 : atMs - span.fromMs;
    // The scale stays while something is dragged, though time goes on.
    this.drag = { hold, offsetMs, scale };
    this.element.setPointerCapture(event.pointerId);
    if (outside) this.move(event);
  }

  private move(event: PointerEvent): void {
    if (!this.scene) return;
    const { drag } = this;
    if (!drag) {
      this.element.dataset.hold = this.holdAt(event.offsetX);
      return;
    }
    const { fromMs, toMs } = this.scene.span;
    const atMs = timeAt(drag.scale, event.offsetX);
    const begin = atMs - drag.offsetMs;
    if (drag.hold === 'frame') this.store.showSpan({ fromMs: begin, toMs: begin + toMs - fromMs });
    else if (drag.hold === 'from') this.moveBegin(atMs);
    else this.store.showSpan({ fromMs, toMs: Math.max(atMs, fromMs + 1000) });
  }

  /** A live window stays live, as its end stays where it is. */
  private moveBegin(atMs: number): void {
    const { fromMs, toMs } = this.scene!.span;
    const begin = Math.min(atMs, toMs - 1000);
    if (this.store.paused) this.store.showSpan({ fromMs: begin, toMs });
    else this.store.zoom((toMs - begin) / (toMs - fromMs));
  }

  /** Dropped at the end of all there is, the window goes on from there. */
  private up(): void {
    const { drag, store } = this;
    this.drag = undefined;
    if (!drag || drag.hold === 'from' || !store.paused) return;
    const end = store.frame?.reach?.toMs ?? Infinity;
    if (store.query.untilMs! >= Math.min(end, drag.scale.span.toMs)) store.resume();
  }

  private key(event: KeyboardEvent): void {
    const { store, scene } = this;
    if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = (scene.span.toMs - scene.span.fromMs) * (event.shiftKey ? 1 : keyStep);
    const earlier = () => store.scrub(-step);
    const later = () => store.scrub(step);
    const arrows = { ArrowLeft: earlier, ArrowDown: earlier, ArrowRight: later, ArrowUp: later };
    runKey(event, { ...windowKeys(store, scene.span), ...arrows });
  }
}

function frameOf(scale: TimeScale, span: TimeSpan): [from: number, to: number] {
  const [from, to] = [xOf(scale, span.fromMs), xOf(scale, span.toMs)];
  const lacking = Math.max(0, narrowestFrame - (to - from)) / 2;
  return [Math.max(scale.left, Math.round(from - lacking)), Math.min(scale.right, Math.round(to + lacking))];
}

/** 15 m, 40 s: there is room for no more. */
function reachOf({ fromMs, toMs }: TimeSpan): string {
  const seconds = Math.round((toMs - fromMs) / 1000);
  if (seconds < 100) return t('{0} s', seconds);
  return seconds < 6000 ? t('{0} m', Math.round(seconds / 60)) : t('{0} h', Math.round(seconds / 3600));
}
