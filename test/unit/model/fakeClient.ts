import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  ChangeSchema,
  ConnectivityState,
  GenerationCause,
  PickReason,
  PickResult,
  ScoreOrder,
  WatchResponseSchema,
  type Change,
  type CompletionBatchSchema,
  type CountersSchema,
  type PickBatchSchema,
  type WatchResponse,
} from '@pickscope/protocol/messages';

/*
 * A client that balances with p2c_ewma, simulated in virtual time: it makes the messages that a real one would send,
 * and remembers what it did, so that a reader of the messages can be compared with it. Same options, same messages.
 */

export interface FakeBackend {
  readonly address: string;
  readonly latencyMs: number;
  /** Share of calls that fail with UNAVAILABLE, 0..1; none if left out. */
  readonly errors?: number;
  /** Mean of what some calls take longer, in parts of latencyMs, exponentially; 0 if left out. */
  readonly tail?: number;
}

export interface FakeClientOptions {
  readonly backends: readonly FakeBackend[];
  readonly picksPerSecond: number;
  readonly seed?: number;
  readonly target?: string;
  /** Wall clock at the start, ms since the Unix epoch. */
  readonly startMs?: number;
  /** Drawn from evenly; one may stand here more than once. */
  readonly methods?: readonly string[];
}

export interface FakeCandidate {
  readonly address: string;
  readonly lagNs: number;
  readonly inflight: number;
  readonly score: number;
}

/** What really happened to a pick. */
export interface FakePick {
  readonly timeMs: number;
  readonly call: number;
  readonly method: string;
  readonly result: PickResult;
  readonly reason: PickReason;
  /** '' where none was chosen. */
  readonly address: string;
  readonly candidates: readonly FakeCandidate[];
  /** undefined: still in flight. */
  end?: { readonly timeMs: number; readonly code: number; readonly latencyMs: number };
}

export const defaultStartMs = Date.UTC(2026, 0, 15, 14, 2, 0);
const defaultMethods = ['/shop.Cart/GetCart', '/shop.Cart/PutItem'];
const { READY, TRANSIENT_FAILURE } = ConnectivityState;
const channelId = 1;
const policyId = 2;
const unavailable = 14;
const flushNs = 50e6;
const secondNs = 1e9;
const decayNs = 10e9;
const forceAfterNs = 1e9;
const throttleSuccess = 500;

/** An endpoint as the picker knows it. */
interface Subject extends FakeBackend {
  readonly id: number;
  state: ConnectivityState;
  stateSinceNs: number;
  error: string;
  lagNs: number;
  success: number;
  inflight: number;
  lastNs: number;
  pickedNs: number;
  picks: number;
  readonly codes: Map<number, number>;
}

interface Call {
  readonly id: number;
  readonly method: number;
}

interface Attempt {
  readonly call: Call;
  readonly pick: FakePick;
  readonly subject: Subject;
  /** The picker that will be told of the end; a later one knows nothing of it. */
  readonly picker: number;
  readonly startNs: number;
  readonly endNs: number;
}

interface PickRow {
  readonly timeNs: number;
  readonly call: Call;
  readonly pick: FakePick;
  readonly endpoint: number;
  readonly generation: number;
  readonly candidates: readonly { readonly id: number; readonly success: number; readonly idleNs: number }[];
  readonly rejected: readonly { readonly id: number; readonly success: number }[];
  readonly rejectedDraws: number;
}

interface CompletionRow {
  readonly attempt: Attempt;
  readonly code: number;
  readonly lagNs: number;
  readonly success: number;
  readonly inflight: number;
}

export type Body = NonNullable<MessageInitShape<typeof WatchResponseSchema>['body']>;

export class FakeClient {
  /** All that was sent, over all streams. */
  readonly messages: WatchResponse[] = [];
  /** All that happened, in order. */
  readonly picks: FakePick[] = [];
  readonly target: string;
  /** The id of the present picker generation. */
  generation = 0;
  /** Sends completions a flush before the picks of their calls. */
  completionsFirst = false;

  private readonly random: () => number;
  private readonly methods: readonly string[];
  private subjects: Subject[];
  private processes = 1;
  private wallStartNs: bigint;
  private sinceStartNs = 0;
  private processStartNs = 0;
  private sequence = 0;
  private watched = false;
  private readonly kept: { readonly sinceNs: bigint; readonly bodies: Body[] }[] = [];
  private lastId = policyId;
  private lastCall = 0;
  private nextPickNs = 0;
  private nextFlushNs = flushNs;
  private nextSecondNs = secondNs;
  private running: Attempt[] = [];
  private waiting: Call[] = [];
  private unsentChanges: Change[] = [];
  private unsentPicks: PickRow[] = [];
  private heldPicks: PickRow[] = [];
  private unsentEnds: CompletionRow[] = [];
  private counts = { completed: 0, queued: 0 };

  constructor(private readonly options: FakeClientOptions) {
    this.random = mulberry32(options.seed ?? 1);
    this.methods = options.methods ?? defaultMethods;
    this.target = options.target ?? 'dns:///cart.shop.svc:50051';
    this.wallStartNs = BigInt(options.startMs ?? defaultStartMs) * 1_000_000n;
    this.subjects = options.backends.map((backend) => this.newSubject(backend));
    this.rebuild(GenerationCause.RESOLVER_UPDATE);
  }

  /** Wall clock, ms. */
  get nowMs(): number {
    return this.wallMs(this.sinceStartNs);
  }

  /** Its monotonic clock. */
  get nowNs(): bigint {
    return this.monotonic(this.sinceStartNs);
  }

  get pid(): number {
    return 48213 + this.processes - 1;
  }

  // ── What is done to it ───────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a stream: the process, and a snapshot of all that exists. */
  attach(): this {
    this.unsentChanges = [];
    this.unsentPicks = [];
    this.heldPicks = [];
    this.unsentEnds = [];
    return this.begin(this.snapshot());
  }

  /** Nobody watches any more. */
  detach(): this {
    this.watched = false;
    return this;
  }

  /** From now on it keeps its stream; called again, the past that it gives may begin here as well. */
  keep(): this {
    this.flush();
    this.kept.push({ sinceNs: this.monotonic(this.sinceStartNs), bodies: this.snapshot() });
    return this;
  }

  /** Begins a stream in the past that was kept: the newest that holds all rows since then, or else the oldest. */
  attachPast(sinceNs: bigint): this {
    this.flush();
    const from = Math.max(
      0,
      this.kept.findLastIndex((segment) => segment.sinceNs <= sinceNs),
    );
    const [first, ...later] = this.kept.slice(from);
    const snapshotLength = 6;
    return this.begin([...first!.bodies, ...later.flatMap(({ bodies }) => bodies.slice(snapshotLength))]);
  }

  /** Lets time pass; picks and completions happen, and are sent every 50 ms. */
  run(ms: number): this {
    const endNs = this.sinceStartNs + ms * 1e6;
    for (;;) {
      const firstEnd = this.running.reduce((first, { endNs: at }) => Math.min(first, at), Infinity);
      const next = Math.min(firstEnd, this.nextPickNs, this.nextFlushNs);
      if (next > endNs) break;
      this.sinceStartNs = next;
      if (next === firstEnd) this.complete();
      else if (next === this.nextPickNs) this.startCall();
      else this.tick();
    }
    this.sinceStartNs = endNs;
    return this;
  }

  /** Brings an endpoint into a state; the picker is rebuilt, and has forgotten all. */
  setState(address: string, state: ConnectivityState, error = ''): this {
    const subject = this.subject(address);
    const wasReady = subject.state === READY;
    Object.assign(subject, { state, error, stateSinceNs: this.sinceStartNs });
    this.change({ case: 'endpoint', value: this.endpointMessage(subject) });
    if (wasReady || state === READY)
      this.rebuild(wasReady ? GenerationCause.ENDPOINT_NOT_READY : GenerationCause.ENDPOINT_READY);
    return this;
  }

  fail(address: string, error = 'connect ECONNREFUSED'): this {
    return this.setState(address, TRANSIENT_FAILURE, error);
  }

  recover(address: string): this {
    return this.setState(address, READY);
  }

  /** From now on this share of its calls fails, 0..1. */
  setErrors(address: string, errors: number): this {
    Object.assign(this.subject(address), { errors });
    return this;
  }

  /** A resolver update that brings one more. */
  add(backend: FakeBackend): this {
    const subject = this.newSubject(backend);
    this.subjects.push(subject);
    this.change({ case: 'endpoint', value: this.endpointMessage(subject) });
    return this.resolved();
  }

  /** A resolver update that leaves one out. */
  remove(address: string): this {
    const subject = this.subject(address);
    this.subjects = this.subjects.filter((other) => other !== subject);
    this.change({ case: 'endpoint', value: { ...this.endpointMessage(subject), removed: true } });
    return this.resolved();
  }

  /** Rebuilds the picker. */
  rebuild(cause: GenerationCause, historyKept = false): this {
    this.generation = this.newId();
    if (!historyKept) {
      for (const subject of this.subjects)
        Object.assign(subject, {
          lagNs: 0,
          success: 1000,
          inflight: 0,
          lastNs: this.sinceStartNs,
          pickedNs: -Infinity,
        });
    }
    const value = { ...this.generationMessage(), cause, historyKept };
    this.change({ case: 'generation', value });
    const waiting = this.waiting.splice(0);
    for (const call of waiting) this.pick(call);
    return this;
  }

  /** Starts anew as another process with other ids, attached; what was in flight is lost with the old one. */
  restart(): this {
    this.processes++;
    this.processStartNs = this.sinceStartNs;
    this.kept.length = 0;
    this.running = [];
    this.waiting = [];
    this.lastCall = 0;
    this.counts = { completed: 0, queued: 0 };
    this.subjects = this.subjects.map(({ address, latencyMs, errors = 0, tail = 0 }) =>
      this.newSubject({ address, latencyMs, errors, tail }),
    );
    this.rebuild(GenerationCause.RESOLVER_UPDATE, true);
    return this.attach();
  }

  /** The wall clock is set, forward or back; or, forward, the machine slept, and the monotonic clock with it. */
  stepWallClock(ms: number): this {
    this.wallStartNs += BigInt(ms) * 1_000_000n;
    return this;
  }

  /** Tells the watcher that it did not get so many, in all of this stream. */
  drop(picks: number, completions: number): this {
    this.send({ case: 'drops', value: { picks: BigInt(picks), completions: BigInt(completions) } });
    return this;
  }

  /** Sends what the run itself would never send. */
  say(body: Body): this {
    this.flush().send(body);
    return this;
  }

  /** Sends what waits for the next flush. */
  flush(): this {
    if (this.unsentChanges.length > 0) this.send({ case: 'changes', value: { changes: this.unsentChanges.splice(0) } });
    const picks = this.completionsFirst ? this.heldPicks : this.unsentPicks;
    if (this.completionsFirst) this.heldPicks = this.unsentPicks;
    this.unsentPicks = [];
    const ends = this.unsentEnds.splice(0);
    if (picks.length > 0) this.send({ case: 'picks', value: pickBatch(picks, (ns) => this.monotonic(ns)) });
    if (ends.length > 0) this.send({ case: 'completions', value: completionBatch(ends, (ns) => this.monotonic(ns)) });
    return this;
  }

  // ── The balancer ─────────────────────────────────────────────────────────────────────────────────────────────────

  private startCall(): void {
    this.nextPickNs += (-Math.log(1 - this.random()) * secondNs) / this.options.picksPerSecond;
    this.pick({ id: ++this.lastCall, method: 1 + Math.floor(this.random() * this.methods.length) });
  }

  /** go-zero's p2c.go, Pick. */
  private pick(call: Call): void {
    const held = this.subjects.filter(({ state }) => state === READY);
    if (held.length === 0) {
      this.waiting.push(call);
      this.counts.queued++;
      this.record(call, PickResult.QUEUED, PickReason.UNSPECIFIED, undefined, [], []);
      return;
    }
    const draws = held.length < 3 ? [held] : this.draw(held);
    const drawn = draws.at(-1)!;
    const healthy = draws.length < 3 || drawn.every(({ success }) => success > throttleSuccess);
    const [winner, loser, tie] = compare(drawn);
    const forced = loser !== undefined && this.sinceStartNs - loser.pickedNs > forceAfterNs;
    const chosen = forced ? loser : winner;
    const reason = this.reason(drawn.length, forced, tie, healthy);
    this.counts.completed++;
    const pick = this.record(call, PickResult.COMPLETED, reason, chosen, drawn, draws.slice(0, -1));
    chosen.pickedNs = this.sinceStartNs;
    chosen.inflight++;
    chosen.picks++;
    const latencyNs = chosen.latencyMs * 1e6 * (0.8 + 0.4 * this.random() + this.tail(chosen));
    const end = { startNs: this.sinceStartNs, endNs: Math.round(this.sinceStartNs + latencyNs) };
    this.running.push({ call, pick, subject: chosen, picker: this.generation, ...end });
  }

  private tail({ tail = 0 }: FakeBackend): number {
    return tail === 0 ? 0 : -tail * Math.log(1 - this.random());
  }

  private draw(held: readonly Subject[]): Subject[][] {
    const draws: Subject[][] = [];
    while (draws.length < 3) {
      const a = Math.floor(this.random() * held.length);
      let b = Math.floor(this.random() * (held.length - 1));
      if (b >= a) b++;
      const pair = [held[a]!, held[b]!];
      draws.push(pair);
      if (pair.every(({ success }) => success > throttleSuccess)) break;
    }
    return draws;
  }

  private reason(candidates: number, forced: boolean, tie: boolean, healthy: boolean): PickReason {
    if (candidates === 1) return PickReason.ONLY_ONE;
    if (forced) return PickReason.FORCED;
    if (!healthy) return PickReason.NO_HEALTHY_PAIR;
    return tie ? PickReason.TIE : PickReason.BETTER_SCORE;
  }

  private record(
    call: Call,
    result: PickResult,
    reason: PickReason,
    chosen: Subject | undefined,
    drawn: readonly Subject[],
    rejected: readonly (readonly Subject[])[],
  ): FakePick {
    const pick: FakePick = {
      timeMs: this.nowMs,
      call: call.id,
      method: this.methods[call.method - 1]!,
      result,
      reason,
      address: chosen?.address ?? '',
      candidates: drawn.map((one) => ({
        address: one.address,
        lagNs: one.lagNs,
        inflight: one.inflight,
        score: load(one),
      })),
    };
    this.picks.push(pick);
    this.unsentPicks.push({
      timeNs: this.sinceStartNs,
      call,
      pick,
      endpoint: chosen?.id ?? 0,
      generation: this.generation,
      candidates: drawn.map((one) => ({ id: one.id, success: one.success, idleNs: this.sinceStartNs - one.pickedNs })),
      rejected: rejected.flat().map(({ id, success }) => ({ id, success })),
      rejectedDraws: rejected.length,
    });
    return pick;
  }

  /** go-zero's p2c.go, buildDoneFunc. */
  private complete(): void {
    const index = this.running.findIndex(({ endNs }) => endNs === this.sinceStartNs);
    const [attempt] = this.running.splice(index, 1) as [Attempt];
    const { subject, pick, startNs } = attempt;
    const latencyNs = this.sinceStartNs - startNs;
    const code = this.random() < (subject.errors ?? 0) ? unavailable : 0;
    pick.end = { timeMs: this.nowMs, code, latencyMs: latencyNs / 1e6 };
    subject.codes.set(code, (subject.codes.get(code) ?? 0) + 1);
    if (attempt.picker === this.generation) {
      const weight = subject.lagNs === 0 ? 0 : Math.exp(-(this.sinceStartNs - subject.lastNs) / decayNs);
      subject.lagNs = Math.trunc(subject.lagNs * weight + latencyNs * (1 - weight));
      subject.success = Math.trunc(subject.success * weight + (code === 0 ? 1000 : 0) * (1 - weight));
      subject.lastNs = this.sinceStartNs;
      subject.inflight--;
      this.unsentEnds.push({
        attempt,
        code,
        lagNs: subject.lagNs,
        success: subject.success,
        inflight: subject.inflight,
      });
    } else {
      // The memory that this call belonged to is gone.
      this.unsentEnds.push({ attempt, code, lagNs: NaN, success: NaN, inflight: 0 });
    }
  }

  // ── The stream ───────────────────────────────────────────────────────────────────────────────────────────────────

  private tick(): void {
    this.nextFlushNs += flushNs;
    this.flush();
    if (this.sinceStartNs < this.nextSecondNs) return;
    this.nextSecondNs += secondNs;
    this.send({ case: 'counters', value: this.counters() });
    this.send({ case: 'heartbeat', value: { clock: this.clock() } });
  }

  private begin(bodies: readonly Body[]): this {
    this.watched = true;
    this.sequence = 0;
    for (const body of bodies) this.sendToWatcher(body);
    return this;
  }

  private send(body: Body): void {
    this.kept.at(-1)?.bodies.push(body);
    if (this.watched) this.sendToWatcher(body);
  }

  private sendToWatcher(body: Body): void {
    this.messages.push(create(WatchResponseSchema, { sequence: ++this.sequence, body }));
  }

  private change(
    entity: NonNullable<MessageInitShape<typeof ChangeSchema>['entity']>,
    timeNs = this.sinceStartNs,
  ): void {
    this.unsentChanges.push(create(ChangeSchema, { timeNs: this.monotonic(timeNs), entity }));
  }

  private resolved(): this {
    const addresses = this.subjects.map(({ address }) => address);
    this.change({
      case: 'resolverUpdate',
      value: { channel: channelId, endpointCount: addresses.length, addresses },
    });
    return this.rebuild(GenerationCause.RESOLVER_UPDATE);
  }

  private snapshot(): Body[] {
    return [
      { case: 'process', value: this.process() },
      { case: 'snapshotBegin', value: {} },
      { case: 'strings', value: { ids: this.methods.map((_, index) => index + 1), values: [...this.methods] } },
      { case: 'changes', value: { changes: this.entities() } },
      { case: 'counters', value: this.counters() },
      { case: 'snapshotEnd', value: {} },
    ];
  }

  private entities(): Change[] {
    const created = {
      stateSinceNs: this.monotonic(this.processStartNs),
      createdNs: this.monotonic(this.processStartNs),
    };
    this.change({ case: 'channel', value: { id: channelId, target: this.target, state: READY, ...created } });
    const scoreOrder = ScoreOrder.LOWER_WINS;
    this.change({ case: 'policy', value: { id: policyId, channel: channelId, name: 'p2c_ewma', scoreOrder } });
    for (const subject of this.subjects) this.change({ case: 'endpoint', value: this.endpointMessage(subject) });
    this.change({ case: 'generation', value: { ...this.generationMessage(), historyKept: true } });
    return this.unsentChanges.splice(0);
  }

  private counters(): MessageInitShape<typeof CountersSchema> {
    return {
      timeNs: this.monotonic(this.sinceStartNs),
      channels: [
        { channel: channelId, picksCompleted: BigInt(this.counts.completed), picksQueued: BigInt(this.counts.queued) },
      ],
      endpoints: this.subjects.map(({ id, picks, codes, lagNs, success, inflight }) => ({
        endpoint: id,
        picks: BigInt(picks),
        started: BigInt(picks),
        codes: [...codes.keys()],
        completionsByCode: [...codes.values()].map(BigInt),
        lagNs,
        success,
        inflight,
      })),
    };
  }

  private process() {
    return {
      instance: this.processes.toString(16).padStart(32, '0'),
      pid: this.pid,
      name: 'orders-api',
      folder: 'orders',
      hostName: 'workstation',
      startedUnixNs: this.wallStartNs + BigInt(Math.round(this.processStartNs)),
      language: 'node',
      runtimeVersion: 'v20.20.2',
      library: '@pickscope/grpc-js',
      libraryVersion: '0.1.0',
      grpcVersions: ['1.14.7'],
      protocolMajor: 1,
      capabilities: ['picks', 'candidates', 'subconns'],
      clock: this.clock(),
    };
  }

  private endpointMessage({ id, address, state, stateSinceNs, error }: Subject) {
    return { id, channel: channelId, addresses: [address], state, stateSinceNs: this.monotonic(stateSinceNs), error };
  }

  private generationMessage() {
    const endpoints = this.subjects.filter(({ state }) => state === READY).map(({ id }) => id);
    return { id: this.generation, channel: channelId, policy: policyId, endpoints };
  }

  private subject(address: string): Subject {
    const subject = this.subjects.find((one) => one.address === address);
    if (!subject) throw new Error(`no backend has the address ${address}`);
    return subject;
  }

  private newSubject(backend: FakeBackend): Subject {
    const memory = { lagNs: 0, success: 1000, inflight: 0, lastNs: 0, pickedNs: -Infinity };
    const state = { state: READY, stateSinceNs: this.sinceStartNs, error: '' };
    return { ...backend, id: this.newId(), ...state, ...memory, picks: 0, codes: new Map() };
  }

  private newId(): number {
    return ++this.lastId;
  }

  private clock() {
    return {
      monotonicNs: this.monotonic(this.sinceStartNs),
      wallUnixNs: this.wallStartNs + BigInt(Math.round(this.sinceStartNs)),
    };
  }

  /** Each process counts from another moment, as after a reboot. */
  private monotonic(ns: number): bigint {
    return BigInt(Math.round(ns)) + 5_000_000_000_000n * BigInt(this.processes);
  }

  private wallMs(ns: number): number {
    return Number(this.wallStartNs) / 1e6 + ns / 1e6;
  }
}

/** The messages of a minute in the life of five backends: one slow, one that fails now and then, goes and comes back. */
export function fakeStream(options: Partial<FakeClientOptions> = {}): WatchResponse[] {
  const client = new FakeClient({
    backends: [
      { address: '10.0.0.1:50051', latencyMs: 2 },
      { address: '10.0.0.2:50051', latencyMs: 5 },
      { address: '10.0.0.3:50051', latencyMs: 10 },
      { address: '10.0.0.4:50051', latencyMs: 40 },
      { address: '10.0.0.5:50051', latencyMs: 8, errors: 0.02 },
    ],
    picksPerSecond: 150,
    ...options,
  });
  client.attach().run(20_000);
  client.fail('10.0.0.5:50051').run(10_000);
  client.recover('10.0.0.5:50051').run(20_000);
  return client.fail('10.0.0.5:50051').run(10_000).messages;
}

function load({ lagNs, inflight }: Subject): number {
  return Math.trunc(Math.sqrt(lagNs + 1)) * (inflight + 1);
}

/** Winner, loser and whether they were equal; a tie keeps the first drawn. */
function compare(drawn: readonly Subject[]): [Subject, Subject | undefined, boolean] {
  const [a, b] = drawn as [Subject, Subject | undefined];
  if (!b) return [a, undefined, false];
  return load(a) > load(b) ? [b, a, false] : [a, b, load(a) === load(b)];
}

function pickBatch(
  rows: readonly PickRow[],
  monotonic: (ns: number) => bigint,
): MessageInitShape<typeof PickBatchSchema> {
  const candidates = rows.flatMap(({ candidates: drawn, pick }) =>
    drawn.map((one, index) => ({ ...one, ...pick.candidates[index]! })),
  );
  const rejected = rows.flatMap((row) => row.rejected);
  return {
    rows: rows.length,
    baseTimeNs: monotonic(rows[0]!.timeNs),
    timeDeltaNs: deltas(rows.map(({ timeNs }) => Math.round(timeNs))),
    baseCall: BigInt(rows[0]!.call.id),
    callDelta: deltas(rows.map(({ call }) => call.id)),
    attempt: rows.map(() => 1),
    channel: rows.map(() => channelId),
    generation: rows.map(({ generation }) => generation),
    method: rows.map(({ call }) => call.method),
    result: rows.map(({ pick }) => pick.result),
    reason: rows.map(({ pick }) => pick.reason),
    policy: rows.map(() => policyId),
    endpoint: rows.map(({ endpoint }) => endpoint),
    candidateCount: rows.map((row) => row.candidates.length),
    candidateEndpoint: candidates.map(({ id }) => id),
    candidateLagNs: candidates.map(({ lagNs }) => lagNs),
    candidateSuccess: candidates.map(({ success }) => success),
    candidateInflight: candidates.map(({ inflight }) => inflight),
    candidateScore: candidates.map(({ score }) => score),
    candidateIdleNs: candidates.map(({ idleNs }) => idleNs),
    candidateHealthy: candidates.map(({ success }) => success > throttleSuccess),
    rejectedDraws: rows.map((row) => row.rejectedDraws),
    rejectedEndpoint: rejected.map(({ id }) => id),
    rejectedSuccess: rejected.map(({ success }) => success),
  };
}

function completionBatch(
  rows: readonly CompletionRow[],
  monotonic: (ns: number) => bigint,
): MessageInitShape<typeof CompletionBatchSchema> {
  return {
    rows: rows.length,
    baseTimeNs: monotonic(rows[0]!.attempt.endNs),
    timeDeltaNs: deltas(rows.map(({ attempt }) => attempt.endNs)),
    baseCall: BigInt(rows[0]!.attempt.call.id),
    callDelta: deltas(rows.map(({ attempt }) => attempt.call.id)),
    attempt: rows.map(() => 1),
    channel: rows.map(() => channelId),
    method: rows.map(({ attempt }) => attempt.call.method),
    endpoint: rows.map(({ attempt }) => attempt.subject.id),
    code: rows.map(({ code }) => code),
    latencyNs: rows.map(({ attempt }) => attempt.endNs - attempt.startNs),
    lagNs: rows.map(({ lagNs }) => lagNs),
    success: rows.map(({ success }) => success),
    inflight: rows.map(({ inflight }) => inflight),
  };
}

function deltas(values: readonly number[]): number[] {
  return values.map((value, index) => value - (values[index - 1] ?? values[0]!));
}

/** A small generator of random numbers with a seed, 0..1 (Tommy Ettinger, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
