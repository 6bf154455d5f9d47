import type * as GrpcModule from '@grpc/grpc-js';
import type { WatchRequest } from '@pickscope/protocol/messages';
import { protocolVersion } from '@pickscope/protocol/service';
import { Outlet } from './outlet';
import type { Past } from './past';
import { WatchStream, type Source } from './watch';

/** Its messages are WatchResponses, encoded. */
export type WatchCall = GrpcModule.ServerWritableStream<WatchRequest, Uint8Array>;

type Refusal = Pick<GrpcModule.StatusObject, 'code' | 'details'>;

/** What is kept counts as none of them. */
const maxWatchers = 8;
/** ms; a watcher that takes nothing for as long, or up to twice that, gives its place to others. */
const patience = 60_000;

/** Those that watch this process: each has a stream of its own. */
export class Watchers {
  private readonly streams = new Set<{ close(): void }>();

  /** @param past undefined: nothing is kept. */
  constructor(
    private readonly grpc: typeof GrpcModule,
    private readonly source: Source,
    private readonly past: Past | undefined,
  ) {}

  /** Lets a watcher in, or tells it why not. */
  admit(call: WatchCall): void {
    const refusal = this.refusalOf(call.request);
    if (refusal) call.emit('error', refusal);
    else this.stream(call);
  }

  private refusalOf({ protocolMajor }: WatchRequest): Refusal | undefined {
    const { status } = this.grpc;
    const { major, minor } = protocolVersion;
    if (protocolMajor !== major) {
      const details = `This client speaks version ${major}.${minor} of the protocol, the watcher version ${protocolMajor}.`;
      return { code: status.FAILED_PRECONDITION, details };
    }
    if (this.streams.size < maxWatchers) return undefined;
    const details = `${maxWatchers} watchers are attached already, and no more are let in: detach one of them, then attach again.`;
    return { code: status.RESOURCE_EXHAUSTED, details };
  }

  private stream(call: WatchCall): void {
    const outlet = new Outlet({
      get full() {
        return call.writableNeedDrain;
      },
      take: (message) => void call.write(message),
      abort: () => {
        const details = 'The watcher reads too slowly and has missed what it needs; it has to open another stream.';
        call.emit('error', { code: this.grpc.status.ABORTED, details });
      },
    });
    const { past } = this;
    const stream =
      past && past.seconds > 0 && call.request.past
        ? past.watch(outlet, Number(call.request.pastSinceNs))
        : this.live(outlet);
    this.streams.add(stream);
    call.on('drain', () => stream.proceed());
    const impatience = whenStopped(call, () => outlet.abort());
    const leave = () => {
      clearInterval(impatience);
      stream.close();
      this.streams.delete(stream);
    };
    // One that was aborted may never take the rest, and so never close.
    for (const end of ['error', 'cancelled', 'close']) call.on(end, leave);
    if (call.cancelled) leave();
  }

  private live(outlet: Outlet): WatchStream {
    const stream = new WatchStream(this.source, outlet);
    stream.begin();
    return stream;
  }
}

/** Calls back when the watcher has not taken anything for long though there is something for it. */
function whenStopped(call: WatchCall, callback: () => void): NodeJS.Timeout {
  let wasFull = false;
  call.on('drain', () => (wasFull = false));
  return setInterval(() => {
    if (wasFull) callback();
    wasFull = call.writableNeedDrain;
  }, patience).unref();
}
