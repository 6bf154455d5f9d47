import type { ChannelView } from '../../messages/panel';
import { age, count, percent, rate, short, threeDigits } from '../format';
import type { Term } from '../glossary';
import { t } from '../l10n';
import type { Reading } from './reading';

/** A column of numbers: what its head says and means, what it shows, and what rows are sorted by. */
export interface Column {
  readonly name: string;
  readonly head: () => string;
  readonly term: Term;
  readonly value: (reading: Reading) => number | null;
  readonly text: (value: number, atMs: number) => string;
  /** Where the policy keeps no such number, Pickscope may. */
  readonly mayBeDerived?: boolean;
  /** Where not all policies have it. */
  readonly isShown?: (channel: ChannelView) => boolean;
}

/** Between name and state, in their order. Which of them there is room for, table.css says. */
export const columns: readonly Column[] = [
  {
    name: 'share',
    head: () => t('share'),
    term: 'share',
    value: ({ share }) => share,
    text: (value) => `${percent(value)} %`,
  },
  {
    name: 'lag',
    head: () => t('lag ms'),
    term: 'lag',
    value: ({ lagMs }) => lagMs,
    text: threeDigits,
    mayBeDerived: true,
  },
  {
    name: 'peak',
    head: () => t('peak ms'),
    term: 'peak',
    value: ({ peakMs }) => peakMs,
    text: threeDigits,
    isShown: ({ endpoints }) => endpoints.some(({ peakMs }) => peakMs !== null),
  },
  { name: 'p50', head: () => t('p50 ms'), term: 'latency', value: ({ latencyMs }) => latencyMs, text: threeDigits },
  { name: 'p95', head: () => t('p95 ms'), term: 'latency', value: (one) => one.latencyP95Ms, text: threeDigits },
  {
    name: 'inflight',
    head: () => t('infl'),
    term: 'inflight',
    value: ({ inflight }) => inflight,
    text: count,
    mayBeDerived: true,
  },
  {
    name: 'success',
    head: () => t('success'),
    term: 'success',
    value: ({ success }) => success,
    text: (value) => String(Math.round(value)),
    mayBeDerived: true,
  },
  {
    name: 'failures',
    head: () => t('failed'),
    term: 'errors',
    value: ({ failureShare }) => failureShare,
    text: (value) => `${percent(value)} %`,
  },
  { name: 'rate', head: () => t('picks/s'), term: 'picksPerSecond', value: (one) => one.picksPerSecond, text: rate },
  {
    name: 'load',
    head: () => t('load'),
    term: 'load',
    value: ({ load }) => load,
    text: short,
    isShown: ({ scoreOrder }) => scoreOrder === 'lower',
  },
  {
    name: 'weight',
    head: () => t('weight'),
    term: 'weight',
    value: ({ load }) => load,
    text: short,
    isShown: ({ scoreOrder }) => scoreOrder === 'higher',
  },
  {
    name: 'last',
    head: () => t('last picked'),
    term: 'lastPicked',
    value: ({ lastPickMs }) => lastPickMs,
    text: (value, atMs) => t('{0} ago', atMs - value < 1000 ? t('<{0} s', 1) : age(atMs - value)),
  },
];
