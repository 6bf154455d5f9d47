import type { AttemptMeaning, CallMeaning, ChannelMeaning, Counts } from './meaning';
import type { Scenario } from './scenarios';

/** Where the two libraries rightly tell something else, because their gRPC libraries are not the same. */
export interface Difference {
  readonly what: string;
  readonly node: string;
  readonly go: string;
  /** Leaves out what differs; all else is compared. */
  readonly leaveOut: (meaning: ChannelMeaning) => ChannelMeaning;
}

export const differences: readonly Difference[] = [];

/** What is compared of a meaning: without what is drawn at random, and without the differences above. */
export function compared(meaning: ChannelMeaning, { drawn }: Scenario): ChannelMeaning {
  let left = meaning;
  for (const { leaveOut } of differences) left = leaveOut(left);
  if (drawn !== undefined) left = { ...left, calls: left.calls.map(withoutChoice) };
  if (drawn === 'anyone') left = { ...left, counts: inAll(left.counts) };
  return left;
}

function withoutChoice({ method, attempts }: CallMeaning): CallMeaning {
  return {
    method,
    attempts: attempts.map(({ queued, code, started }): AttemptMeaning => ({ queued, code: code!, started: started! })),
  };
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
