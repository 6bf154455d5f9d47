import { ConnectivityState, GenerationCause, ScoreOrder } from '@pickscope/protocol/messages';
import type { ChannelRecord, EndpointRecord, PolicyRecord, SubconnRecord } from '../recorder/entities';
import type { Recorder } from '../recorder/recorder';
import type {
  ControlHelper,
  Endpoint,
  EndpointList,
  InternalChannel,
  LeafLoadBalancer,
  LoadBalancer,
  Subchannel,
} from './internals';

/*
 * What exists in the channels of one copy of grpc-js: their policies, pickers, endpoints and connections, pieced together
 * from what the hooks see.
 */

/** What the recorder must know of a policy's nature. */
export interface PolicyTraits {
  readonly scoreOrder: ScoreOrder;
  /** Whether its EWMA survives a new picker, or it keeps none. */
  readonly keepsHistory: boolean;
}

const plainPolicy: PolicyTraits = { scoreOrder: ScoreOrder.UNSPECIFIED, keepsHistory: true };

/** A channel as it is observed. Held only by things of the channel itself, so that it can be collected with it. */
export interface ObservedChannel {
  readonly record: ChannelRecord;
  /** By addresses, as endpointToString writes them. */
  readonly endpoints: Map<string, EndpointRecord>;
  readonly bySubchannel: WeakMap<Subchannel, EndpointRecord>;
  picker: object | undefined;
  /** Endpoints that the running resolver update named; undefined: none runs. */
  seen: Set<EndpointRecord> | undefined;
}

export interface PolicyNode {
  readonly record: PolicyRecord;
  readonly channel: ObservedChannel;
  readonly traits: PolicyTraits;
}

export class Channels {
  private readonly observed = new WeakMap<InternalChannel, ObservedChannel>();
  private readonly byHandler = new WeakMap<object, ObservedChannel>();
  /** Channels whose handler of policies has not been noted in `byHandler`. */
  private readonly unmapped = new Set<WeakRef<InternalChannel>>();
  private readonly collected = new FinalizationRegistry<ChannelRecord>((record) =>
    this.recorder.entities.closeChannel(record),
  );
  private readonly leaves = new WeakMap<object, { channel: ObservedChannel; endpoint: EndpointRecord }>();
  private readonly pickFirsts = new WeakMap<object, PolicyNode>();
  private readonly subconns = new WeakMap<Subchannel, SubconnRecord>();
  /** Policies that are being given endpoints right now, outermost first. */
  private readonly updating: PolicyNode[] = [];
  /** The innermost policy that is telling a new picker right now. */
  private reporting: PolicyNode | undefined;
  private cause = GenerationCause.UNSPECIFIED;

  constructor(
    private readonly recorder: Recorder,
    private readonly traits: ReadonlyMap<string, PolicyTraits>,
    private readonly addressToString: (address: object) => string,
  ) {}

  of(channel: InternalChannel): ObservedChannel {
    const known = this.observed.get(channel);
    if (known) return known;
    const { id, name } = channel.getChannelzRef();
    const record = this.recorder.entities.addChannel(name || channel.getTarget(), id);
    const observed: ObservedChannel = {
      record,
      endpoints: new Map(),
      bySubchannel: new WeakMap(),
      picker: undefined,
      seen: undefined,
    };
    this.observed.set(channel, observed);
    this.unmapped.add(new WeakRef(channel));
    this.collected.register(channel, record);
    return observed;
  }

  stateChanged(channel: InternalChannel, state: number): void {
    const observed = this.of(channel);
    this.notePicker(channel, observed);
    this.recorder.entities.setChannelState(observed.record, protocolState(state));
  }

  closed(channel: InternalChannel): void {
    this.recorder.entities.closeChannel(this.of(channel).record);
  }

  /** Notes a generation if the channel uses another picker than when last asked. */
  notePicker(channel: InternalChannel, observed: ObservedChannel): void {
    if (channel.currentPicker === observed.picker) return;
    observed.picker = channel.currentPicker;
    // Before its policy is there, a channel has a picker that only waits; it is no generation of anything.
    if (!this.reporting && observed.record.generation === undefined) return;
    const ready = this.reportingReady ? readyEndpoints(observed) : [];
    const keepsHistory = this.reporting?.traits.keepsHistory ?? true;
    this.recorder.entities.setGeneration(observed.record, this.reporting?.record, ready, this.cause, keepsHistory);
  }

  private reportingReady = false;

  // ── Policies ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A policy is about to be created; the result stands in for its helper. undefined: its channel is unknown. */
  policyCreated(name: string, helper: ControlHelper): { node: PolicyNode; helper: ControlHelper } | undefined {
    const parent = this.updating.at(-1);
    const channel = parent?.channel ?? this.channelOfHandler(helper.parent);
    if (!channel) return undefined;
    const traits = this.traits.get(name) ?? plainPolicy;
    const record = this.recorder.entities.addPolicy(channel.record, parent?.record, name, traits.scoreOrder);
    const node: PolicyNode = { record, channel, traits };
    return { node, helper: this.observedHelper(node, helper) };
  }

  /** Watches what the policy is given. */
  observeBalancer(node: PolicyNode, balancer: LoadBalancer): void {
    const { updateAddressList, destroy } = balancer;
    if (node.record.message.name === 'pick_first') this.pickFirsts.set(balancer, node);
    balancer.updateAddressList = (endpoints, ...rest) => {
      const end = attempt(() => this.beginUpdate(node, endpoints));
      try {
        return updateAddressList.call(balancer, endpoints, ...rest);
      } finally {
        attempt(() => end?.());
      }
    };
    balancer.destroy = () => {
      destroy.call(balancer);
      attempt(() => this.policyDestroyed(node));
    };
  }

  resolutionFailed(handler: object, details: string): void {
    const channel = this.channelOfHandler(handler);
    if (channel) this.recorder.entities.resolverUpdate(channel.record, [], details);
  }

  private observedHelper(node: PolicyNode, helper: ControlHelper): ControlHelper {
    // Everything else of the helper shows through.
    const observed = Object.create(helper) as ControlHelper;
    observed.createSubchannel = (address, ...rest) => {
      const subchannel = helper.createSubchannel(address, ...rest);
      attempt(() => this.subchannelCreated(node.channel, address, subchannel.getRealSubchannel()));
      return subchannel;
    };
    observed.updateState = (state, picker, ...rest) => {
      const outer = this.reporting;
      const outerReady = this.reportingReady;
      // Policies above pass on what one below began.
      this.reporting ??= node;
      this.reportingReady = protocolState(state) === ConnectivityState.READY;
      try {
        helper.updateState(state, picker, ...rest);
      } finally {
        this.reporting = outer;
        this.reportingReady = outerReady;
      }
    };
    return observed;
  }

  private beginUpdate(node: PolicyNode, endpoints: EndpointList): () => void {
    const isRoot = node.record.parent === undefined;
    const list = 'ok' in endpoints ? (endpoints.ok ? endpoints.value : undefined) : endpoints;
    if (isRoot) this.resolved(node.channel, endpoints, list);
    for (const endpoint of list ?? []) this.endpointOf(node.channel, endpoint);
    const outerCause = this.cause;
    this.cause = GenerationCause.RESOLVER_UPDATE;
    this.updating.push(node);
    return () => {
      this.updating.pop();
      this.cause = outerCause;
      if (isRoot) this.endResolved(node.channel);
    };
  }

  private resolved(channel: ObservedChannel, given: EndpointList, list: readonly Endpoint[] | undefined): void {
    const error = 'ok' in given && !given.ok ? given.error.details : '';
    const addresses = (list ?? []).map((endpoint) => this.addressesOf(endpoint).join(', '));
    this.recorder.entities.resolverUpdate(channel.record, addresses, error);
    if (list) channel.seen = new Set();
  }

  private endResolved(channel: ObservedChannel): void {
    const { seen } = channel;
    channel.seen = undefined;
    if (!seen) return;
    for (const [key, endpoint] of channel.endpoints) {
      if (seen.has(endpoint)) continue;
      channel.endpoints.delete(key);
      this.recorder.entities.removeEndpoint(endpoint);
    }
  }

  private policyDestroyed(node: PolicyNode): void {
    const { entities } = this.recorder;
    entities.removePolicy(node.record);
    if (node.channel.record.policies.size > 0) return;
    // The channel went idle: its endpoints stay known, without connections.
    for (const endpoint of node.channel.endpoints.values()) {
      for (const address of endpoint.subconns.keys()) entities.unlinkSubconn(endpoint, address);
      entities.setEndpointState(endpoint, ConnectivityState.IDLE, '');
    }
  }

  private channelOfHandler(handler: object | undefined): ObservedChannel | undefined {
    if (!handler) return undefined;
    const known = this.byHandler.get(handler);
    if (known) return known;
    for (const reference of this.unmapped) {
      const channel = reference.deref();
      const own = channel?.resolvingLoadBalancer?.childLoadBalancer;
      if (channel && own) this.byHandler.set(own, this.of(channel));
      if (!channel || own) this.unmapped.delete(reference);
    }
    return this.byHandler.get(handler);
  }

  // ── Endpoints ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The records of a picker's endpoints. */
  endpointsOf(channel: ObservedChannel, endpoints: readonly Endpoint[]): readonly EndpointRecord[] {
    return endpoints.map((endpoint) => this.endpointOf(channel, endpoint));
  }

  /** The endpoint behind the connection that a pick gave. */
  endpointOfSubchannel(channel: ObservedChannel, subchannel: Subchannel): EndpointRecord {
    const real = subchannel.getRealSubchannel();
    const known = channel.bySubchannel.get(real);
    if (known && !known.message.removed) return known;
    const address = real.getAddress();
    const endpoint = this.findByAddress(channel, address) ?? this.addEndpoint(channel, [address]);
    this.link(channel, endpoint, address, real);
    return endpoint;
  }

  /** A leaf begins to connect: from now on it tells the state of its endpoint. */
  leafStarting(leaf: LeafLoadBalancer): void {
    const channel = this.updating.at(-1)?.channel;
    if (!channel) return;
    this.leaves.set(leaf.pickFirstBalancer, { channel, endpoint: this.endpointOf(channel, leaf.getEndpoint()) });
  }

  /** A leaf, or a pick_first policy, is about to tell its state; runs `report` with the cause of what follows known. */
  pickFirstReports(balancer: object, state: number, subchannel: Subchannel | null, error: unknown, report: () => void) {
    const outer = this.cause;
    attempt(() => {
      const before = this.notePickFirst(balancer, protocolState(state), subchannel, error);
      if (outer !== GenerationCause.RESOLVER_UPDATE) this.cause = causeOf(before, protocolState(state));
    });
    try {
      report();
    } finally {
      this.cause = outer;
    }
  }

  subchannelChanges(subchannel: Subchannel, state: number, error: string | undefined): void {
    const subconn = this.subconns.get(subchannel);
    if (!subconn) return;
    this.recorder.entities.setSubconnState(subconn, protocolState(state), error ?? '');
    for (const endpoint of subconn.endpoints) {
      if (!this.toldByLeaf.has(endpoint)) this.deriveState(endpoint);
    }
  }

  private readonly toldByLeaf = new WeakSet<EndpointRecord>();

  private notePickFirst(
    balancer: object,
    state: ConnectivityState,
    subchannel: Subchannel | null,
    error: unknown,
  ): ConnectivityState {
    const leaf = this.leaves.get(balancer);
    if (leaf) {
      const before = leaf.endpoint.message.state;
      this.toldByLeaf.add(leaf.endpoint);
      const text = state === ConnectivityState.TRANSIENT_FAILURE ? connectionError(leaf.endpoint, error) : '';
      this.recorder.entities.setEndpointState(leaf.endpoint, state, text);
      return before;
    }
    const policy = this.pickFirsts.get(balancer);
    if (!policy) return ConnectivityState.UNSPECIFIED;
    const before = policy.channel.record.message.state;
    if (state === ConnectivityState.READY && subchannel) this.keepOnly(policy.channel, subchannel);
    return before;
  }

  /** pick_first lets go of all connections but the one that it uses. */
  private keepOnly(channel: ObservedChannel, subchannel: Subchannel): void {
    const used = this.endpointOfSubchannel(channel, subchannel);
    for (const endpoint of channel.endpoints.values()) {
      if (endpoint === used) continue;
      for (const address of endpoint.subconns.keys()) this.recorder.entities.unlinkSubconn(endpoint, address);
      this.deriveState(endpoint);
    }
  }

  private subchannelCreated(channel: ObservedChannel, address: object, subchannel: Subchannel): void {
    const text = this.addressToString(address);
    const endpoint = this.findByAddress(channel, text) ?? this.addEndpoint(channel, [text]);
    this.link(channel, endpoint, text, subchannel);
    if (!this.toldByLeaf.has(endpoint)) this.deriveState(endpoint);
  }

  private link(channel: ObservedChannel, endpoint: EndpointRecord, address: string, subchannel: Subchannel): void {
    const { entities } = this.recorder;
    let subconn = this.subconns.get(subchannel);
    if (!subconn || subconn.message.removed) {
      const state = protocolState(subchannel.getConnectivityState());
      subconn = entities.addSubconn(address, state, subchannel.getChannelzRef().id);
      this.subconns.set(subchannel, subconn);
    }
    channel.bySubchannel.set(subchannel, endpoint);
    entities.linkSubconn(endpoint, subconn, address);
  }

  /** Where no leaf tells it, an endpoint's state is the best of its connections'. */
  private deriveState(endpoint: EndpointRecord): void {
    const subconns = [...endpoint.subconns.values()].map((subconn) => subconn.message);
    const best = statesByRank.find((state) => subconns.some((subconn) => subconn.state === state));
    const error = best === ConnectivityState.TRANSIENT_FAILURE ? connectionError(endpoint, '') : '';
    this.recorder.entities.setEndpointState(endpoint, best ?? ConnectivityState.IDLE, error);
  }

  private endpointOf(channel: ObservedChannel, endpoint: Endpoint): EndpointRecord {
    const addresses = this.addressesOf(endpoint);
    const record = channel.endpoints.get(addresses.join(', ')) ?? this.addEndpoint(channel, addresses);
    channel.seen?.add(record);
    return record;
  }

  private addEndpoint(channel: ObservedChannel, addresses: readonly string[]): EndpointRecord {
    const record = this.recorder.entities.addEndpoint(channel.record, addresses);
    channel.endpoints.set(addresses.join(', '), record);
    channel.seen?.add(record);
    return record;
  }

  private findByAddress(channel: ObservedChannel, address: string): EndpointRecord | undefined {
    const exact = channel.endpoints.get(address);
    if (exact) return exact;
    for (const endpoint of channel.endpoints.values()) {
      if (endpoint.message.addresses.includes(address)) return endpoint;
    }
    return undefined;
  }

  private addressesOf(endpoint: Endpoint): string[] {
    return endpoint.addresses.map((address) => this.addressToString(address));
  }
}

const statesByRank = [
  ConnectivityState.READY,
  ConnectivityState.CONNECTING,
  ConnectivityState.TRANSIENT_FAILURE,
  ConnectivityState.IDLE,
];

/** grpc-js numbers the states from 0, the protocol from 1. */
function protocolState(state: number): ConnectivityState {
  return state + 1;
}

function causeOf(before: ConnectivityState, state: ConnectivityState): GenerationCause {
  if (state === before) return GenerationCause.UNSPECIFIED;
  if (state === ConnectivityState.READY) return GenerationCause.ENDPOINT_READY;
  if (before === ConnectivityState.READY) return GenerationCause.ENDPOINT_NOT_READY;
  return GenerationCause.UNSPECIFIED;
}

/** What broke the endpoint's connections; else what its leaf says (outlier detection's ejection). */
function connectionError(endpoint: EndpointRecord, leafError: unknown): string {
  for (const { message } of endpoint.subconns.values()) if (message.error) return message.error;
  return typeof leafError === 'string' ? leafError : '';
}

function readyEndpoints(channel: ObservedChannel): EndpointRecord[] {
  return [...channel.endpoints.values()].filter((it) => it.message.state === ConnectivityState.READY);
}

/** Observing must never break what it observes. */
export function attempt<T>(observe: () => T): T | undefined {
  try {
    return observe();
  } catch {
    return undefined;
  }
}
