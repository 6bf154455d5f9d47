import type * as GrpcModule from '@grpc/grpc-js';
import { tokenMetadataKey } from '@pickscope/protocol/service';
import { createHash, timingSafeEqual } from 'node:crypto';

export type Refusal = Pick<GrpcModule.StatusObject, 'code' | 'details'>;

type Handler = (call: never, respond: never) => void;
interface Call {
  readonly metadata: GrpcModule.Metadata;
  emit(event: 'error', refusal: Refusal): void;
}
type Respond = ((refusal: Refusal) => void) | undefined;

/** Stands before every service of the debug server: lets in the calls that carry a token of this process. */
export class Guard {
  /** Calls without a token, or with a wrong one. */
  refused = 0;

  /** @param tokens Each of them lets in. */
  constructor(
    private readonly grpc: typeof GrpcModule,
    private readonly tokens: readonly string[],
  ) {}

  /** The handlers of a service, of whatever kind, behind the guard. */
  guarded(handlers: Readonly<Record<string, Handler>>): GrpcModule.UntypedServiceImplementation {
    const guarded = Object.entries(handlers).map(([name, handler]) => [name, this.before(handler)]);
    return Object.fromEntries(guarded) as GrpcModule.UntypedServiceImplementation;
  }

  private before(handler: Handler): Handler {
    return (call: Call, respond: Respond) => {
      if (this.accepts(call.metadata)) handler(call as never, respond as never);
      else this.refuse((refusal) => (respond ? respond(refusal) : call.emit('error', refusal)));
    };
  }

  private accepts(metadata: GrpcModule.Metadata): boolean {
    const [given] = metadata.get(tokenMetadataKey);
    if (typeof given !== 'string') return false;
    // Digests are compared, so that the time tells neither the token nor its length.
    return this.tokens.some((token) => timingSafeEqual(digest(given), digest(token)));
  }

  private refuse(answer: (refusal: Refusal) => void): void {
    this.refused++;
    answer({ code: this.grpc.status.UNAUTHENTICATED, details: 'The token is missing or wrong.' });
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
