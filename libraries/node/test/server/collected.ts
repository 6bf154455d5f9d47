import { fromBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema, type Drops, type WatchResponse } from '@pickscope/protocol/messages';
import type { Recorder } from '../../src/recorder/recorder';
import { Outlet, type Reader } from '../../src/server/outlet';
import { describeProcess } from '../../src/server/process';
import { WatchStream, type Source } from '../../src/server/watch';

/** What one reader is told of a recorder, without any gRPC. */
export class Collected implements Reader {
  readonly messages: WatchResponse[] = [];
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

  cases(): (string | undefined)[] {
    return this.messages.map(({ body }) => body.case);
  }

  changes() {
    return this.messages.flatMap(({ body }) => (body.case === 'changes' ? body.value.changes : []));
  }

  picks() {
    return this.messages.flatMap(({ body }) => (body.case === 'picks' ? [body.value] : []));
  }

  completions() {
    return this.messages.flatMap(({ body }) => (body.case === 'completions' ? [body.value] : []));
  }

  counters() {
    return this.messages.flatMap(({ body }) => (body.case === 'counters' ? [body.value] : []));
  }

  get drops(): Drops | undefined {
    return this.messages.flatMap(({ body }) => (body.case === 'drops' ? [body.value] : [])).at(-1);
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
