import type * as GrpcModule from '@grpc/grpc-js';
import type { ChannelOptions, experimental } from '@grpc/grpc-js';
import type { DecisionSlot, Policy, ReadyEndpoint } from '../policies/picker';
import { LeafPicker } from './leafPicker';

/*
 * grpc-go's balancer/base on grpc-js (1.14 and up): keeps a connection to each endpoint, and has a picker built from
 * those that are READY whenever one comes or goes and at each resolver update. A policy is only that picker.
 */

export type Grpc = typeof GrpcModule;

type Endpoint = experimental.Endpoint;
/** A policy's service config, parsed. */
export class PolicyConfig implements experimental.TypedLoadBalancingConfig {
  /**
   * @param name The policy's.
   * @param json As it was given.
   */
  constructor(
    private readonly name: string,
    private readonly json: object,
    readonly parsed: unknown,
  ) {}

  getLoadBalancerName(): string {
    return this.name;
  }

  toJsonObject(): object {
    return { [this.name]: this.json };
  }
}

interface Child {
  readonly leaf: experimental.LeafLoadBalancer;
  readonly endpoint: ReadyEndpoint;
  state: GrpcModule.connectivityState;
}

export class BaseBalancer implements experimental.LoadBalancer {
  /** By endpointToString, so that an endpoint that a resolver repeats keeps its connection. */
  private readonly children = new Map<string, Child>();
  private state: GrpcModule.connectivityState;
  private lastError = '';
  private config: unknown;
  /** During a resolver update the endpoints report, and the picker is built once at its end. */
  private updating = false;

  constructor(
    private readonly grpc: Grpc,
    private readonly policy: Policy,
    private readonly slot: DecisionSlot,
    private readonly helper: experimental.ChannelControlHelper,
  ) {
    this.state = grpc.connectivityState.IDLE;
  }

  updateAddressList(
    endpoints: experimental.StatusOr<Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    resolutionNote: string,
  ): boolean {
    if (!(config instanceof PolicyConfig) || config.getLoadBalancerName() !== this.policy.name) return false;
    this.config = config.parsed;
    if (!endpoints.ok) {
      // With endpoints from before, the calls go on with those.
      if (this.children.size === 0) this.fail(endpoints.error.details);
      return true;
    }
    this.updating = true;
    this.updateChildren(endpoints.value, options, resolutionNote);
    this.updating = false;
    if (this.children.size === 0) {
      this.fail(`The resolver returned no addresses. Resolution note: ${resolutionNote}`);
      return false;
    }
    this.report(true);
    return true;
  }

  exitIdle(): void {
    for (const { leaf } of this.children.values()) leaf.exitIdle();
  }

  resetBackoff(): void {
    // The subchannels have a backoff, the policy has none.
  }

  destroy(): void {
    for (const { leaf } of this.children.values()) leaf.destroy();
    this.children.clear();
  }

  getTypeName(): string {
    return this.policy.name;
  }

  private updateChildren(endpoints: readonly Endpoint[], options: ChannelOptions, resolutionNote: string): void {
    const current = new Map(endpoints.map((endpoint) => [this.grpc.experimental.endpointToString(endpoint), endpoint]));
    for (const [key, { leaf }] of this.children) {
      if (current.has(key)) continue;
      leaf.destroy();
      this.children.delete(key);
    }
    for (const [key, endpoint] of current) {
      // One that is known is left alone, as in grpc-go's base. To tell its leaf again (as weighted_round_robin does) has
      // it connect anew; where that fails at once it asks for the next resolution, and so on without end.
      if (!this.children.has(key)) this.addChild(key, endpoint, options, resolutionNote);
    }
  }

  private addChild(key: string, endpoint: Endpoint, options: ChannelOptions, resolutionNote: string): void {
    const { LeafLoadBalancer, createChildChannelControlHelper } = this.grpc.experimental;
    const helper = createChildChannelControlHelper(this.helper, {
      updateState: (state, _picker, error) => this.onChildState(child, state, error),
    });
    const leaf = new LeafLoadBalancer(endpoint, helper, options, resolutionNote);
    const addresses = endpoint.addresses.map((address) => this.grpc.experimental.subchannelAddressToString(address));
    const child: Child = { leaf, endpoint: { addresses }, state: this.grpc.connectivityState.IDLE };
    this.children.set(key, child);
    leaf.startConnecting();
  }

  private onChildState(child: Child, state: GrpcModule.connectivityState, error: string | null): void {
    const { READY, IDLE } = this.grpc.connectivityState;
    const before = child.state;
    child.state = state;
    if (error) this.lastError = error;
    if (this.updating) return;
    const left = before === READY && state !== READY;
    // A connection that was lost may mean that the backend has moved.
    if (left) this.helper.requestReresolution();
    this.report(left || (before !== READY && state === READY));
    // As grpc-go's base: every endpoint is kept connected.
    if (state === IDLE) child.leaf.exitIdle();
  }

  /** Tells the channel the state of all; in READY with a new picker, or not at all if `rebuild` is false. */
  private report(rebuild: boolean): void {
    const { READY, CONNECTING, TRANSIENT_FAILURE, IDLE } = this.grpc.connectivityState;
    const has = (state: GrpcModule.connectivityState) => [...this.children.values()].some((it) => it.state === state);
    if (has(READY)) {
      if (rebuild || this.state !== READY) this.update(READY, this.buildPicker());
    } else if (has(CONNECTING)) {
      if (this.state !== CONNECTING) this.update(CONNECTING, this.queuePicker());
    } else if (has(TRANSIENT_FAILURE)) {
      this.fail(`${this.policy.name}: no connection established. Last error: ${this.lastError}`);
    } else if (this.state !== IDLE) {
      this.update(IDLE, this.queuePicker());
    }
  }

  private fail(details: string): void {
    const picker = new this.grpc.experimental.UnavailablePicker({ details });
    this.update(this.grpc.connectivityState.TRANSIENT_FAILURE, picker, details);
  }

  private update(state: GrpcModule.connectivityState, picker: experimental.Picker, error: string | null = null): void {
    this.state = state;
    this.helper.updateState(state, picker, error);
  }

  private queuePicker(): experimental.Picker {
    return new this.grpc.experimental.QueuePicker(this);
  }

  private buildPicker(): experimental.Picker {
    const { READY } = this.grpc.connectivityState;
    const ready = [...this.children.values()].filter((child) => child.state === READY);
    const leaves = ready.map((child) => child.leaf);
    const readyEndpoints = ready.map((child) => child.endpoint);
    const log = (line: string) => this.grpc.experimental.log(this.grpc.logVerbosity.INFO, line);
    const picker = this.policy.build({ readyEndpoints, config: this.config, log });
    this.slot.built = picker;
    const endpoints = leaves.map((leaf) => leaf.getEndpoint());
    return new LeafPicker(this.grpc, leaves, endpoints, picker, this.slot);
  }
}
