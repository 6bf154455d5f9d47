import type * as GrpcModule from '@grpc/grpc-js';
import type { Metadata, experimental } from '@grpc/grpc-js';
import type { DecisionSlot, Pick, Picker, PickInfo } from '../policies/picker';
import type { Grpc } from './base';

type PickResult = experimental.PickResult;

/** Has a policy choose, and the chosen leaf give its connection. Never throws: the call would hang. */
export class LeafPicker implements experimental.Picker {
  private next = 0;
  private readonly call = new CallInfo();
  /** Picks of this tick whose calls have not started. */
  private readonly pending: (Pick | undefined)[] = [];
  private tick = 0;

  /**
   * @param endpoints What the picker's indices stand for.
   */
  constructor(
    private readonly grpc: Grpc,
    private readonly leaves: readonly experimental.LeafLoadBalancer[],
    private readonly endpoints: readonly object[],
    private readonly picker: Picker,
    private readonly slot: DecisionSlot,
  ) {}

  pick(args: experimental.PickArgs): PickResult {
    try {
      const { call } = this;
      call.now = monotonicNow();
      call.args = args;
      const pick = this.picker.pick(call);
      const leaf = this.leaves[pick.endpoint];
      if (!leaf) {
        pick.suspend?.();
        return this.pickWithoutPolicy(args);
      }
      const result = leaf.getPicker().pick(args);
      if (result.pickResultType !== this.grpc.experimental.PickResultType.COMPLETE) {
        pick.suspend?.();
        return result;
      }
      this.slot.picker = this.picker;
      this.slot.endpoints = this.endpoints;
      return this.withCallbacks(result, pick);
    } catch {
      return this.pickWithoutPolicy(args);
    }
  }

  /** Own properties, since wrapping policies spread the result; the inner callbacks (outlier detection's) are kept. */
  private withCallbacks(result: PickResult, pick: Pick): PickResult {
    const { onCallStarted, onCallEnded } = result;
    const { tick, pending } = this;
    const position = pending.push(pick) - 1;
    if (position === 0) setImmediate(endTick, this).unref();
    return {
      ...result,
      onCallStarted: () => {
        if (tick === this.tick) pending[position] = undefined;
        else pick.resume?.();
        onCallStarted?.();
      },
      onCallEnded: (code: GrpcModule.status, details: string, metadata: Metadata) => {
        pick.done?.(code, monotonicNow());
        onCallEnded?.(code, details, metadata);
      },
    };
  }

  /** See Pick for why. */
  endTick(): void {
    this.tick++;
    for (const pick of this.pending) pick?.suspend?.();
    this.pending.length = 0;
  }

  private pickWithoutPolicy(args: experimental.PickArgs): PickResult {
    try {
      this.next = (this.next + 1) % this.leaves.length;
      return this.leaves[this.next]!.getPicker().pick(args);
    } catch {
      const details = 'The load balancing policy failed.';
      return new this.grpc.experimental.UnavailablePicker({ details }).pick(args);
    }
  }
}

/** One for all picks of a picker. */
class CallInfo implements PickInfo {
  now = 0;
  args: experimental.PickArgs | undefined;

  header(name: string): string | undefined {
    return this.args?.metadata.get(name)[0]?.toString();
  }
}

function endTick(picker: LeafPicker): void {
  picker.endTick();
}

function monotonicNow(): number {
  return Math.round(performance.now() * 1e6);
}
