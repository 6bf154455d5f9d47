import type { PolicyRegistry } from './askedFor';
import { failOpen } from './failOpen';

/*
 * What of grpc-js the hooks touch, none of it public: the names and shapes below are the same from 1.10 to 1.14. A copy
 * in which one is missing is observed without it.
 */

export interface InternalChannel {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly currentPicker: object;
  /** Not there yet while the constructor runs. */
  readonly resolvingLoadBalancer?: ResolvingLoadBalancer;
  readonly getTarget: () => string;
  readonly getChannelzRef: () => { readonly id: number; readonly name: string };
  doPick: (metadata: unknown, pickInformation: unknown) => PickResult;
  updateState: (state: number) => void;
  close: () => void;
}

export interface ResolvingLoadBalancer {
  readonly childLoadBalancer: object;
  handleResolutionFailure: (error: { readonly details: string }) => void;
}

/** One attempt of a call. */
export interface LoadBalancingCall {
  readonly methodName: string;
  /** When its stream was created, ms since the Unix epoch; a Date before 1.11. */
  readonly childStartTime?: number | Date | null;
  doPick: () => void;
  outputStatus: (status: { readonly code: number }, progress: unknown) => void;
}

/** A call with all of its attempts. */
export interface RetryingCall {
  startNewAttempt: () => void;
}

export interface Subchannel {
  readonly getConnectivityState: () => number;
  readonly getAddress: () => string;
  readonly getChannelzRef: () => { readonly id: number };
  readonly getRealSubchannel: () => Subchannel;
  transitionToState: (from: readonly number[], to: number, error?: string) => boolean;
}

/** grpc-js's own numbers. */
export const pickType = { COMPLETE: 0, QUEUE: 1, TRANSIENT_FAILURE: 2, DROP: 3 } as const;

export interface PickResult {
  readonly pickResultType: number;
  readonly subchannel: Subchannel | null;
  readonly status: { readonly code: number } | null;
  readonly onCallStarted: (() => void) | null;
}

export interface Endpoint {
  readonly addresses: readonly object[];
}

/** Up to 1.13 a plain list. */
export type EndpointList =
  | readonly Endpoint[]
  | { readonly ok: true; readonly value: readonly Endpoint[] }
  | { readonly ok: false; readonly error: { readonly details: string } };

export interface ControlHelper {
  createSubchannel: (address: object, ...rest: unknown[]) => Subchannel;
  updateState: (state: number, picker: object, ...rest: unknown[]) => void;
  /** Where the helper is that of a ChildLoadBalancerHandler: that handler. */
  readonly parent?: object;
}

export interface LoadBalancer {
  updateAddressList: (endpoints: EndpointList, ...rest: unknown[]) => unknown;
  destroy: () => void;
}

export interface PickFirstLoadBalancer {
  readonly currentPick?: Subchannel | null;
  /** The error is not there before 1.13. */
  updateState: (state: number, picker: object, error?: string | null) => void;
}

export interface LeafLoadBalancer {
  readonly pickFirstBalancer: PickFirstLoadBalancer;
  readonly getEndpoint: () => Endpoint;
  startConnecting: () => void;
}

export interface LoadBalancerModule extends PolicyRegistry {
  createLoadBalancer: (
    config: { readonly getLoadBalancerName: () => string },
    helper: ControlHelper,
    ...rest: unknown[]
  ) => LoadBalancer | null;
}

interface Class<Instance> {
  readonly prototype: Instance;
}

export interface GrpcInternals {
  readonly InternalChannel: Class<InternalChannel>;
  readonly LoadBalancingCall: Class<LoadBalancingCall>;
  readonly RetryingCall: Class<RetryingCall>;
  readonly Subchannel: Class<Subchannel>;
  readonly ResolvingLoadBalancer: Class<ResolvingLoadBalancer>;
  readonly PickFirstLoadBalancer: Class<PickFirstLoadBalancer>;
  readonly LeafLoadBalancer: Class<LeafLoadBalancer>;
  readonly loadBalancer: LoadBalancerModule;
  readonly addressToString: (address: object) => string;
  /** Methods that take something else than what the hooks know: they are left alone. */
  readonly unfit: ReadonlySet<unknown>;
}

/**
 * What there is of it in a copy of grpc-js. What is missing has an empty prototype, so that nothing of it is hooked.
 *
 * @param load Gives a module of that copy by its path in the package, or throws.
 */
export function loadInternals(load: (path: string) => unknown): Omit<GrpcInternals, 'unfit'> {
  const module = (name: string) =>
    (failOpen(() => load(`build/src/${name}`)) ?? {}) as Readonly<Record<string, unknown>>;
  const classOf = <T>(file: string, name: string) => (module(file)[name] ?? { prototype: {} }) as Class<T>;
  return {
    InternalChannel: classOf('internal-channel.js', 'InternalChannel'),
    LoadBalancingCall: classOf('load-balancing-call.js', 'LoadBalancingCall'),
    RetryingCall: classOf('retrying-call.js', 'RetryingCall'),
    Subchannel: classOf('subchannel.js', 'Subchannel'),
    ResolvingLoadBalancer: classOf('resolving-load-balancer.js', 'ResolvingLoadBalancer'),
    PickFirstLoadBalancer: classOf('load-balancer-pick-first.js', 'PickFirstLoadBalancer'),
    LeafLoadBalancer: classOf('load-balancer-pick-first.js', 'LeafLoadBalancer'),
    loadBalancer: module('load-balancer.js') as unknown as LoadBalancerModule,
    addressToString: module('subchannel-address.js').subchannelAddressToString as GrpcInternals['addressToString'],
  };
}
