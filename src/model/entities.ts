import type { ScoreOrder, State } from '../messages/panel';
import { DecisionRing, Stretches } from './decisions';
import { isHeld } from './held';
import { LatencyRing } from './histogram';
import type { Reach } from './reach';
import { TimeRing } from './timeRing';
import { Timeline } from './timeline';

/** What a recorded column of an endpoint means. */
const noReadings = {
  /** Completed picks that chose the endpoint. */
  picks: 0,
  /** When the last one was: ms after the bucket's begin. */
  lastPickMs: NaN,
  /** Calls that ended, and how many of them with another status than OK. */
  ended: 0,
  failures: 0,
  /** The last score that a picker read for it: not recomputed from lag and inflight, so that it is what was compared. */
  load: NaN,
  /** Mean of all scores that pickers read for it in the bucket, and how many they were. */
  meanLoad: 0,
  loads: 0,
  /** The last value known to the policy, whether read by a picker, left by a completion, or told with the counters. */
  lagMs: NaN,
  peakMs: NaN,
  success: NaN,
  inflight: NaN,
  /** 1: these were kept by the observer, not by the policy. */
  derived: NaN,
};
const noEndpointTotals = { picks: NaN, started: NaN, neverStarted: NaN, failures: NaN };
const noChannelTotals = { completed: NaN, queued: NaN, failed: NaN, dropped: NaN };
/** In the order of their numbers, and then the errors. */
const noReasons = {
  untold: 0,
  only: 0,
  lower: 0,
  tie: 0,
  forced: 0,
  unhealthy: 0,
  probe: 0,
  turn: 0,
  key: 0,
  nokey: 0,
  raced: 0,
  queued: 0,
  failed: 0,
  dropped: 0,
  errors: 0,
};

export type Readings = TimeRing<keyof typeof noReadings>;
type EndpointTotals = TimeRing<keyof typeof noEndpointTotals>;
type ChannelTotals = TimeRing<keyof typeof noChannelTotals>;
type Reasons = TimeRing<keyof typeof noReasons>;

export interface EndpointState {
  readonly state: State;
  readonly error: string;
  /** The resolver left it out: it is no longer there. */
  readonly removed: boolean;
}

/** What a policy picks. Known by its addresses, so that it stays itself when the client restarts. */
export class Endpoint {
  /** Its id in the client's present process; 0: not yet announced there. */
  wireId = 0;
  /** The id before, where the resolver left it out and brought it back. */
  formerWireId = 0;
  /** The stream that announced it last. */
  stream = 0;
  readonly states = new Timeline<EndpointState>();
  /** Since when it is known, each time that the resolver brought it; null: since before we watched. */
  readonly added = new Timeline<number | null>(20);
  private ownReadings: Readings | undefined;
  private ownTotals: EndpointTotals | undefined;
  private ownLatencies: LatencyRing | undefined;
  private ownDecisions: DecisionRing | undefined;
  /** Where its pairs are, by the ids of those to which it lost picks. */
  readonly lostTo = new Map<number, number>();
  /** As its newest state says, and since then: each candidate of each pick is asked for it. */
  private held = false;
  private heldSinceMs = Infinity;

  constructor(
    readonly id: number,
    readonly channel: Channel,
    readonly addresses: readonly string[],
    readonly slot: number,
  ) {}

  // Large, and made when they are needed: a client may announce many more endpoints and channels than it uses.
  get readings(): Readings {
    const { readingMs, ms } = this.channel.reach;
    return (this.ownReadings ??= new TimeRing(readingMs, ms, noReadings));
  }

  get totals(): EndpointTotals {
    const { secondMs, ms } = this.channel.reach;
    return (this.ownTotals ??= new TimeRing(secondMs, ms, noEndpointTotals, Float64Array));
  }

  /** Of the calls that ended. */
  get latencies(): LatencyRing {
    const { secondMs, ms } = this.channel.reach;
    return (this.ownLatencies ??= new LatencyRing(secondMs, Math.ceil(ms / secondMs)));
  }

  get decisions(): DecisionRing {
    const { decisionMs, ms } = this.channel.reach;
    return (this.ownDecisions ??= new DecisionRing(decisionMs, Math.ceil(ms / decisionMs)));
  }

  /** What it is from this moment on. */
  setState(ms: number, state: EndpointState): void {
    const heldBefore = this.isHeldAt(ms);
    const listedBefore = this.isListedAt(ms);
    this.states.set(ms, state);
    this.held = isHeld(state.state);
    this.heldSinceMs = this.states.latest!.sinceMs;
    if (this.held !== heldBefore || !state.removed !== listedBefore) this.channel.stretches.cut(this.heldSinceMs);
  }

  /** Whether a picker could hold it then. */
  isHeldAt(ms: number): boolean {
    if (ms >= this.heldSinceMs) return this.held;
    const entry = this.states.at(ms);
    return entry !== undefined && isHeld(entry.value.state);
  }

  /** Whether it was among the resolver's addresses then; it is taken for one of them where nobody watched. */
  isListedAt(ms: number): boolean {
    const entry = this.states.at(ms);
    if (entry) return !entry.value.removed;
    const first = this.added.oldest;
    return typeof first?.value !== 'number' || ms >= first.sinceMs;
  }

  /** Forgets what was read and counted; keeps what it is, and exact totals. */
  forgetReadings(): void {
    this.ownReadings?.clear();
    this.ownLatencies?.clear();
    this.ownDecisions?.clear();
  }

  /** Everything was so much earlier. */
  moveBack(ms: number): void {
    this.states.moveBack(ms);
    this.heldSinceMs -= ms;
    this.added.moveBack(ms);
    this.ownReadings?.moveBack(ms);
    this.ownTotals?.moveBack(ms);
    this.ownLatencies?.moveBack(ms);
    this.ownDecisions?.moveBack(ms);
  }

  get address(): string {
    return this.addresses[0] ?? '';
  }

  get removed(): boolean {
    return this.states.latest?.value.removed ?? false;
  }
}

export interface PolicyNode {
  readonly id: number;
  readonly parent: number;
  readonly name: string;
  readonly scoreOrder: ScoreOrder;
  /** Not empty: why it runs though the program asked for another. */
  readonly note: string;
}

export interface PolicyPath {
  /** From the root to the leaf. */
  readonly names: readonly string[];
  readonly scoreOrder: ScoreOrder;
  readonly note: string;
}

export interface Generation {
  /** The model's own. */
  readonly id: number;
  readonly wireId: number;
  /** When it came; null: before we watched. */
  sinceMs: number | null;
  readonly historyLost: boolean;
}

export class Channel {
  wireId = 0;
  stream = 0;
  closed = false;
  readonly states = new Timeline<State>();
  /** The nodes of its tree of policies, by the client's ids, in the order in which they came. */
  readonly policies = new Map<number, PolicyNode>();
  readonly path = new Timeline<PolicyPath>(100);
  readonly endpoints: Endpoint[] = [];
  /** The client's ids of the endpoints that there was no room for. */
  readonly leftOut = new Set<number>();
  /** Whether some picker held endpoints: only then is there history to lose. */
  hadPicker = false;
  /** When the policy forgot what it knew; ms, rising. */
  historyLosses: number[] = [];
  /** Its picks, while the same endpoints were held. */
  readonly stretches: Stretches;
  private ownReasons: Reasons | undefined;
  private ownReasonColumns: readonly (Float32Array | Float64Array)[] | undefined;
  private ownTotals: ChannelTotals | undefined;
  /** Picks of whatever result since attaching. */
  picksSeen = 0;

  constructor(
    readonly id: number,
    readonly target: string,
    readonly reach: Reach,
  ) {
    this.stretches = new Stretches(reach.decisionMs);
  }

  get reasons(): Reasons {
    return (this.ownReasons ??= new TimeRing(this.reach.readingMs, this.reach.ms, noReasons));
  }

  /** The columns of reasons, by the numbers that the ring of picks has for them. */
  get reasonColumns(): readonly (Float32Array | Float64Array)[] {
    return (this.ownReasonColumns ??= Object.values(this.reasons.values));
  }

  get totals(): ChannelTotals {
    return (this.ownTotals ??= new TimeRing(this.reach.secondMs, this.reach.ms, noChannelTotals, Float64Array));
  }

  /** Everything was so much earlier. */
  moveBack(ms: number): void {
    this.states.moveBack(ms);
    this.path.moveBack(ms);
    this.stretches.moveBack(ms);
    this.historyLosses = this.historyLosses.map((lossMs) => lossMs - ms);
    this.ownReasons?.moveBack(ms);
    this.ownTotals?.moveBack(ms);
  }

  loseHistory(ms: number): void {
    this.historyLosses.push(ms);
    if (this.historyLosses.length > 1000) this.historyLosses.shift();
  }

  /** Follows the newest child from the newest root; a forged circle ends at its bound. */
  currentPath(): PolicyPath {
    const names: string[] = [];
    const notes: string[] = [];
    let scoreOrder: ScoreOrder = 'none';
    const nodes = [...this.policies.values()];
    for (let node = nodes.findLast((root) => root.parent === 0); node && names.length < 16;) {
      names.push(node.name);
      if (node.note !== '') notes.push(node.note);
      scoreOrder = node.scoreOrder;
      const above = node.id;
      node = nodes.findLast((child) => child.parent === above);
    }
    return { names, scoreOrder, note: notes.join(' ') };
  }
}
