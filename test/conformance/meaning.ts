import type { ChannelCounters, ConnectivityState, EndpointCounters } from '@pickscope/protocol/messages';
import { stateName, type Told, type ToldCompletion, type ToldPick } from './told';

/*
 * What a stream means, without what differs from run to run: ids, times, and how often something was tried again.
 */

/**
 * The states of an endpoint or subconn, without repetitions, and whether it is gone. How often it tried again before it was
 * READY is left out.
 */
export interface Life {
  readonly states: readonly string[];
  readonly removed: boolean;
}

export interface AttemptMeaning {
  /** Whether some picker had nobody to take before one had. */
  readonly queued: boolean;
  /** The code with which a picker failed or dropped it. */
  readonly refused?: string;
  /** The name of the backend. */
  readonly picked?: string;
  readonly reason?: string;
  /** Those that were compared. */
  readonly candidates?: readonly string[];
  /** Status code; undefined: it has not ended. */
  readonly code?: number;
  readonly started?: boolean;
}

export interface CallMeaning {
  readonly method: string;
  readonly attempts: readonly AttemptMeaning[];
}

export interface Counts {
  readonly completed: number;
  readonly failed: boolean;
  readonly queued: boolean;
  readonly dropped: number;
  readonly unpicked: number;
  /** By the names of the backends. */
  readonly endpoints: Readonly<Record<string, EndpointCounts>>;
}

export interface EndpointCounts {
  readonly picks: number;
  readonly started: number;
  readonly neverStarted: number;
  readonly codes: Readonly<Record<number, number>>;
}

export interface ChannelMeaning {
  readonly states: readonly string[];
  readonly closed: boolean;
  /** Of the root first. */
  readonly policies: readonly string[];
  /** The policies that decided picks. */
  readonly deciders: readonly string[];
  /** What the resolver brought, or "error". */
  readonly updates: readonly string[];
  readonly endpoints: Readonly<Record<string, Life>>;
  readonly subconns: Readonly<Record<string, Life>>;
  readonly historyLost: boolean;
  readonly calls: readonly CallMeaning[];
  /** Whether the averages are the observer's. */
  readonly derived: boolean;
  readonly counts: Counts;
}

/** @param nameOf The backend at an address. */
export function meaningOf(told: Told, target: string, nameOf: (address: string) => string): ChannelMeaning {
  const [id, history] = [...told.channels].find(([, [first]]) => first!.target === target) ?? [];
  if (id === undefined) throw new Error(`Nothing was told of ${target}.`);
  const own = new Names(told, id, nameOf);
  const generations = told.generations.filter(({ channel }) => channel === id);
  const picks = told.picks.filter(({ channel }) => channel === id);
  const completions = told.completions.filter(({ channel }) => channel === id);
  const decided = picks.filter(({ result }) => result === 'COMPLETED');
  return {
    states: settled(history!.map(({ state }) => stateName(state))),
    closed: history!.at(-1)!.closed,
    policies: [...new Set([...told.policies.values()].filter(([it]) => it!.channel === id).map(([it]) => it!.name))],
    deciders: [...new Set(decided.map(({ policy }) => told.policies.get(policy)?.[0]?.name ?? '?'))],
    updates: told.updates
      .filter(({ channel }) => channel === id)
      .map(({ error, addresses }) => (error === '' ? own.list(addresses.map(nameOf)) : 'error')),
    endpoints: own.lives([...told.endpoints.values()].filter(([it]) => it!.channel === id)),
    subconns: own.lives([...told.subconns.values()].filter((all) => all.some((it) => own.has(it.endpoints)))),
    historyLost: generations.some(({ historyKept }) => !historyKept),
    calls: callsOf(picks, completions, own),
    derived: decided.some(({ derived }) => derived),
    counts: countsOf(told.channelCounters.get(id), told.endpointCounters, own),
  };
}

/** The endpoints of a channel, by the names of their backends. */
class Names {
  private readonly byId = new Map<number, string>();

  constructor(
    told: Told,
    channel: number,
    private readonly nameOf: (address: string) => string,
  ) {
    for (const [id, [endpoint]] of told.endpoints) {
      if (endpoint!.channel === channel) this.byId.set(id, this.list(endpoint!.addresses.map(nameOf)));
    }
  }

  of(endpoint: number): string {
    return this.byId.get(endpoint) ?? '?';
  }

  has(endpoints: readonly number[]): boolean {
    return endpoints.some((id) => this.byId.has(id));
  }

  ids(): Iterable<[number, string]> {
    return this.byId;
  }

  list(names: readonly string[]): string {
    return [...names].sort().join(' ');
  }

  /** Of several that came one after the other to the same address, the last. */
  lives(histories: readonly (readonly Entity[])[]): Record<string, Life> {
    return sorted(
      histories.map((history) => {
        const first = history[0]!;
        const addresses = first.addresses ?? [first.address!];
        const life = {
          states: settled(history.map(({ state }) => stateName(state))),
          removed: history.at(-1)!.removed,
        };
        return [this.list(addresses.map(this.nameOf)), life] as const;
      }),
    );
  }
}

interface Entity {
  readonly state: ConnectivityState;
  readonly removed: boolean;
  readonly addresses?: readonly string[];
  readonly address?: string;
}

function callsOf(picks: readonly ToldPick[], completions: readonly ToldCompletion[], names: Names): CallMeaning[] {
  const rows = [...picks, ...completions].sort((a, b) => a.call - b.call || a.attempt - b.attempt);
  const calls = groupedBy(rows, ({ call }) => call);
  return calls.map((ofCall) => {
    const attempts = groupedBy(ofCall, ({ attempt }) => attempt);
    return { method: ofCall[0]!.method, attempts: attempts.map((rowsOfIt) => attemptMeaning(rowsOfIt, names)) };
  });
}

function groupedBy<Row>(rows: readonly Row[], keyOf: (row: Row) => number): Row[][] {
  const groups = new Map<number, Row[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return [...groups.values()];
}

function attemptMeaning(rows: readonly (ToldPick | ToldCompletion)[], names: Names): AttemptMeaning {
  const picks = rows.filter((row) => 'result' in row);
  const end = rows.find((row) => 'latency' in row);
  const taken = picks.filter(({ result }) => result === 'COMPLETED').at(-1);
  const refused = picks.find(({ code }) => code > 0);
  return {
    queued: picks.some(({ result }) => result === 'QUEUED'),
    ...(refused && { refused: `${refused.result} ${refused.code}` }),
    ...(taken && {
      picked: names.of(taken.endpoint),
      reason: taken.reason,
      candidates: taken.candidates.map(({ endpoint }) => names.of(endpoint)),
    }),
    ...(end && { code: end.code, started: !Number.isNaN(end.latency) }),
  };
}

function countsOf(
  channel: ChannelCounters | undefined,
  endpoints: ReadonlyMap<number, EndpointCounters>,
  names: Names,
): Counts {
  const own = [...names.ids()].flatMap(([id, name]) => {
    const counters = endpoints.get(id);
    return counters ? [[name, endpointCounts(counters)] as const] : [];
  });
  return {
    completed: Number(channel?.picksCompleted ?? 0),
    failed: (channel?.picksFailed ?? 0n) > 0n,
    queued: (channel?.picksQueued ?? 0n) > 0n,
    dropped: Number(channel?.picksDropped ?? 0),
    unpicked: Number(channel?.endedUnpicked ?? 0),
    endpoints: sorted(own),
  };
}

function endpointCounts({ picks, started, neverStarted, codes, completionsByCode }: EndpointCounters): EndpointCounts {
  return {
    picks: Number(picks),
    started: Number(started),
    neverStarted: Number(neverStarted),
    codes: Object.fromEntries(codes.map((code, i) => [code, Number(completionsByCode[i])])),
  };
}

function sorted<Value>(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Without those that are the same as the one before. */
function distinct(values: readonly string[]): string[] {
  return values.filter((value, i) => value !== values[i - 1]);
}

/** Where it failed it tries again and again: only that it failed is kept, until it is READY. */
function settled(states: readonly string[]): string[] {
  let failed = false;
  const kept = states.filter((state) => {
    if (state === 'TRANSIENT_FAILURE') failed = true;
    else if (state === 'READY') failed = false;
    return !failed || state === 'TRANSIENT_FAILURE';
  });
  return distinct(kept);
}
