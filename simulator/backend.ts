import type { Random } from './random';

/** How a backend answers. */
export interface Behaviour {
  /** How long it works on a call, ns. */
  readonly latency: (random: Random) => number;
  /** How many calls it works on at once; further ones queue. Without it, any number. */
  readonly capacity?: number;
  /** The gRPC status code of the call that it begins as its `count`th, from 1 on. Without it, OK. */
  readonly code?: (count: number, random: Random) => number;
  /** True: it accepts calls and never answers them. */
  readonly silent?: boolean;
}

/** A call, as its backend sees it. */
export interface Request {
  /** It was answered, or the client has given it up. */
  readonly ended: boolean;
  /** The backend works on it, and answers after `latency` (ns). */
  begin(latency: number, code: number): void;
}

/** Works on calls as its behaviour says, and queues what is beyond its capacity. */
export class Backend {
  private working = 0;
  private begun = 0;
  private readonly queue: Request[] = [];

  constructor(
    public behaviour: Behaviour,
    private readonly random: Random,
  ) {}

  accept(request: Request): void {
    const { silent = false, capacity = Infinity } = this.behaviour;
    if (silent) return;
    if (this.working < capacity) this.begin(request);
    else this.queue.push(request);
  }

  /** A call that it had begun ended. */
  release(): void {
    this.working--;
    let next = this.queue.shift();
    while (next?.ended) next = this.queue.shift();
    if (next) this.begin(next);
  }

  private begin(request: Request): void {
    const { latency, code } = this.behaviour;
    this.working++;
    this.begun++;
    request.begin(latency(this.random), code?.(this.begun, this.random) ?? 0);
  }
}

/** Exactly `latency` ns. */
export function exactly(latency: number): Behaviour['latency'] {
  return () => latency;
}

/** From 0 to `most` ns, all equally likely. */
export function uniformTo(most: number): Behaviour['latency'] {
  return (random) => random.next() * most;
}

/** `least` ns, and on top an exponentially distributed time of mean `mean` ns. */
export function exponentialAbove(least: number, mean: number): Behaviour['latency'] {
  return (random) => least + random.exponential(mean);
}
