import type { PickRow, ScoreOrder } from '../../messages/panel';
import type { Looks } from '../looks';
import { isCompared, strongest } from '../picks/candidates';
import { seriesColour, type Palette } from '../theme';
import { logAxis, type Axis } from './axis';
import { glyph, vertical } from './canvas';

/** Single picks as two marks on a stroke: the loads that were compared, the chosen one solid. */
export class PickMarks {
  /** Of logarithms of loads. */
  readonly axis: Axis;
  /** Those that compared anything. */
  readonly compared: readonly PickRow[];

  constructor(
    picks: readonly PickRow[],
    private readonly order: ScoreOrder,
  ) {
    this.compared = picks.filter(isCompared);
    const scores = this.compared.flatMap((pick) => this.pairOf(pick).map(({ score }) => logarithm(score!)));
    this.axis = scores.length === 0 ? logAxis(3, 4) : logAxis(Math.min(...scores), Math.max(...scores));
  }

  /** @param yOf of a logarithm. */
  draw(
    context: CanvasRenderingContext2D,
    palette: Palette,
    looks: Looks,
    xOf: (timeMs: number) => number,
    yOf: (logarithm: number) => number,
  ): void {
    for (const pick of this.compared) {
      const x = xOf(pick.timeMs);
      const marks = this.pairOf(pick).map((candidate) => ({ candidate, y: yOf(logarithm(candidate.score!)) }));
      const ys = marks.map(({ y }) => y);
      vertical(context, x, Math.min(...ys), Math.max(...ys), { colour: palette.grid });
      for (const { candidate, y } of marks) {
        const { colour, mark } = looks.of(candidate.endpoint);
        const outline = candidate.endpoint === pick.endpoint ? undefined : 1.4;
        glyph(context, { path: mark, colour: seriesColour(palette, colour), outline }, x, y, 0.9);
      }
    }
  }

  /** The pick nearest to a moment. */
  nearest(timeMs: number): PickRow | undefined {
    const distance = (pick: PickRow) => Math.abs(pick.timeMs - timeMs);
    return this.compared.reduce<PickRow | undefined>(
      (best, pick) => (best && distance(best) <= distance(pick) ? best : pick),
      undefined,
    );
  }

  /** More than two marks a pick would be a cloud. */
  private pairOf(pick: PickRow) {
    return strongest(pick, this.order, 2);
  }
}

function logarithm(score: number): number {
  return Math.log10(Math.max(1, score));
}
