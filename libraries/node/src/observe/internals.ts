/*
 * What of grpc-js the hooks touch, none of it public: the names and shapes below are the same from 1.10 to 1.14. A copy
 * in which one is missing is observed without it.
 */

export interface InternalChannel {
  readonly currentPicker: object;
  /** Not there yet while the constructor runs. */
  readonly resolvingLoadBalancer?: ResolvingLoadBalancer;
  getTarget(): string;
  getChannelzRef(): { readonly id: number; readonly name: string };
}

export interface ResolvingLoadBalancer {
  readonly childLoadBalancer: object;
}

export interface LoadBalancingCall {
  readonly methodName: string;
}

export interface Subchannel {
  getConnectivityState(): number;
  getAddress(): string;
  getChannelzRef(): { readonly id: number };
  getRealSubchannel(): Subchannel;
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

/** Up to 1.12 a plain list. */
export type EndpointList =
  | readonly Endpoint[]
  | { readonly ok: true; readonly value: readonly Endpoint[] }
  | { readonly ok: false; readonly error: { readonly details: string } };

export interface ControlHelper {
  createSubchannel(address: object, ...rest: unknown[]): Subchannel;
  updateState(state: number, picker: { readonly subchannel?: Subchannel }, ...rest: unknown[]): void;
  /** Where the helper is that of a ChildLoadBalancerHandler: that handler. */
  readonly parent?: object;
}

export interface LoadBalancer {
  updateAddressList(endpoints: EndpointList, ...rest: unknown[]): unknown;
  destroy(): void;
  getTypeName(): string;
}

export interface LeafLoadBalancer {
  readonly pickFirstBalancer: object;
  getEndpoint(): Endpoint;
}

/** A class whose methods are replaced. */
export interface Patchable {
  readonly prototype: object;
}

export interface GrpcInternals {
  readonly version: string;
  readonly InternalChannel: Patchable;
  readonly LoadBalancingCall: Patchable;
  readonly RetryingCall: Patchable;
  readonly Subchannel: Patchable;
  readonly ResolvingLoadBalancer: Patchable;
  readonly PickFirstLoadBalancer: Patchable;
  readonly LeafLoadBalancer: Patchable;
  /** The module itself: its createLoadBalancer is replaced. */
  readonly loadBalancer: object;
  readonly addressToString: (address: object) => string;
}

/**
 * @param load Loads a module of one copy of grpc-js by its path in the package.
 */
export function loadInternals(load: (path: string) => unknown): GrpcInternals {
  const find = (module: string) => load(`build/src/${module}`) as Record<string, Patchable>;
  const pickFirst = find('load-balancer-pick-first.js');
  return {
    version: (load('package.json') as { version: string }).version,
    InternalChannel: find('internal-channel.js').InternalChannel!,
    LoadBalancingCall: find('load-balancing-call.js').LoadBalancingCall!,
    RetryingCall: find('retrying-call.js').RetryingCall!,
    Subchannel: find('subchannel.js').Subchannel!,
    ResolvingLoadBalancer: find('resolving-load-balancer.js').ResolvingLoadBalancer!,
    PickFirstLoadBalancer: pickFirst.PickFirstLoadBalancer!,
    LeafLoadBalancer: pickFirst.LeafLoadBalancer!,
    loadBalancer: find('load-balancer.js'),
    addressToString: find('subchannel-address.js').subchannelAddressToString as unknown as (address: object) => string,
  };
}
