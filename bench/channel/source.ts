import * as grpc from '@grpc/grpc-js';
import { ConnectivityState, GenerationCause, PickResult, ScoreOrder } from '@pickscope/protocol/messages';
import { randomBytes } from 'node:crypto';
import { monotonicNs } from '../../libraries/node/src/clock';
import { emptyCandidate, type Candidate } from '../../libraries/node/src/policies/picker';
import type { ChannelRecord, EndpointRecord } from '../../libraries/node/src/recorder/entities';
import { Recorder, type Attempt, type RecordedDecision } from '../../libraries/node/src/recorder/recorder';
import { completionBatch, pickBatch } from '../../libraries/node/src/server/batches';
import { openServer } from '../../libraries/node/src/server/listen';
import { describeProcess } from '../../libraries/node/src/server/process';

/*
 * A client without calls: stands in the hooks' place and gives the recorder picks of p2c_ewma with two candidates, and
 * their completions. All behind it is the library's own: recorder, debug server, socket. Tells its parent the address, then
 * obeys it, and tells what each order took.
 *
 *     source TOKEN
 */

/** Picks, each with its completion or none have any. */
export interface Order {
  /** Picks a second. */
  readonly rate: number;
  readonly seconds: number;
  readonly completions: boolean;
  /** How many of them have a method of their own: "/bench.Probe/Probe0" and so on. None by default. */
  readonly probes?: number;
}

export interface Production {
  readonly picks: number;
  /** s of this process, from the order's first pick to its last. */
  readonly cpu: number;
  readonly seconds: number;
  /** Of the newest picks, encoded, with their completions; NaN: nobody watches. */
  readonly bytesOfPick: number;
  /** When each probe was picked, ms since the Unix epoch. */
  readonly probes: readonly number[];
}

/** ms between bursts of picks. */
const burstDelay = 4;
/** Picks; no program makes more of them without a turn of its event loop. */
const maxBurst = 1024;
const endpointCount = 5;
/** Different decisions; they come round and round. */
const decisionCount = 512;
const callsInFlight = 64;
/** By which the bytes of a pick are told. */
const measuredRows = 4096;
const method = '/shop.Cart/GetCart';

class Source {
  private readonly channel: ChannelRecord;
  private readonly endpoints: readonly EndpointRecord[];
  private readonly decisions: readonly RecordedDecision[];
  private readonly inFlight = new Array<Attempt | undefined>(callsInFlight).fill(undefined);
  private calls = 0;

  constructor(private readonly recorder: Recorder) {
    const { entities } = recorder;
    this.channel = entities.addChannel('dns:///cart.shop.svc:50051', 0);
    const policy = entities.addPolicy(this.channel, undefined, 'p2c_ewma', ScoreOrder.LOWER_WINS, '');
    this.endpoints = Array.from({ length: endpointCount }, (_, i) => {
      const endpoint = entities.addEndpoint(this.channel, [`10.0.0.${i + 1}:50051`]);
      endpoint.status = { lag: between(1e6, 9e6), success: 1000, inflight: 4 };
      entities.setEndpointState(endpoint, ConnectivityState.READY, '');
      return endpoint;
    });
    entities.setGeneration(this.channel, policy, this.endpoints, GenerationCause.ENDPOINT_READY, false);
    this.decisions = Array.from({ length: decisionCount }, () => decide(this.endpoints));
  }

  /** Makes as many picks a second as it is told, in bursts, and the probes spread over the time. */
  async obey({ rate, seconds, completions, probes = 0 }: Order): Promise<Production> {
    const probedAt: number[] = [];
    const cpuBefore = process.cpuUsage();
    const begun = performance.now();
    let picks = 0;
    let due = 0;
    for (let share = 0; share < 1;) {
      await (picks < due ? turnOfLoop() : burstPause());
      share = Math.min(1, (performance.now() - begun) / 1000 / seconds);
      due = share * seconds * rate;
      for (const end = Math.min(due, picks + maxBurst); picks < end; picks++) this.call(completions);
      for (; probedAt.length < share * probes; probedAt.push(Date.now())) {
        this.call(completions, `/bench.Probe/Probe${probedAt.length}`);
      }
    }
    const { user, system } = process.cpuUsage(cpuBefore);
    const took = (performance.now() - begun) / 1000;
    const bytesOfPick = this.bytesOfPick(completions);
    return { picks, cpu: (user + system) / 1e6, seconds: took, bytesOfPick, probes: probedAt };
  }

  private bytesOfPick(completions: boolean): number {
    const { rows } = this.recorder;
    if (!rows) return NaN;
    const picks = pickBatch(rows.picks, Math.max(0, rows.picks.head - measuredRows));
    const pick = picks.bytes.length / picks.rows;
    if (!completions) return pick;
    const ends = completionBatch(rows.completions, Math.max(0, rows.completions.head - measuredRows));
    return pick + ends.bytes.length / ends.rows;
  }

  private call(completes: boolean, name = method): void {
    const { recorder, calls } = this;
    const recorded = this.decisions[calls % decisionCount]!;
    const chosen = this.endpoints[recorded.decision.chosen];
    const attempt = recorder.attemptBegan(this.channel, recorder.nextCall(), 1, name);
    // As with the hooks: nobody reads the clock for us unless somebody watches, and a policy's own reading is used again.
    const now = recorder.rows ? monotonicNs() : NaN;
    recorder.picked(attempt, PickResult.COMPLETED, chosen, 0, recorded, now);
    if (completes) this.complete(attempt, now);
    this.calls++;
  }

  /** The call starts, and the one that began so many before it ends. */
  private complete(attempt: Attempt, now: number): void {
    const place = this.calls % callsInFlight;
    const ending = this.inFlight[place];
    if (ending) this.recorder.ended(ending, 0, now);
    this.recorder.started(attempt);
    this.inFlight[place] = attempt;
  }
}

function decide(endpoints: readonly EndpointRecord[]): RecordedDecision {
  const first = Math.floor(between(0, endpointCount));
  const second = (first + 1 + Math.floor(between(0, endpointCount - 1))) % endpointCount;
  const candidates = [candidate(first), candidate(second)];
  const chosen = candidates[0]!.score <= candidates[1]!.score ? first : second;
  return {
    decision: {
      reason: 'better_score',
      chosen,
      candidateCount: 2,
      candidates,
      rejectedDraws: 0,
      rejectedEndpoints: [],
      rejectedSuccess: [],
    },
    endpoints,
  };
}

function candidate(endpoint: number): Candidate {
  const lag = between(1e6, 9e6);
  const inflight = Math.floor(between(0, 12));
  const score = Math.trunc(Math.sqrt(lag + 1)) * (inflight + 1);
  return { ...emptyCandidate(), endpoint, lag, success: between(990, 1000), inflight, score, idle: between(1e3, 1e7) };
}

function between(low: number, high: number): number {
  return low + Math.random() * (high - low);
}

function burstPause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, burstDelay));
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function main(token: string): Promise<void> {
  const recorder = new Recorder();
  const source = new Source(recorder);
  const instance = randomBytes(16).toString('hex');
  const server = await openServer(grpc, recorder, () => describeProcess(instance, 'bench', []), { token });
  process.on('message', (order: Order) => void source.obey(order).then((it) => process.send!(it)));
  process.send!(server.address);
}

void main(process.argv[2]!);
process.once('disconnect', () => process.exit());
