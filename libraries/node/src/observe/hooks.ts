import { PickResult as Result } from '@pickscope/protocol/messages';
import type { DecisionSlot, Policy } from '../policies/picker';
import type { Attempt, Recorder } from '../recorder/recorder';
import { AskedFor } from './askedFor';
import { Channels } from './channels';
import type { ObservedChannel } from './endpoints';
import { failOpen } from './failOpen';
import {
  pickType,
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

/*
 * What is known of a call stands on grpc-js's object of that call: a WeakMap takes several times as long at each pick,
 * and again at each garbage collection (`npm run bench` has the figures).
 */
const attemptKey = Symbol('pickscope.attempt');

/** One attempt of a call, and what is known of it. */
type ObservedAttempt = LoadBalancingCall & { [attemptKey]?: Attempt };
/** A call, and the last of its attempts. */
type ObservedCall = RetryingCall & { [attemptKey]?: Attempt };

export class Hooks {
  private readonly channels: Channels;
  /** The attempt that is being picked for. */
  private picking: ObservedAttempt | undefined;
  /** The call that begins an attempt right now. */
  private beginning: ObservedCall | undefined;

  constructor(
    private readonly internals: GrpcInternals,
    private readonly recorder: Recorder,
    private readonly slot: DecisionSlot,
    policies: ReadonlyMap<string, Policy>,
    warn: (line: string) => void = () => undefined,
    /** Whether channelz is served from this copy: the ids of another mean nothing there. */
    inChannelz = true,
  ) {
    const askedFor = new AskedFor(policies, internals.loadBalancer, warn);
    this.channels = new Channels(recorder, slot, policies, askedFor, internals.addressToString, inChannelz);
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
    this.replace(LoadBalancingCall.prototype, 'doPick', (original) => (call) => {
      const outer = this.picking;
      this.picking = call;
      try {
        original.call(call);
      } finally {
        this.picking = outer;
      }
    });
    this.replace(LoadBalancingCall.prototype, 'outputStatus', (original) => (call, status, progress) => {
      this.slot.endedAt = NaN;
      try {
        original.call(call, status, progress);
      } finally {
        // Afterwards, when the policy has been told of the end too.
        this.ended(call, status.code);
      }
    });
    this.replace(RetryingCall.prototype, 'startNewAttempt', (original) => (call) => {
      const outer = this.beginning;
      this.beginning = call;
      try {
        original.call(call);
      } finally {
        this.beginning = outer;
      }
    });
  }

  private hookChannels(): void {
    const { prototype } = this.internals.InternalChannel;
    this.replace(prototype, 'doPick', (original) => (channel, metadata, pickInformation) => {
      const call = this.picking;
      this.picking = undefined;
      this.slot.picker = undefined;
      this.slot.explain = this.recorder.rows !== undefined;
      const result = original.call(channel, metadata, pickInformation);
      if (!call) return result;
      try {
        return this.picked(channel, call, result);
      } catch {
        return result;
      }
    });
    this.replace(prototype, 'updateState', (original) => (channel, state) => {
      original.call(channel, state);
      failOpen(() => this.channels.stateChanged(channel, state));
    });
    this.replace(prototype, 'close', (original) => (channel) => {
      original.call(channel);
      failOpen(() => this.channels.closed(channel));
    });
  }

  private hookPolicies(): void {
    const { loadBalancer, ResolvingLoadBalancer } = this.internals;
    this.replace(loadBalancer, 'createLoadBalancer', (original) => (module, config, helper, ...rest) => {
      const created = failOpen(() => this.channels.policyCreated(config.getLoadBalancerName(), helper));
      const balancer = original.call(module, config, created?.helper ?? helper, ...rest);
      if (created && balancer) failOpen(() => this.channels.observePolicy(created.node, balancer));
      return balancer;
    });
    this.replace(ResolvingLoadBalancer.prototype, 'handleResolutionFailure', (original) => (balancer, error) => {
      failOpen(() => this.channels.resolutionFailed(balancer.childLoadBalancer, error.details));
      original.call(balancer, error);
    });
  }

  private hookConnections(): void {
    const { LeafLoadBalancer, PickFirstLoadBalancer, Subchannel } = this.internals;
    this.replace(LeafLoadBalancer.prototype, 'startConnecting', (original) => (leaf) => {
      failOpen(() => this.channels.leafStarting(leaf));
      original.call(leaf);
    });
    this.replace(PickFirstLoadBalancer.prototype, 'updateState', (original) => (balancer, state, picker, error) => {
      this.channels.pickFirstReports(balancer, state, error ?? '', () => original.call(balancer, state, picker, error));
    });
    this.replace(Subchannel.prototype, 'transitionToState', (original) => (subchannel, from, to, error) => {
      // Before: those that listen to the subchannel make endpoints and pickers of its state.
      failOpen(() => {
        if (!from.includes(subchannel.getConnectivityState())) return;
        this.channels.endpoints.subchannelChanges(subchannel, to, error ?? '');
      });
      return original.call(subchannel, from, to, error);
    });
  }

  /** Notes a pick. @returns Its result, which where it is COMPLETE also tells when the call starts. */
  private picked(internal: InternalChannel, call: ObservedAttempt, result: PickResult): PickResult {
    const { channels, recorder, slot } = this;
    const channel = channels.of(internal);
    channels.notePicker(internal, channel);
    const attempt = (call[attemptKey] ??= this.beginAttempt(call, channel));
    // One that was not to be explained is of an earlier pick.
    const told = slot.explain ? slot.picker?.decision : undefined;
    const decision = told && channels.decisionOf(channel, told, slot.endpoints);
    const time = slot.picker ? (slot.pickedAt ?? NaN) : NaN;
    if (result.pickResultType !== pickType.COMPLETE || !result.subchannel) {
      recorder.picked(attempt, incomplete(result), undefined, result.status?.code ?? 0, decision, time);
      return result;
    }
    const endpoint =
      decision?.endpoints[decision.decision.chosen] ?? channels.endpoints.ofSubchannel(channel, result.subchannel);
    recorder.picked(attempt, Result.COMPLETED, endpoint, 0, decision, time);
    const { onCallStarted } = result;
    return {
      ...result,
      onCallStarted: () => {
        this.started(call, attempt);
        onCallStarted?.();
      },
    };
  }

  private started(call: ObservedAttempt, attempt: Attempt): void {
    try {
      this.recorder.started(attempt, Number(call.childStartTime ?? NaN));
    } catch {
      // See failOpen.
    }
  }

  private ended(call: ObservedAttempt, code: number): void {
    try {
      const attempt = call[attemptKey];
      if (attempt) this.recorder.ended(attempt, code, this.slot.endedAt);
    } catch {
      // See failOpen.
    }
    this.slot.endedAt = NaN;
  }

  private beginAttempt(call: LoadBalancingCall, channel: ObservedChannel): Attempt {
    const { beginning, recorder } = this;
    const before = beginning?.[attemptKey];
    const number = before?.call ?? recorder.nextCall();
    const attempt = recorder.attemptBegan(channel.record, number, (before?.attempt ?? 0) + 1, call.methodName);
    if (beginning) beginning[attemptKey] = attempt;
    this.beginning = undefined;
    return attempt;
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
    const wrap = around as (original: unknown) => (self: Owner, ...args: unknown[]) => unknown;
    const instead = wrap(original);
    owner[name] = function (this: Owner, ...args: unknown[]) {
      return instead(this, ...args);
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

/** What stands in for a method: made once of the original, and called with the object that the method is called on. */
type Around<Self, Method> = Method extends (...args: infer Args) => infer R
  ? (original: (this: Self, ...args: Args) => R) => (self: Self, ...args: Args) => R
  : never;
