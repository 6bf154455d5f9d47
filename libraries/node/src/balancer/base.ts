import type * as GrpcModule from '@grpc/grpc-js';
import type { ChannelOptions, experimental } from '@grpc/grpc-js';
import type { DecisionSlot, Picker, Policy, ReadyEndpoint } from '../policies/picker';
import { PolicyConfig } from './config';
import { LeafPicker } from './leafPicker';
import { aggregateState, mergedError, stateAfter } from './states';

/*
 * grpc-go's balancer/base on grpc-js (1.14 and up): keeps a connection to each endpoint, and has a picker built from
 * those that are READY whenever one comes or goes and at each resolver update. A policy is only that picker.
 * docs/balancer.md compares it with grpc-go and grpc-js rule by rule.
 */

export type Grpc = typeof GrpcModule;

type Endpoint = experimental.Endpoint;
type State = GrpcModule.connectivityState;

interface Child {
  readonly leaf: experimental.LeafLoadBalancer;
  readonly endpoint: ReadyEndpoint;
  state: State;
}

export class BaseBalancer implements experimental.LoadBalancer {
  /** By endpointToString, so that an endpoint that a resolver repeats keeps its connection. */
  private readonly children = new Map<string, Child>();
  /** As the channel was told; undefined: not yet. */
  private state: State | undefined;
  /** The endpoints of the picker that was built last. */
  private picked: readonly Child[] = [];
  /** The last that the policy did not refuse. */
  private config: PolicyConfig | undefined;
  /** The last that was logged. */
  private problem: string | undefined;
  private connectionError = '';
  private resolverError = '';
  /** During a resolver update the endpoints report, and the picker is built once at its end. */
  private updating = false;
  /** Whether a resolution was accepted. */
  private accepted = false;

  constructor(
    private readonly grpc: Grpc,
    private readonly policy: Policy,
    private readonly slot: DecisionSlot,
    private readonly helper: experimental.ChannelControlHelper,
  ) {}

  updateAddressList(
    endpoints: experimental.StatusOr<Endpoint[]>,
    config: experimental.TypedLoadBalancingConfig,
    options: ChannelOptions,
    resolutionNote: string,
  ): boolean {
    if (!(config instanceof PolicyConfig) || config.getLoadBalancerName() !== this.policy.name) return false;
    const valid = this.takeConfig(config);
    if (!this.config) return this.runWithoutConfig(config);
    if (!endpoints.ok) {
      this.resolverFailed(endpoints.error.details);
      return this.accept(valid);
    }
    this.updateChildren(endpoints.value, options, resolutionNote);
    if (this.children.size === 0) {
      this.resolverFailed(['produced zero addresses', resolutionNote].filter(Boolean).join(': '));
      return this.accept(false);
    }
    this.report(true);
    return this.accept(valid);
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

  /** As gRFC A21 has it, a service config that is refused leaves the one before in force. */
  private takeConfig(config: PolicyConfig): boolean {
    const { problem } = config;
    if (problem === undefined) this.config = config;
    else if (problem !== this.problem) this.logError(problem);
    this.problem = problem;
    return problem === undefined;
  }

  /** The first service config was refused: calls fail with the reason, unless another policy serves them still. */
  private runWithoutConfig({ problem }: PolicyConfig): boolean {
    if (this.anotherServes()) return false;
    this.fail(problem!);
    return this.accept(false);
  }

  /** Whether the channel switches to this policy from one that has endpoints; in the insides of grpc-js's child handler. */
  private anotherServes(): boolean {
    const { parent } = this.helper as { parent?: { currentChild?: unknown } };
    return Boolean(parent?.currentChild) && parent?.currentChild !== this;
  }

  /**
   * What the resolver is told: false (grpc-go: ErrBadResolverState) has it try again. But a channel that has never
   * accepted a resolution has its calls wait until their deadlines, so the first is accepted, and they fail.
   */
  private accept(valid: boolean): boolean {
    const first = !this.accepted;
    this.accepted = true;
    return valid || first;
  }

  /** With endpoints that work, the calls go on with those. */
  private resolverFailed(details: string): void {
    this.resolverError = details;
    if (this.children.size === 0 || this.state === this.grpc.connectivityState.TRANSIENT_FAILURE) this.failMerged();
  }

  private updateChildren(endpoints: readonly Endpoint[], options: ChannelOptions, resolutionNote: string): void {
    this.updating = true;
    this.resolverError = '';
    const usable = endpoints.filter((endpoint) => endpoint.addresses.length > 0);
    const current = new Map(usable.map((endpoint) => [this.grpc.experimental.endpointToString(endpoint), endpoint]));
    for (const [key, { leaf }] of this.children) {
      if (current.has(key)) continue;
      this.children.delete(key);
      leaf.destroy();
    }
    for (const [key, endpoint] of current) {
      // One that is known is left alone, as in grpc-go's base. To tell its leaf again (as weighted_round_robin does) has
      // it connect anew; where that fails at once it asks for the next resolution, and so on without end.
      if (!this.children.has(key)) this.addChild(key, endpoint, options, resolutionNote);
    }
    this.updating = false;
  }

  private addChild(key: string, endpoint: Endpoint, options: ChannelOptions, resolutionNote: string): void {
    const { LeafLoadBalancer, createChildChannelControlHelper } = this.grpc.experimental;
    const helper = createChildChannelControlHelper(this.helper, {
      updateState: (state, _picker, error) => {
        if (this.children.get(key) === child) this.onChildState(child, state, error);
      },
    });
    const leaf = new LeafLoadBalancer(endpoint, helper, options, resolutionNote);
    const addresses = endpoint.addresses.map((address) => this.grpc.experimental.subchannelAddressToString(address));
    const child: Child = { leaf, endpoint: { addresses }, state: this.grpc.connectivityState.IDLE };
    this.children.set(key, child);
    leaf.startConnecting();
  }

  private onChildState(child: Child, reported: State, error: string | null): void {
    const { READY, IDLE } = this.grpc.connectivityState;
    const before = child.state;
    child.state = stateAfter(this.grpc.connectivityState, before, reported);
    if (error) this.connectionError = error;
    // Every endpoint is kept connected. First, so that the channel hears of the attempt and not of the moment before.
    if (reported === IDLE) child.leaf.exitIdle();
    if (this.updating) return;
    this.report(false);
    // A connection that was lost may mean that the backend has moved.
    if (before === READY && reported !== READY) this.helper.requestReresolution();
  }

  /** Tells the channel what is new; after a resolver update a picker is, also where the endpoints are the same. */
  private report(updated: boolean): void {
    const { READY, TRANSIENT_FAILURE } = this.grpc.connectivityState;
    const children = [...this.children.values()];
    const state = aggregateState(
      this.grpc.connectivityState,
      children.map((child) => child.state),
    );
    if (state === READY) {
      const ready = children.filter((child) => child.state === READY);
      if (updated || this.state !== READY || !sameItems(ready, this.picked))
        this.update(READY, this.buildPicker(ready));
    } else if (state === TRANSIENT_FAILURE) {
      this.failMerged();
    } else if (state !== this.state) {
      this.update(state, new this.grpc.experimental.QueuePicker(this));
    }
  }

  private failMerged(): void {
    this.fail(`${this.policy.name}: ${mergedError(this.connectionError, this.resolverError)}`);
  }

  private fail(details: string): void {
    const picker = new this.grpc.experimental.UnavailablePicker({ details });
    this.update(this.grpc.connectivityState.TRANSIENT_FAILURE, picker, details);
  }

  private update(state: State, picker: experimental.Picker, error: string | null = null): void {
    this.state = state;
    this.helper.updateState(state, picker, error);
  }

  private buildPicker(ready: readonly Child[]): experimental.Picker {
    this.picked = ready;
    const picker = this.buildPolicyPicker(ready.map((child) => child.endpoint));
    this.slot.built = picker;
    const leaves = ready.map((child) => child.leaf);
    const endpoints = leaves.map((leaf) => leaf.getEndpoint());
    return new LeafPicker(this.grpc, leaves, endpoints, picker, this.slot);
  }

  private buildPolicyPicker(readyEndpoints: readonly ReadyEndpoint[]): Picker {
    try {
      const log = (line: string) => this.grpc.experimental.log(this.grpc.logVerbosity.INFO, line);
      const picker = this.policy.build({ readyEndpoints, config: this.config!.parsed, log });
      if (!isPicker(picker)) throw new Error('build() returned no object with a pick()');
      return picker;
    } catch (error) {
      this.logError(`${this.policy.name} built no picker, so its endpoints are taken in turn: ${String(error)}`);
      return inTurn(readyEndpoints.length);
    }
  }

  private logError(line: string): void {
    this.grpc.experimental.log(this.grpc.logVerbosity.ERROR, line);
  }
}

/** Stands in for a picker that could not be built, so that calls go on. */
function inTurn(size: number): Picker {
  let turn = 0;
  return { pick: () => ({ endpoint: turn++ % size }) };
}

/** A policy may be written in JavaScript. */
function isPicker(picker: unknown): boolean {
  return typeof (picker as Partial<Picker> | undefined)?.pick === 'function';
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
