import type { Candidate, Pick, ReadyEndpoint } from './picker';

interface Tally {
  inflight: number;
  /** Time of the last pick, ns. */
  picked: number;
}

/** By endpoint, so that the calls of pickers from before are counted until they end. */
const tallies = new WeakMap<ReadyEndpoint, Tally>();

/**
 * All picks of one endpoint by one picker, as one object: for policies that keep nothing of a call, and count those in
 * flight only to show them.
 */
export class EndpointPick implements Pick {
  private readonly tally: Tally;

  /** @param endpoint Index into readyEndpoints. */
  constructor(
    readonly endpoint: number,
    readyEndpoint: ReadyEndpoint,
  ) {
    this.tally = tallies.get(readyEndpoint) ?? { inflight: 0, picked: -Infinity };
    tallies.set(readyEndpoint, this.tally);
  }

  /** Counts a pick. */
  begin(now: number): this {
    this.tally.inflight++;
    this.tally.picked = now;
    return this;
  }

  suspend(): void {
    this.tally.inflight--;
  }

  resume(): void {
    this.tally.inflight++;
  }

  done(): void {
    this.tally.inflight--;
  }

  /** Notes the endpoint as a candidate, as it is before the pick. */
  describe(candidate: Candidate, now: number, score: number): void {
    candidate.endpoint = this.endpoint;
    candidate.inflight = this.tally.inflight;
    candidate.idle = now - this.tally.picked;
    candidate.score = score;
  }
}
