/*
 * Everything that host and panel say to each other. The host owns the data: the panel says what it wants to show
 * (a query) and gets it whole (a frame), so that it can be thrown away and made again at any time.
 *
 * Times are wall clock of the client's machine, milliseconds since the Unix epoch, with fractions. Durations are
 * named with their unit. NaN and null both mean "unknown": NaN inside typed arrays, null elsewhere.
 */

import type { ProgramKind } from './importLines';

// ── Panel to host ────────────────────────────────────────────────────────────────────────────────────────────────

export type ToHost =
  | { readonly type: 'ready' }
  | { readonly type: 'query'; readonly query: Query }
  | { readonly type: 'command'; readonly command: PanelCommand }
  /** A frame or a chart was taken: only then comes the next one, and, where nobody asks, not before the panel has rested. */
  | { readonly type: 'received'; readonly what: 'frame' | 'chart'; readonly restMs: number }
  /** The reader turned to this panel: what is asked for elsewhere, as in the command palette, is meant for it. */
  | { readonly type: 'focused' }
  /** The answer to the action "picture": bytes of a PNG file. */
  | { readonly type: 'picture'; readonly png: Uint8Array };

/** What the panel shows; the host answers with a frame and a chart at once, and again whenever the answer changes. */
export interface Query {
  /** Id of the client that this panel shows, as in an editor tab; undefined: the one that is selected for all panels. */
  readonly client?: string;
  /** An id of Frame.channels; undefined: the busiest one. */
  readonly channel?: number;
  /** Length of the charts' time axis, which ends at untilMs. Fractions are allowed. */
  readonly windowSeconds: number;
  /** Paused: everything is shown as it was at this moment. undefined: live, or the end of a recording. */
  readonly untilMs?: number;
  /** How many points a line has room for; the host chooses the length of the buckets by it. */
  readonly points: number;
  /** A brushed part of the axis: shares, reasons, answers, the list and what is exported are of it alone. */
  readonly selection?: TimeSpan;
  /** In the filter language; see docs/filter.md. It holds for the list, for the counts in the charts, and for exports. */
  readonly filter: string;
  readonly rows: WantedRows;
  /** Key of the pick that is inspected. */
  readonly inspect?: number;
  /** Id of the endpoint of which is asked why it was taken, and why not; within the selection, else the window. */
  readonly ask?: number;
  /** Side by side: this target in all attached clients that have it, or all channels of this client. */
  readonly compare?: 'clients' | 'channels';
}

/** From (inclusive) to (exclusive), ms. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Which rows of the list, of which the newest is the first. */
export interface WantedRows {
  /** Key of the newest row that counts: the list is held there while more come. undefined: the newest there is. */
  readonly newest?: number;
  /** How many rows are above the first one wanted. */
  readonly skip: number;
  readonly limit: number;
}

export type PanelCommand =
  | { readonly name: 'attach'; readonly client: string }
  | { readonly name: 'attachTo' } // asks for the client in VS Code's own picker
  | { readonly name: 'enterAddress' }
  | { readonly name: 'select'; readonly client: string }
  | { readonly name: 'detach' }
  | { readonly name: 'retryNow' }
  | { readonly name: 'enterToken' }
  | { readonly name: 'copyImportLine'; readonly of: ProgramKind }
  | { readonly name: 'makeAttachable' }
  | { readonly name: 'openHelp'; readonly topic: 'environment' | 'protocol' }
  | { readonly name: 'showLog' }
  /** The client and channel that this panel shows, in an editor tab of their own. */
  | { readonly name: 'openInEditor' }
  /** Writes what this panel's client sends to a file, until it is stopped. */
  | { readonly name: 'record' }
  | { readonly name: 'stopRecording' }
  | { readonly name: 'openRecording' }
  /** The picks that this panel's query selects, to a file. */
  | { readonly name: 'exportPicks' }
  /** This panel's window as a picture, to a file. */
  | { readonly name: 'exportPicture' };

// ── Host to panel ────────────────────────────────────────────────────────────────────────────────────────────────

export type ToPanel =
  | {
      readonly type: 'init';
      readonly l10n: Readonly<Record<string, string>>;
      readonly language: string;
      /** What to show first, where the panel kept nothing of its own: what the one showed that it was opened from. */
      readonly query?: Query;
    }
  /** Figures and list: up to ten times a second. */
  | { readonly type: 'frame'; readonly frame: Frame }
  /** Lines: about twice a second, and at once where the query asks for others. undefined: there is no channel. */
  | { readonly type: 'chart'; readonly chart?: ChartView }
  /** From the view's title bar, menus and the command palette. */
  | { readonly type: 'do'; readonly action: PanelAction };

export type PanelAction =
  | { readonly name: 'pause' | 'resume' | 'focusFilter' | 'showKeys' | 'closeAll' }
  /** Why this endpoint was taken, and why not. */
  | { readonly name: 'ask'; readonly endpoint: number }
  | { readonly name: 'compare'; readonly with: 'clients' | 'channels' }
  /** Answered with a message "picture"; see Redaction. */
  | { readonly name: 'picture'; readonly redaction: Redaction };

/** What is left out of what leaves the editor: names in its place tell the same ones from others. */
export interface Redaction {
  /** Addresses and targets: "endpoint 1". */
  readonly addresses: boolean;
  /** Services and methods: "method 1". */
  readonly methods: boolean;
}

export interface Frame {
  /** An editor tab keeps to its client; a recording has no other. */
  readonly place: 'side' | 'editor' | 'recording';
  readonly attachment: AttachmentView;
  /** All that can be chosen in the header: attached ones first. */
  readonly clients: readonly ClientChoice[];
  readonly channels: readonly ChannelChoice[];
  /** undefined: no snapshot yet, or the client has no channel. */
  readonly channel?: ChannelView;
  /** undefined: Query.compare does not ask for it, or there is nothing to compare. */
  readonly comparison?: Comparison;
  /** What is written to a file; undefined: nothing is. */
  readonly recording?: { readonly file: string; readonly sinceMs: number; readonly bytes: number };
  /** Of what is there, from its oldest to its newest moment; undefined: nothing is there. */
  readonly reach?: TimeSpan;
  /** What the client runs, with versions, in its own words; '': not known. */
  readonly software: string;
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
  /** "node" or "go"; '': not known. */
  readonly language: string;
  readonly attached: boolean;
}

/** One explicit state; each has a picture and a next action of its own. */
export type AttachmentView =
  | {
      /** No client is attached; Frame.clients says whether there are any. */
      readonly state: 'none';
      /** Whether programs that are started in a terminal, or debugged, are made attachable. */
      readonly programsAttachable: boolean;
    }
  | { readonly state: 'connecting'; readonly client: ClientChoice; readonly steps: readonly ConnectingStep[] }
  | { readonly state: 'live'; readonly client: ClientChoice; readonly paused: boolean }
  | {
      /** A file is shown. */
      readonly state: 'recording';
      readonly client: ClientChoice;
      /** Its name, without folders. */
      readonly file: string;
      /** How much of it was read, 0..1; 1: all. */
      readonly read: number;
      /** Localized: why it is not shown to its end, or from its beginning; '': it is, so far. */
      readonly damage: string;
    }
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
  /** What shares, rates, latencies and fairness are of: the selection in whole buckets of 250 ms, or else the last 10 s. */
  readonly shareSpan: TimeSpan;

  readonly picksPerSecond: number;
  /** Exact, since the channel was created. */
  readonly totals: ChannelTotals;
  /** Picks of this channel seen since attaching, and when the last one was; null: none yet. */
  readonly picksSeen: number;
  readonly lastPickMs: number | null;
  /** Jain's index of the picks of shareSpan over the READY endpoints: 1 = all equal, 1/n = one gets all. */
  readonly fairness: number | null;

  readonly endpoints: readonly EndpointRow[];
  /** How many more there are, for which there was no room. */
  readonly endpointsLeftOut: number;
  /** Channels of the client, and names of methods, for which there was no room; such a method is called "(other)". */
  readonly channelsLeftOut: number;
  readonly methodsLeftOut: number;
  /** Endpoints that are no longer there, but that series, picks or events of this view still name. */
  readonly formerEndpoints: readonly FormerEndpoint[];
  readonly reasons: ReasonCounts;

  /** Those of Query.rows, newest first. */
  readonly picks: readonly PickRow[];
  /** How many rows are above the first of these; less than asked for where there are not so many. */
  readonly picksSkipped: number;
  /** How many picks of the ring match filter and selection up to the newest that counts; how many there are without a filter. */
  readonly matching: number;
  readonly retained: number;
  /** How many more match that are newer than WantedRows.newest. */
  readonly held: number;
  /** Time of the oldest single pick that is kept; null: none. */
  readonly oldestPickMs: number | null;
  /** Why the filter could not be read; everything is then unfiltered. */
  readonly filterError?: FilterError;
  /** Newest first. */
  readonly events: readonly EventRow[];
  readonly drops: DropTotals;

  readonly inspection?: Inspection;
  /** How many rows of the list are above the inspected one; undefined: it is not among those that match. */
  readonly inspectedRow?: number;
  /** undefined: Query.ask does not ask, or that endpoint is not known. */
  readonly answer?: Answer;
}

/** What of a filter is not understood, and what is wrong with it; see docs/filter.md. */
export interface FilterError {
  /** As it was typed. */
  readonly token: string;
  /** Nothing is there to be looked for, a number is wanted, its unit is not known, or a quotation mark is not closed. */
  readonly reason: 'nothing' | 'number' | 'unit' | 'quote';
}

/** All that lies on the time axis of a channel. */
export interface ChartView {
  /** Of which channel. */
  readonly channel: number;
  /** The axis. */
  readonly span: TimeSpan;
  readonly series: Series;
  /** Of the whole reach, oldest first. */
  readonly markers: readonly Marker[];
  /** The whole reach, however small the window is. */
  readonly overview: Overview;
  /** All picks of a window of at most 4 s, newest first, at most 500 of them; undefined: the window is longer. */
  readonly singlePicks?: readonly PickRow[];
  /**
   * Picks, failures and latencies of the series count only what the filter wants; they come from single picks, which go
   * back to this moment (null: there are none). undefined: there is no filter.
   */
  readonly filteredSinceMs?: number | null;
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

/** As of the selection's end, else of the moment that is shown. In a stable order: by address. */
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
  /** Since when it is known; null: since before we watched. */
  readonly addedMs: number | null;
  /** Of the completed picks of shareSpan, 0..1; null: there were none. */
  readonly share: number | null;
  /** 1 / number of READY endpoints, for a READY one; else 0. */
  readonly fairShare: number;
  readonly picksPerSecond: number;
  /** Of the calls that ended in the seconds of shareSpan: median and 95th percentile, to within 10 %; null: none did. */
  readonly latencyMs: number | null;
  readonly latencyP95Ms: number | null;
  /** Of those calls, how many ended with another status than OK, 0..1. */
  readonly failureShare: number | null;
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

/** Buckets of one length, aligned to whole multiples of it since the epoch; the one that is not yet complete is left out. */
export interface Series {
  readonly bucketMs: number;
  /** Start of each bucket, ms. */
  readonly times: Float64Array;
  readonly endpoints: readonly EndpointSeries[];
}

/** One value a bucket; NaN: nothing is known, or the endpoint is not in the picker. */
export interface EndpointSeries {
  readonly endpoint: number;
  readonly picksPerSecond: Float64Array;
  /** Calls that ended in the bucket with another status than OK. */
  readonly failuresPerSecond: Float64Array;
  /** Mean of the loads that were compared, carried on while none was. */
  readonly load: Float64Array;
  /** Last values read, carried on while they did not change. */
  readonly lagMs: Float64Array;
  readonly success: Float64Array;
  readonly inflight: Float64Array;
  /**
   * Of the calls that ended in the bucket, or, where it is shorter, in the second in which it lies: median and 95th
   * percentile, to within 10 %; NaN: none did.
   */
  readonly latencyMs: Float64Array;
  readonly latencyP95Ms: Float64Array;
  /** The state in which it was at the bucket's end: index into `states`. */
  readonly state: Uint8Array;
}

export const states: readonly State[] = ['UNKNOWN', 'IDLE', 'CONNECTING', 'READY', 'TRANSIENT_FAILURE', 'SHUTDOWN'];

export interface Overview {
  readonly bucketMs: number;
  readonly times: Float64Array;
  /** Of all endpoints; NaN: not watched. */
  readonly picksPerSecond: Float64Array;
  readonly failuresPerSecond: Float64Array;
}

export interface Marker {
  readonly timeMs: number;
  readonly kind: 'generation' | 'resolver' | 'notReady' | 'ready' | 'restart' | 'drops';
  /** The endpoint whose state changed. */
  readonly endpoint?: number;
  readonly generation?: number;
  /** A generation that forgot what the policy knew: lines break here. */
  readonly historyLost: boolean;
}

/** Of the selection, else of the charts' window; whatever the filter is. */
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
  readonly raced: number;
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
  /** What was read does not explain the choice: it was read from outside, while completions raced it. */
  | 'raced'
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
  /** "OK", "UNAVAILABLE" …; '': none, as the attempt never started there and was picked for again. */
  readonly code: string;
  /** null: the call never started, or nobody knows when it did. */
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
  | { readonly verdict: 'untold' | 'raced' }
  | { readonly verdict: 'queued' }
  | { readonly verdict: 'failed' | 'dropped'; readonly code: string };

// ── "Why not this one?", and why ─────────────────────────────────────────────────────────────────────────────────

/**
 * Why an endpoint was taken in a span of time, and why not. Each pick of the span counts in one category: undecided,
 * notListed, notHeld, notTold, notDrawn, lost or taken; they add up to the total.
 */
export interface Answer {
  readonly endpoint: number;
  readonly span: TimeSpan;
  /** Single picks, or beyond those the aggregates, whose span is widened to whole buckets. */
  readonly source: 'picks' | 'aggregates';
  /** Picks of the channel, whatever their result. */
  readonly total: number;
  /** No endpoint was chosen: queued, failed, dropped. */
  readonly undecided: number;
  /** It was not among the resolver's addresses: left out, or not yet named. */
  readonly notListed: number;
  /** The picker did not hold it, as it was not READY. */
  readonly notHeld: number;
  /** Another was chosen by a policy, or in a way, that tells of no candidates. */
  readonly notTold: number;
  /** The picker held it, but it was not among the candidates. */
  readonly notDrawn: number;
  /** It was a candidate, and another was taken, by the reason for which. */
  readonly lost: Readonly<Partial<Record<Reason, number>>>;
  readonly taken: Readonly<Partial<Record<Reason, number>>>;
  /** Of those taken for the lower load: it was next to nothing, as its latency was not yet measured: history was lost, or it is new. */
  readonly takenUnmeasured: number;
  /** Times that it was drawn, and the pair rejected, as it or the other was unhealthy. Draws, not picks. */
  readonly rejectedDraws: number;
  /** Of the picks that could draw it, the share that chance alone leaves without it; null: the policy draws none. */
  readonly undrawnByChance: number | null;
  /** Most frequent first. */
  readonly opponents: readonly Opponent[];
  /**
   * Medians of what was read for it as a candidate; null: it never was one, or the policy keeps none. From aggregates:
   * medians of the means of short buckets.
   */
  readonly loadMedian: number | null;
  readonly lagMedianMs: number | null;
  /** Of the winners that it lost to; null also from aggregates. */
  readonly winnersLoadMedian: number | null;
  /** The states in which it was, oldest first; the first one holds at the begin of the span. */
  readonly states: readonly AnsweredState[];
  /** When the policy forgot what it knew, within the span. */
  readonly historyLossesMs: readonly number[];
}

export interface AnsweredState {
  readonly sinceMs: number;
  readonly state: State;
  readonly error: string;
  /** The resolver left it out. */
  readonly removed: boolean;
}

/** Another candidate that it was compared with. */
export interface Opponent {
  readonly endpoint: number;
  /** Picks that the other one won, and by how much: mean ratio of the scores, 1 or more; null: not known. */
  readonly lostTo: number;
  readonly lostBy: number | null;
  readonly wonAgainst: number;
  readonly wonBy: number | null;
}

// ── Side by side ─────────────────────────────────────────────────────────────────────────────────────────────────

/** The same endpoints as several channels see them. Shares and rates are of the same span everywhere. */
export interface Comparison {
  /** At most 12; the first one is the channel that this panel shows. */
  readonly columns: readonly ComparedChannel[];
  /** By address, at most 200. */
  readonly rows: readonly ComparedEndpoint[];
  /** How many more there are, for which there was no room; rows of these columns. */
  readonly columnsLeftOut: number;
  readonly rowsLeftOut: number;
}

export interface ComparedChannel {
  readonly client: ClientChoice;
  /** Its id in that client. */
  readonly channel: number;
  readonly target: string;
  readonly policy: string;
  readonly state: State;
  /** Whether its client still sends: it may be lost. */
  readonly live: boolean;
  readonly picksPerSecond: number;
  readonly fairness: number | null;
}

export interface ComparedEndpoint {
  readonly addresses: readonly string[];
  readonly label: string;
  /** Colour, dash and mark: those in the channel that this panel shows, where that one knows it. */
  readonly slot: number;
  /** One a column; null: that channel does not know it. */
  readonly cells: readonly (ComparedCell | null)[];
}

export interface ComparedCell {
  readonly state: State;
  readonly share: number | null;
  readonly fairShare: number;
  readonly picksPerSecond: number;
  readonly latencyMs: number | null;
  readonly failureShare: number | null;
  readonly lagMs: number | null;
  readonly success: number | null;
  readonly inflight: number | null;
  readonly load: number | null;
  /** Picks a second over the window, in at most 40 buckets of one length, oldest first; NaN: not watched. */
  readonly trend: Float64Array;
}
