import { tokenMetadataKey } from '@pickscope/protocol/service';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';

/** In ms. */
export interface GuardTiming {
  /** That the answer to a refused call waits; twice as long for each one that came shortly before. */
  readonly shortestDelay: number;
  readonly longestDelay: number;
}

/** Below the time that a watcher waits for an answer. */
const defaultTiming: GuardTiming = { shortestDelay: 100, longestDelay: 3000 };
/** ms in which the memory of refused calls fades to a third. */
const forgetting = 10_000;
/** Answers that may wait; the calls beyond get none. */
const maxWaiting = 64;

const unauthenticated = {
  ':status': 200,
  'content-type': 'application/grpc',
  'grpc-status': 16,
  'grpc-message': 'The token is missing or wrong.',
};

/**
 * Stands before every service of the debug server: lets in the calls that carry a token of this process. The others
 * reach no other code, and get their answers ever later, so that nobody can guess fast.
 */
export class Guard {
  /** Calls without a token, or with a wrong one. */
  refused = 0;
  private readonly digests: readonly Buffer[];
  private readonly timing: GuardTiming;
  private waiting = 0;
  /** Refused calls, each counting the less the longer ago it was, and when that was counted. */
  private recent = 0;
  private counted = performance.now();

  /** @param tokens Each of them lets in. */
  constructor(tokens: readonly string[], timing: Partial<GuardTiming> = {}) {
    this.digests = tokens.map(digest);
    this.timing = { ...defaultTiming, ...timing };
  }

  accepts(headers: IncomingHttpHeaders): boolean {
    const given = headers[tokenMetadataKey];
    if (typeof given !== 'string') return false;
    // Digests are compared, all of them, so that the time tells neither a token nor its length.
    const hash = digest(given);
    return this.digests.filter((known) => timingSafeEqual(hash, known)).length > 0;
  }

  refuse(stream: ServerHttp2Stream): void {
    this.refused++;
    const delay = this.nextDelay();
    // It ends when its client or its connection does.
    stream.on('error', () => undefined);
    if (this.waiting >= maxWaiting) return;
    this.waiting++;
    const timer = setTimeout(() => answer(stream), delay).unref();
    stream.once('close', () => {
      clearTimeout(timer);
      this.waiting--;
    });
  }

  private nextDelay(): number {
    const { shortestDelay, longestDelay } = this.timing;
    const now = performance.now();
    const before = this.recent * Math.exp((this.counted - now) / forgetting);
    this.recent = before + 1;
    this.counted = now;
    return Math.min(shortestDelay * 2 ** before, longestDelay);
  }
}

function answer(stream: ServerHttp2Stream): void {
  if (stream.destroyed) return;
  stream.respond(unauthenticated, { endStream: true });
  stream.close();
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
