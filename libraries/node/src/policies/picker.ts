/*
 * What a policy is: the shape of grpc-go's balancer/base, without gRPC. The balancer keeps the connections; a policy is a
 * builder of pickers. Times are nanoseconds of one monotonic clock.
 */

/**
 * A load-balancing policy (grpc-go: base.PickerBuilder, with its config parser).
 *
 * @typeParam Config What its service config is parsed to.
 */
export interface Policy<Config = unknown> {
  /** As service configs name it: lower case, with underscores. */
  readonly name: string;
  /** How the scores that its decisions tell are compared. */
  readonly scoreOrder?: 'lower_wins' | 'higher_wins';
  /**
   * Checks the policy's service config: what stands after its name in `loadBalancingConfig`. Without it, the config is
   * whatever object was given.
   *
   * @throws Error that names the field, what it holds and what it may hold. Calls then fail with that, as gRPC A21 has it,
   *   unless an earlier config of the channel is in force; that one stays.
   */
  parseConfig?(json: Readonly<Record<string, unknown>>): Config;
  /** Makes the picker for the endpoints that are READY; at each resolver update, and when one enters or leaves READY. */
  build(info: BuildInfo<Config>): Picker;
}

export interface BuildInfo<Config = unknown> {
  /** At least one. */
  readonly readyEndpoints: readonly ReadyEndpoint[];
  readonly config: Config;
  /** A line for the log of the program's gRPC library. */
  log(line: string): void;
  /** An integer from 0 to below `limit`, all equally likely; a simulation gives a seeded one. By default `randomBelow`. */
  readonly random?: Random;
}

export type Random = (limit: number) => number;

export function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/**
 * One endpoint of one channel. The same object for as long as the resolver names it, so a policy keeps what it wants to
 * carry over to its next picker in a WeakMap of these.
 */
export interface ReadyEndpoint {
  /** "10.0.0.4:50051"; at least one. */
  readonly addresses: readonly string[];
}

/** Chooses an endpoint for each call (grpc-go: balancer.Picker). */
export interface Picker {
  pick(info: PickInfo): Pick;
  /** How the last pick that was to be explained came about, for whoever looks on: one object, written again by the next pick. */
  readonly decision?: Decision;
  /** What the picker knows of each endpoint now, by index into readyEndpoints. */
  readonly endpoints?: readonly EndpointStatus[];
  /** False: it keeps averages, and they began anew with this picker. */
  readonly keepsHistory?: boolean;
}

/** Valid until `pick` returns. */
export interface PickInfo {
  /** ns */
  readonly now: number;
  /** False: nobody reads the decision of this pick, so it need not be written. */
  readonly explain?: boolean;
  /** The value of a metadata key of the call, several joined by commas (as in gRPC A76); undefined: it has none. */
  header(name: string): string | undefined;
}

/**
 * One pick, and what becomes of it (grpc-go: balancer.PickResult).
 *
 * A call counts as in flight from its pick on, so that the calls of one tick see each other. But a pick may end without
 * a start, and nobody is told: its credentials fail, its deadline comes first. So one that has not started by the end of
 * its tick is suspended, and resumed should it start after all. A policy that counts calls in flight needs both.
 */
export interface Pick {
  /** Index into readyEndpoints. */
  readonly endpoint: number;
  /** The call has not started, and perhaps never will: it is not in flight. At most once. */
  suspend?(): void;
  /** A suspended call starts: it is in flight again. At most once. */
  resume?(): void;
  /**
   * A call in flight ended. At most once.
   *
   * @param code The gRPC status code.
   * @param now ns
   */
  done?(code: number, now: number): void;
}

export interface EndpointStatus {
  /** EWMA of latency, ns; 0 before the first completion. */
  readonly lag: number;
  /** EWMA of success, 0..1000. */
  readonly success: number;
  readonly inflight: number;
  /** Peak-sensitive EWMA of latency, ns, where the policy compares by that rather than by `lag`. */
  readonly peak?: number;
}

/** The branch of the policy that was taken; see PickReason in debug.proto. */
export type Reason =
  'only_one' | 'better_score' | 'tie' | 'forced' | 'no_healthy_pair' | 'probe' | 'turn' | 'key' | 'no_key';

export interface Decision {
  reason: Reason;
  chosen: number;
  /** How many of `candidates` were compared. */
  candidateCount: number;
  /** In the order in which they were drawn, as they were before the pick. */
  readonly candidates: readonly Candidate[];
  /** How many draws were rejected; each is `candidateCount` entries in the lists below. */
  rejectedDraws: number;
  readonly rejectedEndpoints: readonly number[];
  readonly rejectedSuccess: readonly number[];
}

export interface Candidate {
  endpoint: number;
  /** ns; NaN: the policy keeps none. */
  lag: number;
  /** 0..1000; NaN: the policy keeps none. */
  success: number;
  /** Before this pick. */
  inflight: number;
  /** What was compared. */
  score: number;
  /** ns since its last pick; Infinity: never picked by this picker. */
  idle: number;
  healthy: boolean;
  /** As EndpointStatus.peak; NaN: the policy keeps none. */
  peak: number;
}

export function emptyCandidate(): Candidate {
  return { endpoint: 0, lag: NaN, success: NaN, inflight: 0, score: 0, idle: 0, healthy: true, peak: NaN };
}

/**
 * Where a balancer leaves what its policy decided, for whoever looks on to read at once: the next pick of any channel
 * overwrites it.
 */
export interface DecisionSlot {
  /** The picker that was asked; undefined: none has been since the slot was cleared. */
  picker: Picker | undefined;
  /** What the picker's indices stand for; the same array for all picks of one picker. */
  endpoints: readonly object[];
  /** Whether the decision of the next pick will be read. */
  explain?: boolean;
  /** When it was asked, ns. */
  pickedAt?: number;
  /** When the call that ended last did, ns; NaN: none has since the slot was cleared. */
  endedAt?: number;
  /** The picker that was built last; the balancer tells its channel of it right after. */
  built?: Picker | undefined;
}
