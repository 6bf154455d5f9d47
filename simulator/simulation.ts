import type { EndpointStatus, Pick, Picker, Policy, ReadyEndpoint } from '../libraries/node/src/policies/picker';
import { Backend, type Behaviour, type Request } from './backend';
import { CallLog } from './callLog';
import { EventQueue } from './eventQueue';
import { Random } from './random';

/*
 * A client and its backends under virtual time. The policy is the one that programs use: it is asked for each call, and
 * told when it ends, at the simulation's time.
 */

/** A policy, and what stands after its name in the service config. */
export interface Contender {
  readonly policy: Policy;
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface Scenario {
  readonly backends: readonly Behaviour[];
  readonly arrivals: Arrivals;
  /** ns after which no call arrives; those in flight are awaited. Without it, only `calls` ends the simulation. */
  readonly duration?: number;
  /** How many calls arrive at most. */
  readonly calls?: number;
  /** ns after which a call ends with DEADLINE_EXCEEDED. */
  readonly deadline?: number;
  /** ns; the picker is built anew whenever this has passed, as at resolver updates that change nothing. */
  readonly rebuildEvery?: number;
  readonly changes?: readonly Change[];
}

/** An open loop of `rate` calls a second, as a Poisson process or evenly spaced; or callers that await each of their calls. */
export type Arrivals =
  { readonly kind: 'poisson' | 'even'; readonly rate: number } | { readonly kind: 'closed'; readonly callers: number };

/** From `at` (ns) on, a backend behaves in another way towards the calls that it begins. */
export interface Change {
  readonly at: number;
  readonly backend: number;
  readonly behaviour: Behaviour;
}

export interface Result {
  readonly calls: CallLog;
  /** ns at which the last call ended. */
  readonly end: number;
  /** What the policy knew of each backend at 1 s, 2 s, …; empty where it tells nothing. */
  readonly seconds: readonly (readonly EndpointStatus[])[];
}

const second = 1e9;
const deadlineExceeded = 4;

/** Runs a scenario. The same seed gives the same result. */
export function simulate(scenario: Scenario, contender: Contender, seed: number): Result {
  return new Simulation(scenario, contender, seed).run();
}

class Simulation {
  readonly time = new EventQueue();
  readonly calls = new CallLog();
  private readonly backends: readonly Backend[];
  private readonly seconds: EndpointStatus[][] = [];
  private readonly arrivalTimes: Random;
  private readonly build: () => Picker;
  private picker: Picker;
  private arrived = 0;
  private end = 0;

  /** Arrivals, draws and latencies come from sources of their own: what a policy draws moves no arrival. */
  constructor(
    private readonly scenario: Scenario,
    contender: Contender,
    seed: number,
  ) {
    const [draws, latencies] = [new Random(3 * seed + 1), new Random(3 * seed + 2)];
    this.arrivalTimes = new Random(3 * seed);
    this.backends = scenario.backends.map((behaviour) => new Backend(behaviour, latencies));
    this.build = builderOf(contender, scenario.backends.length, draws);
    this.picker = this.build();
  }

  run(): Result {
    const { arrivals, changes = [], rebuildEvery } = this.scenario;
    for (const { at, backend, behaviour } of changes) {
      this.time.add(at, () => (this.backends[backend]!.behaviour = behaviour));
    }
    this.every(second, () => this.seconds.push(statusesOf(this.picker)));
    if (rebuildEvery !== undefined) this.every(rebuildEvery, () => (this.picker = this.build()));
    if (arrivals.kind !== 'closed') this.arriveAfterGap(arrivals.kind, second / arrivals.rate);
    else for (let caller = 0; caller < arrivals.callers; caller++) this.arrive();
    this.time.run();
    return { calls: this.calls, end: this.end, seconds: this.seconds };
  }

  /** A call has ended; in a closed loop its caller makes the next. */
  ended(): void {
    this.end = this.time.now;
    if (this.scenario.arrivals.kind === 'closed') this.arrive();
  }

  /** Calls still arrive. */
  private get isOpen(): boolean {
    const { duration = Infinity, calls = Infinity } = this.scenario;
    return this.time.now < duration && this.arrived < calls;
  }

  private every(interval: number, happen: () => void): void {
    this.time.add(this.time.now + interval, () => {
      if (!this.isOpen) return;
      happen();
      this.every(interval, happen);
    });
  }

  private arriveAfterGap(kind: 'poisson' | 'even', meanGap: number): void {
    const gap = kind === 'even' ? meanGap : this.arrivalTimes.exponential(meanGap);
    this.time.add(this.time.now + gap, () => {
      this.arrive();
      if (this.isOpen) this.arriveAfterGap(kind, meanGap);
    });
  }

  private arrive(): void {
    if (!this.isOpen) return;
    this.arrived++;
    const { now } = this.time;
    const pick = this.picker.pick({ now, header: () => undefined });
    const backend = this.backends[pick.endpoint]!;
    const call = new Call(this, pick, backend);
    const { deadline } = this.scenario;
    if (deadline !== undefined) this.time.add(now + deadline, () => call.complete(deadlineExceeded));
    backend.accept(call);
  }
}

class Call implements Request {
  ended = false;
  private begun = false;
  private readonly started: number;

  constructor(
    private readonly simulation: Simulation,
    private readonly pick: Pick,
    private readonly backend: Backend,
  ) {
    this.started = simulation.time.now;
  }

  begin(latency: number, code: number): void {
    this.begun = true;
    const { time } = this.simulation;
    time.add(time.now + latency, () => this.complete(code));
  }

  /** It was answered, or its deadline has passed, whichever comes first. */
  complete(code: number): void {
    if (this.ended) return;
    this.ended = true;
    const { time, calls } = this.simulation;
    this.pick.done?.(code, time.now);
    calls.add(this.started, this.pick.endpoint, time.now - this.started, code);
    if (this.begun) this.backend.release();
    this.simulation.ended();
  }
}

/**
 * Builds pickers for the same `size` endpoints, as a balancer does whose resolver repeats itself.
 *
 * @throws Error if the policy refuses its config.
 */
export function builderOf({ policy, config = {} }: Contender, size: number, random: Random): () => Picker {
  const readyEndpoints = Array.from({ length: size }, (_, index): ReadyEndpoint => {
    return { addresses: [`10.0.${index >> 8}.${index & 255}:50051`] };
  });
  const parsed = policy.parseConfig?.(config) ?? config;
  const log = () => undefined;
  return () => policy.build({ readyEndpoints, config: parsed, log, random: (limit) => random.below(limit) });
}

function statusesOf({ endpoints = [] }: Picker): EndpointStatus[] {
  return endpoints.map(({ lag, success, inflight, peak = NaN }) => ({ lag, success, inflight, peak }));
}
