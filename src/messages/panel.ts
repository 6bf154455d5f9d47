/*
 * Everything that host and panel say to each other. The host owns the data: the panel says what it wants to show
 * (a query) and gets it whole (a frame), so that it can be thrown away and made again at any time.
 *
 * Times are wall clock of the client's machine, milliseconds since the Unix epoch, with fractions. Durations are
 * named with their unit. NaN and null both mean "unknown": NaN inside typed arrays, null elsewhere.
 */

// ── Panel to host ────────────────────────────────────────────────────────────────────────────────────────────────

export type ToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'query'; readonly query: Query }
  | { readonly type: 'command'; readonly command: PanelCommand };

/** What the panel shows; the host answers with a frame at once, and again whenever the answer changes. */
export interface Query {
  /** An id of Frame.channels; undefined: the busiest one. */
  readonly channel?: number;
  /** Length of the charts' time axis. */
  readonly windowSeconds: number;
  /** Paused: everything is shown as it was at this moment. undefined: live. */
  readonly untilMs?: number;
  /** In the filter language of the list; see src/model/filter.ts. */
  readonly filter: string;
  /** How many rows of the list at most. */
  readonly limit: number;
  /** Key of the pick that is inspected. */
  readonly inspect?: number;
}

export type PanelCommand =
  | { readonly name: 'attach'; readonly client: string }
  | { readonly name: 'attachTo' } // asks for the client in VS Code's own picker
  | { readonly name: 'enterAddress' }
  | { readonly name: 'select'; readonly client: string }
  | { readonly name: 'detach' }
  | { readonly name: 'retryNow' }
  | { readonly name: 'enterToken' }
  | { readonly name: 'copyImportLine' }
  | { readonly name: 'makeNodeAttachable' }
  | { readonly name: 'openHelp'; readonly topic: 'environment' | 'protocol' }
  | { readonly name: 'showLog' };

// ── Host to panel ────────────────────────────────────────────────────────────────────────────────────────────────

export type ToPanel =
  | { readonly type: 'init'; readonly l10n: Readonly<Record<string, string>>; readonly language: string }
  | { readonly type: 'frame'; readonly frame: Frame }
  /** From the view's title bar and the command palette. */
  | { readonly type: 'do'; readonly action: 'pause' | 'resume' | 'focusFilter' };

export interface Frame {
  readonly attachment: AttachmentView;
  /** All that can be chosen in the header: attached ones first. */
  readonly clients: readonly ClientChoice[];
  readonly channels: readonly ChannelChoice[];
  /** undefined: no snapshot yet, or the client has no channel. */
  readonly channel?: ChannelView;
  /** What the attached client cannot tell though its library could, and why; its own words, in English. */
  readonly limitations: readonly string[];
  /** Calls to the client's debug server without its token, or with a wrong one, since it was started: all were refused. */
  readonly refusedCalls: number;
  /** What the client had kept of the time before it was attached; undefined: it keeps nothing. */
  readonly kept?: { readonly seconds: number; readonly untilMs: number };
}

export interface ClientChoice {
  /** Opaque. */
  readonly id: string;
  readonly name: string;
  /** 0: not known, before whatever is at an entered address has answered. */
  readonly pid: number;
  readonly folder: string;
  readonly attached: boolean;
}

/** One explicit state; each has a picture and a next action of its own. */
export type AttachmentView =
  | {
      /** No client is attached; Frame.clients says whether there are any. */
      readonly state: 'none';
      /** Whether Node programs that are started in a terminal, or debugged, are made attachable. */
      readonly nodeAttachable: boolean;
    }
  | { readonly state: 'connecting'; readonly client: ClientChoice; readonly steps: readonly ConnectingStep[] }
  | { readonly state: 'live'; readonly client: ClientChoice; readonly paused: boolean }
  | {
      readonly state: 'lost';
      readonly client: ClientChoice;
      readonly atMs: number;
      /** Localized sentence: what happened. */
      readonly reason: string;
      /** When the next try begins; null: it waits for the client to come back. */
      readonly nextTryMs: number | null;
      readonly tries: number;
    }
  | {
      /** Somebody has to do something first. */
      readonly state: 'refused';
      readonly client: ClientChoice;
      readonly cause:
        'versionMismatch' | 'wrongToken' | 'wrongCertificate' | 'badRoots' | 'notPickscope' | 'tooManyWatchers';
      /** Localized: what happened, and what to do next. */
      readonly reason: string;
      /** When the next try begins; null: it waits for the person. */
      readonly nextTryMs: number | null;
      readonly tries: number;
    };

export interface ConnectingStep {
  readonly step: 'connect' | 'describe' | 'snapshot';
  readonly done: boolean;
  /** How long it took, or takes so far. */
  readonly ms: number;
  /** With describe, when done. */
  readonly protocol?: string;
}

export interface ChannelChoice {
  readonly id: number;
  readonly target: string;
  readonly closed: boolean;
  readonly picksPerSecond: number;
}

export type State = 'IDLE' | 'CONNECTING' | 'READY' | 'TRANSIENT_FAILURE' | 'SHUTDOWN' | 'UNKNOWN';

export type ScoreOrder = 'lower' | 'higher' | 'none';

export interface ChannelView {
  readonly id: number;
  readonly target: string;
  readonly state: State;
  readonly stateSinceMs: number;
  /** The tree of policies from its root to the leaf: "outlier_detection", "p2c_ewma". */
  readonly policyPath: readonly string[];
  /** What is compared: loads, of which the lower one wins, weights, of which the higher one does, or nothing. */
  readonly scoreOrder: ScoreOrder;
  /** Why this policy runs though the program asked for another; the client's words, in English. Empty: it does not. */
  readonly policyNote: string;
  /** The moment that this view shows: now, or Query.untilMs. */
  readonly atMs: number;
  readonly live: boolean;
  /** Picks since atMs, when paused. */
  readonly newer: number;

  readonly picksPerSecond: number;
  /** Exact, since the channel was created. */
  readonly totals: ChannelTotals;
  /** Picks of this channel seen since attaching, and when the last one was; null: none yet. */
  readonly picksSeen: number;
  readonly lastPickMs: number | null;
  /** Jain's index of the picks of the last 10 s over the READY endpoints: 1 = all equal, 1/n = one gets all. */
  readonly fairness: number | null;

  readonly endpoints: readonly EndpointRow[];
  /** How many more there are, for which there was no room. */
  readonly endpointsLeftOut: number;
  /** Channels of the client, and names of methods, for which there was no room; such a method is called "(other)". */
  readonly channelsLeftOut: number;
  readonly methodsLeftOut: number;
  /** Endpoints that are no longer there, but that series, picks or events of this view still name. */
  readonly formerEndpoints: readonly FormerEndpoint[];
  readonly series: Series;
  readonly markers: readonly Marker[];
  readonly reasons: ReasonCounts;

  /** Newest first. */
  readonly picks: readonly PickRow[];
  /** How many picks of the ring match the filter; how many there are. */
  readonly matching: number;
  readonly retained: number;
  /** Time of the oldest single pick that is kept; null: none. */
  readonly oldestPickMs: number | null;
  /** Why the filter could not be read, as a code and the token; the list is then unfiltered. */
  readonly filterError?: { readonly token: string };
  /** Newest first. */
  readonly events: readonly EventRow[];
  readonly drops: DropTotals;

  readonly inspection?: Inspection;
}

export interface ChannelTotals {
  readonly completed: number;
  readonly queued: number;
  readonly failed: number;
  readonly dropped: number;
}

export interface DropTotals {
  readonly picks: number;
  readonly completions: number;
}

/** In a stable order: by address. */
export interface EndpointRow {
  readonly id: number;
  /** What differs between the endpoints of this channel: a port or host that all share is left out. */
  readonly label: string;
  /** All of its addresses. */
  readonly addresses: readonly string[];
  /** Colour, dash and mark; the same for the same address as long as the client is known. */
  readonly slot: number;
  readonly state: State;
  readonly stateSinceMs: number;
  readonly error: string;
  /** Of the completed picks of the last 10 s, 0..1; null: there were none. */
  readonly share: number | null;
  /** 1 / number of READY endpoints, for a READY one; else 0. */
  readonly fairShare: number;
  readonly picksPerSecond: number;
  readonly inflight: number | null;
  readonly lagMs: number | null;
  /** 0..1000. */
  readonly success: number | null;
  readonly load: number | null;
  /** Peak-sensitive average of the latency, where the policy compares by that rather than by lagMs. */
  readonly peakMs: number | null;
  /** Lag, success and inflight are kept by the observer: they had no part in any choice. */
  readonly derived: boolean;
  readonly lastPickMs: number | null;
  /** Exact, since the endpoint was created. */
  readonly picks: number;
  readonly started: number;
  readonly neverStarted: number;
  readonly failures: number;
}

/** An endpoint that is not in the table any more. */
export interface FormerEndpoint {
  readonly id: number;
  readonly label: string;
  readonly addresses: readonly string[];
  readonly slot: number;
}

/** One bucket a second, aligned to whole seconds; the second that is not yet complete is left out. */
export interface Series {
  /** Start of each bucket, ms. */
  readonly times: Float64Array;
  readonly endpoints: readonly EndpointSeries[];
}

export interface EndpointSeries {
  readonly endpoint: number;
  readonly picksPerSecond: Float64Array;
  /** Mean of the loads that were compared in the second, carried on while none was; NaN: not in the picker, or unknown. */
  readonly load: Float64Array;
  /** Last value read in the second, carried on while it did not change; NaN likewise. */
  readonly lagMs: Float64Array;
}

export interface Marker {
  readonly timeMs: number;
  readonly kind: 'generation' | 'notReady' | 'ready' | 'restart' | 'drops';
  /** The endpoint whose state changed. */
  readonly endpoint?: number;
  readonly generation?: number;
  /** A generation that forgot what the policy knew: lines break here. */
  readonly historyLost: boolean;
}

/** Of the charts' window. */
export interface ReasonCounts {
  readonly lower: number;
  readonly tie: number;
  readonly forced: number;
  readonly only: number;
  readonly unhealthy: number;
  readonly probe: number;
  readonly turn: number;
  readonly key: number;
  readonly nokey: number;
  readonly untold: number;
  readonly queued: number;
  readonly failed: number;
  readonly dropped: number;
  /** Calls that ended with another status than OK. */
  readonly errors: number;
}

/** The branch that the policy took, or what became of the pick where it chose nothing. Also words of the filter. */
export type Reason =
  | 'lower'
  | 'tie'
  | 'forced'
  | 'only'
  | 'unhealthy'
  | 'probe'
  | 'turn'
  | 'key'
  | 'nokey'
  | 'untold'
  | 'queued'
  | 'failed'
  | 'dropped';

export interface PickRow {
  /** Unique and rising within this attachment, whatever restarts. */
  readonly key: number;
  readonly timeMs: number;
  /** Ids of the client's. */
  readonly call: number;
  readonly attempt: number;
  readonly generation: number;
  /** "/shop.Cart/GetCart". */
  readonly method: string;
  readonly reason: Reason;
  /** The chosen one; null where none was. */
  readonly endpoint: number | null;
  readonly candidates: readonly Candidate[];
  /** Draws that were rejected before, in order. */
  readonly rejected: readonly (readonly RejectedCandidate[])[];
  /** Name of the status code of a failed or dropped pick. */
  readonly code: string | null;
  /** Read while completions raced it: it does not explain the choice. */
  readonly raced: boolean;
  /** Lag and success are the observer's, not the policy's. */
  readonly derived: boolean;
  /** null: still in flight. */
  readonly outcome: Outcome | null;
}

/** As read at pick time by the picker. */
export interface Candidate {
  readonly endpoint: number;
  readonly lagNs: number | null;
  /** null: the policy does not compare by a peak. */
  readonly peakNs: number | null;
  readonly success: number | null;
  readonly inflight: number;
  readonly score: number | null;
  /** null: never picked in this generation. */
  readonly idleMs: number | null;
  readonly healthy: boolean;
}

export interface RejectedCandidate {
  readonly endpoint: number;
  readonly success: number | null;
}

export interface Outcome {
  /** "OK", "UNAVAILABLE" … */
  readonly code: string;
  /** null: the call never started. */
  readonly latencyMs: number | null;
  readonly lagAfterNs: number | null;
  readonly successAfter: number | null;
  readonly inflightAfter: number | null;
}

export type EventRow = { readonly key: number; readonly timeMs: number } & (
  | { readonly kind: 'resolver'; readonly addresses: readonly string[]; readonly count: number; readonly error: string }
  | {
      readonly kind: 'generation';
      readonly generation: number;
      readonly ready: number;
      readonly cause: 'resolverUpdate' | 'endpointReady' | 'endpointNotReady' | 'unknown';
      readonly historyLost: boolean;
    }
  | {
      readonly kind: 'endpointState';
      readonly endpoint: number;
      readonly address: string;
      readonly from: State;
      readonly to: State;
      readonly error: string;
    }
  | {
      readonly kind: 'subconnState';
      readonly address: string;
      readonly from: State;
      readonly to: State;
      readonly error: string;
    }
  | { readonly kind: 'endpointAdded' | 'endpointRemoved'; readonly endpoint: number; readonly address: string }
  | { readonly kind: 'channelState'; readonly from: State; readonly to: State }
  | { readonly kind: 'policy'; readonly path: readonly string[]; readonly note: string }
  | { readonly kind: 'restart'; readonly pid: number }
  | { readonly kind: 'drops'; readonly picks: number; readonly completions: number }
);

export interface Inspection {
  readonly pick: PickRow;
  readonly policy: string;
  readonly scoreOrder: ScoreOrder;
  readonly explanation: Explanation;
  readonly generation: {
    readonly id: number;
    /** Its age when the pick was made. */
    readonly ageMs: number | null;
    readonly historyLost: boolean;
  };
  /** The picks before and after of the chosen endpoint. */
  readonly before: Neighbour | null;
  readonly after: Neighbour | null;
  /** Lag of the chosen endpoint before and after the completion. */
  readonly lagBeforeNs: number | null;
}

export interface Neighbour {
  readonly key: number;
  /** How far away in time. */
  readonly ms: number;
}

/**
 * Why this pick went as it did; the panel makes a sentence of it. `why` says what made the difference between the
 * scores: the winner was `unmeasured` (lag 0), had less `lag`, fewer calls `inflight`, or less of `both`,
 * or fails less (`success`, where the policy charges failures as latency);
 * `despite` a worse lag or inflight the other outweighed it: then `why` names what outweighed. `measure` says which
 * average of the latency that is about: a policy that keeps a peak compares by that.
 */
export type Explanation =
  | {
      readonly verdict: 'lower' | 'unhealthy';
      readonly winner: Candidate;
      readonly loser: Candidate;
      readonly why: 'unmeasured' | 'lag' | 'inflight' | 'both' | 'success' | 'score';
      readonly measure: 'lag' | 'peak';
      /** The last lag that was known of an unmeasured winner, before its history was lost. */
      readonly lagBeforeLossNs: number | null;
    }
  | { readonly verdict: 'tie'; readonly winner: Candidate; readonly loser: Candidate }
  | { readonly verdict: 'forced'; readonly winner: Candidate; readonly loser: Candidate }
  | { readonly verdict: 'only'; readonly winner: Candidate | null }
  | { readonly verdict: 'probe'; readonly winner: Candidate | null; readonly loser: Candidate | null }
  | {
      readonly verdict: 'turn';
      /** The weight by which its turn came, and that of all; null: the policy does not tell. */
      readonly weight: number | null;
      readonly allWeights: number | null;
    }
  | { readonly verdict: 'key' | 'nokey' }
  | { readonly verdict: 'untold' }
  | { readonly verdict: 'queued' }
  | { readonly verdict: 'failed' | 'dropped'; readonly code: string };
