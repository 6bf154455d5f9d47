import { misfit, parseFields, type Field } from './config';
import { EndpointPick } from './endpointPick';
import {
  emptyCandidate,
  randomBelow,
  type BuildInfo,
  type Decision,
  type Pick,
  type Picker,
  type PickInfo,
  type Policy,
  type ReadyEndpoint,
} from './picker';
import { WeightedTurns } from './weightedTurns';

export interface StaticWeightedRoundRobinConfig {
  /** By address, in the form that `canonical` gives. */
  readonly weights: ReadonlyMap<string, number>;
}

/** Of an endpoint that has none; as in nginx and Envoy. */
const defaultWeight = 1;
/** What a weight above 0 counts at least and at most, so that all can be reckoned with; the latter is xDS's limit. */
const leastWeight = 1e-6;
const mostWeight = 2 ** 32 - 1;

const weightsField: Field<ReadonlyMap<string, number>> = (value = {}, name) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw misfit(name, value, 'an object that has weights by address, such as {"10.0.0.1:50051":20}');
  }
  return new Map(Object.entries(value).map(([address, weight]) => [canonical(address), parseWeight(address, weight)]));
};

function parseWeight(address: string, weight: unknown): number {
  if (/^[\da-f.]*:[\da-f.]*:[\da-f.:]*$/i.test(address)) {
    throw new Error(`weights has the address "${address}", but IPv6 needs brackets, as in "[2001:db8::1]:50051".`);
  }
  if (typeof weight !== 'number' || !(weight >= 0)) throw misfit(`weights["${address}"]`, weight, 'a number from 0');
  return weight === 0 ? 0 : Math.min(Math.max(weight, leastWeight), mostWeight);
}

/** An IPv6 address may be written in several ways; this is one. */
function canonical(address: string): string {
  const url = `grpc://${address}`;
  return address.startsWith('[') && URL.canParse(url) ? new URL(url).host : address;
}

/** Undefined: the config has none. */
function weightOf(endpoint: ReadyEndpoint, { weights }: StaticWeightedRoundRobinConfig): number | undefined {
  const listed = endpoint.addresses.map(canonical).find((address) => weights.has(address));
  return listed === undefined ? undefined : weights.get(listed);
}

/** An endpoint's place in the rotation. */
interface Place {
  readonly rank: number;
  readonly turns: WeightedTurns;
  readonly index: number;
}

/** The places that the last picker gave, so that the next goes on from there. */
const places = new WeakMap<ReadyEndpoint, Place>();

/** Says once of each endpoint that the weights leave it out: its address may have been misspelt. */
function logMissing(info: BuildInfo<StaticWeightedRoundRobinConfig>): void {
  if (info.config.weights.size === 0) return;
  for (const endpoint of info.readyEndpoints) {
    if (places.has(endpoint) || weightOf(endpoint, info.config) !== undefined) continue;
    const address = endpoint.addresses.join(',');
    info.log(`static_weighted_round_robin - ${address} is not among the weights: it counts ${defaultWeight}`);
  }
}

export class StaticWeightedRoundRobinPicker implements Picker {
  readonly decision: Decision = {
    reason: 'turn',
    chosen: 0,
    candidateCount: 1,
    candidates: [emptyCandidate(), emptyCandidate()],
    rejectedDraws: 0,
    rejectedEndpoints: [],
    rejectedSuccess: [],
  };
  private readonly picks: readonly EndpointPick[];
  private readonly weights: readonly number[];
  private readonly turns: WeightedTurns;

  constructor(info: BuildInfo<StaticWeightedRoundRobinConfig>) {
    const { readyEndpoints, config, random = randomBelow } = info;
    logMissing(info);
    this.picks = readyEndpoints.map((_, index) => new EndpointPick(index));
    this.weights = readyEndpoints.map((endpoint) => weightOf(endpoint, config) ?? defaultWeight);
    const before = readyEndpoints.map((endpoint) => places.get(endpoint));
    const owed = before.map((place) => place?.turns.owed(place.index) ?? 0);
    // At random at first, so that many clients that start together do not begin with the same endpoint.
    const ranks = before.map((place) => place?.rank ?? random(2 ** 32));
    // Where no other is READY, those that should get nothing share the calls.
    const rotating = this.weights.some((weight) => weight > 0) ? this.weights : this.weights.map(() => defaultWeight);
    this.turns = new WeightedTurns(rotating, owed, ranks);
    for (const [index, endpoint] of readyEndpoints.entries()) {
      places.set(endpoint, { rank: ranks[index]!, turns: this.turns, index });
    }
    this.decision.reason = readyEndpoints.length === 1 ? 'only_one' : 'turn';
  }

  pick({ now }: PickInfo): Pick {
    const { decision, turns } = this;
    const chosen = turns.next();
    decision.chosen = chosen;
    decision.candidateCount = 1;
    this.describe(chosen, 0, now);
    if (turns.runnerUp !== undefined) {
      decision.candidateCount = 2;
      this.describe(turns.runnerUp, 1, now);
    }
    return this.picks[chosen]!.begin(now);
  }

  private describe(endpoint: number, position: number, now: number): void {
    this.picks[endpoint]!.describe(this.decision.candidates[position]!, now, this.weights[endpoint]!);
  }
}

/**
 * Each endpoint in turn, as often as its weight says: `{"weights":{"10.0.0.1:50051":20,"10.0.0.2:50051":80}}` gives the
 * first 20 % of the calls and the second 80 %, evenly mixed. docs/policies.md defines which weights there can be.
 */
export const staticWeightedRoundRobin: Policy<StaticWeightedRoundRobinConfig> = {
  name: 'static_weighted_round_robin',
  scoreOrder: 'higher_wins',
  parseConfig: (json) => parseFields<StaticWeightedRoundRobinConfig>(json, { weights: weightsField }),
  build: (info) => new StaticWeightedRoundRobinPicker(info),
};
