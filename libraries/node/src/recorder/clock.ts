import { create } from '@bufbuild/protobuf';
import { ClockSchema, type Clock } from '@pickscope/protocol/messages';
import { monotonicNs } from '../clock';

/** This moment on both clocks. */
export function clockPair(): Clock {
  return create(ClockSchema, {
    monotonicNs: BigInt(monotonicNs()),
    wallUnixNs: BigInt(Date.now()) * 1_000_000n,
  });
}
