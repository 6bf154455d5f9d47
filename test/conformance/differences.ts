import type { Language } from './client';
import type { AttemptMeaning, CallMeaning, ChannelMeaning, Counts } from './meaning';
import type { Scenario } from './scenarios';

/** Where the two libraries rightly tell something else, because their gRPC libraries are not the same. */
export interface Difference {
  /** Names of scenarios in which it shows. */
  readonly in: readonly string[];
  readonly node: string;
  readonly go: string;
  /** Leaves out what differs; all else is compared. undefined: Go tells nothing of the channel. */
  readonly leaveOut?: (meaning: ChannelMeaning) => ChannelMeaning;
}

export const differences: readonly Difference[] = [
  {
    in: ['an idle channel', 'the resolver fails from the beginning: picks fail'],
    node: 'A channel is told of as soon as there is one.',
    go: 'A ClientConn is told of with its first policy: grpc-go builds none before it leaves IDLE, and none where its resolver has failed from the beginning; calls then fail by a picker of grpc-go itself.',
  },
  {
    in: ['pick_first with a b', 'pick_first with a b c'],
    node: 'pick_first makes a subchannel for each address, and drops the others as soon as one is READY.',
    go: 'pick_first makes a SubConn for the next address only when the one before has failed, or is slow.',
    leaveOut: (meaning) => ({ ...meaning, subconns: remaining(meaning.subconns) }),
  },
  {
    in: ['a backend dies with a call in flight'],
    node: 'A call whose stream was reset by its server, which goes away, ends as that says: CANCELLED.',
    go: 'A call whose connection was lost ends with UNAVAILABLE.',
    leaveOut: withoutCodes,
  },
  {
    in: ['a channel that is closed with a call in flight'],
    node: 'close() lets calls in flight go on, here until their deadline.',
    go: 'ClientConn.Close() ends them with CANCELLED.',
    leaveOut: withoutCodes,
  },
];

/** Why a library tells nothing of the channel of that scenario; undefined: it does. */
export function unseen(scenario: Scenario, language: Language): string | undefined {
  if (language === 'node') return undefined;
  return differences.find((it) => it.in.includes(scenario.name) && it.leaveOut === undefined)?.go;
}

function remaining(lives: ChannelMeaning['subconns']): ChannelMeaning['subconns'] {
  return Object.fromEntries(Object.entries(lives).filter(([, { removed }]) => !removed));
}

function withoutCodes(meaning: ChannelMeaning): ChannelMeaning {
  const calls = meaning.calls.map(({ method, attempts }) => ({
    method,
    attempts: attempts.map((attempt) => ({ ...attempt, code: -1 })),
  }));
  const endpoints = Object.entries(meaning.counts.endpoints).map(
    ([name, each]) => [name, { ...each, codes: {} }] as const,
  );
  return { ...meaning, calls, counts: { ...meaning.counts, endpoints: Object.fromEntries(endpoints) } };
}

/** What is compared of a meaning: without what is drawn at random, and without the differences above. */
export function compared(meaning: ChannelMeaning, { name, drawn }: Scenario): ChannelMeaning {
  let left = meaning;
  for (const it of differences) if (it.in.includes(name)) left = it.leaveOut?.(left) ?? left;
  if (drawn !== undefined) left = { ...left, calls: inAnyOrder(left.calls.map(withoutChoice)) };
  if (drawn === 'anyone') left = { ...left, counts: inAll(left.counts) };
  return left;
}

function withoutChoice({ method, attempts }: CallMeaning): CallMeaning {
  return {
    method,
    attempts: attempts.map(({ queued, code, started }): AttemptMeaning => ({ queued, code: code!, started: started! })),
  };
}

function inAnyOrder(calls: readonly CallMeaning[]): CallMeaning[] {
  return calls
    .map((call) => [JSON.stringify(call), call] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, call]) => call);
}

/** The counts of all endpoints together. */
function inAll(counts: Counts): Counts {
  const codes: Record<number, number> = {};
  const all = { picks: 0, started: 0, neverStarted: 0, codes };
  for (const each of Object.values(counts.endpoints)) {
    all.picks += each.picks;
    all.started += each.started;
    all.neverStarted += each.neverStarted;
    for (const [code, count] of Object.entries(each.codes)) codes[Number(code)] = (codes[Number(code)] ?? 0) + count;
  }
  return { ...counts, endpoints: { all } };
}
