/** One row of what is printed in the end. */
export interface Finding {
  readonly what: string;
  readonly measured: string;
  /** undefined: there is none. */
  readonly aim?: string;
  readonly reached?: boolean;
}

export function least(values: readonly number[]): number {
  return Math.min(...values);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
