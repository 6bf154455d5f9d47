/** Of the browser's trace, as far as it is read here. Times are µs. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: { readonly data?: { readonly url?: string; readonly scriptName?: string } };
}

/**
 * How long scripts of this address ran between one frame of the browser and the next, ms, ascending; frames in which none of
 * them ran are left out.
 */
export function framesOf(events: readonly TraceEvent[], script: RegExp): number[] {
  const calls = events.filter(
    ({ name, ph, args }) => name === 'FunctionCall' && ph === 'X' && script.test(args.data?.url ?? ''),
  );
  const threads = new Set(calls.map(thread));
  const frames: number[] = [];
  for (const of of threads) {
    const begins = events
      .filter((event) => event.name === 'BeginMainThreadFrame' && thread(event) === of)
      .map(({ ts }) => ts)
      .sort((a, b) => a - b);
    const sums = new Map<number, number>();
    let end = -Infinity;
    for (const { ts, dur = 0 } of calls.filter((call) => thread(call) === of).sort((a, b) => a.ts - b.ts)) {
      // A call within a call is part of it.
      if (ts < end) continue;
      end = ts + dur;
      const frame = begins.findLastIndex((begin) => begin <= ts);
      sums.set(frame, (sums.get(frame) ?? 0) + dur / 1000);
    }
    frames.push(...sums.values());
  }
  return frames.sort((a, b) => a - b);
}

function thread({ pid, tid }: TraceEvent): string {
  return `${pid} ${tid}`;
}
