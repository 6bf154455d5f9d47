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
