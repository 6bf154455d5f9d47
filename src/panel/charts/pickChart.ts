import type { Candidate, PickRow } from '../../messages/panel';
import { antilog, logAxis, type Axis } from './axis';
import { isCompared, strongest } from '../picks/candidates';
import { glyph, text, vertical, wipe } from './canvas';
import { element, setAttribute, show } from '../dom';
import { clock, short } from '../format';
import { t } from '../l10n';
import type { Looks } from '../looks';
import type { Store } from '../store';
import type { Theme } from '../theme';

/** So many picks are around the selected one. */
const around = 60;
const plot = { left: 34, right: 30, top: 26, bottom: 18 };

/** The loads of the picks around the selected one: both candidates as marks on a stroke, the chosen one solid. */
export class PickChart {
  readonly element: HTMLElement;
  private readonly canvas = element('canvas');
  private readonly context = this.canvas.getContext('2d')!;
  /** Keys of the newest and oldest pick shown; stays while the selected one is between them. */
  private shown: readonly [newest: number, oldest: number] | undefined;
  private drawn: readonly PickRow[] = [];

  constructor(
    private readonly store: Store,
    private readonly looks: Looks,
    private readonly theme: Theme,
  ) {
    this.canvas.setAttribute('role', 'img');
    const heading = element('h3', '', t('Load, each pick'), ' ', element('span', 'muted', t('log')));
    this.element = element('section', 'pick-chart', heading, this.canvas);
    this.canvas.addEventListener('click', (event) => this.choose(event.offsetX));
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  render(): void {
    const { store } = this;
    const inspected = store.inspecting ? store.channel?.inspection?.pick : undefined;
    this.drawn = inspected ? this.picksAround(inspected) : [];
    const compared = this.drawn.filter(isCompared);
    show(this.element, inspected !== undefined && compared.length > 1);
    if (!inspected || compared.length < 2) return;
    wipe(this.canvas, this.context, this.theme.palette.fontFamily);
    this.draw(compared, inspected);
    setAttribute(this.canvas, 'aria-label', t('Loads of {0} picks around the selected one', compared.length));
  }

  /** More than two marks a pick would be a cloud. */
  private pairOf(pick: PickRow): readonly Candidate[] {
    return strongest(pick, this.store.channel?.scoreOrder ?? 'lower', 2);
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

  private get width(): number {
    return this.canvas.clientWidth - plot.left - plot.right;
  }

  private xOf(timeMs: number): number {
    const newest = this.drawn[0]!.timeMs;
    const oldest = this.drawn.at(-1)!.timeMs;
    return plot.left + 4 + ((timeMs - oldest) / Math.max(1e-3, newest - oldest)) * (this.width - 8);
  }

  private draw(picks: readonly PickRow[], inspected: PickRow): void {
    const scores = picks.flatMap((pick) => this.pairOf(pick).map(({ score }) => Math.log10(Math.max(1, score ?? 1))));
    const axis = logAxis(Math.min(...scores), Math.max(...scores));
    const bottom = this.canvas.clientHeight - plot.bottom;
    const yOf = (logarithm: number) => bottom - ((logarithm - axis.min) / (axis.max - axis.min)) * (bottom - plot.top);
    this.drawAxes(axis, yOf, bottom);
    this.drawGenerations(picks, bottom);
    const x = this.xOf(inspected.timeMs);
    this.context.fillStyle = this.theme.palette.selection;
    this.context.fillRect(x - 7, plot.top - 4, 14, bottom - plot.top + 8);
    for (const pick of picks) this.drawPair(pick, (score) => yOf(Math.log10(Math.max(1, score))));
  }

  private drawAxes(axis: Axis, yOf: (logarithm: number) => number, bottom: number): void {
    const { context } = this;
    const { palette } = this.theme;
    context.fillStyle = palette.grid;
    for (const tick of axis.ticks) {
      const y = Math.round(yOf(tick));
      context.fillRect(plot.left, y, this.width, 1);
      text(context, short(antilog(tick)), plot.left - 6, y, palette.muted, 'right');
      context.fillStyle = palette.grid;
    }
    const [newest, oldest] = [this.drawn[0]!.timeMs, this.drawn.at(-1)!.timeMs];
    const step = timeStep(newest - oldest);
    for (let time = Math.ceil(oldest / step) * step; time <= newest; time += step) {
      const x = Math.round(this.xOf(time)) + 0.5;
      vertical(context, x, plot.top, bottom, { colour: palette.grid });
      const { seconds, milliseconds } = clock(time);
      text(
        context,
        `${Number(seconds)}.${milliseconds.slice(0, step < 100 ? 2 : 1)}`,
        x,
        bottom + 11,
        palette.muted,
        'center',
      );
    }
  }

  private drawGenerations(picks: readonly PickRow[], bottom: number): void {
    const { palette } = this.theme;
    for (const [index, pick] of picks.entries()) {
      const newer = picks[index - 1];
      if (!newer || newer.generation === pick.generation) continue;
      const x = Math.round((this.xOf(newer.timeMs) + this.xOf(pick.timeMs)) / 2) + 0.5;
      vertical(this.context, x, 10, bottom, { colour: palette.muted, dash: [3, 3] });
      glyph(this.context, { path: 'M5 .5l4.5 4.5l-4.5 4.5l-4.5-4.5z', colour: palette.foreground }, x, 7);
      const words = t('generation {0}', newer.generation);
      const room = this.canvas.clientWidth - this.context.measureText(words).width;
      text(this.context, words, Math.min(x + 9, room), 7, palette.foreground);
    }
  }

  private drawPair(pick: PickRow, yOf: (score: number) => number): void {
    const { palette } = this.theme;
    const x = this.xOf(pick.timeMs);
    const known = this.pairOf(pick);
    const ys = known.map(({ score }) => yOf(score!));
    vertical(this.context, x, Math.min(...ys), Math.max(...ys), { colour: palette.grid });
    for (const candidate of known) {
      const { colour, mark } = this.looks.of(candidate.endpoint);
      const shown = colour === null ? palette.other : palette.series[colour]!;
      const outline = candidate.endpoint === pick.endpoint ? undefined : 1.4;
      glyph(this.context, { path: mark, colour: shown, outline }, x, yOf(candidate.score!), 0.9);
    }
  }

  /** The pick nearest to a click. */
  private choose(x: number): void {
    const distance = (pick: PickRow) => Math.abs(this.xOf(pick.timeMs) - x);
    const nearest = this.drawn.reduce((best, pick) => (distance(pick) < distance(best) ? pick : best), this.drawn[0]!);
    this.store.inspect(nearest.key);
  }
}

/** A round step that gives three to five numbers. */
function timeStep(rangeMs: number): number {
  return [10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000].find((step) => rangeMs / step <= 5) ?? 60_000;
}
