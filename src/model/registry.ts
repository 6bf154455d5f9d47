import type { ConnectivityState } from '@pickscope/protocol/messages';
import type { ScoreOrder } from '../messages/panel';
import { BoundedMap } from './boundedMap';
import { Channel, Endpoint, type Generation } from './entities';
import type { Reach } from './reach';

export const maxChannels = 200;
export const maxEndpoints = 1000;
/** Beyond this it is not counted how many channels or endpoints there was no room for. */
const maxLeftOut = 100_000;
const maxGenerations = 10_000;
const maxSubconns = 5000;
const maxPolicies = 5000;

export interface SubconnRecord {
  readonly address: string;
  readonly state: ConnectivityState;
}

export interface PolicyRecord {
  /** Number in the dictionary. */
  readonly name: number;
  readonly scoreOrder: ScoreOrder;
}

/**
 * All entities, by the model's ids and by those of the client's present process. A client that restarts announces the
 * same things by new ids: a channel is joined again by its target, an endpoint by its channel and addresses.
 */
export class Registry {
  readonly channels = new Map<number, Channel>();
  readonly endpoints = new Map<number, Endpoint>();
  readonly generations = new Map<number, Generation>();
  private nextId = 1;
  /** Some endpoint may have been removed since none was found that could make room. */
  private mayDrop = true;

  // By the client's ids.
  readonly channelOf = new Map<number, Channel>();
  /** Those that there was no room for. */
  readonly channelsLeftOut = new Set<number>();
  readonly endpointOf = new Map<number, Endpoint>();
  readonly generationOf = new Map<number, Generation>();
  readonly subconnOf = new BoundedMap<number, SubconnRecord>(maxSubconns);
  /** Removed ones too: picks may still come that they decided. */
  readonly policyOf = new BoundedMap<number, PolicyRecord>(maxPolicies);

  /** Which stream is read; counts up. */
  stream = 0;

  constructor(private readonly reach: Reach) {}

  /** Another process: no id means what it meant. */
  forgetWireIds(): void {
    for (const map of [this.channelOf, this.endpointOf, this.generationOf, this.subconnOf, this.policyOf]) map.clear();
    this.channelsLeftOut.clear();
    for (const channel of this.channels.values()) {
      channel.wireId = 0;
      channel.hadPicker = false;
      channel.leftOut.clear();
    }
    for (const endpoint of this.endpoints.values()) endpoint.wireId = endpoint.formerWireId = 0;
  }

  /** The channel of this id, joined or made; undefined: there is no room. */
  admitChannel(wireId: number, target: string): Channel | undefined {
    const channel = this.channelOf.get(wireId) ?? this.rejoinable(target) ?? this.makeChannel(target);
    if (!channel) {
      if (this.channelsLeftOut.size < maxLeftOut) this.channelsLeftOut.add(wireId);
      return undefined;
    }
    this.channelsLeftOut.delete(wireId);
    channel.wireId = wireId;
    channel.stream = this.stream;
    this.channelOf.set(wireId, channel);
    return channel;
  }

  /** The endpoint of this id, joined or made; undefined: there is no room. */
  admitEndpoint(wireId: number, channel: Channel, addresses: readonly string[]): Endpoint | undefined {
    const known = this.endpointOf.get(wireId);
    const endpoint = known ?? this.rejoinableEndpoint(channel, addresses) ?? this.makeEndpoint(channel, addresses);
    if (!endpoint) {
      if (channel.leftOut.size < maxLeftOut) channel.leftOut.add(wireId);
      return undefined;
    }
    channel.leftOut.delete(wireId);
    endpoint.stream = this.stream;
    if (!known) this.rename(endpoint, wireId);
    return endpoint;
  }

  /** An endpoint was removed. */
  noteRemoved(): void {
    this.mayDrop = true;
  }

  addGeneration(wireId: number, sinceMs: number | null, historyLost: boolean): Generation {
    const generation = { id: this.nextId++, wireId, sinceMs, historyLost };
    this.generations.set(generation.id, generation);
    this.generationOf.set(wireId, generation);
    if (this.generations.size > maxGenerations) {
      const [id, oldest] = first(this.generations)!;
      this.generations.delete(id);
      if (this.generationOf.get(oldest.wireId) === oldest) this.generationOf.delete(oldest.wireId);
    }
    return generation;
  }

  private rejoinable(target: string): Channel | undefined {
    let found: Channel | undefined;
    for (const channel of this.channels.values()) {
      if (channel.wireId !== 0 || channel.target !== target) continue;
      if (!channel.closed) return channel;
      found ??= channel;
    }
    return found;
  }

  private makeChannel(target: string): Channel | undefined {
    if (this.channels.size >= maxChannels && !this.dropClosedChannel()) return undefined;
    const channel = new Channel(this.nextId++, target, this.reach);
    this.channels.set(channel.id, channel);
    return channel;
  }

  private dropClosedChannel(): boolean {
    const closed = this.firstClosed();
    if (!closed) return false;
    this.channels.delete(closed.id);
    if (this.channelOf.get(closed.wireId) === closed) this.channelOf.delete(closed.wireId);
    for (const endpoint of closed.endpoints) this.forgetEndpoint(endpoint);
    return true;
  }

  private firstClosed(): Channel | undefined {
    for (const channel of this.channels.values()) if (channel.closed) return channel;
    return undefined;
  }

  /** Calls that were picked under the id before may still end; those of older ids are over. */
  private rename(endpoint: Endpoint, wireId: number): void {
    this.endpointOf.delete(endpoint.formerWireId);
    endpoint.formerWireId = endpoint.wireId;
    endpoint.wireId = wireId;
    this.endpointOf.set(wireId, endpoint);
  }

  /** Of these addresses, and not claimed by another id of the same stream: a channel may hold an address twice. */
  private rejoinableEndpoint(channel: Channel, addresses: readonly string[]): Endpoint | undefined {
    return channel.endpoints.find(
      (endpoint) =>
        endpoint.address === (addresses[0] ?? '') &&
        (endpoint.removed || endpoint.wireId === 0 || endpoint.stream !== this.stream) &&
        endpoint.addresses.length === addresses.length &&
        endpoint.addresses.every((address, index) => address === addresses[index]),
    );
  }

  private makeEndpoint(channel: Channel, addresses: readonly string[]): Endpoint | undefined {
    if (this.endpoints.size >= maxEndpoints && !(this.mayDrop && this.dropRemovedEndpoint())) return undefined;
    const endpoint = new Endpoint(this.nextId++, channel, addresses, this.slotFor(addresses[0] ?? ''));
    this.endpoints.set(endpoint.id, endpoint);
    channel.endpoints.push(endpoint);
    return endpoint;
  }

  private dropRemovedEndpoint(): boolean {
    let longestGone: Endpoint | undefined;
    for (const endpoint of this.endpoints.values()) {
      if (endpoint.removed && goneSince(endpoint) < goneSince(longestGone)) longestGone = endpoint;
    }
    this.mayDrop = longestGone !== undefined;
    if (!longestGone) return false;
    const { channel } = longestGone;
    channel.endpoints.splice(channel.endpoints.indexOf(longestGone), 1);
    this.forgetEndpoint(longestGone);
    return true;
  }

  private forgetEndpoint(endpoint: Endpoint): void {
    this.endpoints.delete(endpoint.id);
    this.endpointOf.delete(endpoint.wireId);
    this.endpointOf.delete(endpoint.formerWireId);
  }

  /**
   * The slot of an address: its own if an endpoint has it, in whatever channel; else the lowest that none has. One
   * that was removed so long ago that no chart shows it any more gives its slot up, so that colours do not run out.
   */
  private slotFor(address: string): number {
    const taken = new Set<number>();
    let newestMs = -Infinity;
    for (const { states } of this.endpoints.values())
      newestMs = Math.max(newestMs, states.latest?.sinceMs ?? -Infinity);
    for (const endpoint of this.endpoints.values()) {
      if (endpoint.removed && goneSince(endpoint) < newestMs - this.reach.ms) continue;
      if (endpoint.address === address) return endpoint.slot;
      taken.add(endpoint.slot);
    }
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }
}

function goneSince(endpoint: Endpoint | undefined): number {
  return endpoint?.states.latest?.sinceMs ?? Infinity;
}

function first<K, V>(map: Map<K, V>): [K, V] | undefined {
  for (const entry of map) return entry;
  return undefined;
}
