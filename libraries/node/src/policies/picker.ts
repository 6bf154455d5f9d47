/*
 * What a policy is to the balancer that runs it. Endpoints are indices into the list that the picker was built with.
 */

/** Chooses an endpoint for each call; made anew whenever the READY endpoints change (grpc-go: balancer.Picker). */
export interface EndpointPicker {
  /** Chooses, and counts the call as in flight. */
  pick(): EndpointPick;
  /** How the last pick came about. One object, written again by the next pick. */
  readonly decision: Decision;
  /** What the picker knows of each endpoint now, by index. */
  readonly endpoints: readonly EndpointStatus[];
}

/** One pick, and what became of it (grpc-go: balancer.PickResult; its Done is `done`). */
export interface EndpointPick {
  readonly endpoint: number;
  /** The call did not start, or not yet: it is not in flight. Of no effect once it has started. */
  release(): void;
  /** The call's stream began: it is in flight, also after a release. */
  start(): void;
  /** A started call ended with this gRPC status code. */
  done(code: number): void;
}

export interface EndpointStatus {
  /** EWMA of latency, ns; 0 before the first completion. */
  readonly lag: number;
  /** EWMA of success, 0..1000. */
  readonly success: number;
  readonly inflight: number;
}

/** The branch of the policy that was taken; see PickReason in debug.proto. */
export type Reason = 'only_one' | 'better_score' | 'tie' | 'forced' | 'no_healthy_pair';

export interface Decision {
  reason: Reason;
  chosen: number;
  /** How many of `candidates` were compared. */
  candidateCount: number;
  /** In the order in which they were drawn, as they were before the pick. */
  readonly candidates: readonly Candidate[];
  /** How many draws were rejected; each is a pair of entries in the lists below. */
  rejectedDraws: number;
  readonly rejectedEndpoints: number[];
  readonly rejectedSuccess: number[];
}

export interface Candidate {
  endpoint: number;
  /** ns */
  lag: number;
  /** 0..1000 */
  success: number;
  /** Before this pick. */
  inflight: number;
  /** What was compared. */
  score: number;
  /** ns since its last pick; Infinity: never picked by this picker. */
  idle: number;
  healthy: boolean;
}

/**
 * Where a balancer leaves what its policy decided, for whoever looks on to read at once: the next pick of any channel
 * overwrites it.
 */
export interface DecisionSlot {
  /** The picker that was asked; undefined: none has been since the slot was cleared. */
  picker: EndpointPicker | undefined;
  /** What the picker's indices stand for; the same array for all picks of one picker. */
  endpoints: readonly object[];
}
