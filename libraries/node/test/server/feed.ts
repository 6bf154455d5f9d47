import { PickResult } from '@pickscope/protocol/messages';
import type { ChannelRecord, EndpointRecord } from '../../src/recorder/entities';
import type { Recorder } from '../../src/recorder/recorder';

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
