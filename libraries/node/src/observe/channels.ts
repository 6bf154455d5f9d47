import { ConnectivityState, GenerationCause, ScoreOrder } from '@pickscope/protocol/messages';
import type { Decision, DecisionSlot, Picker, Policy } from '../policies/picker';
import type { ChannelRecord, EndpointRecord, PolicyRecord } from '../recorder/entities';
import type { RecordedDecision, Recorder } from '../recorder/recorder';
import type { AskedFor } from './askedFor';
import { Endpoints, protocolState, type ObservedChannel } from './endpoints';
import { failOpen } from './failOpen';
import type {
  ControlHelper,
  Endpoint,
  EndpointList,
  InternalChannel,
  LeafLoadBalancer,
  LoadBalancer,
  PickFirstLoadBalancer,
} from './internals';

/*
 * The channels of one copy of grpc-js, with their policies and pickers, pieced together from what the hooks see.
 */

const scoreOrders = { lower_wins: ScoreOrder.LOWER_WINS, higher_wins: ScoreOrder.HIGHER_WINS };

/** On a channel: what is known of it. It is asked at each pick, and a WeakMap is slower. */
const observedKey = Symbol('pickscope.channel');

type KnownChannel = InternalChannel & { [observedKey]?: ObservedChannel };

interface PolicyNode {
  readonly record: PolicyRecord;
  readonly channel: ObservedChannel;
}

/** A policy that is telling its channel a picker, and whether that picker has endpoints to give. */
interface Report {
  readonly node: PolicyNode;
  readonly ready: boolean;
}

export class Channels {
  readonly endpoints: Endpoints;
  private readonly byHandler = new WeakMap<object, ObservedChannel>();
  /** Channels whose handler of policies has not been noted in `byHandler`. */
  private readonly unmapped = new Set<WeakRef<InternalChannel>>();
  private readonly collected: FinalizationRegistry<ChannelRecord>;
  private readonly leaves = new WeakMap<PickFirstLoadBalancer, EndpointRecord>();
  private readonly pickFirsts = new WeakMap<object, PolicyNode>();
  /** Policies that are being given endpoints right now, outermost first. */
  private readonly updating: PolicyNode[] = [];
  private report: Report | undefined;
  private cause = GenerationCause.UNSPECIFIED;

  constructor(
    private readonly recorder: Recorder,
    private readonly slot: DecisionSlot,
    /** Those of this library, by name. */
    private readonly policies: ReadonlyMap<string, Policy>,
    private readonly askedFor: AskedFor,
    addressToString: (address: object) => string,
    private readonly inChannelz: boolean,
  ) {
    this.endpoints = new Endpoints(recorder.entities, addressToString, inChannelz);
    this.collected = new FinalizationRegistry((record) => recorder.entities.closeChannel(record));
  }

  of(channel: InternalChannel): ObservedChannel {
    return (channel as KnownChannel)[observedKey] ?? this.observe(channel);
  }

  private observe(channel: InternalChannel): ObservedChannel {
    const { id, name } = channel.getChannelzRef();
    const record = this.recorder.entities.addChannel(name || channel.getTarget(), this.inChannelz ? id : 0);
    const serviceConfig = channel.options?.['grpc.service_config'];
    const observed: ObservedChannel = {
      record,
      serviceConfig: typeof serviceConfig === 'string' ? serviceConfig : undefined,
      endpoints: new Map(),
      bySubchannel: new WeakMap(),
      picker: undefined,
      decision: undefined,
      seen: undefined,
    };
    (channel as KnownChannel)[observedKey] = observed;
    this.unmapped.add(new WeakRef(channel));
    // A program may drop a channel without closing it.
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

  /** Notes a generation if the channel uses another picker than when last looked at. */
  notePicker(channel: InternalChannel, observed: ObservedChannel): void {
    if (channel.currentPicker === observed.picker) return;
    observed.picker = channel.currentPicker;
    const { report } = this;
    // Before it has a policy, a channel has a picker that only waits; it is no generation of anything.
    if (!report && observed.record.generation === undefined) return;
    const held = report?.ready ? this.endpoints.ready(observed) : [];
    const keepsHistory = !report?.ready || (this.slot.built?.keepsHistory ?? true);
    this.noteStatus(observed, this.slot.built);
    this.slot.built = undefined;
    this.recorder.entities.setGeneration(observed.record, report?.node.record, held, this.cause, keepsHistory);
  }

  /** What a picker of ours decided, by the list of endpoints that its indices stand for. */
  decisionOf(channel: ObservedChannel, decision: Decision, of: readonly object[]): RecordedDecision {
    const last = channel.decision;
    if (last?.of === of && last.decision === decision) return last;
    const recorded = { decision, of, endpoints: this.recordsOf(channel, of) };
    channel.decision = recorded;
    return recorded;
  }

  /** From now on the endpoints are what this picker knows of them; undefined: it is none of ours. */
  private noteStatus(channel: ObservedChannel, picker: Picker | undefined): void {
    for (const endpoint of channel.endpoints.values()) endpoint.status = undefined;
    if (!picker?.endpoints) return;
    const records = this.recordsOf(channel, this.slot.endpoints);
    records.forEach((record, index) => (record.status = picker.endpoints?.[index]));
  }

  private recordsOf(channel: ObservedChannel, endpoints: readonly object[]): EndpointRecord[] {
    return endpoints.map((endpoint) => this.endpoints.of(channel, endpoint as Endpoint));
  }

  /** A policy is about to be created; `helper` is to stand in for its own. undefined: its channel is unknown. */
  policyCreated(name: string, helper: ControlHelper): { node: PolicyNode; helper: ControlHelper } | undefined {
    const parent = this.updating.at(-1);
    const channel = parent?.channel ?? this.channelOfHandler(helper.parent);
    if (!channel) return undefined;
    const { scoreOrder } = this.policies.get(name) ?? {};
    const order = scoreOrder ? scoreOrders[scoreOrder] : ScoreOrder.UNSPECIFIED;
    const note = parent ? '' : this.askedFor.noteOf(channel.record.message.target, channel.serviceConfig, name);
    const record = this.recorder.entities.addPolicy(channel.record, parent?.record, name, order, note);
    const node: PolicyNode = { record, channel };
    return { node, helper: this.observedHelper(node, helper) };
  }

  /** Watches what the policy is given, and its end. */
  observePolicy(node: PolicyNode, balancer: LoadBalancer): void {
    if (node.record.message.name === 'pick_first') this.pickFirsts.set(balancer, node);
    const update = balancer.updateAddressList.bind(balancer);
    balancer.updateAddressList = (endpoints, ...rest) => {
      const end = failOpen(() => this.beginUpdate(node, endpoints));
      try {
        return update(endpoints, ...rest);
      } finally {
        failOpen(() => end?.());
      }
    };
    const destroy = balancer.destroy.bind(balancer);
    balancer.destroy = () => {
      destroy();
      failOpen(() => this.policyDestroyed(node));
    };
  }

  resolutionFailed(handler: object, details: string): void {
    const channel = this.channelOfHandler(handler);
    if (channel) this.recorder.entities.resolverUpdate(channel.record, [], details);
  }

  /** A leaf begins to connect: from now on it tells the state of its endpoint. */
  leafStarting(leaf: LeafLoadBalancer): void {
    const channel = this.updating.at(-1)?.channel;
    if (channel) this.leaves.set(leaf.pickFirstBalancer, this.endpoints.of(channel, leaf.getEndpoint()));
  }

  /** A leaf, or a pick_first policy, is about to tell its state: `tell` runs with the cause of what follows known. */
  pickFirstReports(balancer: PickFirstLoadBalancer, state: number, error: string, tell: () => void): void {
    const outer = this.cause;
    failOpen(() => {
      const before = this.notePickFirst(balancer, protocolState(state), error);
      if (outer !== GenerationCause.RESOLVER_UPDATE) this.cause = causeOf(before, protocolState(state));
    });
    try {
      tell();
    } finally {
      this.cause = outer;
    }
  }

  /** @returns The state before, of the endpoint or the channel. */
  private notePickFirst(balancer: PickFirstLoadBalancer, state: ConnectivityState, error: string): ConnectivityState {
    const endpoint = this.leaves.get(balancer);
    if (endpoint) {
      const before = endpoint.message.state;
      this.endpoints.leafReports(endpoint, state, error);
      return before;
    }
    const channel = this.pickFirsts.get(balancer)?.channel;
    if (!channel) return ConnectivityState.UNSPECIFIED;
    const { currentPick } = balancer;
    if (state === ConnectivityState.READY && currentPick) {
      // pick_first lets go of all connections but the one that it uses.
      this.endpoints.release(channel, this.endpoints.ofSubchannel(channel, currentPick));
    }
    return channel.record.message.state;
  }

  private observedHelper(node: PolicyNode, helper: ControlHelper): ControlHelper {
    // Everything else of the helper shows through.
    const observed = Object.create(helper) as ControlHelper;
    observed.createSubchannel = (address, ...rest) => {
      const subchannel = helper.createSubchannel(address, ...rest);
      failOpen(() => this.endpoints.subchannelHeld(node.channel, address, subchannel.getRealSubchannel()));
      return subchannel;
    };
    observed.updateState = (state, picker, ...rest) => {
      const outer = this.report;
      // The policies above pass on what the lowest one began.
      this.report ??= { node, ready: protocolState(state) === ConnectivityState.READY };
      try {
        helper.updateState(state, picker, ...rest);
      } finally {
        this.report = outer;
      }
    };
    return observed;
  }

  private beginUpdate(node: PolicyNode, endpoints: EndpointList): () => void {
    const { channel } = node;
    const isRoot = node.record.parent === undefined;
    const outerCause = this.cause;
    if (isRoot) this.resolved(channel, endpoints);
    for (const endpoint of listOf(endpoints) ?? []) this.endpoints.of(channel, endpoint);
    this.cause = GenerationCause.RESOLVER_UPDATE;
    this.updating.push(node);
    return () => {
      this.updating.pop();
      this.cause = outerCause;
      const { seen } = channel;
      if (!isRoot || !seen) return;
      channel.seen = undefined;
      this.endpoints.removeUnseen(channel, seen);
    };
  }

  private resolved(channel: ObservedChannel, endpoints: EndpointList): void {
    const list = listOf(endpoints);
    const error = 'ok' in endpoints && !endpoints.ok ? endpoints.error.details : '';
    const addresses = (list ?? []).map((endpoint) => this.endpoints.addressesOf(endpoint).join(', '));
    this.recorder.entities.resolverUpdate(channel.record, addresses, error);
    if (list) channel.seen = new Set();
  }

  private policyDestroyed(node: PolicyNode): void {
    this.recorder.entities.removePolicy(node.record);
    // The channel went idle, or closes: its endpoints stay known, without connections.
    if (node.channel.record.policies.size === 0) this.endpoints.release(node.channel);
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
}

/** undefined: the resolver failed. */
function listOf(endpoints: EndpointList) {
  if (!('ok' in endpoints)) return endpoints;
  return endpoints.ok ? endpoints.value : undefined;
}

function causeOf(before: ConnectivityState, state: ConnectivityState): GenerationCause {
  if (state === before) return GenerationCause.UNSPECIFIED;
  if (state === ConnectivityState.READY) return GenerationCause.ENDPOINT_READY;
  if (before === ConnectivityState.READY) return GenerationCause.ENDPOINT_NOT_READY;
  return GenerationCause.UNSPECIFIED;
}
