import type { Change, Clock, Counters, Drops, Heartbeat, Process } from '@pickscope/protocol/messages';
import type { ChannelChoice, ChannelView, ChartView, Query, Redaction, TimeSpan } from '../messages/panel';
import { ChangeIntake } from './changeIntake';
import { channelColumn, type ChannelColumn } from './channelColumn';
import { chartView } from './chart';
import { ClientData, type Edge } from './clientData';
import { ClientClock } from './clock';
import { applyCounters } from './counterIntake';
import { allChannels } from './events';
import type { Channel } from './entities';
import { exportPicks, type ExportFormat } from './export';
import { latestShare, momentOf } from './moment';
import { PickIntake } from './pickIntake';
import { Received } from './received';
import { liveReachMs } from './reach';
import { processView, type ProcessView } from './process';
import type { StreamMessage } from './streamMessage';
import { untrustedText } from './untrustedText';
import { channelView, picksPerSecond } from './view';

/** About 259,000 picks of two candidates. */
export const defaultPickBudgetBytes = 40 * 1024 * 1024;

export interface PolicyNote {
  readonly target: string;
  readonly policy: string;
  /** In English. */
  readonly note: string;
}

/**
 * What is known of one client: fed with the messages of its streams, or of a recording, in order; asked for what a
 * panel shows. It outlives streams, and restarts of the client: a stream of another instance is joined to what was
 * known by targets and addresses.
 */
export class ClientModel {
  private readonly data: ClientData;
  private readonly clock = new ClientClock();
  private readonly received = new Received();
  private readonly changes: ChangeIntake;
  private readonly picks: PickIntake;
  private streamDrops = { picks: 0, completions: 0 };
  private current: ProcessView | undefined;
  private complete = false;
  private refused = 0;
  private changeCount = 0;
  private chartCount = 0;
  /** Up to when, in steps of 250 ms, the client has told when chartCount was raised last. */
  private chartStep = 0;

  /**
   * @param options.reachMs how far back aggregates reach: 15 minutes, or as long as a recording lasts, up to 4 hours. What
   *   reaches further is coarser.
   */
  constructor({
    pickBudgetBytes,
    reachMs = liveReachMs,
  }: {
    readonly pickBudgetBytes: number;
    readonly reachMs?: number;
  }) {
    this.data = new ClientData(pickBudgetBytes, reachMs);
    const { registry, ring, pairs, events, texts, methods } = this.data;
    this.changes = new ChangeIntake(registry, this.clock, events, texts);
    this.picks = new PickIntake(registry, this.clock, this.received, ring, pairs, methods, (key) =>
      this.data.onOutcome(key),
    );
  }

  /** True once the snapshot of the current stream is complete. */
  get hasSnapshot(): boolean {
    return this.complete;
  }

  /** undefined: no stream began yet. */
  get process(): ProcessView | undefined {
    return this.current;
  }

  /** Calls that the client refused for want of its token, since its debug server was started. */
  get refusedCalls(): number {
    return this.refused;
  }

  /** Rises with every message that could alter a view; a live view also moves with the clock. */
  get version(): number {
    return this.changeCount;
  }

  /** Rises when charts would show something else: at most about 4 times a second, as they show nothing shorter. */
  get chartVersion(): number {
    return this.chartCount;
  }

  /** Applies the next message of the stream. What it refers to and was never announced is left out; never throws. */
  apply({ body }: StreamMessage): void {
    this.changeCount++;
    switch (body.case) {
      case 'process':
        this.beginStream(body.value);
        break;
      case 'snapshotBegin':
        if (!this.received.resumed) this.complete = false;
        break;
      case 'snapshotEnd':
        this.endSnapshot();
        break;
      case 'strings':
        this.data.methods.add(body.value);
        break;
      case 'changes':
        this.applyChanges(body.value.changes);
        break;
      case 'picks':
        this.picks.applyPicks(body.value);
        break;
      case 'completions':
        this.picks.applyCompletions(body.value);
        break;
      case 'counters':
        this.applyCounters(body.value);
        break;
      case 'drops':
        this.addDrops(body.value);
        break;
      case 'heartbeat':
        this.beat(body.value);
    }
    this.noteStep();
  }

  /**
   * Up to when all rows of this process are here, in its monotonic ns: what to ask a stream of its past for. 0: none are,
   * or it is another process than the one of the last stream.
   */
  rowsSince(instance: string): bigint {
    return untrustedText(instance) === this.current?.instance ? this.received.rowsSince : 0n;
  }

  /** Forgets picks, series and events; keeps entities and exact counters. */
  clear(): void {
    this.changeCount++;
    const { registry, ring, pairs, events, watched, drops } = this.data;
    ring.clear();
    pairs.clear();
    this.pastChanged();
    events.clear();
    drops.set(this.clock.latestMs ?? 0, { picks: 0, completions: 0 });
    drops.forgetPast();
    for (const channel of registry.channels.values()) {
      channel.reasons.clear();
      channel.stretches.clear();
      channel.picksSeen = 0;
      for (const endpoint of channel.endpoints) endpoint.forgetReadings();
    }
    if (this.current && this.clock.latestMs !== undefined) {
      watched.set(this.clock.latestMs, true);
      watched.forgetPast();
    }
  }

  /** Open channels that run another policy than the program asked for, and why. */
  policyNotes(): PolicyNote[] {
    return [...this.data.registry.channels.values()].flatMap(({ closed, target, path }) => {
      const { names = [], note = '' } = path.latest?.value ?? {};
      return closed || note === '' ? [] : [{ target, policy: names.at(-1) ?? '', note }];
    });
  }

  /** All channels, open ones first. */
  channels(nowMs: number): ChannelChoice[] {
    const share = latestShare(this.clock.liveEdge(nowMs), this.data.reach);
    return [...this.data.registry.channels.values()]
      .map((channel) => ({
        id: channel.id,
        target: channel.target,
        closed: channel.closed,
        picksPerSecond: picksPerSecond(this.data, channel, share),
      }))
      .sort((a, b) => Number(a.closed) - Number(b.closed) || a.id - b.id);
  }

  /** What the panel shows for this query; undefined: there is no channel. nowMs is the wall clock. */
  view(query: Query, nowMs: number): ChannelView | undefined {
    const channel = this.channelOf(query, nowMs);
    return channel && channelView(this.data, channel, query, this.edge(nowMs));
  }

  /** What lies on the time axis for this query; likewise. */
  chart(query: Query, nowMs: number): ChartView | undefined {
    const channel = this.channelOf(query, nowMs);
    return channel && chartView(this.data, channel, query, this.edge(nowMs));
  }

  /** The picks that this query selects, as lines of a file; docs/export.md describes them. */
  *exportPicks(query: Query, nowMs: number, format: ExportFormat, redaction: Redaction): Generator<string> {
    const channel = this.channelOf(query, nowMs);
    if (!channel) return;
    const moment = momentOf(query, this.clock.liveEdge(nowMs), channel.reach);
    yield* exportPicks(this.data, channel, query, moment, format, redaction);
  }

  /** From the oldest to the newest moment of what is kept; undefined: nothing is. */
  reach(nowMs: number): TimeSpan | undefined {
    return this.data.reachAt(this.clock.liveEdge(nowMs));
  }

  /** The channel that this query shows; undefined: there is none. */
  shownChannel(query: Query, nowMs: number): ChannelChoice | undefined {
    const channel = this.channelOf(query, nowMs);
    return channel && this.channels(nowMs).find(({ id }) => id === channel.id);
  }

  /** The moment that this query shows. */
  shownMoment(query: Query, nowMs: number): number {
    return momentOf(query, this.clock.liveEdge(nowMs), this.data.reach).atMs;
  }

  /** A channel as one column of a comparison as of this moment; undefined: there is no such channel. */
  column(channel: number, query: Query, atMs: number, nowMs: number): ChannelColumn | undefined {
    const found = this.data.registry.channels.get(channel);
    return found && channelColumn(this.data, found, query, atMs, this.edge(nowMs));
  }

  private edge(nowMs: number): Edge {
    const atMs = this.clock.liveEdge(nowMs);
    return { atMs, toldMs: this.clock.latestMs ?? atMs, version: this.chartCount };
  }

  private channelOf({ channel }: Query, nowMs: number): Channel | undefined {
    return this.data.registry.channels.get(channel ?? 0) ?? this.busiest(nowMs);
  }

  private busiest(nowMs: number): Channel | undefined {
    const [first, ...others] = this.channels(nowMs);
    if (!first) return undefined;
    const open = others.filter((choice) => !choice.closed);
    const busiest = open.reduce((best, choice) => (choice.picksPerSecond > best.picksPerSecond ? choice : best), first);
    return this.data.registry.channels.get(busiest.id);
  }

  private beginStream(message: Process): void {
    const before = this.current;
    this.current = processView(message);
    this.streamDrops = { picks: 0, completions: 0 };
    const restarted = before !== undefined && before.instance !== this.current.instance;
    if (restarted) this.received.forget();
    this.received.beginStream(message.clock, this.complete && !restarted);
    if (this.received.resumed) return;

    const { registry, watched } = this.data;
    if (restarted) this.clock.forgetOffset();
    const newestMs = this.clock.latestMs;
    const backMs = message.clock ? this.setClock(message.clock) : 0;
    const lastMs = newestMs === undefined ? undefined : newestMs - backMs;
    const nowMs = this.clock.latestMs ?? 0;
    if (lastMs !== undefined) watched.set(lastMs, false);
    watched.set(nowMs, true);

    this.changes.beginSnapshot(this.complete && !restarted);
    this.complete = false;
    registry.stream++;
    this.pastChanged();
    if (restarted) this.forgetProcess(this.current, Math.min(Math.max(this.current.startedMs, lastMs ?? 0), nowMs));
  }

  private noteStep(): void {
    const step = Math.floor((this.clock.latestMs ?? 0) / 250);
    if (step === this.chartStep) return;
    this.chartStep = step;
    this.chartCount++;
  }

  /** What was known of the time before now is another. */
  private pastChanged(): void {
    this.data.forgetMade();
    this.chartCount++;
  }

  private forgetProcess(process: ProcessView, ms: number): void {
    const { registry, events, methods } = this.data;
    registry.forgetWireIds();
    this.picks.forgetCalls();
    this.refused = 0;
    methods.clear();
    for (const channel of registry.channels.values()) channel.loseHistory(ms);
    events.add(allChannels, { kind: 'restart', timeMs: ms, pid: process.pid });
  }

  private endSnapshot(): void {
    if (this.received.resumed) return;
    this.changes.endSnapshot(this.clock.latestMs ?? 0);
    this.complete = true;
    this.pastChanged();
  }

  private applyChanges(changes: readonly Change[]): void {
    const { received } = this;
    this.changes.apply(received.resumed ? changes.filter(({ timeNs }) => !received.knows(timeNs)) : changes);
    for (const { timeNs } of changes) received.saw(timeNs);
  }

  private applyCounters(counters: Counters): void {
    if (!this.received.knows(counters.timeNs)) applyCounters(counters, this.data.registry, this.clock);
    this.received.saw(counters.timeNs);
  }

  private beat({ clock, refusedCalls }: Heartbeat): void {
    if (clock) this.received.beat(clock);
    if (this.received.retold) return;
    if (clock) this.setClock(clock);
    this.refused = Number(refusedCalls);
  }

  /** Time never runs back: where the wall clock was set back, all that came is placed anew. @returns By how much; ms. */
  private setClock(pair: Clock): number {
    const backMs = this.clock.adjust(pair);
    if (backMs > 0) {
      this.data.moveBack(backMs);
      this.picks.moveBack(backMs);
      this.pastChanged();
    }
    return backMs;
  }

  /** Drops are absolute per stream. */
  private addDrops(message: Drops): void {
    const { drops, events } = this.data;
    const stream = { picks: Number(message.picks), completions: Number(message.completions) };
    const picks = Math.max(0, stream.picks - this.streamDrops.picks);
    const completions = Math.max(0, stream.completions - this.streamDrops.completions);
    this.streamDrops = stream;
    if (picks + completions === 0 || this.received.retold) return;
    const timeMs = this.clock.latestMs ?? 0;
    const before = drops.latest?.value ?? { picks: 0, completions: 0 };
    drops.set(timeMs, { picks: before.picks + picks, completions: before.completions + completions });
    events.addDrops(timeMs, picks, completions);
  }
}
