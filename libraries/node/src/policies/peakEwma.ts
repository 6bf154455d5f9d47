import { duration, integer, parseFields } from './config';
import { remaining } from './decay';
import { isFailure } from './failures';
import {
  emptyCandidate,
  randomBelow,
  type BuildInfo,
  type Candidate,
  type Decision,
  type EndpointStatus,
  type Pick,
  type Picker,
  type PickInfo,
  type Policy,
  type Random,
  type ReadyEndpoint,
} from './picker';

/*
 * The endpoint, of a few drawn at random, on which a call is expected to cost least: its latency, weighed towards the
 * worst of late, and its failures, times the calls in flight. docs/policies.md has each rule's source and cost.
 */

/** Times in ns. */
export interface PeakEwmaConfig {
  /** After this long, what is known of an endpoint counts 1/e. */
  readonly decayTime: number;
  /** What a failed call costs: as much as one that takes so long. */
  readonly failurePenalty: number;
  /** For how long an endpoint's silence is held against it; then its calls are taken for streams. */
  readonly patience: number;
  /** How many endpoints are drawn and compared. */
  readonly choices: number;
}

const second = 1e9;
const day = 86_400 * second;
/** On the scale of EndpointStatus.success. */
const certain = 1000;

/** @throws Error that names the field, what it holds and what it has to be. */
export function parsePeakEwmaConfig(json: Readonly<Record<string, unknown>>): PeakEwmaConfig {
  return parseFields<PeakEwmaConfig>(json, {
    decayTime: duration(3 * second, { min: second / 1000, max: day }),
    failurePenalty: duration(second, { min: 0, max: day }),
    patience: duration(second, { min: 0, max: day }),
    choices: integer(4, { min: 2, max: 16 }),
  });
}

/** What is known of an endpoint. It outlives the picker, since it belongs to the endpoint. */
export class PeakEwmaEndpoint implements EndpointStatus {
  lag = 0;
  success = certain;
  inflight = 0;
  /** As of the last completion; it fades from then on. */
  peak = 0;
  /** What was compared last, ns. */
  score = 0;
  /** Time of the last completion, ns. */
  private last = -Infinity;
  /** Time of the last pick, ns. */
  private picked = -Infinity;
  /** Time of the first pick since the last completion, ns; NaN: there was none. */
  private silentSince = NaN;
  /** How much of what was known at the last completion counted when it was last rated: from 1 down to 0. */
  private weight = 0;

  constructor(public config: PeakEwmaConfig) {}

  get healthy(): boolean {
    return this.success > certain / 2;
  }

  /** Never measured, or for so long not that hardly more than a guess is left. */
  isStale(now: number): boolean {
    return now - this.last > this.config.decayTime;
  }

  begin(now: number): void {
    this.inflight++;
    this.picked = now;
    if (!(now - this.silentSince <= this.config.patience)) this.silentSince = now;
  }

  suspend(): void {
    this.inflight--;
    // An endpoint that has nothing to answer is not silent.
    if (this.inflight === 0) this.silentSince = NaN;
  }

  /** A call that was picked at `start` ended at `now` (ns). */
  complete(start: number, now: number, code: number): void {
    const latency = Math.max(0, now - start);
    const success = isFailure(code) ? 0 : certain;
    // 0 at the first completion, so that the first sample counts whole.
    const weight = this.fading(now);
    this.lag += (latency - this.lag) * (1 - weight);
    this.success += (success - this.success) * (1 - weight);
    this.peak = Math.max(latency, this.peak + (latency - this.peak) * (1 - weight));
    this.inflight--;
    this.last = now;
    this.silentSince = NaN;
  }

  /** What one more call is expected to cost, ns: the score that is compared. */
  rate(now: number): number {
    this.weight = this.fading(now);
    this.score = this.cost(now) * (this.inflight + 1);
    return this.score;
  }

  /** Notes itself as a candidate, as it was rated for the pick. */
  describe(candidate: Candidate, now: number): void {
    candidate.lag = this.lag;
    candidate.success = this.success;
    candidate.inflight = this.inflight;
    candidate.peak = this.peak * this.weight;
    candidate.score = this.score;
    candidate.idle = now - this.picked;
    candidate.healthy = this.healthy;
  }

  /** What a call is expected to cost while no other is in flight, ns. */
  private cost(now: number): number {
    const { failurePenalty, patience } = this.config;
    // Until its first answer an endpoint gets one call, and another only where all others cost as much as a failure.
    if (this.last === -Infinity) return this.inflight === 0 ? 0 : failurePenalty;
    const known = (this.peak + failurePenalty * (1 - this.success / certain)) * this.weight;
    const silence = now - this.silentSince;
    return silence > known && silence <= patience ? silence : known;
  }

  private fading(now: number): number {
    return remaining(now - this.last, this.config.decayTime);
  }
}

class PeakEwmaPick implements Pick {
  constructor(
    readonly endpoint: number,
    private readonly state: PeakEwmaEndpoint,
    private readonly pickedAt: number,
  ) {}

  suspend(): void {
    this.state.suspend();
  }

  resume(): void {
    this.state.inflight++;
  }

  done(code: number, now: number): void {
    this.state.complete(this.pickedAt, now, code);
  }
}

const histories = new WeakMap<ReadyEndpoint, PeakEwmaEndpoint>();

export class PeakEwmaPicker implements Picker {
  readonly keepsHistory = true;
  readonly endpoints: readonly PeakEwmaEndpoint[];
  readonly decision: Decision;
  private readonly random: Random;
  /** The endpoints' indices; its head is drawn anew for each pick. */
  private readonly order: number[];

  constructor({ readyEndpoints, config, random = randomBelow }: BuildInfo<PeakEwmaConfig>) {
    this.random = random;
    this.endpoints = readyEndpoints.map((endpoint) => stateOf(endpoint, config));
    this.order = readyEndpoints.map((_, index) => index);
    const candidateCount = Math.min(config.choices, readyEndpoints.length);
    this.decision = {
      reason: 'only_one',
      chosen: 0,
      candidateCount,
      candidates: Array.from({ length: candidateCount }, emptyCandidate),
      rejectedDraws: 0,
      rejectedEndpoints: [],
      rejectedSuccess: [],
    };
  }

  pick({ now, explain }: PickInfo): Pick {
    const chosen = this.choose(now);
    if (explain !== false) this.explain(chosen, now);
    const state = this.endpoints[chosen]!;
    state.begin(now);
    return new PeakEwmaPick(chosen, state, now);
  }

  /** The first drawn of those with the lowest score: all are equally likely to be drawn first. */
  private choose(now: number): number {
    let chosen = this.draw(0);
    let lowest = this.endpoints[chosen]!.rate(now);
    for (let position = 1; position < this.decision.candidateCount; position++) {
      const endpoint = this.draw(position);
      const score = this.endpoints[endpoint]!.rate(now);
      if (score >= lowest) continue;
      chosen = endpoint;
      lowest = score;
    }
    return chosen;
  }

  /** Draws an endpoint that is not at a position before, and puts it at this one (Fisher and Yates). */
  private draw(position: number): number {
    const { order } = this;
    const left = order.length - position;
    const drawn = left === 1 ? position : position + this.random(left);
    const endpoint = order[drawn]!;
    order[drawn] = order[position]!;
    order[position] = endpoint;
    return endpoint;
  }

  /** Notes what was compared, as it is before the pick. */
  private explain(chosen: number, now: number): void {
    const { decision, endpoints, order } = this;
    const { candidates, candidateCount } = decision;
    const { score } = endpoints[chosen]!;
    let lowest = 0;
    for (let position = 0; position < candidateCount; position++) {
      const candidate = candidates[position]!;
      candidate.endpoint = order[position]!;
      endpoints[candidate.endpoint]!.describe(candidate, now);
      if (candidate.score === score) lowest++;
    }
    decision.chosen = chosen;
    if (candidateCount === 1) decision.reason = 'only_one';
    else if (endpoints[chosen]!.isStale(now)) decision.reason = 'probe';
    else decision.reason = lowest > 1 ? 'tie' : 'better_score';
  }
}

function stateOf(endpoint: ReadyEndpoint, config: PeakEwmaConfig): PeakEwmaEndpoint {
  const state = histories.get(endpoint) ?? new PeakEwmaEndpoint(config);
  state.config = config;
  histories.set(endpoint, state);
  return state;
}

/** The one to recommend: see docs/policies.md, also for the workloads by which it was chosen. */
export const peakEwma: Policy<PeakEwmaConfig> = {
  name: 'peak_ewma',
  scoreOrder: 'lower_wins',
  parseConfig: parsePeakEwmaConfig,
  build: (info) => new PeakEwmaPicker(info),
};
