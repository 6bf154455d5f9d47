import type {
  Candidate,
  ChannelView,
  ClientChoice,
  EndpointRow,
  EventRow,
  Explanation,
  Frame,
  Inspection,
  Marker,
  PickRow,
  Query,
  Reason,
  ReasonCounts,
  Series,
} from '../../src/messages/panel';
import { pickRow } from '../unit/pickRow';

/**
 * A small seeded run of p2c_ewma that answers the panel's queries as the host does, so that the panel can be seen and
 * tested in a plain page. Virtual time: each step is one Poisson arrival.
 */

export const client: ClientChoice = {
  id: 'fake',
  name: 'orders-api',
  pid: 48213,
  folder: 'orders-api',
  attached: true,
};

interface Backend {
  readonly id: number;
  readonly address: string;
  readonly meanMs: number;
  ready: boolean;
  stateSinceMs: number;
  lagNs: number;
  success: number;
  inflight: number;
  lastDoneMs: number;
  lastPickMs: number;
  picks: number;
  failures: number;
}

interface Second {
  readonly startMs: number;
  readonly picks: number[];
  readonly load: number[];
  readonly lagMs: number[];
}

interface Completion {
  atMs: number;
  backend: Backend;
  pick: { -readonly [K in keyof PickRow]: PickRow[K] };
  ms: number;
  generation: number;
}

export interface FakeOptions {
  readonly seed?: number;
  /** Mean latency of each backend; the last one flaps. */
  readonly meansMs?: readonly number[];
  readonly picksPerSecond?: number;
  readonly addresses?: readonly string[];
  readonly methods?: readonly string[];
}

/** 14:01 in UTC, some day. */
export const startMs = Date.UTC(2026, 10, 22, 14, 0, 50);
const decayMs = 10_000;
const forceMs = 1000;
const downError = 'connect ECONNREFUSED 10.0.0.5:50051';

export class FakeFeed {
  nowMs = startMs;
  readonly picks: PickRow[] = [];
  readonly events: EventRow[] = [];
  private readonly backends: Backend[];
  private readonly random: () => number;
  private readonly seconds: Second[] = [];
  private readonly markers: Marker[] = [];
  private readonly methods: readonly string[];
  private readonly rate: number;
  private completions: Completion[] = [];
  private generation = 47;
  private nextKey = 134_000;
  private nextFlapMs = startMs + 24_000;

  constructor({ seed = 7, meansMs = [2, 5, 10, 40, 8], picksPerSecond = 150, addresses, methods }: FakeOptions = {}) {
    this.random = mulberry32(seed);
    this.rate = picksPerSecond;
    this.methods = methods ?? [
      '/shop.Cart/GetCart',
      '/shop.Cart/GetCart',
      '/shop.Cart/GetCart',
      '/shop.Cart/ListItems',
      '/shop.Cart/PutItem',
      '/shop.Cart/Checkout',
    ];
    this.backends = meansMs.map((meanMs, index) => ({
      id: index + 1,
      address: addresses?.[index] ?? `10.0.0.${index + 1}:50051`,
      meanMs,
      ready: true,
      stateSinceMs: startMs,
      lagNs: 0,
      success: 1000,
      inflight: 0,
      lastDoneMs: startMs,
      lastPickMs: NaN,
      picks: 0,
      failures: 0,
    }));
    this.rebuild('endpointReady');
  }

  /** Lets virtual time pass. */
  run(ms: number): void {
    const until = this.nowMs + ms;
    for (;;) {
      const next = this.nowMs + (-Math.log(1 - this.random()) * 1000) / this.rate;
      if (next > until) break;
      this.complete(next);
      this.nowMs = next;
      if (next >= this.nextFlapMs) this.flap();
      this.pick();
    }
    this.complete(until);
    this.nowMs = until;
    this.second();
  }

  private complete(untilMs: number): void {
    const due = this.completions.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
    if (due.length === 0) return;
    this.completions = this.completions.filter(({ atMs }) => atMs > untilMs);
    for (const { backend, atMs, ms, pick, generation } of due) {
      const failed = !backend.ready || this.random() < (backend.meanMs === 10 ? 0.004 : 0);
      if (generation === this.generation) {
        backend.inflight -= 1;
        const w = backend.lagNs === 0 ? 0 : Math.exp(-Math.max(0, atMs - backend.lastDoneMs) / decayMs);
        backend.lagNs = Math.trunc(backend.lagNs * w + ms * 1e6 * (1 - w));
        backend.success = Math.trunc(backend.success * w + (failed ? 0 : 1000) * (1 - w));
        backend.lastDoneMs = atMs;
      }
      if (failed) backend.failures += 1;
      pick.outcome = {
        code: failed ? 'UNAVAILABLE' : 'OK',
        latencyMs: ms,
        lagAfterNs: backend.lagNs,
        successAfter: backend.success,
        inflightAfter: backend.inflight,
      };
    }
  }

  private flap(): void {
    const backend = this.backends.at(-1)!;
    backend.ready = !backend.ready;
    backend.stateSinceMs = this.nowMs;
    this.nextFlapMs = this.nowMs + (backend.ready ? 26_000 : 14_000);
    this.events.unshift({
      key: this.events.length,
      timeMs: this.nowMs,
      kind: 'endpointState',
      endpoint: backend.id,
      address: backend.address,
      from: backend.ready ? 'CONNECTING' : 'READY',
      to: backend.ready ? 'READY' : 'TRANSIENT_FAILURE',
      error: backend.ready ? '' : downError,
    });
    this.markers.push({
      timeMs: this.nowMs,
      kind: backend.ready ? 'ready' : 'notReady',
      endpoint: backend.id,
      historyLost: false,
    });
    this.rebuild(backend.ready ? 'endpointReady' : 'endpointNotReady');
  }

  /** A new picker: go-zero's forgets all. */
  private rebuild(cause: 'endpointReady' | 'endpointNotReady'): void {
    this.generation += 1;
    for (const backend of this.backends)
      Object.assign(backend, { lagNs: 0, success: 1000, inflight: 0, lastPickMs: NaN });
    if (this.nowMs > startMs) {
      this.markers.push({ timeMs: this.nowMs, kind: 'generation', generation: this.generation, historyLost: true });
    }
    const ready = this.backends.filter((each) => each.ready).length;
    this.events.unshift({
      key: this.events.length,
      timeMs: this.nowMs,
      kind: 'generation',
      generation: this.generation,
      ready,
      cause,
      historyLost: true,
    });
  }

  private pick(): void {
    const ready = this.backends.filter((backend) => backend.ready);
    const rejected: { endpoint: number; success: number }[][] = [];
    let pair: [Backend, Backend];
    do {
      const a = Math.floor(this.random() * ready.length);
      let b = Math.floor(this.random() * (ready.length - 1));
      if (b >= a) b += 1;
      pair = [ready[a]!, ready[b]!];
      if (pair.every(({ success }) => success > 500) || rejected.length === 2) break;
      rejected.push(pair.map(({ id, success }) => ({ endpoint: id, success })));
    } while (ready.length > 2);
    this.choose(pair, rejected);
  }

  private choose([a, b]: [Backend, Backend], rejected: { endpoint: number; success: number }[][]): void {
    const [winner, loser] = loadOf(a) > loadOf(b) ? [b, a] : [a, b];
    const forced = this.nowMs - loser.lastPickMs > forceMs;
    const chosen = forced ? loser : winner;
    const candidates = [a, b].map((backend) => this.read(backend));
    const sick = candidates.some(({ healthy }) => !healthy);
    const reason: Reason = forced ? 'forced' : loadOf(a) === loadOf(b) ? 'tie' : sick ? 'unhealthy' : 'lower';
    const pick = {
      key: (this.nextKey += 1),
      timeMs: this.nowMs,
      call: this.nextKey,
      attempt: 1,
      generation: this.generation,
      method: this.methods[Math.floor(this.random() * this.methods.length)]!,
      reason,
      endpoint: chosen.id,
      candidates,
      rejected,
      code: null,
      raced: false,
      derived: false,
      outcome: null,
    } satisfies PickRow;
    chosen.inflight += 1;
    chosen.picks += 1;
    chosen.lastPickMs = this.nowMs;
    this.picks.push(pick);
    const ms = chosen.meanMs * (0.7 - 0.4 * Math.log(1 - this.random()));
    this.completions.push({ atMs: this.nowMs + ms, backend: chosen, pick, ms, generation: this.generation });
    this.second().picks[chosen.id]! += 1;
  }

  /** Puts a pick into the list that the run itself does not make. */
  add(part: Partial<PickRow>): PickRow {
    const key = (this.nextKey += 1);
    const pick = pickRow({
      key,
      timeMs: this.nowMs,
      call: key,
      generation: this.generation,
      reason: 'queued',
      endpoint: null,
      ...part,
    });
    this.picks.push(pick);
    return pick;
  }

  private read(backend: Backend): Candidate {
    return {
      endpoint: backend.id,
      lagNs: backend.lagNs,
      peakNs: null,
      success: backend.success,
      inflight: backend.inflight,
      score: loadOf(backend),
      idleMs: Number.isNaN(backend.lastPickMs) ? null : this.nowMs - backend.lastPickMs,
      healthy: backend.success > 500,
    };
  }

  private second(): Second {
    const second = Math.floor(this.nowMs / 1000) * 1000;
    let last = this.seconds.at(-1);
    if (last?.startMs !== second) {
      const empty = () => new Array<number>(this.backends.length + 1).fill(0);
      this.seconds.push((last = { startMs: second, picks: empty(), load: empty(), lagMs: empty() }));
    }
    for (const backend of this.backends) {
      last.load[backend.id] = backend.ready ? loadOf(backend) || NaN : NaN;
      last.lagMs[backend.id] = backend.ready ? backend.lagNs / 1e6 || NaN : NaN;
    }
    return last;
  }

  /** What the host would answer. */
  frame(query: Query): Frame {
    return {
      attachment: { state: 'live', client, paused: query.untilMs !== undefined },
      clients: [client, { id: 'other', name: 'checkout', pid: 51_002, folder: 'checkout', attached: false }],
      channels: [
        { id: 1, target: 'cart.shop.svc:50051', closed: false, picksPerSecond: 150 },
        { id: 2, target: 'stock.shop.svc:50051', closed: true, picksPerSecond: 0 },
      ],
      channel: this.channel(query),
      limitations: [],
      refusedCalls: 0,
    };
  }

  channel(query: Query): ChannelView {
    const atMs = query.untilMs ?? this.nowMs;
    const until = this.picks.filter(({ timeMs }) => timeMs <= atMs);
    const matching = until.filter((pick) => this.matches(pick, query.filter));
    const from = atMs - query.windowSeconds * 1000;
    const inWindow = until.filter(({ timeMs }) => timeMs >= from);
    const recent = until.filter(({ timeMs }) => timeMs >= atMs - 10_000);
    const inspected = this.picks.find(({ key }) => key === query.inspect);
    return {
      id: query.channel ?? 1,
      target: 'cart.shop.svc:50051',
      state: 'READY',
      stateSinceMs: startMs,
      policyPath: ['outlier_detection', 'p2c_ewma'],
      scoreOrder: 'lower',
      policyNote: '',
      atMs,
      live: query.untilMs === undefined,
      newer: this.picks.length - until.length,
      picksPerSecond: recent.length / 10,
      totals: { completed: this.picks.length, queued: 0, failed: 0, dropped: 0 },
      picksSeen: this.picks.length,
      lastPickMs: until.at(-1)?.timeMs ?? null,
      fairness: this.fairness(recent),
      endpoints: this.endpoints(recent, atMs),
      endpointsLeftOut: 0,
      channelsLeftOut: 0,
      methodsLeftOut: 0,
      formerEndpoints: [],
      series: this.series(from, atMs),
      markers: this.markers.filter(({ timeMs }) => timeMs >= from && timeMs <= atMs),
      reasons: countReasons(inWindow),
      picks: matching.slice(-query.limit).reverse(),
      matching: matching.length,
      retained: until.length,
      oldestPickMs: this.picks[0]?.timeMs ?? null,
      ...(query.filter.includes('>x') && { filterError: { token: '>x' } }),
      events: this.events.filter(({ timeMs }) => timeMs <= atMs),
      drops: { picks: 0, completions: 0 },
      ...(inspected && { inspection: this.inspect(inspected) }),
    };
  }

  /** Enough of the filter language for a look: words that are all in a row's text. */
  private matches(pick: PickRow, filter: string): boolean {
    const addresses = pick.candidates.map(({ endpoint }) => this.backends[endpoint - 1]!.address);
    const text = [pick.method, pick.reason, pick.outcome?.code === 'OK' ? '' : 'error', ...addresses].join(' ');
    return filter.split(/\s+/).every((word) => text.includes(word));
  }

  private endpoints(recent: readonly PickRow[], atMs: number): EndpointRow[] {
    const ready = this.backends.filter((backend) => backend.ready).length;
    return this.backends.map((backend, slot) => {
      const own = recent.filter(({ endpoint }) => endpoint === backend.id).length;
      const absent = !backend.ready;
      return {
        id: backend.id,
        label: backend.address.replace(/:50051$/, ''),
        addresses: [backend.address],
        slot,
        state: absent ? 'TRANSIENT_FAILURE' : 'READY',
        stateSinceMs: backend.stateSinceMs,
        error: absent ? downError : '',
        share: absent || recent.length === 0 ? null : own / recent.length,
        fairShare: absent ? 0 : 1 / ready,
        picksPerSecond: own / 10,
        inflight: absent ? null : backend.inflight,
        lagMs: absent ? null : backend.lagNs / 1e6,
        success: absent ? null : backend.success,
        load: absent ? null : loadOf(backend),
        peakMs: null,
        derived: false,
        lastPickMs: Number.isNaN(backend.lastPickMs) ? null : Math.min(atMs, backend.lastPickMs),
        picks: backend.picks,
        started: backend.picks,
        neverStarted: 0,
        failures: backend.failures,
      };
    });
  }

  private fairness(recent: readonly PickRow[]): number | null {
    const ready = this.backends.filter((backend) => backend.ready);
    const shares = ready.map(({ id }) => recent.filter(({ endpoint }) => endpoint === id).length);
    const squares = shares.reduce((sum, share) => sum + share * share, 0);
    const total = shares.reduce((sum, share) => sum + share, 0);
    return squares === 0 ? null : (total * total) / (ready.length * squares);
  }

  private series(fromMs: number, atMs: number): Series {
    const seconds = this.seconds.filter(({ startMs: start }) => start >= fromMs && start + 1000 <= atMs);
    return {
      times: Float64Array.from(seconds, (second) => second.startMs),
      endpoints: this.backends.map(({ id }) => ({
        endpoint: id,
        picksPerSecond: Float64Array.from(seconds, ({ picks }) => picks[id]!),
        load: Float64Array.from(seconds, ({ load }) => load[id]!),
        lagMs: Float64Array.from(seconds, ({ lagMs }) => lagMs[id]!),
      })),
    };
  }

  private inspect(pick: PickRow): Inspection {
    const same = this.picks.filter(({ endpoint }) => endpoint === pick.endpoint);
    const index = same.indexOf(pick);
    const [before, after] = [same[index - 1], same[index + 1]];
    const event = this.events.find((each) => each.kind === 'generation' && each.generation === pick.generation);
    const chosen = pick.candidates.find(({ endpoint }) => endpoint === pick.endpoint);
    return {
      pick,
      policy: 'p2c_ewma',
      scoreOrder: 'lower',
      explanation: explain(pick),
      generation: { id: pick.generation, ageMs: event ? pick.timeMs - event.timeMs : null, historyLost: true },
      before: before ? { key: before.key, ms: pick.timeMs - before.timeMs } : null,
      after: after ? { key: after.key, ms: after.timeMs - pick.timeMs } : null,
      lagBeforeNs: chosen?.lagNs ?? null,
    };
  }
}

function loadOf({ lagNs, inflight }: Backend): number {
  return Math.trunc(Math.sqrt(lagNs + 1)) * (inflight + 1);
}

function explain(pick: PickRow): Explanation {
  const [a, b] = pick.candidates;
  if (a && b) return explainPair(pick.reason, a, b);
  if (pick.reason === 'queued' || pick.reason === 'untold') return { verdict: pick.reason };
  if (pick.reason === 'failed' || pick.reason === 'dropped') return { verdict: pick.reason, code: pick.code ?? '' };
  return { verdict: 'only', winner: a ?? null };
}

function explainPair(reason: Reason, a: Candidate, b: Candidate): Explanation {
  const [winner, loser] = a.score! > b.score! ? [b, a] : [a, b];
  if (reason === 'tie' || reason === 'forced') return { verdict: reason, winner, loser };
  const lagLower = winner.lagNs! < loser.lagNs!;
  const fewer = winner.inflight < loser.inflight;
  const measured = lagLower && fewer ? 'both' : lagLower ? 'lag' : 'inflight';
  const why = winner.lagNs === 0 ? 'unmeasured' : measured;
  const verdict = reason === 'unhealthy' ? 'unhealthy' : 'lower';
  return { verdict, winner, loser, why, measure: 'lag', lagBeforeLossNs: why === 'unmeasured' ? 48.1e6 : null };
}

export function countReasons(picks: readonly PickRow[]): ReasonCounts {
  const of = (reason: Reason) => picks.filter((pick) => pick.reason === reason).length;
  return {
    lower: of('lower'),
    tie: of('tie'),
    forced: of('forced'),
    only: of('only'),
    unhealthy: of('unhealthy'),
    probe: of('probe'),
    turn: of('turn'),
    key: of('key'),
    nokey: of('nokey'),
    untold: of('untold'),
    queued: of('queued'),
    failed: of('failed'),
    dropped: of('dropped'),
    errors: picks.filter(({ outcome }) => outcome !== null && outcome.code !== 'OK').length,
  };
}

/** A small generator with a seed: each run shows the same. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
