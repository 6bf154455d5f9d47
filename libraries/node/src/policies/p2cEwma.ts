import {
  emptyCandidate,
  randomBelow,
  type Candidate,
  type Decision,
  type EndpointStatus,
  type Pick,
  type Picker,
  type PickInfo,
  type Policy,
} from './picker';

/*
 * go-zero's p2c_ewma (zrpc/internal/balancer/p2c/p2c.go, v1.9.4): the better of two endpoints drawn at random, by
 * the load that their EWMA of latency and their calls in flight make. Numbers are truncated where Go's integers are.
 */

/** ns; after this long without completions, an average counts 1/e. */
const decayTime = 10e9;
/** ns; an endpoint that was not picked for longer is taken the next time that it loses. */
const forcePick = 1e9;
const initialSuccess = 1000;
/** At and below it an endpoint is unhealthy. */
const throttleSuccess = 500;
/** The load that stands for none. */
const penalty = 2 ** 31 - 1;
/** How many pairs are drawn at most, until both of one are healthy. */
const pickTimes = 3;

/** go-zero's codes.Acceptable, inverted: DeadlineExceeded, ResourceExhausted, Unimplemented, Internal, Unavailable, DataLoss. */
const failures = new Set([4, 8, 12, 13, 14, 15]);

export class P2cEwmaEndpoint implements EndpointStatus {
  lag = 0;
  success = initialSuccess;
  inflight = 0;
  /** Time of the last completion, ns. */
  last = -Infinity;
  /** Time of the last pick, ns. */
  picked = -Infinity;

  get load(): number {
    return Math.trunc(Math.sqrt(this.lag + 1)) * (this.inflight + 1) || penalty;
  }

  get healthy(): boolean {
    return this.success > throttleSuccess;
  }

  /** A call that was picked at `start` ended at `now` (ns). */
  complete(start: number, now: number, code: number): void {
    this.inflight--;
    const sinceLast = Math.max(0, now - this.last);
    this.last = now;
    const weight = this.lag === 0 ? 0 : Math.exp(-sinceLast / decayTime);
    const latency = Math.max(0, now - start);
    const success = failures.has(code) ? 0 : initialSuccess;
    this.lag = Math.trunc(this.lag * weight + latency * (1 - weight));
    this.success = Math.trunc(this.success * weight + success * (1 - weight));
  }
}

class P2cEwmaPick implements Pick {
  constructor(
    readonly endpoint: number,
    private readonly state: P2cEwmaEndpoint,
    private readonly pickedAt: number,
  ) {}

  suspend(): void {
    this.state.inflight--;
  }

  resume(): void {
    this.state.inflight++;
  }

  done(code: number, now: number): void {
    this.state.complete(this.pickedAt, now, code);
  }
}

export class P2cEwmaPicker implements Picker {
  readonly keepsHistory = false;
  readonly endpoints: readonly P2cEwmaEndpoint[];
  private readonly rejectedEndpoints = new Array<number>(2 * (pickTimes - 1)).fill(0);
  private readonly rejectedSuccess = new Array<number>(2 * (pickTimes - 1)).fill(0);
  readonly decision: Decision = {
    reason: 'only_one',
    chosen: 0,
    candidateCount: 0,
    candidates: [emptyCandidate(), emptyCandidate()],
    rejectedDraws: 0,
    rejectedEndpoints: this.rejectedEndpoints,
    rejectedSuccess: this.rejectedSuccess,
  };

  /**
   * @param size How many endpoints; at least 1.
   * @param random An integer from 0 to below `limit`, all equally likely.
   */
  constructor(
    size: number,
    private readonly random: (limit: number) => number,
  ) {
    this.endpoints = Array.from({ length: size }, () => new P2cEwmaEndpoint());
  }

  pick({ now }: PickInfo): Pick {
    this.decision.rejectedDraws = 0;
    const chosen = this.choose(now);
    this.decision.chosen = chosen;
    const state = this.endpoints[chosen]!;
    state.picked = now;
    state.inflight++;
    return new P2cEwmaPick(chosen, state, now);
  }

  private choose(now: number): number {
    switch (this.endpoints.length) {
      case 1:
        this.decision.candidateCount = 1;
        this.decision.reason = 'only_one';
        this.read(0, 0, now);
        return 0;
      case 2:
        return this.compare(0, 1, now, true);
      default:
        return this.draw(now);
    }
  }

  private draw(now: number): number {
    for (let draw = 1; ; draw++) {
      const first = this.random(this.endpoints.length);
      let second = this.random(this.endpoints.length - 1);
      if (second >= first) second++;
      const healthy = this.endpoints[first]!.healthy && this.endpoints[second]!.healthy;
      if (healthy || draw === pickTimes) return this.compare(first, second, now, healthy);
      this.reject(first, second);
    }
  }

  private reject(first: number, second: number): void {
    const { decision, endpoints } = this;
    const at = 2 * decision.rejectedDraws++;
    this.rejectedEndpoints[at] = first;
    this.rejectedEndpoints[at + 1] = second;
    this.rejectedSuccess[at] = endpoints[first]!.success;
    this.rejectedSuccess[at + 1] = endpoints[second]!.success;
  }

  /** @param healthy Whether the pair is known to be healthy, or was not asked. */
  private compare(first: number, second: number, now: number, healthy: boolean): number {
    const { decision } = this;
    decision.candidateCount = 2;
    const a = this.read(0, first, now);
    const b = this.read(1, second, now);
    // Strict: a tie keeps the first drawn.
    const [winner, loser] = a.score > b.score ? [b, a] : [a, b];
    if (loser.idle > forcePick) {
      decision.reason = 'forced';
      return loser.endpoint;
    }
    decision.reason = !healthy ? 'no_healthy_pair' : a.score === b.score ? 'tie' : 'better_score';
    return winner.endpoint;
  }

  /** Notes an endpoint as the candidate at `position`, as it is before the pick. */
  private read(position: number, endpoint: number, now: number): Candidate {
    const state = this.endpoints[endpoint]!;
    const candidate = this.decision.candidates[position]!;
    candidate.endpoint = endpoint;
    candidate.lag = state.lag;
    candidate.success = state.success;
    candidate.inflight = state.inflight;
    candidate.score = state.load;
    candidate.idle = now - state.picked;
    candidate.healthy = state.healthy;
    return candidate;
  }
}

/** As in go-zero, a picker begins without history: what the one before knew is lost. */
export const p2cEwma: Policy = {
  name: 'p2c_ewma',
  scoreOrder: 'lower_wins',
  build: ({ readyEndpoints, random = randomBelow }) => new P2cEwmaPicker(readyEndpoints.length, random),
};
