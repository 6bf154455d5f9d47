import { duration, flag, integer, parseFields } from './config';
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
  type Reason,
  type ReadyEndpoint,
} from './picker';

/*
 * go-zero's p2c_ewma (zrpc/internal/balancer/p2c/p2c.go, v1.9.4): the better of two endpoints drawn at random, by
 * the load that their EWMA of latency and their calls in flight make. Numbers are truncated where Go's integers are.
 */

/** go-zero's constants, by their names; times in ns. */
export interface P2cEwmaConfig {
  /** After this long without completions, an average counts 1/e. */
  readonly decayTime: number;
  /** An endpoint that was not picked for longer is taken the next time that it loses. */
  readonly forcePick: number;
  /** Success at first, and what a call that did not fail counts. */
  readonly initSuccess: number;
  /** At and below it an endpoint is unhealthy; half of initSuccess by default. */
  readonly throttleSuccess: number;
  /** The load that stands for none. */
  readonly penalty: number;
  /** How many pairs are drawn at most, until both of one are healthy. */
  readonly pickTimes: number;
  /** How often the loads are logged; 0: never. */
  readonly logInterval: number;
  /** Ours: what is known of an endpoint outlives the picker. */
  readonly keepHistory: boolean;
}

const second = 1e9;
const times = { min: second / 1000, max: 86_400 * second };

/** @throws Error that names the field, what it holds and what it has to be. */
export function parseP2cEwmaConfig(json: Readonly<Record<string, unknown>>): P2cEwmaConfig {
  const config = parseFields<Omit<P2cEwmaConfig, 'throttleSuccess'> & { throttleSuccess: number | undefined }>(json, {
    decayTime: duration(10 * second, times),
    forcePick: duration(second, times),
    initSuccess: integer(1000, { min: 1, max: 1e9 }),
    throttleSuccess: integer(undefined, { min: 0, max: 1e9 }),
    penalty: integer(2 ** 31 - 1, { min: 1, max: Number.MAX_SAFE_INTEGER }),
    pickTimes: integer(3, { min: 1, max: 16 }),
    logInterval: duration(60 * second, { min: 0, max: times.max }),
    keepHistory: flag(false),
  });
  const { initSuccess, throttleSuccess = Math.trunc(initSuccess / 2) } = config;
  if (throttleSuccess >= initSuccess) {
    throw new Error(`throttleSuccess is ${throttleSuccess}, but has to be below initSuccess, which is ${initSuccess}.`);
  }
  return { ...config, throttleSuccess };
}

export class P2cEwmaEndpoint implements EndpointStatus {
  lag = 0;
  /** EWMA of success, 0..initSuccess. */
  rawSuccess: number;
  inflight = 0;
  /** Calls since the last line of the log. */
  requests = 0;
  /** Time of the last completion, ns. */
  last = -Infinity;
  /** Time of the last pick, ns. */
  picked = -Infinity;

  constructor(private config: P2cEwmaConfig) {
    this.rawSuccess = config.initSuccess;
  }

  get success(): number {
    return (this.rawSuccess * 1000) / this.config.initSuccess;
  }

  get load(): number {
    return Math.trunc(Math.sqrt(this.lag + 1)) * (this.inflight + 1) || this.config.penalty;
  }

  get healthy(): boolean {
    return this.rawSuccess > this.config.throttleSuccess;
  }

  /** A call that was picked at `start` ended at `now` (ns). */
  complete(start: number, now: number, code: number): void {
    const { decayTime, initSuccess } = this.config;
    this.inflight--;
    const weight = this.lag === 0 ? 0 : remaining(now - this.last, decayTime);
    this.last = now;
    const latency = Math.max(0, now - start);
    const success = isFailure(code) ? 0 : initSuccess;
    this.lag = Math.trunc(this.lag * weight + latency * (1 - weight));
    this.rawSuccess = Math.trunc(this.rawSuccess * weight + success * (1 - weight));
  }

  /** Goes on under another config. */
  adopt(config: P2cEwmaConfig): void {
    this.rawSuccess = Math.trunc((this.rawSuccess * config.initSuccess) / this.config.initSuccess);
    this.config = config;
  }
}

class P2cEwmaPick implements Pick {
  constructor(
    readonly endpoint: number,
    private readonly state: P2cEwmaEndpoint,
    private readonly picker: P2cEwmaPicker,
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
    this.picker.logLoads(now);
  }
}

/**
 * What was last known of each endpoint. Also the calls of pickers from before end here, so those in flight are counted
 * until they end, whichever picker chose them.
 */
const histories = new WeakMap<ReadyEndpoint, P2cEwmaEndpoint>();

export class P2cEwmaPicker implements Picker {
  readonly endpoints: readonly P2cEwmaEndpoint[];
  readonly keepsHistory: boolean;
  private readonly rejectedEndpoints: number[];
  private readonly rejectedSuccess: number[];
  readonly decision: Decision;
  private readonly config: P2cEwmaConfig;
  private readonly random: Random;
  /** ns; as in go-zero, the first completion of a picker is logged. */
  private logged: number;

  constructor(private readonly info: BuildInfo<P2cEwmaConfig>) {
    const { readyEndpoints, config, random = randomBelow } = info;
    this.config = config;
    this.random = random;
    this.keepsHistory = config.keepHistory;
    this.endpoints = readyEndpoints.map((endpoint) => stateOf(endpoint, config));
    this.logged = config.logInterval === 0 ? Infinity : -Infinity;
    this.rejectedEndpoints = new Array<number>(2 * (config.pickTimes - 1)).fill(0);
    this.rejectedSuccess = new Array<number>(2 * (config.pickTimes - 1)).fill(0);
    this.decision = {
      reason: 'only_one',
      chosen: 0,
      candidateCount: 0,
      candidates: [emptyCandidate(), emptyCandidate()],
      rejectedDraws: 0,
      rejectedEndpoints: this.rejectedEndpoints,
      rejectedSuccess: this.rejectedSuccess,
    };
  }

  pick(info: PickInfo): Pick {
    const chosen = this.choose(info);
    const state = this.endpoints[chosen]!;
    state.picked = info.now;
    state.inflight++;
    state.requests++;
    return new P2cEwmaPick(chosen, state, this, info.now);
  }

  /** go-zero's line, when it is time; "reqs" are those since the one before. */
  logLoads(now: number): void {
    if (now - this.logged < this.config.logInterval) return;
    this.logged = now;
    const loads = this.endpoints.map((state, index) => {
      const { requests } = state;
      state.requests = 0;
      const address = this.info.readyEndpoints[index]!.addresses.join(',');
      return `conn: ${address}, load: ${state.load}, reqs: ${requests}`;
    });
    this.info.log(`p2c - ${loads.join('; ')}`);
  }

  private choose(info: PickInfo): number {
    this.decision.rejectedDraws = 0;
    const { length } = this.endpoints;
    if (length > 2) return this.draw(info);
    if (length === 2) return this.compare(0, 1, true, info);
    if (info.explain !== false) this.explain('only_one', 0, info.now, 0, 0);
    return 0;
  }

  private draw(info: PickInfo): number {
    const { endpoints, random } = this;
    const { length } = endpoints;
    for (let draw = 1; ; draw++) {
      // One of all ordered pairs: one random number, since making them takes longer than all else of a draw.
      const pair = random(length * (length - 1));
      const first = Math.trunc(pair / (length - 1));
      let second = pair - first * (length - 1);
      if (second >= first) second++;
      const healthy = endpoints[first]!.healthy && endpoints[second]!.healthy;
      if (healthy || draw === this.config.pickTimes) return this.compare(first, second, healthy, info);
      if (info.explain !== false) this.reject(first, second);
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
  private compare(first: number, second: number, healthy: boolean, { now, explain }: PickInfo): number {
    const a = this.endpoints[first]!;
    const b = this.endpoints[second]!;
    const loadA = a.load;
    const loadB = b.load;
    // Strict: a tie keeps the first drawn.
    const firstLoses = loadA > loadB;
    const forced = now - (firstLoses ? a : b).picked > this.config.forcePick;
    const chosen = firstLoses === forced ? first : second;
    if (explain !== false) {
      const reason = forced ? 'forced' : !healthy ? 'no_healthy_pair' : loadA === loadB ? 'tie' : 'better_score';
      this.explain(reason, chosen, now, first, second);
    }
    return chosen;
  }

  /** Notes what was compared, as it is before the pick; the same one twice: it is the only one. */
  private explain(reason: Reason, chosen: number, now: number, first: number, second: number): void {
    const { decision } = this;
    decision.reason = reason;
    decision.chosen = chosen;
    decision.candidateCount = first === second ? 1 : 2;
    this.describe(decision.candidates[0]!, first, now);
    if (first !== second) this.describe(decision.candidates[1]!, second, now);
  }

  private describe(candidate: Candidate, endpoint: number, now: number): void {
    const state = this.endpoints[endpoint]!;
    candidate.endpoint = endpoint;
    candidate.lag = state.lag;
    candidate.success = state.success;
    candidate.inflight = state.inflight;
    candidate.score = state.load;
    candidate.idle = now - state.picked;
    candidate.healthy = state.healthy;
  }
}

function stateOf(endpoint: ReadyEndpoint, config: P2cEwmaConfig): P2cEwmaEndpoint {
  const history = config.keepHistory ? histories.get(endpoint) : undefined;
  history?.adopt(config);
  const state = history ?? new P2cEwmaEndpoint(config);
  histories.set(endpoint, state);
  return state;
}

/** As in go-zero, a picker begins without history (what the one before knew is lost), unless the config says keepHistory. */
export const p2cEwma: Policy<P2cEwmaConfig> = {
  name: 'p2c_ewma',
  scoreOrder: 'lower_wins',
  parseConfig: parseP2cEwmaConfig,
  build: (info) => new P2cEwmaPicker(info),
};
