import type { TimeSpan } from '../../messages/panel';
import { clock, timeOfDay } from '../format';

/** Ends and numbers of the charts' axes: round ones, in steps, so that they do not breathe. */
export interface Axis {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** 0 to a round number, in two steps. */
export function linearAxis(highest: number): Axis {
  const least = Math.max(1, highest);
  const power = 10 ** Math.floor(Math.log10(least));
  const max = [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= least) ?? 10 * power;
  return { min: 0, max, ticks: [0, max / 2, max] };
}

/** Around two logarithms: whole steps of 1, 3, 10; two or three numbers, as logarithms. */
export function logAxis(low: number, high: number): Axis {
  const steps = stepsAround(low, high);
  const [min, max] = [steps[0]!, steps.at(-1)!];
  return { min, max, ticks: steps.length === 2 ? steps : [min, steps[steps.length >> 1]!, max] };
}

/** Logarithms of 1, 3, 10, 30 …, from the last one below `low` to the first one above `high`. */
function stepsAround(low: number, high: number): number[] {
  const steps: number[] = [];
  for (let decade = Math.floor(low); decade <= Math.ceil(high) + 1; decade += 1) {
    steps.push(decade, decade + Math.log10(3));
  }
  const from = Math.max(
    0,
    steps.findLastIndex((step) => step <= low),
  );
  const to = steps.findIndex((step) => step >= high && step > steps[from]!);
  return steps.slice(from, to + 1);
}

/** The number that a tick of a logarithmic axis stands for. */
export function antilog(tick: number): number {
  return Number((10 ** tick).toPrecision(6));
}

// ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a span of time lies on the screen, in CSS pixels. */
export interface TimeScale {
  readonly span: TimeSpan;
  readonly left: number;
  readonly right: number;
}

export function xOf({ span, left, right }: TimeScale, timeMs: number): number {
  return left + ((timeMs - span.fromMs) / (span.toMs - span.fromMs)) * (right - left);
}

export function timeAt({ span, left, right }: TimeScale, x: number): number {
  return span.fromMs + ((x - left) / (right - left)) * (span.toMs - span.fromMs);
}

export interface TimeTick {
  readonly timeMs: number;
  readonly label: string;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const timeSteps = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * second),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * minute),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * hour),
];

/** Round moments at least so many pixels apart; one of them says hour and minute, the others what differs. */
export function timeTicks({ span, left, right }: TimeScale, apart: number): TimeTick[] {
  const msPerPixel = (span.toMs - span.fromMs) / Math.max(1, right - left);
  const step = timeSteps.find((each) => each >= apart * msPerPixel) ?? timeSteps.at(-1)!;
  const times: number[] = [];
  for (let time = Math.ceil(span.fromMs / step) * step; time <= span.toMs; time += step) times.push(time);
  const anyMinute = times.some((time) => time % minute === 0);
  return times.map((timeMs, index) => ({ timeMs, label: tickLabel(timeMs, step, index === 0 && !anyMinute) }));
}

function tickLabel(timeMs: number, step: number, first: boolean): string {
  const { hourMinute, seconds, milliseconds } = clock(timeMs);
  const fraction = step >= second ? '' : `.${milliseconds.slice(0, step >= 100 ? 1 : 2)}`;
  if (first) return `${timeOfDay(timeMs)}${fraction}`;
  if (timeMs % minute === 0) return hourMinute;
  return step >= second ? `:${seconds}` : `${Number(seconds)}${fraction}`;
}

/** The time of a bucket, as exactly as its length asks for: 14:02:31, 14:02:31.250. */
export function bucketTime(timeMs: number, bucketMs: number): string {
  const { milliseconds } = clock(timeMs);
  return bucketMs % second === 0 ? timeOfDay(timeMs) : `${timeOfDay(timeMs)}.${milliseconds}`;
}
