import type { Answer, Opponent, Reason, TimeSpan } from '../messages/panel';
import type { ClientData } from './clientData';
import { drewCandidates, logRatio, type Decisions, type Pair } from './decisions';
import type { Channel, Endpoint } from './entities';
import { isUnmeasured, lastPickReason, racedReason, reasons } from './pickIntake';
import { medianOf, weightedMedianOf } from './median';

/** More opponents than a person reads. */
const maxOpponents = 64;

/** What is counted, from single picks or from aggregates. */
type Counts = Omit<Answer, 'endpoint' | 'span' | 'source' | 'states' | 'historyLossesMs'>;

/**
 * Why an endpoint was taken in a span, and why not: from single picks where all of the span are kept, else from aggregates.
 */
export function answer(data: ClientData, endpoint: Endpoint, span: TimeSpan): Answer {
  const fromPicks = data.ring.holdsSince(span.fromMs);
  const shown = fromPicks ? span : widened(span, data.reach.decisionMs);
  return {
    endpoint: endpoint.id,
    span: shown,
    source: fromPicks ? 'picks' : 'aggregates',
    ...(fromPicks ? new PickCount(data, endpoint, shown).counts() : aggregateCounts(data, endpoint, shown)),
    states: endpoint.states.during(shown.fromMs, shown.toMs).map(({ sinceMs, value }) => ({ sinceMs, ...value })),
    historyLossesMs: endpoint.channel.historyLosses.filter((ms) => ms >= shown.fromMs && ms < shown.toMs),
  };
}

/** To whole buckets. */
function widened({ fromMs, toMs }: TimeSpan, bucketMs: number): TimeSpan {
  return { fromMs: Math.floor(fromMs / bucketMs) * bucketMs, toMs: Math.ceil(toMs / bucketMs) * bucketMs };
}

// ── From single picks ────────────────────────────────────────────────────────────────────────────────────────────────

/** Picks between two endpoints that one of them won, and the sum of the logarithms of the ratios that are known. */
interface Wins {
  picks: number;
  known: number;
  logs: number;
}

interface Rivalry {
  readonly lost: Wins;
  readonly won: Wins;
}

class PickCount {
  private undecided = 0;
  private notListed = 0;
  private notHeld = 0;
  private notTold = 0;
  private notDrawn = 0;
  private readonly lost = new Array<number>(lastPickReason + 1).fill(0);
  private readonly taken = new Array<number>(lastPickReason + 1).fill(0);
  private takenUnmeasured = 0;
  private rejectedDraws = 0;
  private total = 0;
  private couldDraw = 0;
  private chance = 0;
  private readonly rivals = new Map<number, Rivalry>();
  private readonly loads: number[] = [];
  private readonly lagsMs: number[] = [];
  private readonly winnersLoads: number[] = [];
  private readonly heldCounts: HeldCounts;

  constructor(
    private readonly data: ClientData,
    private readonly endpoint: Endpoint,
    span: TimeSpan,
  ) {
    const { ring } = data;
    this.heldCounts = new HeldCounts(endpoint.channel, span);
    const end = ring.firstAt(span.toMs);
    for (let key = ring.firstAt(span.fromMs); key < end; key++) {
      const slot = ring.slot(key);
      if (ring.channel[slot] === endpoint.channel.id) this.addPick(slot);
    }
  }

  counts(): Counts {
    const { undecided, notListed, notHeld, notTold, notDrawn, takenUnmeasured, rejectedDraws, total } = this;
    return {
      total,
      undecided,
      notListed,
      notHeld,
      notTold,
      notDrawn,
      lost: byReason(this.lost),
      taken: byReason(this.taken),
      takenUnmeasured,
      rejectedDraws,
      undrawnByChance: meanChance(this.chance, this.couldDraw),
      opponents: opponentsOf(
        [...this.rivals].map(([id, { lost, won }]) => ({
          endpoint: id,
          lostTo: lost.picks,
          lostBy: meanRatio(lost),
          wonAgainst: won.picks,
          wonBy: meanRatio(won),
        })),
      ),
      loadMedian: medianOf(this.loads),
      lagMedianMs: medianOf(this.lagsMs),
      winnersLoadMedian: medianOf(this.winnersLoads),
    };
  }

  private addPick(slot: number): void {
    const { ring } = this.data;
    const reason = ring.reason[slot]!;
    this.total++;
    this.addRejected(slot);
    if (reason > lastPickReason) {
      this.undecided++;
      return;
    }
    const ms = ring.timeMs[slot]!;
    const candidates = ring.candidates[slot]!;
    const held = this.endpoint.isHeldAt(ms);
    const drew = drewCandidates(reason, candidates);
    if (held && drew) {
      this.couldDraw++;
      this.chance += undrawnShare(candidates, this.heldCounts.at(ms));
    }
    const mine = this.entryOf(slot, this.endpoint.id);
    if (mine >= 0) this.addRead(mine);
    if (ring.endpoint[slot] === this.endpoint.id) this.addTaken(slot, reason, mine);
    else if (mine >= 0) this.addLost(slot, reason, mine);
    else if (!this.endpoint.isListedAt(ms)) this.notListed++;
    else if (!held) this.notHeld++;
    else if (!drew) this.notTold++;
    else this.notDrawn++;
  }

  private addRead(entry: number): void {
    const { ring } = this.data;
    if (Number.isFinite(ring.entryScore[entry])) this.loads.push(ring.entryScore[entry]!);
    if (Number.isFinite(ring.entryLagNs[entry])) this.lagsMs.push(ring.entryLagNs[entry]! / 1e6);
  }

  private addTaken(slot: number, reason: number, mine: number): void {
    const { ring } = this.data;
    this.taken[reason]!++;
    if (mine >= 0 && isUnmeasured(ring, slot, mine)) this.takenUnmeasured++;
    for (let index = 0; index < ring.candidates[slot]!; index++) {
      const entry = ring.entry(slot, index);
      const id = ring.entryEndpoint[entry]!;
      if (id === 0 || id === this.endpoint.id || this.entryOf(slot, id) !== entry) continue;
      this.addWin(this.rival(id).won, slot, mine, entry);
    }
  }

  private addLost(slot: number, reason: number, mine: number): void {
    const { ring } = this.data;
    this.lost[reason]!++;
    const winner = ring.endpoint[slot]!;
    if (winner === 0) return;
    const entry = this.entryOf(slot, winner);
    this.addWin(this.rival(winner).lost, slot, entry, mine);
    if (entry >= 0 && Number.isFinite(ring.entryScore[entry])) this.winnersLoads.push(ring.entryScore[entry]!);
  }

  private addWin(wins: Wins, slot: number, winner: number, loser: number): void {
    const { ring } = this.data;
    wins.picks++;
    if (winner < 0 || ring.reason[slot] === racedReason) return;
    const order = this.endpoint.channel.path.at(ring.timeMs[slot]!)?.value.scoreOrder ?? 'none';
    const log = logRatio(order, ring.entryScore[winner]!, ring.entryScore[loser]!);
    if (Number.isNaN(log)) return;
    wins.known++;
    wins.logs += log;
  }

  /** Draws in which it was, and that were rejected. */
  private addRejected(slot: number): void {
    const { ring } = this.data;
    const candidates = ring.candidates[slot]!;
    for (let draw = 1; draw <= ring.rejectedDraws[slot]!; draw++) {
      for (let index = 0; index < candidates; index++) {
        if (ring.entryEndpoint[ring.entry(slot, draw * candidates + index)] !== this.endpoint.id) continue;
        this.rejectedDraws++;
        break;
      }
    }
  }

  /** Where the candidate of this endpoint lies; -1: it is none. */
  private entryOf(slot: number, endpoint: number): number {
    const { ring } = this.data;
    for (let index = 0; index < ring.candidates[slot]!; index++) {
      const entry = ring.entry(slot, index);
      if (ring.entryEndpoint[entry] === endpoint) return entry;
    }
    return -1;
  }

  private rival(id: number): Rivalry {
    let rival = this.rivals.get(id);
    if (!rival)
      this.rivals.set(id, (rival = { lost: { picks: 0, known: 0, logs: 0 }, won: { picks: 0, known: 0, logs: 0 } }));
    return rival;
  }
}

function meanRatio({ known, logs }: Wins): number | null {
  return known > 0 ? Math.exp(logs / known) : null;
}

/** How many endpoints a channel's pickers held. */
class HeldCounts {
  private readonly changes: { readonly ms: number; readonly count: number }[] = [];

  constructor(channel: Channel, { fromMs, toMs }: TimeSpan) {
    const steps = channel.endpoints.flatMap((endpoint) => heldSteps(endpoint, fromMs, toMs));
    let count = 0;
    for (const { ms, step } of steps.sort((a, b) => a.ms - b.ms)) this.changes.push({ ms, count: (count += step) });
  }

  at(ms: number): number {
    let low = 0;
    let high = this.changes.length;
    if (high === 0 || this.changes[high - 1]!.ms <= ms) return this.changes[high - 1]?.count ?? 0;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.changes[middle]!.ms <= ms) low = middle + 1;
      else high = middle;
    }
    return this.changes[low - 1]?.count ?? 0;
  }
}

function heldSteps(endpoint: Endpoint, fromMs: number, toMs: number): { readonly ms: number; readonly step: number }[] {
  const steps = [];
  let held = false;
  for (const { sinceMs } of endpoint.states.during(fromMs, toMs)) {
    const holds = endpoint.isHeldAt(sinceMs);
    if (holds !== held) steps.push({ ms: sinceMs, step: holds ? 1 : -1 });
    held = holds;
  }
  return steps;
}

/** The share of draws of so many candidates in which one of those that are held is not, by chance. */
function undrawnShare(candidates: number, held: number): number {
  return 1 - candidates / Math.max(held, 1);
}

/** Of so many picks; not less than 0, which it would be where a picker held more than is known. */
function meanChance(sum: number, picks: number): number | null {
  return picks === 0 ? null : Math.max(0, sum / picks);
}

// ── From aggregates ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Loads and lags are medians of those of each bucket of readings; those of the winners are not kept. */
function aggregateCounts({ reach, pairs }: ClientData, endpoint: Endpoint, span: TimeSpan): Counts {
  const from = span.fromMs / reach.decisionMs;
  const to = span.toMs / reach.decisionMs;
  const decisions = endpoint.decisions.sum(from, to);
  const { takenUnmeasured, rejectedDraws } = decisions;
  return {
    ...shareOut(decisions, stretchSums(endpoint, span, from, to)),
    lost: byReason(decisions.lost),
    taken: byReason(decisions.taken),
    takenUnmeasured,
    rejectedDraws,
    opponents: opponentsOf(rivalsOf(endpoint.id, pairs.of(endpoint.id, from, to))),
    ...mediansOf(endpoint, span),
    winnersLoadMedian: null,
  };
}

/** Picks of the channel, while the endpoint was held, while it was not, and while the resolver left it out. */
interface StretchSums {
  total: number;
  decided: number;
  decidedUnlisted: number;
  decidedUnheld: number;
  drawnHeld: number;
  chance: number;
}

function stretchSums(endpoint: Endpoint, span: TimeSpan, from: number, to: number): StretchSums {
  const sums = { total: 0, decided: 0, decidedUnlisted: 0, decidedUnheld: 0, drawnHeld: 0, chance: 0 };
  const heldCounts = new HeldCounts(endpoint.channel, span);
  for (const { beginMs, picks, decided, drawn, candidates } of endpoint.channel.stretches.within(from, to)) {
    sums.total += picks;
    sums.decided += decided;
    if (!endpoint.isListedAt(beginMs)) {
      sums.decidedUnlisted += decided;
    } else if (!endpoint.isHeldAt(beginMs)) {
      sums.decidedUnheld += decided;
    } else if (drawn > 0) {
      sums.drawnHeld += drawn;
      sums.chance += drawn * undrawnShare(candidates / drawn, heldCounts.at(beginMs));
    }
  }
  return sums;
}

/**
 * The picks in which the endpoint had no part. All of them are shared out, also where what is known of states came too late
 * to be counted by.
 */
function shareOut({ taken, lost, unheld, unlisted, undrawn }: Decisions, sums: StretchSums) {
  const { total, decided, decidedUnlisted, decidedUnheld, drawnHeld, chance } = sums;
  const parts = [...taken, ...lost].reduce((sum, count) => sum + count, 0);
  const others = Math.max(0, decided - parts);
  const undecided = total - decided;
  const notListed = between(0, decidedUnlisted - unlisted, others);
  const notHeld = between(0, decidedUnheld - unheld, others - notListed);
  const notAbsent = others - notListed - notHeld;
  const notDrawn = between(0, drawnHeld - (parts - unlisted - unheld - undrawn), notAbsent);
  return {
    // Buckets and stretches may end at different moments, so that a part's pick is in none of these stretches.
    total: undecided + parts + others,
    undecided,
    notListed,
    notHeld,
    notTold: notAbsent - notDrawn,
    notDrawn,
    undrawnByChance: meanChance(chance, drawnHeld),
  };
}

function between(low: number, value: number, high: number): number {
  return Math.min(Math.max(low, value), high);
}

function rivalsOf(id: number, pairs: readonly Pair[]): Opponent[] {
  const rivals = new Map<number, Opponent>();
  for (const { loser, winner, picks, ratio } of pairs) {
    const other = loser === id ? winner : loser;
    const known = rivals.get(other) ?? { endpoint: other, lostTo: 0, lostBy: null, wonAgainst: 0, wonBy: null };
    rivals.set(
      other,
      loser === id ? { ...known, lostTo: picks, lostBy: ratio } : { ...known, wonAgainst: picks, wonBy: ratio },
    );
  }
  return [...rivals.values()];
}

function mediansOf({ readings }: Endpoint, { fromMs, toMs }: TimeSpan) {
  const { loads, meanLoad, lagMs } = readings.values;
  const compared: { readonly load: number; readonly lagMs: number; readonly weight: number }[] = [];
  readings.forEach(readings.bucketOf(fromMs), Math.ceil(toMs / readings.bucketMs), (place) => {
    if (loads[place]! > 0) compared.push({ load: meanLoad[place]!, lagMs: lagMs[place]!, weight: loads[place]! });
  });
  return {
    loadMedian: weightedMedianOf(compared.map(({ load, weight }) => [load, weight])),
    lagMedianMs: weightedMedianOf(compared.map(({ lagMs: lag, weight }) => [lag, weight])),
  };
}

// ── Both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

function byReason(counts: readonly number[]): Partial<Record<Reason, number>> {
  const entries = counts.flatMap((count, index) => (count > 0 ? [[reasons[index]!, count] as const] : []));
  return Object.fromEntries(entries);
}

function opponentsOf(opponents: Opponent[]): Opponent[] {
  const picks = ({ lostTo, wonAgainst }: Opponent) => lostTo + wonAgainst;
  return opponents.sort((a, b) => picks(b) - picks(a)).slice(0, maxOpponents);
}
