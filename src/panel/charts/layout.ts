import type { ChannelView, ChartView, TimeSpan } from '../../messages/panel';
import type { Measure } from '../store';
import type { TimeScale } from './axis';
import type { Lines, Names } from './lines';
import type { PickMarks } from './pickMarks';

/** Where everything of the charts stands, in CSS pixels: computed, so that nothing has to be read back from the page. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Ends of the time axis. */
  readonly left: number;
  readonly right: number;
  readonly heat: HeatBox | undefined;
  readonly lane: Box;
  readonly plots: readonly PlotBox[];
  readonly axis: Box;
}

export interface Box {
  readonly top: number;
  readonly bottom: number;
}

export interface PlotBox extends Box {
  readonly measure: Measure;
}

export interface HeatBox extends Box {
  /** From the top of one row to that of the next. */
  readonly pitch: number;
  readonly rowHeight: number;
  /** Endpoints, in the table's order. */
  readonly rows: readonly number[];
  /** How many endpoints there is no room for. */
  readonly leftOut: number;
}

/** All that is drawn, and where. */
export interface Scene {
  readonly channel: ChannelView;
  readonly chart: ChartView;
  /** The time axis: as the chart has it, or already as the reader wants it. */
  readonly span: TimeSpan;
  readonly lines: Lines;
  readonly names: Names;
  readonly layout: Layout;
  /** In place of lines of loads where the window is short. */
  readonly marks: PickMarks | undefined;
}

export function timeScale({ span, layout: { left, right } }: Scene): TimeScale {
  return { span, left, right };
}

export function marksIn(measure: Measure, { marks }: Scene): PickMarks | undefined {
  return measure === 'load' ? marks : undefined;
}

/** Left of the plots, for the numbers of their axes. */
export const axisGutter = 34;
export const titleHeight = 16;
const laneHeight = 20;
const axisHeight = 18;
/** From this width on there is room for taller plots. */
const roomy = 500;

/** A row a table row while they are few; then as thin as it takes, and never more rows than can be seen. */
const heatSizes = {
  wide: { title: 24, pitch: 32, height: 256, least: 4 },
  narrow: { title: 16, pitch: 14, height: 140, least: 4 },
} as const;

export const mostHeatRows = Math.max(
  ...Object.values(heatSizes).map(({ height, least }) => Math.floor(height / least)),
);

export interface Wanted {
  readonly width: number;
  /** Right of the plots, for the names of the lines. */
  readonly endGutter: number;
  readonly measures: readonly Measure[];
  /** undefined: no heat strip. */
  readonly heat: keyof typeof heatSizes | undefined;
  /** In the table's order. */
  readonly endpoints: readonly number[];
}

export function layoutOf({ width, endGutter, measures, heat, endpoints }: Wanted): Layout {
  const heatBox = heat && endpoints.length > 0 ? heatBoxOf(heat, endpoints) : undefined;
  const lane = below(heatBox?.bottom ?? 0, laneHeight);
  const plotHeight = width >= roomy ? 72 : 56;
  const plots: PlotBox[] = [];
  let { bottom } = lane;
  for (const measure of measures) {
    const box = below(bottom + titleHeight, plotHeight);
    plots.push({ measure, ...box });
    ({ bottom } = box);
  }
  const axis = below(bottom, axisHeight);
  const right = Math.max(axisGutter + 1, width - endGutter);
  return { width, height: axis.bottom, left: axisGutter, right, heat: heatBox, lane, plots, axis };
}

function heatBoxOf(kind: keyof typeof heatSizes, endpoints: readonly number[]): HeatBox {
  const { title, pitch: most, height, least } = heatSizes[kind];
  const rows = endpoints.slice(0, Math.floor(height / least));
  const pitch = Math.min(most, Math.max(least, Math.floor(height / Math.max(1, rows.length))));
  const rowHeight = pitch - (pitch > 12 ? 4 : pitch > 6 ? 2 : 1);
  return { ...below(title, pitch * rows.length), pitch, rowHeight, rows, leftOut: endpoints.length - rows.length };
}

function below(top: number, height: number): Box {
  return { top, bottom: top + height };
}
