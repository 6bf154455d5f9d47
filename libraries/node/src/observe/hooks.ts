import { PickResult as Result } from '@pickscope/protocol/messages';
import type { DecisionSlot } from '../balancer/decisionSlot';
import type { EndpointRecord } from '../recorder/entities';
import type { Attempt, RecordedDecision, Recorder } from '../recorder/recorder';
import { attempt as tryTo, Channels, type ObservedChannel, type PolicyTraits } from './channels';
import {
  pickType,
  type ControlHelper,
  type Endpoint,
  type GrpcInternals,
  type InternalChannel,
  type LeafLoadBalancer,
  type LoadBalancer,
  type LoadBalancingCall,
  type Patchable,
  type PickResult,
  type ResolvingLoadBalancer,
  type Subchannel,
} from './internals';

/*
 * Hooks into grpc-js by replacing methods of its classes. Each calls what it replaces exactly once, and whatever goes
 * wrong in the observing stays there.
 */

type Method<This, Args extends unknown[], R> = (this: This, ...args: Args) => R;

/** Marks what has been replaced, so that two copies of this library do not both observe. */
const hooked = Symbol.for('pickscope.hooked');

export class Hooks {
  private readonly channels: Channels;
  private readonly attempts = new WeakMap<LoadBalancingCall, Attempt>();
  private readonly retries = new WeakMap<object, { readonly call: number; attempts: number }>();
  private readonly endpointsOfPicker = new WeakMap<object, readonly EndpointRecord[]>();
  /** The call that is being picked for. */
  private picking: LoadBalancingCall | undefined;
  /** The call that begins an attempt right now. */
  private retrying: object | undefined;

  constructor(
    private readonly internals: GrpcInternals,
    private readonly recorder: Recorder,
    private readonly slot: DecisionSlot,
    traits: ReadonlyMap<string, PolicyTraits>,
  ) {
    this.channels = new Channels(recorder, traits, internals.addressToString);
  }

  /** Once for a copy of grpc-js; a second time does nothing. */
  install(): void {
    const mark = this.internals.InternalChannel.prototype as { [hooked]?: boolean };
    if (mark[hooked]) return;
    mark[hooked] = true;
    for (const hook of [this.hookCalls, this.hookChannels, this.hookPolicies, this.hookConnections]) {
      tryTo(() => hook.call(this));
    }
  }

  private hookCalls(): void {
    const { LoadBalancingCall, RetryingCall } = this.internals;
    replace<LoadBalancingCall, [], void>(LoadBalancingCall, 'doPick', (original, call) => {
      const outer = this.picking;
      this.picking = call;
      try {
        original();
      } finally {
        this.picking = outer;
      }
    });
    replace<LoadBalancingCall, [{ code: number }, ...unknown[]], void>(
      LoadBalancingCall,
      'outputStatus',
      (original, call, status, ...rest) => {
        try {
          original(status, ...rest);
        } finally {
          // Afterwards, when the policy has been told of the end too.
          const attempt = this.attempts.get(call);
          if (attempt) tryTo(() => this.recorder.ended(attempt, status.code));
        }
      },
    );
    replace<object, [], void>(RetryingCall, 'startNewAttempt', (original, call) => {
      const outer = this.retrying;
      this.retrying = call;
      try {
        original();
      } finally {
        this.retrying = outer;
      }
    });
  }

  private hookChannels(): void {
    const { InternalChannel } = this.internals;
    replace<InternalChannel, unknown[], PickResult>(InternalChannel, 'doPick', (original, channel, ...args) => {
      const call = this.picking;
      this.picking = undefined;
      this.slot.picker = undefined;
      const result = original(...args);
      return (call && tryTo(() => this.picked(channel, call, result))) ?? result;
    });
    replace<InternalChannel, [number], void>(InternalChannel, 'updateState', (original, channel, state) => {
      original(state);
      tryTo(() => this.channels.stateChanged(channel, state));
    });
    replace<InternalChannel, [], void>(InternalChannel, 'close', (original, channel) => {
      original();
      tryTo(() => this.channels.closed(channel));
    });
  }

  private hookPolicies(): void {
    const { loadBalancer, ResolvingLoadBalancer } = this.internals;
    replaceIn<object, [{ getLoadBalancerName(): string }, ControlHelper, ...unknown[]], LoadBalancer | null>(
      loadBalancer,
      'createLoadBalancer',
      (original, _module, config, helper, ...rest) => {
        const created = tryTo(() => this.channels.policyCreated(config.getLoadBalancerName(), helper));
        const balancer = original(config, created?.helper ?? helper, ...rest);
        if (created && balancer) tryTo(() => this.channels.observeBalancer(created.node, balancer));
        return balancer;
      },
    );
    replace<ResolvingLoadBalancer, [{ details: string }], void>(
      ResolvingLoadBalancer,
      'handleResolutionFailure',
      (original, balancer, error) => {
        tryTo(() => this.channels.resolutionFailed(balancer.childLoadBalancer, error.details));
        original(error);
      },
    );
  }

  private hookConnections(): void {
    const { LeafLoadBalancer, PickFirstLoadBalancer, Subchannel } = this.internals;
    replace<LeafLoadBalancer, [], void>(LeafLoadBalancer, 'startConnecting', (original, leaf) => {
      tryTo(() => this.channels.leafStarting(leaf));
      original();
    });
    replace<{ currentPick?: Subchannel | null }, [number, object, unknown?], void>(
      PickFirstLoadBalancer,
      'updateState',
      (original, balancer, state, picker, error) =>
        this.channels.pickFirstReports(balancer, state, balancer.currentPick ?? null, error, () =>
          original(state, picker, error),
        ),
    );
    replace<Subchannel, [readonly number[], number, string?], boolean>(
      Subchannel,
      'transitionToState',
      (original, subchannel, from, to, error) => {
        // Before: those that listen to the subchannel make endpoints and pickers of its state.
        tryTo(() => {
          if (from.includes(subchannel.getConnectivityState())) this.channels.subchannelChanges(subchannel, to, error);
        });
        return original(from, to, error);
      },
    );
  }

  /** Notes a pick; the result, where it is to be another, tells when the call starts. */
  private picked(internal: InternalChannel, call: LoadBalancingCall, result: PickResult): PickResult | undefined {
    const channel = this.channels.of(internal);
    this.channels.notePicker(internal, channel);
    const attempt = this.attemptOf(call, channel);
    const decision = this.takeDecision(channel);
    if (result.pickResultType !== pickType.COMPLETE || !result.subchannel) {
      this.recorder.picked(attempt, incomplete(result), undefined, result.status?.code ?? 0, decision);
      return undefined;
    }
    const endpoint =
      decision?.endpoints[decision.decision.chosen] ?? this.channels.endpointOfSubchannel(channel, result.subchannel);
    this.recorder.picked(attempt, Result.COMPLETED, endpoint, 0, decision);
    attempt.status = decision && endpoint.status;
    return {
      ...result,
      onCallStarted: () => {
        tryTo(() => this.recorder.started(attempt));
        result.onCallStarted?.();
      },
    };
  }

  private attemptOf(call: LoadBalancingCall, channel: ObservedChannel): Attempt {
    const known = this.attempts.get(call);
    if (known) return known;
    const retry = this.retrying && this.retryOf(this.retrying);
    this.retrying = undefined;
    const attempt = retry
      ? this.recorder.attemptBegan(channel.record, retry.call, ++retry.attempts, call.methodName)
      : this.recorder.attemptBegan(channel.record, this.recorder.nextCall(), 1, call.methodName);
    this.attempts.set(call, attempt);
    return attempt;
  }

  private retryOf(call: object): { readonly call: number; attempts: number } {
    let retry = this.retries.get(call);
    if (!retry) this.retries.set(call, (retry = { call: this.recorder.nextCall(), attempts: 0 }));
    return retry;
  }

  /** What a policy of ours left in the slot for the pick that just was. */
  private takeDecision(channel: ObservedChannel): RecordedDecision | undefined {
    const { picker, endpoints } = this.slot;
    if (!picker) return undefined;
    let records = this.endpointsOfPicker.get(endpoints);
    if (!records) {
      records = this.channels.endpointsOf(channel, endpoints as readonly Endpoint[]);
      this.endpointsOfPicker.set(endpoints, records);
      records.forEach((record, index) => (record.status = picker.endpoints[index]));
    }
    return { decision: picker.decision, endpoints: records };
  }
}

function incomplete(result: PickResult): Result {
  switch (result.pickResultType) {
    case pickType.QUEUE:
      return Result.QUEUED;
    case pickType.DROP:
      return Result.DROPPED;
    default:
      return Result.FAILED;
  }
}

/** Replaces a method of a class. `original` is bound already. */
function replace<This extends object, Args extends unknown[], R>(
  patched: Patchable,
  name: string,
  around: (original: (...args: Args) => R, self: This, ...args: Args) => R,
): void {
  replaceIn(patched.prototype, name, around);
}

function replaceIn<This extends object, Args extends unknown[], R>(
  object: object,
  name: string,
  around: (original: (...args: Args) => R, self: This, ...args: Args) => R,
): void {
  const methods = object as Record<string, Method<This, Args, R> | undefined>;
  const original = methods[name];
  // Another version of grpc-js: it is observed without this.
  if (typeof original !== 'function') return;
  methods[name] = function (...args) {
    return around((...given) => original.apply(this, given), this, ...args);
  };
}
