import type { Candidate, Pick } from './picker';

/** All picks of one endpoint by one picker, as one object: for policies that keep nothing of a call. */
export class EndpointPick implements Pick {
  /** Time of the last one, ns. */
  private picked = -Infinity;

  /** @param endpoint Index into readyEndpoints. */
  constructor(readonly endpoint: number) {}

  begin(now: number): this {
    this.picked = now;
    return this;
  }

  /** Notes the endpoint as a candidate, as it is before the pick; what the policy does not keep, an observer adds. */
  describe(candidate: Candidate, now: number, score: number): void {
    candidate.endpoint = this.endpoint;
    candidate.idle = now - this.picked;
    candidate.score = score;
  }
}
