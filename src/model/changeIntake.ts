import {
  type Change,
  type Channel as ChannelMessage,
  type Endpoint as EndpointMessage,
  type Generation as GenerationMessage,
  type Policy as PolicyMessage,
  type ResolverUpdate,
  type Subconn as SubconnMessage,
} from '@pickscope/protocol/messages';
import type { ScoreOrder, State } from '../messages/panel';
import type { ClientClock } from './clock';
import type { Dictionary } from './dictionary';
import type { Channel, Endpoint } from './entities';
import type { EventLog, NewEvent } from './events';
import { maxChannels, type Registry } from './registry';
import { untrustedText } from './untrustedText';

const states: readonly State[] = ['UNKNOWN', 'IDLE', 'CONNECTING', 'READY', 'TRANSIENT_FAILURE', 'SHUTDOWN'];
const scoreOrders: readonly ScoreOrder[] = ['none', 'lower', 'higher'];
const causes = ['unknown', 'resolverUpdate', 'endpointReady', 'endpointNotReady'] as const;
const maxAddresses = 20;
const maxResolverAddresses = 100;
const maxPoliciesPerChannel = 64;

/** Applies changes of entities, and tells the events that they are. */
export class ChangeIntake {
  private inSnapshot = false;
  /** No events: what a snapshot describes is news only to who knew the same process before. */
  private quiet = true;
  /** Channels whose tree of policies changed, and when. */
  private readonly repathed = new Map<Channel, number>();

  constructor(
    private readonly registry: Registry,
    private readonly clock: ClientClock,
    private readonly events: EventLog,
    private readonly names: Dictionary,
  ) {}

  /** @param known whether the process that it comes from was known before. */
  beginSnapshot(known: boolean): void {
    this.inSnapshot = true;
    this.quiet = !known;
    this.registry.channelsLeftOut.clear();
    for (const channel of this.registry.channels.values()) {
      channel.policies.clear();
      channel.leftOut.clear();
    }
  }

  /** What the snapshot did not name is gone. */
  endSnapshot(ms: number): void {
    for (const channel of this.registry.channels.values()) {
      if (channel.stream !== this.registry.stream) channel.closed = true;
      for (const endpoint of channel.endpoints) {
        if (endpoint.stream !== this.registry.stream) this.remove(endpoint, ms);
      }
    }
    this.updatePaths();
    this.inSnapshot = this.quiet = false;
  }

  apply(changes: readonly Change[]): void {
    for (const { timeNs, entity } of changes) {
      const ms = this.clock.toMs(timeNs);
      if (!this.inSnapshot) this.clock.saw(ms);
      // 0 means none: such a thing could not be told from another.
      if (entity.case !== 'resolverUpdate' && entity.value?.id === 0) continue;
      if (entity.case === 'channel') this.applyChannel(entity.value, ms);
      else if (entity.case === 'policy') this.applyPolicy(entity.value, ms);
      else if (entity.case === 'resolverUpdate') this.applyResolverUpdate(entity.value, ms);
      else if (entity.case === 'generation') this.applyGeneration(entity.value, ms);
      else if (entity.case === 'endpoint') this.applyEndpoint(entity.value, ms);
      else if (entity.case === 'subconn') this.applySubconn(entity.value, ms);
    }
    // A snapshot comes in parts, between which a tree may be cut.
    if (!this.inSnapshot) this.updatePaths();
  }

  private applyChannel(message: ChannelMessage, ms: number): void {
    // One that is new and closed would only take the room of another.
    if (message.closed && !this.registry.channelOf.has(message.id)) {
      this.registry.channelsLeftOut.delete(message.id);
      return;
    }
    const channel = this.registry.admitChannel(message.id, untrustedText(message.target));
    if (!channel) return;
    channel.closed = message.closed;
    if (message.closed) for (const endpoint of channel.endpoints) this.remove(endpoint, ms);
    const state = valueOf(states, message.state);
    const from = channel.states.latest?.value;
    if (from === state) return;
    const sinceMs = this.placed(message.stateSinceNs, ms);
    channel.states.set(sinceMs, state);
    if (from) this.tell(channel, { kind: 'channelState', timeMs: sinceMs, from, to: state });
  }

  private applyPolicy(message: PolicyMessage, ms: number): void {
    const name = untrustedText(message.name);
    const scoreOrder = valueOf(scoreOrders, message.scoreOrder);
    this.registry.policyOf.set(message.id, { name: this.names.number(name), scoreOrder });
    const channel = this.registry.channelOf.get(message.channel);
    if (!channel) return;
    channel.policies.delete(message.id);
    if (!message.removed && channel.policies.size < maxPoliciesPerChannel) {
      const note = untrustedText(message.note);
      channel.policies.set(message.id, { id: message.id, parent: message.parent, name, scoreOrder, note });
    }
    this.repathed.set(channel, ms);
    // Some of these made room for others.
    if (this.repathed.size > maxChannels) this.updatePaths();
  }

  /** A tree changes node by node; only where it ends up is worth an event. */
  private updatePaths(): void {
    for (const [channel, ms] of this.repathed) {
      const path = channel.currentPath();
      const before = channel.path.latest?.value;
      if (before && JSON.stringify(before) === JSON.stringify(path)) continue;
      channel.path.set(ms, path);
      this.tell(channel, { kind: 'policy', timeMs: ms, path: path.names, note: path.note });
    }
    this.repathed.clear();
  }

  private applyResolverUpdate(message: ResolverUpdate, ms: number): void {
    const channel = this.registry.channelOf.get(message.channel);
    if (!channel) return;
    const addresses = message.addresses.slice(0, maxResolverAddresses).map((address) => untrustedText(address));
    const error = untrustedText(message.error);
    this.tell(channel, { kind: 'resolver', timeMs: ms, addresses, count: message.endpointCount, error });
  }

  private applyGeneration(message: GenerationMessage, ms: number): void {
    const channel = this.registry.channelOf.get(message.channel);
    if (!channel || this.registry.generationOf.has(message.id)) return;
    const historyLost = channel.hadPicker && !message.historyKept;
    const ready = message.endpoints.length;
    channel.hadPicker ||= ready > 0;
    // A snapshot may say "now" of what is older.
    const unknown = this.quiet && ms >= (this.clock.latestMs ?? -Infinity);
    this.registry.addGeneration(message.id, unknown ? null : ms, historyLost);
    if (historyLost) channel.loseHistory(ms);
    const cause = valueOf(causes, message.cause);
    this.tell(channel, { kind: 'generation', timeMs: ms, generation: message.id, ready, cause, historyLost });
  }

  private applyEndpoint(message: EndpointMessage, ms: number): void {
    const channel = this.registry.channelOf.get(message.channel) ?? this.registry.endpointOf.get(message.id)?.channel;
    if (!channel) return;
    if (message.removed) {
      channel.leftOut.delete(message.id);
      const endpoint = this.registry.endpointOf.get(message.id);
      // An id that another one of the same addresses has replaced speaks for the endpoint no more.
      if (endpoint?.wireId === message.id) this.remove(endpoint, ms);
      return;
    }
    const addresses = message.addresses.slice(0, maxAddresses).map((address) => untrustedText(address));
    const endpoint = this.registry.admitEndpoint(message.id, channel, addresses);
    if (endpoint?.wireId === message.id) this.updateEndpoint(endpoint, message, ms);
  }

  private updateEndpoint(endpoint: Endpoint, message: EndpointMessage, ms: number): void {
    const known = endpoint.states.latest?.value;
    const before = known?.removed ? undefined : known;
    const state = valueOf(states, message.state);
    const error = untrustedText(message.error);
    if (before?.state === state && before.error === error) return;
    const sinceMs = before?.state === state ? endpoint.states.latest!.sinceMs : this.placed(message.stateSinceNs, ms);
    if (!before) endpoint.added.set(ms, this.quiet ? null : ms);
    endpoint.setState(sinceMs, { state, error, removed: false });
    const named = { endpoint: endpoint.id, address: endpoint.address };
    if (!before) this.tell(endpoint.channel, { kind: 'endpointAdded', timeMs: ms, ...named });
    else if (before.state !== state)
      this.tell(endpoint.channel, {
        kind: 'endpointState',
        timeMs: sinceMs,
        ...named,
        from: before.state,
        to: state,
        error,
      });
  }

  private remove(endpoint: Endpoint, ms: number): void {
    if (endpoint.removed) return;
    endpoint.setState(ms, { state: 'SHUTDOWN', error: '', removed: true });
    this.registry.noteRemoved();
    this.tell(endpoint.channel, {
      kind: 'endpointRemoved',
      timeMs: ms,
      endpoint: endpoint.id,
      address: endpoint.address,
    });
  }

  private applySubconn(message: SubconnMessage, ms: number): void {
    const from = this.registry.subconnOf.get(message.id);
    const address = untrustedText(message.address);
    if (message.removed) this.registry.subconnOf.delete(message.id);
    else this.registry.subconnOf.set(message.id, { address, state: message.state });
    if (!from || from.state === message.state) return;
    const event = {
      kind: 'subconnState',
      timeMs: this.placed(message.stateSinceNs, ms),
      address,
      from: valueOf(states, from.state),
      to: valueOf(states, message.state),
      error: untrustedText(message.error),
    } as const;
    const holders = message.endpoints.slice(0, 100).map((id) => this.registry.endpointOf.get(id)?.channel);
    for (const channel of new Set(holders)) if (channel) this.tell(channel, event);
  }

  private tell(channel: Channel, event: NewEvent): void {
    if (!this.quiet) this.events.add(channel.id, event);
  }

  /** 0: the client does not know when. */
  private placed(ns: bigint, otherwiseMs: number): number {
    return ns === 0n ? otherwiseMs : this.clock.toMs(ns);
  }
}

/** What an enum's number stands for; the first for a number of a newer protocol. */
function valueOf<T>(values: readonly T[], number: number): T {
  return values[number] ?? values[0]!;
}
