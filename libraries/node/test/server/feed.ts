import { ConnectivityState, GenerationCause, PickResult, ScoreOrder } from '@pickscope/protocol/messages';
import { emptyCandidate, type Candidate, type Decision } from '../../src/policies/picker';
import type { ChannelRecord, EndpointRecord } from '../../src/recorder/entities';
import type { Attempt, Recorder } from '../../src/recorder/recorder';

/** A recorder's channel with one endpoint, and calls on it without any gRPC. */
export class Feed {
  readonly channel: ChannelRecord;
  readonly endpoint: EndpointRecord;

  constructor(private readonly recorder: Recorder) {
    this.channel = recorder.entities.addChannel('dns:///cart', 0);
    this.endpoint = recorder.entities.addEndpoint(this.channel, ['10.0.0.4:50051']);
  }

  /** Calls that are picked, start and end well. */
  calls(count: number, method = '/shop.Cart/Get'): void {
    for (let i = 0; i < count; i++) {
      const attempt = this.recorder.attemptBegan(this.channel, this.recorder.nextCall(), 1, method);
      this.recorder.picked(attempt, PickResult.COMPLETED, this.endpoint, 0, undefined);
      this.recorder.started(attempt);
      this.recorder.ended(attempt, 0);
    }
  }
}

/** Calls that are on their way at a time. */
const concurrency = 64;

/** Stands in for the hooks of a busy client: a channel of p2c_ewma, each of whose picks compares two of its endpoints. */
export class BusyFeed {
  readonly channel: ChannelRecord;
  readonly endpoints: readonly EndpointRecord[];
  private readonly open: Attempt[] = [];
  private readonly decision = twoCandidates();
  private made = 0;

  constructor(
    private readonly recorder: Recorder,
    endpoints: number,
  ) {
    const { entities } = recorder;
    this.channel = entities.addChannel('dns:///cart', 0);
    const policy = entities.addPolicy(this.channel, undefined, 'p2c_ewma', ScoreOrder.LOWER_WINS, '');
    this.endpoints = Array.from({ length: endpoints }, (_, i) => {
      const endpoint = entities.addEndpoint(this.channel, [`10.0.${i >> 8}.${i & 255}:50051`]);
      endpoint.status = { lag: 1e6 * (i + 1), success: 1000, inflight: 0 };
      entities.setEndpointState(endpoint, ConnectivityState.READY, '');
      return endpoint;
    });
    entities.setGeneration(this.channel, policy, this.endpoints, GenerationCause.ENDPOINT_READY, true);
  }

  /** Makes picks, and ends as many of the calls that were picked before. */
  picks(count: number): void {
    for (let i = 0; i < count; i++) this.pick();
  }

  /** Ends what is on its way. */
  end(): void {
    for (const attempt of this.open.splice(0)) this.recorder.ended(attempt, 0);
  }

  private pick(): void {
    const { recorder, decision, endpoints } = this;
    const at = this.made++;
    const [first, second] = decision.candidates as [Candidate, Candidate];
    first.endpoint = at % endpoints.length;
    second.endpoint = (at * 7 + 1) % endpoints.length;
    first.idle = at % 1e9;
    const attempt = recorder.attemptBegan(this.channel, recorder.nextCall(), 1, `/shop.Cart/Get${at % 16}`);
    recorder.picked(attempt, PickResult.COMPLETED, endpoints[first.endpoint], 0, { decision, endpoints });
    recorder.started(attempt);
    this.open.push(attempt);
    if (this.open.length > concurrency) recorder.ended(this.open.shift()!, at % 100 === 0 ? 14 : 0);
  }
}

function twoCandidates(): Decision {
  const candidates = [3e6, 5e6].map((lag) => ({ ...emptyCandidate(), lag, success: 1000, inflight: 3, score: lag }));
  return {
    reason: 'better_score',
    chosen: 0,
    candidateCount: candidates.length,
    candidates,
    rejectedDraws: 0,
    rejectedEndpoints: [],
    rejectedSuccess: [],
  };
}
