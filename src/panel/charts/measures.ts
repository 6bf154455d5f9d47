import type { ChannelView, ChartView } from '../../messages/panel';
import { derivedSign, isDerived } from '../derived';
import { short } from '../format';
import { t } from '../l10n';
import type { Measure } from '../store';
import { linearAxis, logAxis, type Axis } from './axis';

/** How a measure is drawn. Values of a logarithmic one are drawn as their logarithms. */
export interface MeasureLook {
  readonly log: boolean;
  /** Each line stands on those before it. */
  readonly stacked: boolean;
  /** A number of the axis. */
  readonly tick: (value: number) => string;
  /** What is written beside the title. */
  readonly unit: () => string;
  /** Around the lowest and the highest of what is drawn; low > high: nothing is. */
  readonly axis: (low: number, high: number) => Axis;
}

const logAxisOr = (low: number, high: number) => (lowest: number, highest: number) =>
  lowest > highest ? logAxis(low, high) : logAxis(lowest, highest);
const fromZero = (_low: number, high: number) => linearAxis(high);
const thousandths: Axis = { min: 0, max: 1000, ticks: [0, 500, 1000] };

export const measureLooks: Readonly<Record<Measure, MeasureLook>> = {
  picksPerSecond: { log: false, stacked: true, tick: short, unit: () => '', axis: fromZero },
  load: { log: true, stacked: false, tick: short, unit: () => t('log'), axis: logAxisOr(3, 4) },
  lagMs: { log: true, stacked: false, tick: short, unit: () => t('ms, log'), axis: logAxisOr(0, 2) },
  latencyMs: { log: true, stacked: false, tick: short, unit: () => t('ms, log; faint: p95'), axis: logAxisOr(0, 2) },
  success: { log: false, stacked: false, tick: String, unit: () => t('of 1000'), axis: () => thousandths },
  inflight: { log: false, stacked: false, tick: short, unit: () => '', axis: fromZero },
};

/** A policy that compares by weights has those for loads; what it does not keep itself is marked. */
export function titleOf(measure: Measure, channel: ChannelView): string {
  const sign = isDerived(channel) ? derivedSign : '';
  switch (measure) {
    case 'picksPerSecond':
      return t('Picks/s');
    case 'load':
      return channel.scoreOrder === 'higher' ? t('Weight') : t('Load');
    case 'lagMs':
      return `${t('Lag')}${sign}`;
    case 'latencyMs':
      return t('Latency');
    case 'success':
      return `${t('Success')}${sign}`;
    case 'inflight':
      return `${t('In flight')}${sign}`;
  }
}

/** A policy that compares nothing has no loads, and mostly no lag and success. */
export function isKept(measure: Measure, channel: ChannelView, { series }: ChartView): boolean {
  if (measure === 'load') return channel.scoreOrder !== 'none';
  if (measure !== 'lagMs' && measure !== 'success') return true;
  return channel.scoreOrder !== 'none' || series.endpoints.some((line) => line[measure].some(isKnown));
}

function isKnown(value: number): boolean {
  return !Number.isNaN(value);
}
