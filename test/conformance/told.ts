import {
  ConnectivityState,
  PickFlag,
  PickReason,
  PickResult,
  type Change,
  type Channel,
  type ChannelCounters,
  type Clock,
  type Drops,
  type Endpoint,
  type EndpointCounters,
  type Generation,
  type Heartbeat,
  type Policy,
  type Process,
  type ResolverUpdate,
  type Subconn,
} from '@pickscope/protocol/messages';
import { decodeMessage } from '../../src/attachment/decode';
import type { CompletionColumns, PickColumns, StreamMessage } from '../../src/model/streamMessage';

/** A candidate of a pick, as the picker read it. */
export interface ToldCandidate {
  readonly endpoint: number;
  readonly lag: number;
  readonly success: number;
  readonly inflight: number;
  readonly score: number;
}

export interface ToldPick {
  readonly timeNs: number;
  readonly call: number;
  readonly attempt: number;
  readonly channel: number;
  readonly generation: number;
  readonly policy: number;
  readonly method: string;
  /** Names of PickResult and PickReason. */
  readonly result: string;
  readonly reason: string;
  readonly endpoint: number;
  readonly code: number;
  readonly derived: boolean;
  readonly raced: boolean;
  readonly candidates: readonly ToldCandidate[];
}

export interface ToldCompletion {
  readonly timeNs: number;
  readonly call: number;
  readonly attempt: number;
  readonly channel: number;
  readonly method: string;
  readonly endpoint: number;
  readonly code: number;
  /** ns; NaN: it never started. */
  readonly latency: number;
  readonly lag: number;
  readonly derived: boolean;
}

/** What an entity was, one message after the other, by its id. */
type History<Entity> = Map<number, Entity[]>;

/** All that a stream has told, row by row; read by the decoder that the extension reads with. */
export class Told {
  process: Process | undefined;
  /** Whether the snapshot is complete. */
  ready = false;
  readonly methods = new Map<number, string>([[0, '']]);
  readonly channels: History<Channel> = new Map();
  readonly policies: History<Policy> = new Map();
  readonly endpoints: History<Endpoint> = new Map();
  readonly subconns: History<Subconn> = new Map();
  readonly generations: Generation[] = [];
  readonly updates: ResolverUpdate[] = [];
  readonly picks: ToldPick[] = [];
  readonly completions: ToldCompletion[] = [];
  readonly channelCounters = new Map<number, ChannelCounters>();
  readonly endpointCounters = new Map<number, EndpointCounters>();
  readonly clocks: Clock[] = [];
  drops: Drops | undefined;
  heartbeat: Heartbeat | undefined;

  take(bytes: Uint8Array): StreamMessage {
    const message = decodeMessage(bytes);
    this.read(message);
    return message;
  }

  private read({ body }: StreamMessage): void {
    switch (body.case) {
      case 'process':
        this.process = body.value;
        if (body.value.clock) this.clocks.push(body.value.clock);
        break;
      case 'snapshotEnd':
        this.ready = true;
        break;
      case 'strings':
        body.value.ids.forEach((id, at) => this.methods.set(id, body.value.values[at]!));
        break;
      case 'changes':
        for (const { entity } of body.value.changes) this.change(entity);
        break;
      case 'picks':
        this.readPicks(body.value);
        break;
      case 'completions':
        this.readCompletions(body.value);
        break;
      case 'counters':
        for (const each of body.value.channels) this.channelCounters.set(each.channel, each);
        for (const each of body.value.endpoints) this.endpointCounters.set(each.endpoint, each);
        break;
      case 'drops':
        this.drops = body.value;
        break;
      case 'heartbeat':
        this.heartbeat = body.value;
        this.clocks.push(body.value.clock!);
        break;
      default:
    }
  }

  private change(entity: Change['entity']): void {
    switch (entity.case) {
      case 'channel':
        append(this.channels, entity.value);
        break;
      case 'policy':
        append(this.policies, entity.value);
        break;
      case 'endpoint':
        append(this.endpoints, entity.value);
        break;
      case 'subconn':
        append(this.subconns, entity.value);
        break;
      case 'generation':
        this.generations.push(entity.value);
        break;
      case 'resolverUpdate':
        this.updates.push(entity.value);
        break;
      default:
    }
  }

  private readPicks(batch: PickColumns): void {
    let timeNs = Number(batch.baseTimeNs);
    let call = Number(batch.baseCall);
    let first = 0;
    for (let row = 0; row < batch.rows; row++) {
      const count = at(batch.candidateCount, row);
      const flags = at(batch.flags, row);
      this.picks.push({
        timeNs: (timeNs += at(batch.timeDeltaNs, row)),
        call: (call += at(batch.callDelta, row)),
        attempt: at(batch.attempt, row),
        channel: at(batch.channel, row),
        generation: at(batch.generation, row),
        policy: at(batch.policy, row),
        method: this.methods.get(at(batch.method, row))!,
        result: PickResult[at(batch.result, row)]!,
        reason: PickReason[at(batch.reason, row)]!,
        endpoint: at(batch.endpoint, row),
        code: at(batch.code, row),
        derived: (flags & PickFlag.DERIVED) !== 0,
        raced: (flags & PickFlag.RACED) !== 0,
        candidates: Array.from({ length: count }, (_, each) => candidate(batch, first + each)),
      });
      first += count;
    }
  }

  private readCompletions(batch: CompletionColumns): void {
    let timeNs = Number(batch.baseTimeNs);
    let call = Number(batch.baseCall);
    for (let row = 0; row < batch.rows; row++) {
      this.completions.push({
        timeNs: (timeNs += at(batch.timeDeltaNs, row)),
        call: (call += at(batch.callDelta, row)),
        attempt: at(batch.attempt, row),
        channel: at(batch.channel, row),
        method: this.methods.get(at(batch.method, row))!,
        endpoint: at(batch.endpoint, row),
        code: at(batch.code, row),
        latency: at(batch.latencyNs, row),
        lag: at(batch.lagNs, row),
        derived: at(batch.flags, row) !== 0,
      });
    }
  }
}

function candidate(batch: PickColumns, index: number): ToldCandidate {
  return {
    endpoint: at(batch.candidateEndpoint, index),
    lag: at(batch.candidateLagNs, index),
    success: at(batch.candidateSuccess, index),
    inflight: at(batch.candidateInflight, index),
    score: at(batch.candidateScore, index),
  };
}

/** A column that is empty has the default in every row. */
function at(column: ArrayLike<number>, row: number): number {
  return column.length === 0 ? 0 : column[row]!;
}

function append<Entity extends { readonly id: number }>(history: History<Entity>, entity: Entity): void {
  const told = history.get(entity.id);
  if (told) told.push(entity);
  else history.set(entity.id, [entity]);
}

/** What the entities are in the end, by id: those that are not gone. */
export function existing<Entity extends object>(history: ReadonlyMap<number, readonly Entity[]>): Map<number, Entity> {
  const last = [...history].map(([id, told]) => [id, told.at(-1)!] as const);
  return new Map(last.filter(([, entity]) => !isGone(entity)).sort(([a], [b]) => a - b));
}

function isGone(entity: { readonly removed?: boolean; readonly closed?: boolean }): boolean {
  return entity.removed === true || entity.closed === true;
}

export const stateName = (state: ConnectivityState) => ConnectivityState[state];
