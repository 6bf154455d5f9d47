import { createReadStream } from 'node:fs';
import {
  ConnectivityState,
  PickReason,
  PickResult,
  type Change,
  type CompletionBatch,
  type CountersSchema,
  type PickBatch,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import type { MessageShape } from '@bufbuild/protobuf';
import { readRecording } from '@pickscope/protocol/recording';

/*
 * What a recording of one channel tells, computed from docs/protocol.md alone: plain arrays, walked from end to end for
 * each question, and nothing of the extension's own model.
 */

export interface ToldPick {
  readonly timeMs: number;
  readonly call: number;
  readonly method: string;
  /** As the filter's words say it. */
  readonly reason: string;
  readonly completed: boolean;
  /** '' where none was chosen. */
  readonly address: string;
  readonly candidates: readonly { readonly address: string; readonly score: number }[];
  /** The endpoints that its picker held. */
  readonly held: readonly string[];
  /** undefined: still in flight at the recording's end. */
  end?: ToldEnd;
}

export interface ToldEnd {
  readonly timeMs: number;
  readonly address: string;
  readonly code: number;
  readonly latencyMs: number;
}

interface Reading {
  readonly timeMs: number;
  readonly address: string;
  readonly lagMs?: number;
  readonly success?: number;
  readonly inflight?: number;
  readonly load?: number;
}

/** Why an endpoint was taken, and why not, in picks. */
export interface ToldAnswer {
  readonly total: number;
  readonly undecided: number;
  readonly notHeld: number;
  readonly notDrawn: number;
  readonly lost: number;
  readonly taken: number;
  /** By the winner's address. */
  readonly lostTo: ReadonlyMap<string, number>;
}

const reasonWords: Readonly<Record<number, string>> = {
  [PickReason.ONLY_ONE]: 'only',
  [PickReason.BETTER_SCORE]: 'lower',
  [PickReason.TIE]: 'tie',
  [PickReason.FORCED]: 'forced',
  [PickReason.NO_HEALTHY_PAIR]: 'unhealthy',
};
const resultWords: Readonly<Record<number, string>> = {
  [PickResult.QUEUED]: 'queued',
  [PickResult.FAILED]: 'failed',
  [PickResult.DROPPED]: 'dropped',
};

/** The half-open span of time that is asked about, ms. */
export type Span = readonly [fromMs: number, toMs: number];

export class Oracle {
  readonly picks: ToldPick[] = [];
  readonly ends: ToldEnd[] = [];
  readonly historyLossesMs: number[] = [];
  private readonly readings: Reading[] = [];
  private readonly counters: { readonly timeMs: number; readonly address: string; readonly picks: number }[] = [];
  private readonly states: { readonly timeMs: number; readonly address: string; readonly ready: boolean }[] = [];
  private readonly removals: { readonly timeMs: number; readonly address: string }[] = [];
  private readonly endpoints = new Map<number, string>([[0, '']]);
  private readonly strings = new Map<number, string>([[0, '']]);
  private readonly generations = new Map<number, readonly string[]>();
  private readonly calls = new Map<number, ToldPick>();
  private readonly earlyEnds = new Map<number, ToldEnd>();
  private offsetMs = 0;
  lastMs = 0;

  static async read(file: string): Promise<Oracle> {
    const oracle = new Oracle();
    for await (const message of readRecording(createReadStream(file))) oracle.hear(message);
    // Rows are in the order of their times within a batch only.
    for (const rows of [oracle.readings, oracle.ends]) rows.sort((a, b) => a.timeMs - b.timeMs);
    return oracle;
  }

  // ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────────

  picksIn([fromMs, toMs]: Span): ToldPick[] {
    return this.picks.filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs);
  }

  /** The endpoints that are there at this moment, by address. */
  present(atMs: number): string[] {
    const known = new Set(this.states.filter(({ timeMs }) => timeMs <= atMs).map(({ address }) => address));
    for (const { address, timeMs } of this.removals) if (timeMs <= atMs) known.delete(address);
    return [...known].sort();
  }

  isReady(address: string, atMs: number): boolean {
    return this.states.findLast((state) => state.address === address && state.timeMs <= atMs)?.ready ?? false;
  }

  /** Of the completed picks, 0..1. */
  share(address: string, span: Span): number {
    const completed = this.picksIn(span).filter((pick) => pick.completed);
    return completed.filter((pick) => pick.address === address).length / completed.length;
  }

  picksPerSecond(address: string, span: Span): number {
    const own = this.picksIn(span).filter((pick) => pick.completed && pick.address === address);
    return own.length / ((span[1] - span[0]) / 1000);
  }

  reasons(span: Span): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { reason } of this.picksIn(span)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  endsOf(address: string, [fromMs, toMs]: Span): ToldEnd[] {
    return this.ends.filter((end) => end.address === address && end.timeMs >= fromMs && end.timeMs < toMs);
  }

  /** Of the calls that ended: the latency below which this share of them stayed, ms; NaN: none did. */
  latency(address: string, span: Span, quantile: number): number {
    const sorted = this.endsOf(address, span)
      .map(({ latencyMs }) => latencyMs)
      .sort((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? NaN;
  }

  /** The last value that was told of it, since the policy last forgot all; undefined: none was. */
  last(address: string, name: 'lagMs' | 'success' | 'inflight' | 'load', atMs: number): number | undefined {
    const sinceMs = this.historyLossesMs.findLast((ms) => ms <= atMs) ?? 0;
    return this.readings.findLast(
      (reading) =>
        reading.address === address &&
        reading.timeMs <= atMs &&
        reading.timeMs >= sinceMs &&
        reading[name] !== undefined,
    )?.[name];
  }

  /** Exact, since the channel was created. */
  pickCount(address: string, atMs: number): number {
    return this.counters.findLast((one) => one.address === address && one.timeMs <= atMs)?.picks ?? 0;
  }

  answer(address: string, span: Span): ToldAnswer {
    const picks = this.picksIn(span);
    const completed = picks.filter((pick) => pick.completed);
    const held = completed.filter((pick) => pick.held.includes(address));
    const drawn = held.filter((pick) => pick.candidates.some((candidate) => candidate.address === address));
    const lost = drawn.filter((pick) => pick.address !== address);
    const lostTo = new Map<string, number>();
    for (const pick of lost) lostTo.set(pick.address, (lostTo.get(pick.address) ?? 0) + 1);
    return {
      total: picks.length,
      undecided: picks.length - completed.length,
      notHeld: completed.length - held.length,
      notDrawn: held.length - drawn.length,
      lost: lost.length,
      taken: drawn.length - lost.length,
      lostTo,
    };
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────────

  private hear({ body }: WatchResponse): void {
    switch (body.case) {
      case 'process':
        this.offsetMs = Number(body.value.clock!.wallUnixNs - body.value.clock!.monotonicNs) / 1e6;
        break;
      case 'strings':
        for (const [index, id] of body.value.ids.entries()) this.strings.set(id, body.value.values[index]!);
        break;
      case 'changes':
        for (const change of body.value.changes) this.hearChange(change);
        break;
      case 'picks':
        this.hearPicks(body.value);
        break;
      case 'completions':
        this.hearEnds(body.value);
        break;
      case 'counters':
        this.hearCounters(body.value);
        break;
      case 'heartbeat':
        this.lastMs = this.wall(body.value.clock!.monotonicNs);
    }
  }

  private wall(ns: bigint): number {
    return Number(ns) / 1e6 + this.offsetMs;
  }

  private hearChange({ timeNs, entity }: Change): void {
    const timeMs = this.wall(timeNs);
    if (entity.case === 'endpoint') {
      const { id, addresses, state, removed } = entity.value;
      this.endpoints.set(id, addresses[0]!);
      if (removed) this.removals.push({ timeMs, address: addresses[0]! });
      else this.states.push({ timeMs, address: addresses[0]!, ready: state === ConnectivityState.READY });
    } else if (entity.case === 'generation') {
      const { id, endpoints, historyKept } = entity.value;
      this.generations.set(
        id,
        endpoints.map((endpoint) => this.endpoints.get(endpoint)!),
      );
      if (!historyKept) this.historyLossesMs.push(timeMs);
    }
  }

  private hearPicks(batch: PickBatch): void {
    let first = 0;
    for (const { row, timeMs, call } of this.rows(batch)) {
      const count = batch.candidateCount[row] ?? 0;
      const candidates = Array.from({ length: count }, (_, index) => {
        const at = first + index;
        const address = this.endpoints.get(batch.candidateEndpoint[at]!)!;
        const load = batch.candidateScore[at] ?? 0;
        const inflight = batch.candidateInflight[at] ?? 0;
        const success = batch.candidateSuccess[at] ?? 0;
        this.readings.push({ timeMs, address, lagMs: (batch.candidateLagNs[at] ?? 0) / 1e6, success, inflight, load });
        return { address, score: load };
      });
      first += count;
      const result = batch.result[row]!;
      const pick: ToldPick = {
        timeMs,
        call,
        method: this.strings.get(batch.method[row] ?? 0)!,
        reason: resultWords[result] ?? reasonWords[batch.reason[row] ?? 0]!,
        completed: result === PickResult.COMPLETED,
        address: this.endpoints.get(batch.endpoint[row] ?? 0)!,
        candidates,
        held: this.generations.get(batch.generation[row]!) ?? [],
      };
      this.picks.push(pick);
      // A call that waited is picked again: its end is that of its last pick.
      this.calls.set(call, pick);
      const end = this.earlyEnds.get(call);
      if (end && pick.completed) pick.end = end;
    }
  }

  private hearEnds(batch: CompletionBatch): void {
    for (const { row, timeMs, call } of this.rows(batch)) {
      const address = this.endpoints.get(batch.endpoint[row] ?? 0)!;
      const end = { timeMs, address, code: batch.code[row] ?? 0, latencyMs: (batch.latencyNs[row] ?? 0) / 1e6 };
      this.ends.push(end);
      const lagNs = batch.lagNs[row] ?? 0;
      if (!Number.isNaN(lagNs)) {
        const [success, inflight] = [batch.success[row] ?? 0, batch.inflight[row] ?? 0];
        this.readings.push({ timeMs, address, lagMs: lagNs / 1e6, success, inflight });
      }
      const pick = this.calls.get(call);
      if (pick) pick.end = end;
      else this.earlyEnds.set(call, end);
    }
  }

  private hearCounters({ timeNs, endpoints }: MessageShape<typeof CountersSchema>): void {
    const timeMs = this.wall(timeNs);
    for (const { endpoint, picks, lagNs, success, inflight } of endpoints) {
      const address = this.endpoints.get(endpoint)!;
      this.counters.push({ timeMs, address, picks: Number(picks) });
      this.readings.push({ timeMs, address, lagMs: lagNs / 1e6, success, inflight });
    }
  }

  /** Times and calls stand as differences from the row before. */
  private *rows({ rows, baseTimeNs, timeDeltaNs, baseCall, callDelta }: PickBatch | CompletionBatch) {
    let timeNs = baseTimeNs;
    let call = Number(baseCall);
    for (let row = 0; row < rows; row++) {
      timeNs += BigInt(timeDeltaNs[row] ?? 0);
      call += callDelta[row] ?? 0;
      yield { row, timeMs: this.wall(timeNs), call };
    }
  }
}
