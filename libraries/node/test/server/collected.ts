import { fromBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import type { Recorder } from '../../src/recorder/recorder';
import { Outlet, type Reader } from '../../src/server/outlet';
import { describeProcess } from '../../src/server/process';
import { WatchStream, type Source } from '../../src/server/watch';
import { Messages } from './debugClient';

/** What one reader is told of a recorder, without any gRPC. */
export class Collected extends Messages implements Reader {
  /** Bytes of the largest message. */
  largest = 0;
  full = false;
  aborted = false;

  take(message: Uint8Array): void {
    this.largest = Math.max(this.largest, message.length);
    this.messages.push(fromBinary(WatchResponseSchema, message));
  }

  abort(): void {
    this.aborted = true;
  }

  pickBatches() {
    return this.messages.flatMap(({ body }) => (body.case === 'picks' ? [body.value] : []));
  }

  completionBatches() {
    return this.messages.flatMap(({ body }) => (body.case === 'completions' ? [body.value] : []));
  }

  counters() {
    return this.messages.flatMap(({ body }) => (body.case === 'counters' ? [body.value] : []));
  }
}

export function sourceOf(recorder: Recorder): Source {
  return { recorder, describe: () => describeProcess('0'.repeat(32), 'test', []), refusedCalls: () => 0 };
}

/** A reader that begins now; it is told when the stream's timers say so, or when `stream.beat()` is called. */
export function watch(recorder: Recorder): { reader: Collected; stream: WatchStream } {
  const reader = new Collected();
  const stream = new WatchStream(sourceOf(recorder), new Outlet(reader));
  stream.begin();
  return { reader, stream };
}
