import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ChangeSchema,
  ChannelSchema,
  ConnectivityState,
  EndpointSchema,
  GenerationSchema,
  PolicySchema,
  ResolverUpdateSchema,
  SubconnSchema,
  type Change,
  type Channel,
  type Endpoint,
  type Generation,
  type GenerationCause,
  type Policy,
  type ScoreOrder,
  type Subconn,
} from '@pickscope/protocol/messages';
import { maxTextLength } from '@pickscope/protocol/service';
import { monotonicNs } from '../clock';
import type { EndpointStatus } from '../policies/picker';
import type { Shadow } from './shadow';
import { beginning } from './texts';

/*
 * What exists: channels, policies, generations, endpoints, subconns. Each record holds its entity as a message that is
 * replaced, never changed, so that it can be sent as it was at that moment.
 */

/** Addresses that are told of one endpoint, or of one resolver update. */
const maxAddresses = 100;

export interface ChannelRecord {
  message: Channel;
  generation: Generation | undefined;
  /** When the channel began to use that picker. */
  generationNs: bigint;
  /** Whether some picker held endpoints: only then is there history to lose. */
  hadEndpoints: boolean;
  readonly policies: Set<PolicyRecord>;
  readonly endpoints: Set<EndpointRecord>;
  readonly counters: ChannelCounts;
  /** Attempts that have not ended. The channel is said to be closed only when there are none. */
  open: number;
  closing: boolean;
  touched: number;
}

export interface PolicyRecord {
  message: Policy;
  readonly channel: ChannelRecord;
  readonly parent: PolicyRecord | undefined;
}

export interface EndpointRecord {
  message: Endpoint;
  readonly channel: ChannelRecord;
  /** By address: a newer connection to the same address takes the place of the older. */
  readonly subconns: Map<string, SubconnRecord>;
  readonly counters: EndpointCounts;
  /** What its policy knows of it now; identity says which picker it belongs to. undefined: the policy keeps nothing. */
  status: EndpointStatus | undefined;
  /** What is known of it where the policy keeps nothing; undefined: nobody watches, or nothing has happened since. */
  shadow: Shadow | undefined;
  touched: number;
}

export interface SubconnRecord {
  message: Subconn;
  readonly endpoints: Set<EndpointRecord>;
}

/** Exact, since the channel was created. */
export class ChannelCounts {
  completed = 0;
  queued = 0;
  failed = 0;
  dropped = 0;
  endedUnpicked = 0;
}

/** Exact, since the endpoint was created. */
export class EndpointCounts {
  picks = 0;
  started = 0;
  neverStarted = 0;
  /** Picked attempts that have neither started nor ended. */
  pending = 0;
  /** By gRPC status code. */
  readonly ended = new Float64Array(17);
  /** Attempts that have started and not ended. */
  inflight = 0;
}

export class Entities {
  readonly channels = new Set<ChannelRecord>();
  readonly subconns = new Set<SubconnRecord>();
  private lastId = 0;

  /** @param publish Told of every change. */
  constructor(private readonly publish: (change: Change) => void) {}

  addChannel(target: string, channelzId: number): ChannelRecord {
    const now = BigInt(monotonicNs());
    const record: ChannelRecord = {
      message: create(ChannelSchema, {
        id: ++this.lastId,
        target: capped(target),
        state: ConnectivityState.IDLE,
        stateSinceNs: now,
        createdNs: now,
        channelzId,
      }),
      generation: undefined,
      hadEndpoints: false,
      generationNs: 0n,
      policies: new Set(),
      endpoints: new Set(),
      counters: new ChannelCounts(),
      open: 0,
      closing: false,
      touched: 0,
    };
    this.channels.add(record);
    this.changed({ case: 'channel', value: record.message });
    return record;
  }

  setChannelState(channel: ChannelRecord, state: ConnectivityState): void {
    if (channel.message.state === state || channel.message.closed) return;
    this.replaceChannel(channel, { state, stateSinceNs: BigInt(monotonicNs()) });
  }

  /** Closes the channel now, or when its last attempt has ended. */
  closeChannel(channel: ChannelRecord): void {
    channel.closing = true;
    if (channel.open > 0 || channel.message.closed) return;
    for (const policy of channel.policies) this.removePolicy(policy);
    for (const endpoint of channel.endpoints) this.removeEndpoint(endpoint);
    this.channels.delete(channel);
    this.replaceChannel(channel, { closed: true });
  }

  addPolicy(
    channel: ChannelRecord,
    parent: PolicyRecord | undefined,
    name: string,
    scoreOrder: ScoreOrder,
    note: string,
  ): PolicyRecord {
    const message = create(PolicySchema, {
      id: ++this.lastId,
      channel: channel.message.id,
      parent: parent?.message.id ?? 0,
      name: capped(name),
      scoreOrder,
      note: capped(note),
    });
    const record: PolicyRecord = { message, channel, parent };
    channel.policies.add(record);
    this.changed({ case: 'policy', value: message });
    return record;
  }

  removePolicy(policy: PolicyRecord): void {
    if (!policy.channel.policies.delete(policy)) return;
    policy.message = create(PolicySchema, { ...policy.message, removed: true });
    this.changed({ case: 'policy', value: policy.message });
  }

  resolverUpdate(channel: ChannelRecord, addresses: readonly string[], error: string): void {
    const value = create(ResolverUpdateSchema, {
      channel: channel.message.id,
      endpointCount: addresses.length,
      addresses: addresses.slice(0, maxAddresses).map(capped),
      error: capped(error),
    });
    this.changed({ case: 'resolverUpdate', value });
  }

  setGeneration(
    channel: ChannelRecord,
    policy: PolicyRecord | undefined,
    endpoints: readonly EndpointRecord[],
    cause: GenerationCause,
    policyKeepsHistory: boolean,
  ): void {
    // Where no picker before held anything, there was nothing to lose.
    const historyKept = policyKeepsHistory || !channel.hadEndpoints;
    channel.hadEndpoints ||= endpoints.length > 0;
    channel.generation = create(GenerationSchema, {
      id: ++this.lastId,
      channel: channel.message.id,
      policy: policy?.message.id ?? 0,
      endpoints: endpoints.map((endpoint) => endpoint.message.id),
      cause,
      historyKept,
    });
    channel.generationNs = BigInt(monotonicNs());
    this.publish(change({ case: 'generation', value: channel.generation }, channel.generationNs));
  }

  addEndpoint(channel: ChannelRecord, addresses: readonly string[]): EndpointRecord {
    const message = create(EndpointSchema, {
      id: ++this.lastId,
      channel: channel.message.id,
      addresses: addresses.slice(0, maxAddresses).map(capped),
      state: ConnectivityState.IDLE,
      stateSinceNs: BigInt(monotonicNs()),
    });
    const record: EndpointRecord = {
      message,
      channel,
      subconns: new Map(),
      counters: new EndpointCounts(),
      status: undefined,
      shadow: undefined,
      touched: 0,
    };
    channel.endpoints.add(record);
    this.changed({ case: 'endpoint', value: message });
    return record;
  }

  setEndpointState(endpoint: EndpointRecord, state: ConnectivityState, error: string): void {
    const { message } = endpoint;
    const text = capped(error);
    if (message.removed || (message.state === state && message.error === text)) return;
    const stateSinceNs = message.state === state ? message.stateSinceNs : BigInt(monotonicNs());
    this.replaceEndpoint(endpoint, { state, stateSinceNs, error: text });
  }

  removeEndpoint(endpoint: EndpointRecord): void {
    if (!endpoint.channel.endpoints.delete(endpoint)) return;
    for (const address of endpoint.subconns.keys()) this.unlinkSubconn(endpoint, address);
    this.replaceEndpoint(endpoint, { removed: true });
  }

  addSubconn(address: string, state: ConnectivityState, channelzId: number): SubconnRecord {
    const message = create(SubconnSchema, {
      id: ++this.lastId,
      address: capped(address),
      state,
      stateSinceNs: BigInt(monotonicNs()),
      channelzId,
    });
    const record: SubconnRecord = { message, endpoints: new Set() };
    this.subconns.add(record);
    return record;
  }

  /** The endpoint holds the subconn from now on. */
  linkSubconn(endpoint: EndpointRecord, subconn: SubconnRecord, address: string): void {
    if (endpoint.message.removed || endpoint.subconns.get(address) === subconn) return;
    this.unlinkSubconn(endpoint, address);
    endpoint.subconns.set(address, subconn);
    subconn.endpoints.add(endpoint);
    this.replaceSubconn(subconn, { endpoints: [...subconn.endpoints].map((it) => it.message.id) });
  }

  /** The endpoint holds the subconn of that address no longer; one that nobody holds is removed. */
  unlinkSubconn(endpoint: EndpointRecord, address: string): void {
    const subconn = endpoint.subconns.get(address);
    if (!subconn) return;
    endpoint.subconns.delete(address);
    subconn.endpoints.delete(endpoint);
    const removed = subconn.endpoints.size === 0;
    if (removed) this.subconns.delete(subconn);
    this.replaceSubconn(subconn, { endpoints: [...subconn.endpoints].map((it) => it.message.id), removed });
  }

  setSubconnState(subconn: SubconnRecord, state: ConnectivityState, error: string): void {
    if (subconn.message.removed) return;
    this.replaceSubconn(subconn, { state, stateSinceNs: BigInt(monotonicNs()), error: capped(error) });
  }

  /** All that exists, parents before children. */
  *snapshot(): Generator<Change> {
    const channels = [...this.channels];
    for (const { message } of channels) yield change({ case: 'channel', value: message });
    for (const { policies } of channels) {
      for (const { message } of policies) yield change({ case: 'policy', value: message });
    }
    for (const { endpoints } of channels) {
      for (const { message } of endpoints) yield change({ case: 'endpoint', value: message });
    }
    for (const { message } of this.subconns) yield change({ case: 'subconn', value: message });
    for (const { generation, generationNs } of channels) {
      if (generation) yield change({ case: 'generation', value: generation }, generationNs);
    }
  }

  private replaceChannel(record: ChannelRecord, fields: MessageInitShape<typeof ChannelSchema>): void {
    record.message = create(ChannelSchema, { ...record.message, ...fields });
    this.changed({ case: 'channel', value: record.message });
  }

  private replaceEndpoint(record: EndpointRecord, fields: MessageInitShape<typeof EndpointSchema>): void {
    record.message = create(EndpointSchema, { ...record.message, ...fields });
    this.changed({ case: 'endpoint', value: record.message });
  }

  private replaceSubconn(record: SubconnRecord, fields: MessageInitShape<typeof SubconnSchema>): void {
    record.message = create(SubconnSchema, { ...record.message, ...fields });
    this.changed({ case: 'subconn', value: record.message });
  }

  private changed(entity: Change['entity']): void {
    this.publish(change(entity));
  }
}

function change(entity: Change['entity'], timeNs = BigInt(monotonicNs())): Change {
  return create(ChangeSchema, { timeNs, entity });
}

function capped(text: string): string {
  return beginning(text, maxTextLength);
}
