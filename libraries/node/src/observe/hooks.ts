import { PickResult as Result } from '@pickscope/protocol/messages';
import type { DecisionSlot, Policy } from '../policies/picker';
import type { EndpointRecord } from '../recorder/entities';
import type { Attempt, RecordedDecision, Recorder } from '../recorder/recorder';
import { Channels } from './channels';
import type { ObservedChannel } from './endpoints';
import { failOpen } from './failOpen';
import {
  pickType,
  type Endpoint,
  type GrpcInternals,
  type InternalChannel,
  type LoadBalancingCall,
  type PickResult,
  type RetryingCall,
} from './internals';

/*
 * Hooks into grpc-js by replacing methods of its classes. Each calls what it replaces exactly once, and whatever goes
 * wrong in the observing stays there.
 */

/** Marks a copy of grpc-js that is hooked, so that two copies of this library do not both do it. */
const hooked = Symbol.for('pickscope.hooked');

export class Hooks {
  private readonly channels: Channels;
  private readonly attempts = new WeakMap<LoadBalancingCall, Attempt>();
  private readonly retries = new WeakMap<RetryingCall, { readonly call: number; attempts: number }>();
  /** By the list of endpoints that a picker of ours was built with. */
  private readonly endpointsOfPicker = new WeakMap<object, readonly EndpointRecord[]>();
  /** The call that is being picked for. */
  private picking: LoadBalancingCall | undefined;
  /** The call that begins an attempt right now. */
  private retrying: RetryingCall | undefined;

  constructor(
    private readonly internals: GrpcInternals,
    private readonly recorder: Recorder,
    private readonly slot: DecisionSlot,
    policies: ReadonlyMap<string, Policy>,
  ) {
    this.channels = new Channels(recorder, slot, policies, internals.addressToString);
  }

  /** Once for a copy of grpc-js; a second time does nothing. */
  install(): void {
    const mark = this.internals.InternalChannel.prototype as { [hooked]?: boolean };
    if (mark[hooked]) return;
    mark[hooked] = true;
    failOpen(() => this.hookCalls());
    failOpen(() => this.hookChannels());
    failOpen(() => this.hookPolicies());
    failOpen(() => this.hookConnections());
  }

  private hookCalls(): void {
    const { LoadBalancingCall, RetryingCall } = this.internals;
    this.replace(LoadBalancingCall.prototype, 'doPick', (original, call) => {
      const outer = this.picking;
      this.picking = call;
      try {
        original();
      } finally {
        this.picking = outer;
      }
    });
    this.replace(LoadBalancingCall.prototype, 'outputStatus', (original, call, status, ...rest) => {
      try {
        original(status, ...rest);
      } finally {
        // Afterwards, when the policy has been told of the end too.
        const attempt = this.attempts.get(call);
        if (attempt) failOpen(() => this.recorder.ended(attempt, status.code));
      }
    });
    this.replace(RetryingCall.prototype, 'startNewAttempt', (original, call) => {
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
    const { prototype } = this.internals.InternalChannel;
    this.replace(prototype, 'doPick', (original, channel, ...args) => {
      const call = this.picking;
      this.picking = undefined;
      this.slot.picker = undefined;
      const result = original(...args);
      return (call && failOpen(() => this.picked(channel, call, result))) ?? result;
    });
    this.replace(prototype, 'updateState', (original, channel, state) => {
      original(state);
      failOpen(() => this.channels.stateChanged(channel, state));
    });
    this.replace(prototype, 'close', (original, channel) => {
      original();
      failOpen(() => this.channels.closed(channel));
    });
  }

  private hookPolicies(): void {
    const { loadBalancer, ResolvingLoadBalancer } = this.internals;
    this.replace(loadBalancer, 'createLoadBalancer', (original, _module, config, helper, ...rest) => {
      const created = failOpen(() => this.channels.policyCreated(config.getLoadBalancerName(), helper));
      const balancer = original(config, created?.helper ?? helper, ...rest);
      if (created && balancer) failOpen(() => this.channels.observePolicy(created.node, balancer));
      return balancer;
    });
    this.replace(ResolvingLoadBalancer.prototype, 'handleResolutionFailure', (original, balancer, error) => {
      failOpen(() => this.channels.resolutionFailed(balancer.childLoadBalancer, error.details));
      original(error);
    });
  }

  private hookConnections(): void {
    const { LeafLoadBalancer, PickFirstLoadBalancer, Subchannel } = this.internals;
    this.replace(LeafLoadBalancer.prototype, 'startConnecting', (original, leaf) => {
      failOpen(() => this.channels.leafStarting(leaf));
      original();
    });
    this.replace(PickFirstLoadBalancer.prototype, 'updateState', (original, balancer, state, picker, error) =>
      this.channels.pickFirstReports(balancer, state, error ?? '', () => original(state, picker, error)),
    );
    this.replace(Subchannel.prototype, 'transitionToState', (original, subchannel, from, to, error) => {
      // Before: those that listen to the subchannel make endpoints and pickers of its state.
      failOpen(() => {
        if (!from.includes(subchannel.getConnectivityState())) return;
        this.channels.endpoints.subchannelChanges(subchannel, to, error ?? '');
      });
      return original(from, to, error);
    });
  }

  /** Notes a pick. The result, where it is to be another, also tells when the call starts. */
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
      decision?.endpoints[decision.decision.chosen] ?? this.channels.endpoints.ofSubchannel(channel, result.subchannel);
    this.recorder.picked(attempt, Result.COMPLETED, endpoint, 0, decision);
    return {
      ...result,
      onCallStarted: () => {
        failOpen(() => this.recorder.started(attempt));
        result.onCallStarted?.();
      },
    };
  }

  private attemptOf(call: LoadBalancingCall, channel: ObservedChannel): Attempt {
    const known = this.attempts.get(call);
    if (known) return known;
    const retry = this.retrying && this.retryOf(this.retrying);
    this.retrying = undefined;
    const attempt = this.recorder.attemptBegan(
      channel.record,
      retry?.call ?? this.recorder.nextCall(),
      retry ? ++retry.attempts : 1,
      call.methodName,
    );
    this.attempts.set(call, attempt);
    return attempt;
  }

  private retryOf(call: RetryingCall): { readonly call: number; attempts: number } {
    let retry = this.retries.get(call);
    if (!retry) this.retries.set(call, (retry = { call: this.recorder.nextCall(), attempts: 0 }));
    return retry;
  }

  /** What a policy of ours left in the slot for the pick that just was. */
  private takeDecision(channel: ObservedChannel): RecordedDecision | undefined {
    const { picker, endpoints } = this.slot;
    if (!picker?.decision) return undefined;
    let records = this.endpointsOfPicker.get(endpoints);
    if (!records) {
      records = endpoints.map((endpoint) => this.channels.endpoints.of(channel, endpoint as Endpoint));
      this.endpointsOfPicker.set(endpoints, records);
      records.forEach((record, index) => (record.status = picker.endpoints?.[index]));
    }
    return { decision: picker.decision, endpoints: records };
  }

  private replace<Owner extends object, Name extends keyof Owner>(
    owner: Owner,
    name: Name,
    around: Around<Owner, Owner[Name]>,
  ): void {
    const original: unknown = owner[name];
    // Another version of grpc-js: it is observed without this.
    if (typeof original !== 'function' || this.internals.unfit.has(original)) return;
    // The types of the arguments are held by the signature above.
    const call = around as (original: (...args: unknown[]) => unknown, self: Owner, ...args: unknown[]) => unknown;
    owner[name] = function (this: Owner, ...args: unknown[]) {
      return call((...given) => original.apply(this, given) as unknown, this, ...args);
    } as Owner[Name];
  }
}

function incomplete(result: PickResult): Result {
  switch (result.pickResultType) {
    case pickType.QUEUE:
      return Result.QUEUED;
    case pickType.TRANSIENT_FAILURE:
      return Result.FAILED;
    default:
      return Result.DROPPED;
  }
}

/** What stands in for a method: given the original, bound already, and what the method was called with. */
type Around<Self, Method> = Method extends (...args: infer Args) => infer R
  ? (original: (...args: Args) => R, self: Self, ...args: Args) => R
  : never;
