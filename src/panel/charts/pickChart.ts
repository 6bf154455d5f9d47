import type { PickRow } from '../../messages/panel';
import { element, setAttribute, show } from '../dom';
import { short } from '../format';
import { t } from '../l10n';
import type { Looks } from '../looks';
import type { Store } from '../store';
import type { Theme } from '../theme';
import { antilog, timeAt, timeTicks, xOf, type TimeScale } from './axis';
import { glyph, Sheet, text, vertical } from './canvas';
import { PickMarks } from './pickMarks';

/** So many picks are around the selected one. */
const around = 60;
const plot = { left: 34, right: 30, top: 26, bottom: 18 };
const height = 124;
const bottom = height - plot.bottom;
const timesApart = 56;

/** What a click can hit. */
interface Drawn {
  readonly picks: readonly PickRow[];
  readonly marks: PickMarks;
  readonly scale: TimeScale;
}

/** The loads of the picks around the selected one: both candidates as marks on a stroke, the chosen one solid. */
export class PickChart {
  readonly element: HTMLElement;
  private readonly sheet = new Sheet(element('canvas', { role: 'img' }));
  /** Keys of the newest and oldest pick shown; stays while the selected one is between them. */
  private shown: readonly [newest: number, oldest: number] | undefined;
  private drawn: Drawn | undefined;
  private width = 0;

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
    private readonly theme: Theme,
  ) {
    const { canvas } = this.sheet;
    const heading = element('h2', '', t('Load, each pick'), ' ', element('span', 'muted', t('log')));
    this.element = element('section', 'pick-chart', heading, canvas);
    canvas.addEventListener('click', ({ offsetX }) => this.choose(offsetX));
    new ResizeObserver(([entry]) => {
      this.width = Math.floor(entry!.contentRect.width);
      this.render();
    }).observe(this.element);
  }

  render(): void {
    const { store } = this;
    const inspected = store.inspecting ? store.channel?.inspection?.pick : undefined;
    const picks = inspected ? this.picksAround(inspected) : [];
    const marks = new PickMarks(picks, store.channel?.scoreOrder ?? 'lower');
    const shown = inspected !== undefined && marks.compared.length > 1;
    show(this.element, shown);
    this.drawn = undefined;
    if (!shown || this.width === 0) return;
    this.drawn = { picks, marks, scale: this.scaleOf(picks) };
    this.draw(this.drawn, inspected);
    const count = marks.compared.length;
    setAttribute(this.sheet.canvas, 'aria-label', t('Loads of {0} picks around the selected one', count));
  }

  private picksAround({ key }: PickRow): readonly PickRow[] {
    const { picks } = this.store;
    const [newest, oldest] = this.shown ?? [-1, -1];
    if (key >= newest || key <= oldest || !picks.some((pick) => pick.key === newest)) {
      const index = picks.findIndex((pick) => pick.key === key);
      const first = Math.max(0, index - around / 2);
      const last = Math.min(picks.length - 1, first + around);
      this.shown = picks.length === 0 ? undefined : [picks[first]!.key + 1, picks[last]!.key - 1];
    }
    const [from, to] = this.shown ?? [0, 0];
    return picks.filter((pick) => pick.key < from && pick.key > to);
  }

  private scaleOf(picks: readonly PickRow[]): TimeScale {
    const [newest, oldest] = [picks[0]!.timeMs, picks.at(-1)!.timeMs];
    const span = { fromMs: oldest, toMs: Math.max(newest, oldest + 1e-3) };
    return { span, left: plot.left + 4, right: this.width - plot.right - 4 };
  }

  private draw({ picks, marks, scale }: Drawn, inspected: PickRow): void {
    const { palette } = this.theme;
    const context = this.sheet.wipe({ width: this.width, height }, palette.fontFamily);
    const { min, max } = marks.axis;
    const yOf = (logarithm: number) => bottom - ((logarithm - min) / (max - min)) * (bottom - plot.top);
    this.drawAxes(marks.axis.ticks, yOf, scale);
    this.drawGenerations(picks, scale);
    context.fillStyle = palette.selection;
    context.fillRect(xOf(scale, inspected.timeMs) - 7, plot.top - 4, 14, bottom - plot.top + 8);
    marks.draw(context, palette, this.looks, (timeMs) => xOf(scale, timeMs), yOf);
  }

  private drawAxes(ticks: readonly number[], yOf: (logarithm: number) => number, scale: TimeScale): void {
    const { context } = this.sheet;
    const { palette } = this.theme;
    for (const tick of ticks) {
      const y = Math.round(yOf(tick));
      context.fillStyle = palette.grid;
      context.fillRect(plot.left, y, this.width - plot.left - plot.right, 1);
      text(context, short(antilog(tick)), plot.left - 6, y, palette.muted, 'right');
    }
    for (const { timeMs, label } of timeTicks(scale, timesApart)) {
      const x = Math.round(xOf(scale, timeMs)) + 0.5;
      vertical(context, x, plot.top, bottom, { colour: palette.grid });
      text(context, label, x, bottom + 11, palette.muted, 'center');
    }
  }

  /** Each with its words where these end before the next one. */
  private drawGenerations(picks: readonly PickRow[], scale: TimeScale): void {
    const { palette } = this.theme;
    const { context } = this.sheet;
    let end = this.width;
    for (const [index, pick] of picks.entries()) {
      const newer = picks[index - 1];
      if (!newer || newer.generation === pick.generation) continue;
      const x = Math.round((xOf(scale, newer.timeMs) + xOf(scale, pick.timeMs)) / 2) + 0.5;
      vertical(context, x, 10, bottom, { colour: palette.muted, dash: [3, 3] });
      glyph(context, { path: 'M5 .5l4.5 4.5l-4.5 4.5l-4.5-4.5z', colour: palette.foreground }, x, 7);
      const words = t('generation {0}', newer.generation);
      if (x + 9 + context.measureText(words).width <= end) text(context, words, x + 9, 7, palette.foreground);
      end = x - 9;
    }
  }

  /** The pick nearest to a click. */
  private choose(x: number): void {
    if (!this.drawn) return;
    const nearest = this.drawn.marks.nearest(timeAt(this.drawn.scale, x));
    if (nearest) this.store.inspect(nearest.key);
  }
}
