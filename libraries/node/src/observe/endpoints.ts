import { ConnectivityState } from '@pickscope/protocol/messages';
import type { ChannelRecord, EndpointRecord, Entities, SubconnRecord } from '../recorder/entities';
import type { RecordedDecision } from '../recorder/recorder';
import type { Endpoint, Subchannel } from './internals';

/** A channel as it is observed. Held only by things of the channel itself, so that it can be collected with it. */
export interface ObservedChannel {
  readonly record: ChannelRecord;
  /** The channel option grpc.service_config. */
  readonly serviceConfig: string | undefined;
  /** By their addresses, joined. */
  readonly endpoints: Map<string, EndpointRecord>;
  readonly bySubchannel: WeakMap<Subchannel, EndpointRecord>;
  /** What the channel used when last looked at. */
  picker: object | undefined;
  /** The last that a policy of ours made for it, and the list of endpoints that its indices stand for. */
  decision: (RecordedDecision & { readonly of: readonly object[] }) | undefined;
  /** Endpoints that the running resolver update named; undefined: none runs. */
  seen: Set<EndpointRecord> | undefined;
}

/** grpc-js numbers the states from 0, the protocol from 1. */
const states = [
  ConnectivityState.IDLE,
  ConnectivityState.CONNECTING,
  ConnectivityState.READY,
  ConnectivityState.TRANSIENT_FAILURE,
  ConnectivityState.SHUTDOWN,
];

export function protocolState(state: number): ConnectivityState {
  return states[state] ?? ConnectivityState.UNSPECIFIED;
}

/** On a subchannel: the endpoint that it was last picked for, of whichever channel, since a WeakMap is slower. */
const endpointKey = Symbol('pickscope.endpoint');

type ObservedSubchannel = Subchannel & { [endpointKey]?: EndpointRecord };

/** Best first. */
const statesByRank = [
  ConnectivityState.READY,
  ConnectivityState.CONNECTING,
  ConnectivityState.TRANSIENT_FAILURE,
  ConnectivityState.IDLE,
];

/** Endpoints and their connections: which there are, which belong together, and their states. */
export class Endpoints {
  private readonly subconns = new WeakMap<Subchannel, SubconnRecord>();
  /** Their leaf says in which state they are. The others are in the best of their connections'. */
  private readonly toldByLeaf = new WeakSet<EndpointRecord>();

  constructor(
    private readonly entities: Entities,
    private readonly addressToString: (address: object) => string,
    private readonly inChannelz: boolean,
  ) {}

  of(channel: ObservedChannel, endpoint: Endpoint): EndpointRecord {
    const addresses = this.addressesOf(endpoint);
    const record = channel.endpoints.get(addresses.join(', ')) ?? this.add(channel, addresses);
    channel.seen?.add(record);
    return record;
  }

  /** The endpoint behind the connection that a pick gave. */
  ofSubchannel(channel: ObservedChannel, subchannel: Subchannel): EndpointRecord {
    const real: ObservedSubchannel = subchannel.getRealSubchannel();
    const last = real[endpointKey];
    if (last?.channel === channel.record && !last.message.removed) return last;
    return (real[endpointKey] = this.findOfSubchannel(channel, real));
  }

  private findOfSubchannel(channel: ObservedChannel, real: Subchannel): EndpointRecord {
    const known = channel.bySubchannel.get(real);
    if (known && !known.message.removed) return known;
    const endpoint = this.ofAddress(channel, real.getAddress());
    this.link(channel, endpoint, real.getAddress(), real);
    return endpoint;
  }

  addressesOf(endpoint: Endpoint): string[] {
    return endpoint.addresses.map((address) => this.addressToString(address));
  }

  /** Those in READY, without the ones that the running resolver update leaves out. */
  ready(channel: ObservedChannel): EndpointRecord[] {
    const candidates = [...(channel.seen ?? channel.endpoints.values())];
    return candidates.filter((endpoint) => endpoint.message.state === ConnectivityState.READY);
  }

  /** A policy of the channel holds this connection now. */
  subchannelHeld(channel: ObservedChannel, address: object, subchannel: Subchannel): void {
    const text = this.addressToString(address);
    const endpoint = this.ofAddress(channel, text);
    this.link(channel, endpoint, text, subchannel);
    this.deriveState(endpoint);
  }

  subchannelChanges(subchannel: Subchannel, state: number, error: string): void {
    const subconn = this.subconns.get(subchannel);
    if (!subconn) return;
    this.entities.setSubconnState(subconn, protocolState(state), error);
    for (const endpoint of subconn.endpoints) this.deriveState(endpoint);
  }

  /** @param error What the leaf says of a TRANSIENT_FAILURE; the connections' own errors are preferred. */
  leafReports(endpoint: EndpointRecord, state: ConnectivityState, error: string): void {
    this.toldByLeaf.add(endpoint);
    this.setState(endpoint, state, error);
  }

  /** Keeps the endpoints that the resolver named. */
  removeUnseen(channel: ObservedChannel, seen: ReadonlySet<EndpointRecord>): void {
    for (const [key, endpoint] of channel.endpoints) {
      if (seen.has(endpoint)) continue;
      channel.endpoints.delete(key);
      this.entities.removeEndpoint(endpoint);
    }
  }

  /** The channel holds no connections any more, but to the endpoint given. */
  release(channel: ObservedChannel, except?: EndpointRecord): void {
    for (const endpoint of channel.endpoints.values()) {
      if (endpoint === except) continue;
      for (const address of endpoint.subconns.keys()) this.entities.unlinkSubconn(endpoint, address);
      this.entities.setEndpointState(endpoint, ConnectivityState.IDLE, '');
    }
  }

  private add(channel: ObservedChannel, addresses: readonly string[]): EndpointRecord {
    const record = this.entities.addEndpoint(channel.record, addresses);
    channel.endpoints.set(addresses.join(', '), record);
    channel.seen?.add(record);
    return record;
  }

  private ofAddress(channel: ObservedChannel, address: string): EndpointRecord {
    const exact = channel.endpoints.get(address);
    if (exact) return exact;
    for (const endpoint of channel.endpoints.values()) {
      if (endpoint.message.addresses.includes(address)) return endpoint;
    }
    return this.add(channel, [address]);
  }

  private link(channel: ObservedChannel, endpoint: EndpointRecord, address: string, subchannel: Subchannel): void {
    let subconn = this.subconns.get(subchannel);
    if (!subconn || subconn.message.removed) {
      const state = protocolState(subchannel.getConnectivityState());
      const channelzId = this.inChannelz ? subchannel.getChannelzRef().id : 0;
      subconn = this.entities.addSubconn(address, state, channelzId);
      this.subconns.set(subchannel, subconn);
    }
    channel.bySubchannel.set(subchannel, endpoint);
    this.entities.linkSubconn(endpoint, subconn, address);
  }

  private deriveState(endpoint: EndpointRecord): void {
    if (this.toldByLeaf.has(endpoint)) return;
    const held = [...endpoint.subconns.values()].map((subconn) => subconn.message.state);
    this.setState(endpoint, statesByRank.find((state) => held.includes(state)) ?? ConnectivityState.IDLE, '');
  }

  private setState(endpoint: EndpointRecord, state: ConnectivityState, error: string): void {
    const failed = state === ConnectivityState.TRANSIENT_FAILURE;
    this.entities.setEndpointState(endpoint, state, failed ? connectionError(endpoint) || error : '');
  }
}

function connectionError(endpoint: EndpointRecord): string {
  for (const { message } of endpoint.subconns.values()) if (message.error) return message.error;
  return '';
}
