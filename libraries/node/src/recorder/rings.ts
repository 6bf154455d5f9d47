import type { Candidate } from '../policies/picker';

/*
 * Rows of picks and completions, column by column, in memory of a fixed size: the newest overwrite the oldest. A row
 * is named by its position, which counts from the first row ever and never repeats.
 */

/** A pick that is being written; the ring copies it. */
export interface PickRow {
  time: number;
  call: number;
  attempt: number;
  channel: number;
  generation: number;
  method: number;
  result: number;
  reason: number;
  policy: number;
  endpoint: number;
  code: number;
  flags: number;
  /** How many candidates were added just before; each rejected draw brought as many endpoints. */
  candidates: number;
  rejectedDraws: number;
}

export const pickCapacity = 1 << 15;
/** Candidates of all picks; a pick is dropped with the first of its candidates. */
export const candidateCapacity = 1 << 17;
export const rejectedCapacity = 1 << 16;

export class PickRing {
  /** Position of the next row. */
  head = 0;
  readonly time = new Float64Array(pickCapacity);
  readonly call = new Float64Array(pickCapacity);
  readonly attempt = new Uint32Array(pickCapacity);
  readonly channel = new Uint32Array(pickCapacity);
  readonly generation = new Uint32Array(pickCapacity);
  readonly method = new Uint32Array(pickCapacity);
  readonly result = new Uint8Array(pickCapacity);
  readonly reason = new Uint8Array(pickCapacity);
  readonly policy = new Uint32Array(pickCapacity);
  readonly endpoint = new Uint32Array(pickCapacity);
  readonly code = new Uint8Array(pickCapacity);
  readonly flags = new Uint8Array(pickCapacity);
  /** Position of the row's first candidate, and how many it has. */
  readonly candidateStart = new Float64Array(pickCapacity);
  readonly candidateCount = new Uint32Array(pickCapacity);
  readonly rejectedStart = new Float64Array(pickCapacity);
  readonly rejectedDraws = new Uint32Array(pickCapacity);

  private candidateHead = 0;
  readonly candidateEndpoint = new Uint32Array(candidateCapacity);
  readonly candidateLag = new Float64Array(candidateCapacity);
  readonly candidateSuccess = new Float32Array(candidateCapacity);
  readonly candidateInflight = new Uint32Array(candidateCapacity);
  readonly candidateScore = new Float64Array(candidateCapacity);
  readonly candidateIdle = new Float64Array(candidateCapacity);
  readonly candidateHealthy = new Uint8Array(candidateCapacity);
  readonly candidatePeak = new Float64Array(candidateCapacity);

  private rejectedHead = 0;
  readonly rejectedEndpoint = new Uint32Array(rejectedCapacity);
  readonly rejectedSuccess = new Float32Array(rejectedCapacity);

  /** Candidates and rejected endpoints are added first, the row last. */
  addCandidate(endpoint: number, candidate: Readonly<Candidate>): void {
    const at = this.candidateHead++ % candidateCapacity;
    this.candidateEndpoint[at] = endpoint;
    this.candidateLag[at] = candidate.lag;
    this.candidateSuccess[at] = candidate.success;
    this.candidateInflight[at] = candidate.inflight;
    this.candidateScore[at] = candidate.score;
    this.candidateIdle[at] = candidate.idle;
    this.candidateHealthy[at] = candidate.healthy ? 1 : 0;
    this.candidatePeak[at] = candidate.peak;
  }

  addRejected(endpoint: number, success: number): void {
    const at = this.rejectedHead++ % rejectedCapacity;
    this.rejectedEndpoint[at] = endpoint;
    this.rejectedSuccess[at] = success;
  }

  add(row: Readonly<PickRow>): void {
    const at = this.head++ % pickCapacity;
    this.time[at] = row.time;
    this.call[at] = row.call;
    this.attempt[at] = row.attempt;
    this.channel[at] = row.channel;
    this.generation[at] = row.generation;
    this.method[at] = row.method;
    this.result[at] = row.result;
    this.reason[at] = row.reason;
    this.policy[at] = row.policy;
    this.endpoint[at] = row.endpoint;
    this.code[at] = row.code;
    this.flags[at] = row.flags;
    this.candidateStart[at] = this.candidateHead - row.candidates;
    this.candidateCount[at] = row.candidates;
    this.rejectedStart[at] = this.rejectedHead - row.candidates * row.rejectedDraws;
    this.rejectedDraws[at] = row.rejectedDraws;
  }

  /** The first position at or after `position` whose row is still there whole. */
  firstAvailable(position: number): number {
    let first = Math.max(position, this.head - pickCapacity);
    while (first < this.head && !this.isWhole(first % pickCapacity)) first++;
    return first;
  }

  private isWhole(at: number): boolean {
    return (
      this.candidateStart[at]! >= this.candidateHead - candidateCapacity &&
      this.rejectedStart[at]! >= this.rejectedHead - rejectedCapacity
    );
  }
}

export interface CompletionRow {
  time: number;
  call: number;
  attempt: number;
  channel: number;
  method: number;
  endpoint: number;
  code: number;
  flags: number;
  latency: number;
  lag: number;
  success: number;
  inflight: number;
  peak: number;
}

export const completionCapacity = 1 << 15;

export class CompletionRing {
  head = 0;
  readonly time = new Float64Array(completionCapacity);
  readonly call = new Float64Array(completionCapacity);
  readonly attempt = new Uint32Array(completionCapacity);
  readonly channel = new Uint32Array(completionCapacity);
  readonly method = new Uint32Array(completionCapacity);
  readonly endpoint = new Uint32Array(completionCapacity);
  readonly code = new Uint8Array(completionCapacity);
  readonly flags = new Uint8Array(completionCapacity);
  readonly latency = new Float64Array(completionCapacity);
  readonly lag = new Float64Array(completionCapacity);
  readonly success = new Float32Array(completionCapacity);
  readonly inflight = new Uint32Array(completionCapacity);
  readonly peak = new Float64Array(completionCapacity);

  add(row: Readonly<CompletionRow>): void {
    const at = this.head++ % completionCapacity;
    this.time[at] = row.time;
    this.call[at] = row.call;
    this.attempt[at] = row.attempt;
    this.channel[at] = row.channel;
    this.method[at] = row.method;
    this.endpoint[at] = row.endpoint;
    this.code[at] = row.code;
    this.flags[at] = row.flags;
    this.latency[at] = row.latency;
    this.lag[at] = row.lag;
    this.success[at] = row.success;
    this.inflight[at] = row.inflight;
    this.peak[at] = row.peak;
  }

  firstAvailable(position: number): number {
    return Math.max(position, this.head - completionCapacity);
  }
}
