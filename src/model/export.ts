import type { Query, Redaction } from '../messages/panel';
import type { ClientData } from './clientData';
import type { Channel } from './entities';
import type { Moment } from './moment';
import { endOf, keysIn } from './pickList';
import { pickRow, policyOf } from './pickRows';
import type { PickRing } from './pickRing';

export type ExportFormat = 'csv' | 'jsonl';

/** A candidate as docs/export.md describes it. */
interface ExportedCandidate {
  readonly endpoint: string;
  readonly lag_ns: number | null;
  readonly peak_ns: number | null;
  readonly success: number | null;
  readonly inflight: number;
  readonly score: number | null;
  readonly idle_ms: number | null;
  readonly healthy: boolean;
}

/** A line of JSON lines. The columns of CSV are the same, in this order, but for the lists. */
interface ExportedPick {
  readonly time: string;
  readonly call: number;
  readonly attempt: number;
  readonly generation: number;
  readonly method: string;
  readonly policy: string;
  readonly reason: string;
  readonly code: string | null;
  readonly endpoint: string | null;
  readonly outcome: string | null;
  readonly latency_ms: number | null;
  readonly lag_after_ns: number | null;
  readonly success_after: number | null;
  readonly inflight_after: number | null;
  readonly raced: boolean;
  readonly derived: boolean;
  readonly candidates: readonly ExportedCandidate[];
  /** Draws that were rejected before. */
  readonly rejected: readonly (readonly { readonly endpoint: string; readonly success: number | null }[])[];
}

/**
 * The picks that a query selects, oldest first: those of its selection, else of its window. Lines with their ends; the ring may
 * turn over while they are read, and rows that are gone by then are left out.
 */
export function* exportPicks(
  data: ClientData,
  channel: Channel,
  { filter }: Query,
  moment: Moment,
  format: ExportFormat,
  redaction: Redaction,
): Generator<string> {
  const { ring } = data;
  const { wanted } = data.picksOf(channel.id, filter);
  const names = new Names(data, redaction);
  const { from, to } = exportedKeys(moment, ring);
  if (format === 'csv') yield csvHeader;
  for (let key = wanted.first(from, to); key < to; key = wanted.first(key + 1, to)) {
    if (!ring.has(key)) continue;
    const pick = exported(key, data, names);
    yield format === 'csv' ? csvLine(pick) : `${JSON.stringify(pick)}\n`;
  }
}

function exportedKeys(moment: Moment, ring: PickRing): { readonly from: number; readonly to: number } {
  const end = endOf(moment, ring);
  return moment.selection ? keysIn(moment.selection, end, ring) : { from: ring.firstAt(moment.window.fromMs), to: end };
}

/** What endpoints and methods are called: by their addresses and names, or by numbers in the order in which they come. */
class Names {
  private readonly endpoints = new Map<string, string>();
  private readonly methods = new Map<string, string>();

  constructor(
    private readonly data: ClientData,
    private readonly redaction: Redaction,
  ) {}

  /** All of its addresses; '': it is not known. */
  endpoint(id: number): string {
    const addresses = this.data.registry.endpoints.get(id)?.addresses.join(' ') ?? '';
    return this.redaction.addresses ? numbered(this.endpoints, addresses, 'endpoint') : addresses;
  }

  method(name: string): string {
    return this.redaction.methods ? numbered(this.methods, name, 'method') : name;
  }
}

function numbered(known: Map<string, string>, name: string, kind: string): string {
  if (name === '') return '';
  if (!known.has(name)) known.set(name, `${kind} ${known.size + 1}`);
  return known.get(name)!;
}

function exported(key: number, data: ClientData, names: Names): ExportedPick {
  const { ring, registry, texts } = data;
  const pick = pickRow(key, ring, registry, texts);
  const { outcome } = pick;
  return {
    time: isoTime(pick.timeMs),
    call: pick.call,
    attempt: pick.attempt,
    generation: pick.generation,
    method: names.method(pick.method),
    policy: policyOf(key, ring, registry, texts),
    reason: pick.reason,
    code: pick.code,
    endpoint: pick.endpoint === null ? null : names.endpoint(pick.endpoint),
    outcome: outcome?.code === '' ? null : (outcome?.code ?? null),
    latency_ms: outcome?.latencyMs ?? null,
    lag_after_ns: outcome?.lagAfterNs ?? null,
    success_after: single(outcome?.successAfter ?? null),
    inflight_after: outcome?.inflightAfter ?? null,
    raced: pick.reason === 'raced',
    derived: pick.derived,
    candidates: pick.candidates.map(({ endpoint, lagNs, peakNs, success, inflight, score, idleMs, healthy }) => ({
      endpoint: names.endpoint(endpoint),
      lag_ns: lagNs,
      peak_ns: single(peakNs),
      success: single(success),
      inflight,
      score,
      idle_ms: single(idleMs),
      healthy,
    })),
    rejected: pick.rejected.map((draw) =>
      draw.map(({ endpoint, success }) => ({ endpoint: names.endpoint(endpoint), success: single(success) })),
    ),
  };
}

/** To the microsecond: "2026-01-15T14:02:00.123456Z"; '': the client told of a moment that no calendar has. */
function isoTime(ms: number): string {
  const whole = Math.floor(ms);
  if (!(Math.abs(whole) < 8.64e15)) return '';
  const micros = Math.floor((ms - whole) * 1000);
  return `${new Date(whole).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** Kept in single precision: further digits would be noise. */
function single(value: number | null): number | null {
  return value === null || Number.isInteger(value) ? value : Number(value.toPrecision(7));
}

// ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const pickColumns = [
  'time',
  'call',
  'attempt',
  'generation',
  'method',
  'policy',
  'reason',
  'code',
  'endpoint',
  'outcome',
  'latency_ms',
  'lag_after_ns',
  'success_after',
  'inflight_after',
  'raced',
  'derived',
] as const satisfies readonly (keyof ExportedPick)[];
const candidateColumns = [
  'endpoint',
  'lag_ns',
  'peak_ns',
  'success',
  'inflight',
  'score',
  'idle_ms',
  'healthy',
] as const satisfies readonly (keyof ExportedCandidate)[];

/** The candidates that have columns of their own; policies with more than two are rare. */
const columnCandidates = ['a', 'b'];

const csvHeader = `${[
  ...pickColumns,
  ...columnCandidates.flatMap((letter) => candidateColumns.map((column) => `${letter}_${column}`)),
  'more_candidates',
  'rejected',
].join(',')}\r\n`;

/** As in RFC 4180. */
function csvLine(pick: ExportedPick): string {
  const { candidates, rejected } = pick;
  let line = '';
  for (const column of pickColumns) line += `${csvCell(pick[column])},`;
  for (const index of columnCandidates.keys()) {
    const candidate = candidates[index];
    for (const column of candidateColumns) line += candidate ? `${csvCell(candidate[column])},` : ',';
  }
  return `${line}${csvList(candidates.slice(columnCandidates.length))},${csvList(rejected)}\r\n`;
}

function csvList(list: readonly unknown[]): string {
  return list.length === 0 ? '' : csvCell(JSON.stringify(list));
}

function csvCell(cell: string | number | boolean | null): string {
  if (typeof cell !== 'string') return cell === null ? '' : String(cell);
  // A spreadsheet would compute what begins like a formula, and the client's program wrote it. An apostrophe is doubled, so
  // that the one before any other text can be told.
  const text = /^['=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
