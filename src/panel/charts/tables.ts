import { states, type EndpointSeries, type Series } from '../../messages/panel';
import { element, foreign, setChildren, show } from '../dom';
import { duration, rate, short, threeDigits } from '../format';
import { t } from '../l10n';
import type { Measure } from '../store';
import { bucketTime } from './axis';
import type { Scene } from './layout';
import { titleOf } from './measures';

const mostRows = 30;
/** ms; rows that change more often than they can be read are of no use. */
const interval = 5000;
const ready = states.indexOf('READY');

/** Values as in the panel's table of endpoints. */
const formats: Readonly<Record<Measure, (value: number) => string>> = {
  picksPerSecond: rate,
  load: short,
  lagMs: threeDigits,
  latencyMs: threeDigits,
  success: (value) => String(Math.round(value)),
  inflight: rate,
};

interface Column {
  readonly name: string;
  /** Of the buckets from (inclusive) to (exclusive). */
  readonly cell: (from: number, to: number) => string;
}

/** The charts as tables: rows of time, a column for each line. */
export class Tables {
  readonly element = element('div', 'chart-tables');
  private drawnAt = -Infinity;
  private drawnOf = '';

  /** @param scene undefined: they are not shown. @param still nothing moves: it is drawn at once. */
  update(scene: Scene | undefined, still: boolean): void {
    show(this.element, scene !== undefined);
    if (!scene) {
      this.drawnOf = '';
      return;
    }
    const { layout, chart, channel, lines } = scene;
    const measures = layout.plots.map(({ measure }) => measure);
    const of = [channel.id, measures, layout.heat !== undefined, chart.series.bucketMs, lines.own.length].join();
    if (!still && of === this.drawnOf && performance.now() < this.drawnAt + interval) return;
    this.drawnAt = performance.now();
    this.drawnOf = of;
    const tables = measures.map((measure) => measureTable(scene, measure));
    if (layout.heat) tables.unshift(stateTable(scene));
    setChildren(this.element, tables);
  }
}

function measureTable(scene: Scene, measure: Measure): HTMLElement {
  const { lines, names, channel } = scene;
  const format = formats[measure];
  const columns: Column[] = lines.own.map(({ endpoint, series }) => ({
    name: names.full.get(endpoint) ?? '',
    cell: (from, to) => formatted(mean(series[measure], from, to), format),
  }));
  if (measure === 'picksPerSecond' && lines.folded.length > 0) {
    const sum = (from: number, to: number) =>
      lines.folded.reduce((total, series) => total + (mean(series.picksPerSecond, from, to) || 0), 0);
    columns.push({
      name: t('{0} others', lines.folded.length),
      cell: (from, to) => formatted(sum(from, to), format),
    });
  }
  return tableOf(titleOf(measure, channel), scene.chart.series, columns);
}

/** What the heat strip adds to the picks. */
function stateTable({ lines, names, chart }: Scene): HTMLElement {
  const columns = lines.own.map(({ endpoint, series }) => ({
    name: names.full.get(endpoint) ?? '',
    cell: (from: number, to: number) => failuresOrState(series, from, to),
  }));
  return tableOf(t('Failures/s, or the state where it is not READY'), chart.series, columns);
}

function failuresOrState({ state, failuresPerSecond }: EndpointSeries, from: number, to: number): string {
  const other = state.subarray(from, to).find((each) => each !== ready);
  return other === undefined ? formatted(mean(failuresPerSecond, from, to), rate) : states[other]!;
}

function tableOf(title: string, { times, bucketMs }: Series, columns: readonly Column[]): HTMLElement {
  const step = Math.max(1, Math.ceil(times.length / mostRows));
  const caption = step === 1 ? title : t('{0}, means of {1}', title, duration(step * bucketMs));
  const head = element(
    'tr',
    '',
    element('th', { scope: 'col' }, t('time')),
    ...columns.map(({ name }) => element('th', { scope: 'col' }, foreign(name))),
  );
  const rows: HTMLElement[] = [];
  for (let from = 0; from < times.length; from += step) {
    const to = Math.min(from + step, times.length);
    const cells = columns.map(({ cell }) => element('td', '', cell(from, to)));
    rows.push(element('tr', '', element('th', { scope: 'row' }, bucketTime(times[from]!, bucketMs)), ...cells));
  }
  const table = element('table', '', element('caption', '', caption), element('thead', '', head));
  table.append(element('tbody', '', ...rows));
  return element('div', { class: 'chart-table', role: 'region', tabindex: '0', 'aria-label': caption }, table);
}

function mean(values: Float64Array, from: number, to: number): number {
  const known = values.subarray(from, to).filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + value, 0) / known.length;
}

function formatted(value: number, format: (value: number) => string): string {
  return Number.isNaN(value) ? '–' : format(value);
}
