import type * as GrpcModule from '@grpc/grpc-js';
import type { Metadata, experimental } from '@grpc/grpc-js';
import { monotonicNs } from '../clock';
import type { DecisionSlot, Pick, Picker, PickInfo } from '../policies/picker';
import type { Grpc } from './base';

type PickResult = experimental.PickResult;

/**
 * Has a policy choose, and the chosen leaf give its connection. Never throws: the call would hang. A policy that throws
 * is passed over.
 */
export class LeafPicker implements experimental.Picker {
  private readonly complete: experimental.PickResultType;
  private readonly call = new CallInfo();
  private readonly unstarted = new UnstartedPicks();
  private next = 0;

  /**
   * @param endpoints What the picker's indices stand for.
   */
  constructor(
    private readonly grpc: Grpc,
    private readonly leaves: readonly experimental.LeafLoadBalancer[],
    private readonly endpoints: readonly object[],
    private readonly picker: Picker,
    private readonly slot: DecisionSlot,
  ) {
    this.complete = grpc.experimental.PickResultType.COMPLETE;
    // With the picker that was just built: whoever looks on knows what its endpoints are before the first pick.
    slot.endpoints = endpoints;
  }

  pick(args: experimental.PickArgs): PickResult {
    try {
      const { call } = this;
      call.now = monotonicNs();
      call.args = args;
      call.explain = this.slot.explain ?? false;
      const pick = this.picker.pick(call);
      const result = this.leaves[pick.endpoint]?.getPicker().pick(args);
      if (result?.pickResultType !== this.complete) {
        suspend(pick);
        return result ?? this.pickWithoutPolicy(args);
      }
      this.slot.picker = this.picker;
      this.slot.endpoints = this.endpoints;
      this.slot.pickedAt = call.now;
      this.addCallbacks(result, pick);
      return result;
    } catch {
      return this.pickWithoutPolicy(args);
    }
  }

  /**
   * Into the result itself, which a leaf makes anew for each pick. Own properties, since wrapping policies spread the
   * result; the inner callbacks are kept.
   */
  private addCallbacks(result: PickResult, pick: Pick): void {
    const { tick } = this.unstarted;
    const position = this.unstarted.add(pick);
    const { onCallStarted, onCallEnded } = result;
    result.onCallStarted = () => {
      this.unstarted.start(pick, tick, position);
      onCallStarted?.();
    };
    result.onCallEnded = (code: GrpcModule.status, details: string, metadata: Metadata) => {
      const now = monotonicNs();
      this.slot.endedAt = now;
      done(pick, code, now);
      onCallEnded?.(code, details, metadata);
    };
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
  explain = false;
  args: experimental.PickArgs | undefined;

  header(name: string): string | undefined {
    const values = this.args?.metadata.get(name) ?? [];
    return values.length === 0 ? undefined : values.join(',');
  }
}

/** The picks of this tick whose calls have not started; they are suspended at its end. See Pick for why. */
class UnstartedPicks {
  tick = 0;
  private readonly picks: (Pick | undefined)[] = [];
  /** How many of `picks` are in use, and how many of those have not started. */
  private size = 0;
  private count = 0;
  private endScheduled = false;
  /** One for all ticks. */
  private readonly end = () => this.endTick();

  /** @returns Its position, in this tick. */
  add(pick: Pick): number {
    if (!this.endScheduled) {
      this.endScheduled = true;
      setImmediate(this.end).unref();
    }
    this.count++;
    this.picks[this.size] = pick;
    return this.size++;
  }

  start(pick: Pick, tick: number, position: number): void {
    if (tick !== this.tick) {
      resume(pick);
      return;
    }
    this.picks[position] = undefined;
    // A tick may be long: its list is used again from the front when all have started.
    if (--this.count === 0) this.size = 0;
  }

  private endTick(): void {
    this.endScheduled = false;
    this.tick++;
    for (let i = 0; this.count > 0; i++) {
      const pick = this.picks[i];
      if (!pick) continue;
      this.picks[i] = undefined;
      this.count--;
      suspend(pick);
    }
    this.size = 0;
  }
}

/*
 * What a policy is told of its picks. If it throws, the call goes on all the same.
 */

function suspend(pick: Pick): void {
  try {
    pick.suspend?.();
  } catch {
    // The policy's own count is wrong now; the call is not.
  }
}

function resume(pick: Pick): void {
  try {
    pick.resume?.();
  } catch {
    // As above.
  }
}

function done(pick: Pick, code: number, now: number): void {
  try {
    pick.done?.(code, now);
  } catch {
    // As above.
  }
}
