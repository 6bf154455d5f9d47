import type * as GrpcModule from '@grpc/grpc-js';
import type { WatchRequest } from '@pickscope/protocol/messages';
import { protocolVersion } from '@pickscope/protocol/service';
import { Outlet } from './outlet';
import type { Past, Replay } from './past';
import { WatchStream, type Source } from './watch';

/** Its messages are WatchResponses, encoded. */
export type WatchCall = GrpcModule.ServerWritableStream<WatchRequest, Uint8Array>;

type Refusal = Pick<GrpcModule.StatusObject, 'code' | 'details'>;

/** What is kept counts as none of them. */
const maxWatchers = 8;

/** Those that watch this process: each has a stream of its own. */
export class Watchers {
  private count = 0;

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
    if (this.count < maxWatchers) return undefined;
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
        leave();
        const details = 'The watcher reads too slowly and has missed what it needs; it has to open another stream.';
        call.emit('error', { code: this.grpc.status.ABORTED, details });
      },
    });
    let stream: { close(): void } | undefined;
    let present = true;
    const leave = () => {
      if (present) this.count--;
      present = false;
      stream?.close();
    };
    this.count++;
    call.on('cancelled', leave);
    call.on('close', leave);
    stream =
      this.past && this.past.seconds > 0 && call.request.past ? replay(this.past, call, outlet) : this.live(outlet);
    if (!present || call.cancelled) leave();
  }

  private live(outlet: Outlet): WatchStream {
    const stream = new WatchStream(this.source, outlet);
    stream.begin();
    return stream;
  }
}

function replay(past: Past, call: WatchCall, outlet: Outlet): Replay {
  const stream = past.watch(outlet, Number(call.request.pastSinceNs));
  call.on('drain', () => stream.proceed());
  return stream;
}
