/*
 * The state machine of an attachment, as a pure function:
 *
 *     connecting → live → lost ⇄ (next try) → live …
 *         ↓ ↘ lost          ↓
 *      refused           refused
 *
 * A try after a loss stays in `lost` until it has succeeded, so that what was received stays in view without a flicker.
 * So does one after a refusal that passes by itself stay in `refused`.
 */

/** Why there is no stream. `detail` comes from the other side or from gRPC: untrusted text, capped. */
export type Loss =
  | { readonly kind: 'unreachable'; readonly detail: string } // nobody answers there
  | { readonly kind: 'closed'; readonly detail: string } // the client, or something between, ended the stream
  | { readonly kind: 'silent' } // connected, but not even a heartbeat any more
  | { readonly kind: 'gap' } // messages were lost on the way
  | { readonly kind: 'gone' } // the process has ended
  | { readonly kind: 'unannounced' } // its descriptor is missing; whether the process runs cannot be told from here
  | { readonly kind: 'failed'; readonly detail: string }; // anything else

/** Why trying again would not help: somebody has to do something first. */
export type Refusal =
  | { readonly kind: 'versionMismatch'; readonly theirs: string }
  | { readonly kind: 'wrongToken' }
  | { readonly kind: 'wrongCertificate'; readonly detail: string } // whoever answers cannot prove to be the client
  | { readonly kind: 'badRoots'; readonly detail: string } // the file of further roots cannot be used
  | { readonly kind: 'notPickscope' }
  | { readonly kind: 'tooManyWatchers' }; // passes as soon as another one detaches

export type Failure = Loss | Refusal;

/** Times are milliseconds since the Unix epoch. */
export type AttachmentState =
  | {
      readonly kind: 'connecting';
      readonly startedMs: number;
      readonly connectedMs?: number;
      readonly describedMs?: number;
      /** "1.0"; known once described. */
      readonly protocol?: string;
    }
  | { readonly kind: 'live'; readonly sinceMs: number; readonly tries: number }
  | {
      readonly kind: 'lost';
      readonly atMs: number;
      readonly loss: Loss;
      /** null: it waits for the client to come back, or for the person. */
      readonly nextTryMs: number | null;
      /** How many tries began since the loss. */
      readonly tries: number;
    }
  | {
      readonly kind: 'refused';
      readonly atMs: number;
      readonly refusal: Refusal;
      /** null: it waits for the person. */
      readonly nextTryMs: number | null;
      /** How many tries began since the refusal. */
      readonly tries: number;
    };

export type AttachmentEvent = { readonly nowMs: number } & (
  | { readonly type: 'opened' }
  | { readonly type: 'connected' }
  | { readonly type: 'described'; readonly protocol: string }
  | { readonly type: 'snapshotEnded' }
  | {
      readonly type: 'failed';
      readonly failure: Failure;
      /** Whether to try again by itself. */
      readonly retry: boolean;
      /** 0..1, the jitter. */
      readonly random: number;
    }
  /** It cannot come back by itself. `ended`: its process provably has ended. */
  | { readonly type: 'gone'; readonly ended: boolean }
);

export const timing = {
  firstDelayMs: 500,
  maxDelayMs: 15_000,
  /** For a place among the watchers: nothing is broken, and the client has others to serve. */
  firstDelayForPlaceMs: 2000,
  maxDelayForPlaceMs: 60_000,
  /** A stream that lived shorter does not reset the delays: it may be one that fails right after each start. */
  minUptimeMs: 10_000,
} as const;

export function next(state: AttachmentState | undefined, event: AttachmentEvent): AttachmentState {
  switch (event.type) {
    case 'opened':
      return opened(state, event.nowMs);
    case 'connected':
    case 'described':
      return progressed(state!, event);
    case 'snapshotEnded':
      return { kind: 'live', sinceMs: event.nowMs, tries: state?.kind === 'lost' ? state.tries : 0 };
    case 'failed':
      return failed(state, event);
    case 'gone':
      return gone(state!, event.ended);
  }
}

function opened(state: AttachmentState | undefined, nowMs: number): AttachmentState {
  if (state?.kind === 'lost' || (state?.kind === 'refused' && passesByItself(state.refusal))) {
    return { ...state, nextTryMs: nowMs, tries: state.tries + 1 };
  }
  return { kind: 'connecting', startedMs: nowMs };
}

function progressed(
  state: AttachmentState,
  event: Extract<AttachmentEvent, { type: 'connected' | 'described' }>,
): AttachmentState {
  if (state.kind !== 'connecting') return state;
  if (event.type === 'connected') return { ...state, connectedMs: event.nowMs };
  return { ...state, describedMs: event.nowMs, protocol: event.protocol };
}

function failed(
  state: AttachmentState | undefined,
  { failure, retry, random, nowMs }: Extract<AttachmentEvent, { type: 'failed' }>,
): AttachmentState {
  const tries = triesBefore(state, nowMs);
  const atMs = state && 'atMs' in state ? state.atMs : nowMs;
  if (isRefusal(failure)) {
    const delayMs = retry && passesByItself(failure) ? delayForPlaceMs(tries, random) : null;
    return { kind: 'refused', atMs, refusal: failure, nextTryMs: delayMs && nowMs + delayMs, tries };
  }
  const delayMs = failure.kind === 'gap' && tries === 0 ? 0 : retryDelayMs(tries, random);
  return { kind: 'lost', atMs, loss: failure, nextTryMs: retry ? nowMs + delayMs : null, tries };
}

function gone(state: AttachmentState, ended: boolean): AttachmentState {
  if (state.kind !== 'lost' && state.kind !== 'refused') return state;
  const loss: Loss = { kind: ended ? 'gone' : 'unannounced' };
  if (state.kind === 'lost' && state.loss.kind === loss.kind && state.nextTryMs === null) return state;
  return { kind: 'lost', atMs: state.atMs, loss, nextTryMs: null, tries: state.tries };
}

function triesBefore(state: AttachmentState | undefined, nowMs: number): number {
  if (state?.kind === 'lost' || state?.kind === 'refused') return state.tries;
  return state?.kind === 'live' && nowMs - state.sinceMs < timing.minUptimeMs ? state.tries : 0;
}

/** Doubles with each try; half of it is jitter, so that many watchers do not come back at once. */
export function retryDelayMs(tries: number, random: number): number {
  return jittered(Math.min(timing.maxDelayMs, timing.firstDelayMs * 2 ** (tries + 1)), random);
}

export function delayForPlaceMs(tries: number, random: number): number {
  return jittered(Math.min(timing.maxDelayForPlaceMs, timing.firstDelayForPlaceMs * 2 ** (tries + 1)), random);
}

function jittered(ceilingMs: number, random: number): number {
  return ceilingMs * (0.5 + random / 2);
}

function passesByItself({ kind }: Refusal): boolean {
  return kind === 'tooManyWatchers';
}

const refusals: readonly Failure['kind'][] = [
  'versionMismatch',
  'wrongToken',
  'wrongCertificate',
  'badRoots',
  'notPickscope',
  'tooManyWatchers',
];

function isRefusal(failure: Failure): failure is Refusal {
  return refusals.includes(failure.kind);
}
