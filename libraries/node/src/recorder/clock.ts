import { create } from '@bufbuild/protobuf';
import { ClockSchema, type Clock } from '@pickscope/protocol/messages';

/** The monotonic clock of the stream: whole nanoseconds since the start of the process. */
export function monotonicNs(): number {
  return Math.round(performance.now() * 1e6);
}

/** This moment on both clocks. */
export function clockPair(): Clock {
  return create(ClockSchema, {
    monotonicNs: BigInt(monotonicNs()),
    wallUnixNs: BigInt(Date.now()) * 1_000_000n,
  });
}
