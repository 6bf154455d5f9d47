import { currentLanguage, t } from './l10n';

const grouped = new Map<string, Intl.NumberFormat>();

/** 19,329 */
export function count(value: number): string {
  const language = currentLanguage();
  let format = grouped.get(language);
  if (!format) grouped.set(language, (format = new Intl.NumberFormat(language, { maximumFractionDigits: 0 })));
  return format.format(value);
}

/** Three digits: 2.21, 11.9, 46.5, 1,204. */
export function threeDigits(value: number): string {
  if (value === 0) return '0';
  if (value < 9.995) return value.toFixed(2);
  if (value < 99.95) return value.toFixed(1);
  return count(value);
}

/** One digit less, for the narrow column of the list: 5.8, 44.7, 104. */
export function latency(ms: number): string {
  return ms < 99.95 ? ms.toFixed(1) : count(ms);
}

/** Whole percents: 49, <1, 0; without the sign. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  return value > 0 && value < 0.5 ? '<1' : String(Math.round(value));
}

/** With tenths, where small parts count: 58.2, <0.1, 0; without the sign. */
export function percentTenths(ratio: number): string {
  const value = ratio * 100;
  if (value === 0) return '0';
  return value < 0.05 ? '<0.1' : value.toFixed(1);
}

/** How many times as much: 4.6, 28. */
export function times(ratio: number): string {
  return ratio < 9.95 ? ratio.toFixed(1) : count(ratio);
}

/** 640 kB, 1.2 MB, 38 MB. */
export function size(bytes: number): string {
  const kilobytes = bytes / 1000;
  if (kilobytes < 999.5) return t('{0} kB', count(Math.ceil(kilobytes)));
  const megabytes = kilobytes / 1000;
  return t('{0} MB', megabytes < 9.95 ? megabytes.toFixed(1) : count(megabytes));
}

/** Of a time axis: 0.5 s, 43 s, 2 min, 12 min 30 s. */
export function windowLength(seconds: number): string {
  if (seconds < 9.95) return t('{0} s', Number(seconds.toFixed(1)));
  const whole = Math.round(seconds);
  return whole >= 60 && whole % 60 === 0 && whole < 3600 ? t('{0} min', whole / 60) : longDuration(whole);
}

/** As a player shows it: 0:07, 12:30, 1:02:05. */
export function playingTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export function rate(perSecond: number): string {
  return perSecond > 0 && perSecond < 9.95 ? perSecond.toFixed(1) : count(perSecond);
}

/** In rows that are compared: exact to 99,999, without separators, since the shown loads must give the shown choice. */
export function exactLoad(load: number): string {
  const magnitude = Math.abs(load);
  if (magnitude >= 99_999.5) return withUnit(load, 3);
  return Number.isInteger(load) ? String(load) : String(Number(load.toPrecision(5)));
}

/** 158k, 2.1M, 10k: for axes and what is not compared. */
export function short(value: number): string {
  return withUnit(value, 2);
}

const units: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** @param digits of a number with a unit, as far as they stand after its point. Of two, a zero is left out; three are compared. */
function withUnit(value: number, digits: 2 | 3): string {
  const [size, unit] = units.find(([each]) => value / each >= 0.9995) ?? [1, ''];
  if (unit === '') return String(Number(value.toPrecision(3)));
  const scaled = value / size;
  const whole = scaled < 9.995 ? 1 : scaled < 99.95 ? 2 : 3;
  const rounded = scaled.toFixed(Math.max(0, digits - whole));
  return `${digits === 2 ? Number(rounded) : rounded}${unit}`;
}

/** A duration for reading, not for comparing: 29 ms, 0.25 s, 14 s, 2 min 10 s, 3 h 5 min. */
export function duration(ms: number): string {
  if (ms < 99.5) return t('{0} ms', Math.max(0, Math.round(ms)));
  if (ms < 9_950) return t('{0} s', (ms / 1000).toFixed(ms < 995 ? 2 : 1));
  return longDuration(Math.round(ms / 1000));
}

/** Whole seconds and larger: 14 s, 2 min 10 s, 3 h 5 min. */
export function age(ms: number): string {
  return longDuration(Math.max(0, Math.floor(ms / 1000)));
}

function longDuration(seconds: number): string {
  if (seconds < 60) return t('{0} s', seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return t('{0} min {1} s', minutes, seconds % 60);
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? t('{0} h {1} min', hours, minutes % 60) : t('{0} days', Math.floor(hours / 24));
}

/** As duration(), cut to its largest unit where room is short. */
export function briefAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return t('{0} s', seconds);
  if (seconds < 3600) return t('{0} min', Math.floor(seconds / 60));
  return seconds < 172_800 ? t('{0} h', Math.floor(seconds / 3600)) : t('{0} days', Math.floor(seconds / 86_400));
}

/** Wall clock in parts, so that they can be matched with log lines. */
export interface Clock {
  readonly hourMinute: string;
  readonly seconds: string;
  readonly milliseconds: string;
}

export function clock(ms: number): Clock {
  const date = new Date(ms);
  return {
    hourMinute: `${two(date.getHours())}:${two(date.getMinutes())}`,
    seconds: two(date.getSeconds()),
    milliseconds: String(date.getMilliseconds()).padStart(3, '0'),
  };
}

/** 14:03:07 */
export function timeOfDay(ms: number): string {
  const { hourMinute, seconds } = clock(ms);
  return `${hourMinute}:${seconds}`;
}

/** 14:02:53.449 */
export function exactTime(ms: number): string {
  return `${timeOfDay(ms)}.${clock(ms).milliseconds}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** "/shop.Cart/GetCart" → "GetCart". */
export function shortMethod(method: string): string {
  return method.slice(method.lastIndexOf('/') + 1) || method;
}

/**
 * What tells labels apart: "10.0.0.1", "10.0.0.2" → ".1", ".2". Cut before a separator, so that no number is cut
 * within.
 */
export function distinctEnds(labels: readonly string[]): string[] {
  const shared = sharedLength(labels);
  if (labels.length < 2 || shared === 0) return [...labels];
  const [first = ''] = labels;
  const separator = Math.max(...['.', ':', '-', '/'].map((sign) => first.slice(0, shared).lastIndexOf(sign)));
  return separator <= 0 ? [...labels] : labels.map((label) => label.slice(separator));
}

function sharedLength(labels: readonly string[]): number {
  const [first = '', ...others] = labels;
  let length = 0;
  while (length < first.length && others.every((label) => label[length] === first[length])) length += 1;
  return length;
}
