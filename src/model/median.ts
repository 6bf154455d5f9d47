/** The median; of an even number of values, the lower one of the two. null: there are none. */
export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return kthSmallest(Float64Array.from(values), (values.length - 1) >>> 1);
}

/** As medianOf(), of values that count so many times each; NaN counts for nothing. */
export function weightedMedianOf(values: readonly (readonly [value: number, weight: number])[]): number | null {
  const known = values.filter(([value]) => !Number.isNaN(value)).sort(([a], [b]) => a - b);
  let left = known.reduce((sum, [, weight]) => sum + weight, 0) / 2;
  for (const [value, weight] of known) if ((left -= weight) <= 0) return value;
  return null;
}

/** Quickselect: sorting a hundred thousand values would take longer than there is. */
function kthSmallest(values: Float64Array, k: number): number {
  let from = 0;
  let to = values.length - 1;
  while (from < to) {
    const pivot = values[(from + to) >>> 1]!;
    let low = from;
    let high = to;
    while (low <= high) {
      while (values[low]! < pivot) low++;
      while (values[high]! > pivot) high--;
      if (low > high) break;
      [values[low], values[high]] = [values[high]!, values[low]!];
      low++;
      high--;
    }
    if (k <= high) to = high;
    else if (k >= low) from = low;
    else return values[k]!;
  }
  return values[k]!;
}
