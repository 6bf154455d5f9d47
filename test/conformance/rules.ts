import { PickResult, type Change, type Counters } from '@pickscope/protocol/messages';
import type { CompletionColumns, PickColumns, StreamMessage } from '../../src/model/streamMessage';

/** What docs/protocol.md says of every stream, held to each of its messages. */
export class Rules {
  /** What was not as it should be, with the sequence number of the message. */
  readonly broken: string[] = [];
  private sequence = 0;
  private phase: 'process' | 'begin' | 'snapshot' | 'live' = 'process';
  private readonly strings = new Set([0]);
  /** Those that were announced, and whether they are gone. */
  private readonly entities = new Map<number, boolean>();
  private readonly generations = new Set<number>();
  private readonly ended = new Set<string>();
  private readonly counted = new Map<number, bigint>();
  private beat = 0n;

  take(message: StreamMessage): void {
    this.sequence++;
    this.hold(message.sequence === this.sequence, `sequence ${message.sequence} is the message ${this.sequence}`);
    this.order(message);
    const { body } = message;
    switch (body.case) {
      case 'strings':
        for (const id of body.value.ids) this.strings.add(id);
        break;
      case 'changes':
        for (const change of body.value.changes) this.change(change);
        break;
      case 'picks':
        this.picks(body.value);
        break;
      case 'completions':
        this.completions(body.value);
        break;
      case 'counters':
        this.counters(body.value);
        break;
      case 'heartbeat':
        this.hold(body.value.clock!.monotonicNs > this.beat, 'the clock of a heartbeat does not go on');
        this.beat = body.value.clock!.monotonicNs;
        break;
      default:
    }
  }

  private hold(isSo: boolean, otherwise: string): void {
    if (!isSo) this.broken.push(`message ${this.sequence}: ${otherwise}`);
  }

  /** process, snapshot_begin, (strings | changes | counters)*, snapshot_end; then live. */
  private order({ body }: StreamMessage): void {
    const { case: name } = body;
    const expected = {
      process: ['process'],
      begin: ['snapshotBegin'],
      snapshot: ['strings', 'changes', 'counters', 'snapshotEnd'],
      live: ['strings', 'changes', 'picks', 'completions', 'counters', 'drops', 'heartbeat'],
    }[this.phase];
    this.hold(name !== undefined && expected.includes(name), `${name} where ${expected.join(', ')} may come`);
    if (name === 'process') this.phase = 'begin';
    else if (name === 'snapshotBegin') this.phase = 'snapshot';
    else if (name === 'snapshotEnd') this.phase = 'live';
  }

  private change({ entity, timeNs }: Change): void {
    this.hold(timeNs > 0n, 'a change has no time');
    switch (entity.case) {
      case 'channel':
        this.announce(entity.value.id, entity.value.closed, 'channel', []);
        break;
      case 'policy':
        this.announce(entity.value.id, entity.value.removed, 'policy', [entity.value.channel, entity.value.parent]);
        break;
      case 'endpoint':
        this.hold(entity.value.addresses.length > 0, 'an endpoint has no address');
        this.announce(entity.value.id, entity.value.removed, 'endpoint', [entity.value.channel]);
        break;
      case 'subconn':
        this.announce(entity.value.id, entity.value.removed, 'subconn', entity.value.endpoints);
        break;
      case 'generation':
        this.known(entity.case, [entity.value.channel, entity.value.policy, ...entity.value.endpoints]);
        this.generations.add(entity.value.id);
        break;
      case 'resolverUpdate':
        this.known(entity.case, [entity.value.channel]);
        break;
      default:
        this.hold(false, 'a change of nothing');
    }
  }

  /** An entity's last message says that it is gone. */
  private announce(id: number, gone: boolean, kind: string, refersTo: readonly number[]): void {
    this.hold(id > 0, `a ${kind} without id`);
    this.hold(this.entities.get(id) !== true, `${kind} ${id} is told of after it was gone`);
    this.entities.set(id, gone);
    this.known(kind, refersTo);
  }

  /** Announced before use. */
  private known(by: string, ids: Iterable<number>): void {
    for (const id of ids)
      this.hold(id === 0 || this.entities.has(id), `a ${by} refers to ${id}, which was not announced`);
  }

  private picks(batch: PickColumns): void {
    const { rows } = batch;
    const candidates = total(batch.candidateCount);
    const rejected = sum(rows, (row) => value(batch.rejectedDraws, row) * value(batch.candidateCount, row));
    this.columns(rows, [
      ...[batch.timeDeltaNs, batch.callDelta, batch.attempt, batch.channel, batch.generation, batch.method],
      ...[batch.result, batch.reason, batch.policy, batch.endpoint, batch.code, batch.flags],
      ...[batch.candidateCount, batch.rejectedDraws],
    ]);
    this.columns(candidates, [
      ...[batch.candidateEndpoint, batch.candidateLagNs, batch.candidateSuccess, batch.candidateInflight],
      ...[batch.candidateScore, batch.candidateIdleNs, batch.candidateHealthy, batch.candidatePeakNs],
    ]);
    this.columns(rejected, [batch.rejectedEndpoint, batch.rejectedSuccess]);
    this.announced('pick', batch);
    this.known('pick', Array.from(batch.policy));
    this.known('pick', Array.from(batch.candidateEndpoint));
    for (const id of Array.from(batch.generation)) {
      this.hold(id === 0 || this.generations.has(id), `a pick refers to generation ${id}, which was not announced`);
    }
    for (let row = 0; row < rows; row++) this.pick(batch, row);
  }

  private pick(batch: PickColumns, row: number): void {
    const result = PickResult[value(batch.result, row)];
    this.hold(result !== undefined && result !== 'UNSPECIFIED', 'a pick without a result');
    const completed = result === 'COMPLETED';
    const refused = result === 'FAILED' || result === 'DROPPED';
    this.hold(completed === value(batch.endpoint, row) > 0, `a pick that is ${result}, and its endpoint`);
    this.hold(completed === value(batch.candidateCount, row) > 0, `a pick that is ${result}, and its candidates`);
    this.hold(refused === value(batch.code, row) > 0, `a pick that is ${result}, and its code`);
    this.hold(value(batch.attempt, row) > 0, 'a pick of no attempt');
  }

  private completions(batch: CompletionColumns): void {
    const { rows } = batch;
    this.columns(rows, [
      ...[batch.timeDeltaNs, batch.callDelta, batch.attempt, batch.channel, batch.method, batch.endpoint, batch.code],
      ...[batch.latencyNs, batch.lagNs, batch.success, batch.inflight, batch.flags, batch.peakNs],
    ]);
    this.announced('completion', batch);
    let call = Number(batch.baseCall);
    for (let row = 0; row < rows; row++) {
      const attempt = `${(call += value(batch.callDelta, row))}.${value(batch.attempt, row)}`;
      this.hold(!this.ended.has(attempt), `attempt ${attempt} ends a second time`);
      this.ended.add(attempt);
    }
  }

  /** What picks and completions have alike. */
  private announced(kind: string, { channel, endpoint, method }: PickColumns | CompletionColumns): void {
    this.known(kind, [...Array.from(channel), ...Array.from(endpoint)]);
    for (const id of Array.from(method)) {
      this.hold(this.strings.has(id), `a ${kind} refers to the string ${id}, which was not announced`);
    }
  }

  /** A column is empty, or has a value for each row. */
  private columns(rows: number, columns: readonly ArrayLike<number | boolean>[]): void {
    for (const { length } of columns)
      this.hold(length === 0 || length === rows, `a column of ${length} for ${rows} rows`);
  }

  private counters({ channels, endpoints }: Counters): void {
    this.known('counter', [...channels.map((each) => each.channel), ...endpoints.map((each) => each.endpoint)]);
    for (const { endpoint, picks, started, neverStarted, completionsByCode } of endpoints) {
      const ended = completionsByCode.reduce((all, each) => all + each, 0n);
      this.hold(
        picks >= started + neverStarted && started >= ended,
        `the counters of endpoint ${endpoint} do not add up`,
      );
      this.hold(picks >= (this.counted.get(endpoint) ?? 0n), `the counters of endpoint ${endpoint} fall`);
      this.counted.set(endpoint, picks);
    }
  }
}

/** In an empty column every row has the default. */
function value(column: ArrayLike<number>, row: number): number {
  return column.length === 0 ? 0 : column[row]!;
}

function total(column: ArrayLike<number>): number {
  return Array.from(column).reduce((all, each) => all + each, 0);
}

function sum(rows: number, of: (row: number) => number): number {
  return Array.from({ length: rows }, (_, row) => of(row)).reduce((all, each) => all + each, 0);
}
