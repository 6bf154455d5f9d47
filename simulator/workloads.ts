import type { Pick, Picker } from '../libraries/node/src/policies/picker';
import { exactly, exponentialAbove, uniformTo, type Behaviour } from './backend';
import { Random } from './random';
import { builderOf, simulate, type Change, type Contender, type Scenario } from './simulation';

/*
 * The workloads by which policies are compared, with what was measured of go-zero's own p2c_ewma and of a round robin,
 * and what peak_ewma aims at.
 */

export interface Workload {
  readonly name: string;
  readonly figures: readonly Figure[];
  /** The value of each figure, in their order. */
  measure(contender: Contender, seed: number): readonly number[];
}

export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 's' | '%' | 'calls';
  /** What was measured elsewhere, by the policy's name. */
  readonly published: Readonly<Partial<Record<'round_robin' | 'p2c_ewma', number>>>;
  /** What peak_ewma is to reach: from the least to the most. */
  readonly aim?: readonly [least: number, most: number];
}

const microsecond = 1e3;
const millisecond = 1e6;
const second = 1e9;
const unavailable = 14;
const steady: Behaviour = { latency: exponentialAbove(5 * millisecond, millisecond) };

/** tower-rs/tower#76: backends of very different speed, with callers that wait for them. */
const tower: Workload = {
  name: 'tower#76: 10 backends of 1 to 1000 ms, 50 callers',
  figures: [
    { name: 'p99', unit: 'ms', published: { round_robin: 893, p2c_ewma: 97 }, aim: [0, 98] },
    { name: 'p999', unit: 'ms', published: { round_robin: 991, p2c_ewma: 651 }, aim: [0, 105] },
    { name: 'wall', unit: 's', published: { round_robin: 73, p2c_ewma: 16 }, aim: [0, 8] },
  ],
  measure(contender, seed) {
    const slowest = [1, 10, 10, 10, 10, 100, 100, 100, 100, 1000];
    const backends = slowest.map((most) => ({ latency: uniformTo(most * millisecond), capacity: 50 }));
    const arrivals = { kind: 'closed', callers: 50 } as const;
    const { calls, end } = simulate({ backends, arrivals, calls: 50_000 }, contender, seed);
    return [calls.percentile(0.99) / millisecond, calls.percentile(0.999) / millisecond, end / second];
  },
};

/** apache/brpc#3340: some of four backends are slow. */
function brpc(slow: number, roundRobin: number, p2cEwma: number): Workload {
  return {
    name: `brpc#3340: ${slow} slow of 4`,
    figures: [{ name: 'p99', unit: 'ms', published: { round_robin: roundRobin, p2c_ewma: p2cEwma }, aim: [0, 0.36] }],
    measure(contender, seed) {
      const backends = Array.from({ length: 4 }, (_, index) => {
        const least = (index < slow ? 5200 : 200) * microsecond;
        return { latency: exponentialAbove(least, 30 * microsecond) };
      });
      const { calls } = simulate({ backends, arrivals: poisson(4000), duration: 15 * second }, contender, seed);
      return [calls.percentile(0.99) / millisecond];
    },
  };
}

/** One of ten backends is very slow, and the picker is built anew. */
function churn(every: number | undefined, p99: number, slowShare: number): Workload {
  return {
    name: `churn: rebuilt ${every === undefined ? 'never' : `every ${every} s`}`,
    figures: [
      { name: 'p99', unit: 'ms', published: { round_robin: 1000, p2c_ewma: p99 }, aim: [0, 10.5] },
      { name: 'slow share', unit: '%', published: { round_robin: 10, p2c_ewma: slowShare } },
    ],
    measure(contender, seed) {
      const backends = others(9, { latency: exactly(second) });
      const rebuild = every === undefined ? {} : { rebuildEvery: every * second };
      const scenario = { backends, arrivals: poisson(1000), duration: 120 * second, ...rebuild };
      const { calls } = simulate(scenario, contender, seed);
      return [calls.percentile(0.99) / millisecond, 100 * calls.share(0)];
    },
  };
}

/** One of `size` backends fails fast. */
function failFast(size: number, p2cEwma: number): Workload {
  const aim = size === 4 ? {} : ({ aim: [0, 0.3] } as const);
  return {
    name: `fail-fast: 1 of ${size}`,
    figures: [{ name: 'errors', unit: '%', published: { round_robin: 100 / size, p2c_ewma: p2cEwma }, ...aim }],
    measure(contender, seed) {
      const failing = { latency: exactly(0.2 * millisecond), code: () => unavailable };
      const backends = others(size - 1, failing);
      const { calls } = simulate({ backends, arrivals: poisson(1000), duration: 60 * second }, contender, seed);
      return [100 * calls.errorRate()];
    },
  };
}

/** One of ten backends is slow for a while. */
const cliff: Workload = {
  name: 'cliff: 1 of 10 takes 200 ms from 30 to 60 s',
  figures: [
    { name: 'share, first second', unit: '%', published: { round_robin: 10, p2c_ewma: 0.65 }, aim: [0, 0.5] },
    { name: 'share, next 9 s', unit: '%', published: { round_robin: 10, p2c_ewma: 0.18 } },
    { name: 'share, 10 s after', unit: '%', published: { round_robin: 10, p2c_ewma: 0.42 } },
    { name: 'back at half its fair share after', unit: 's', published: {}, aim: [0, 10] },
  ],
  measure(contender, seed) {
    const slow = { latency: exactly(200 * millisecond) };
    const [from, to] = [30 * second, 60 * second];
    const scenario: Scenario = {
      backends: others(9, steady),
      arrivals: poisson(2000),
      duration: 90 * second,
      changes: [
        { at: from, backend: 0, behaviour: slow },
        { at: to, backend: 0, behaviour: steady },
      ],
    };
    const { calls } = simulate(scenario, contender, seed);
    const isBack = (after: number) => calls.share(0, to + after * second, to + (after + 1) * second) >= 0.05;
    return [
      100 * calls.share(0, from, from + second),
      100 * calls.share(0, from + second, from + 10 * second),
      100 * calls.share(0, to, to + 10 * second),
      Array.from({ length: 30 }, (_, after) => after).find(isBack) ?? Infinity,
    ];
  },
};

/** One backend, of whose calls one in a hundred fails; and then none. */
const fewErrors: Workload = {
  name: '1 % errors for 120 s, then none for 60 s',
  figures: [
    { name: 'unhealthy after', unit: 's', published: { p2c_ewma: 50 }, aim: [Infinity, Infinity] },
    { name: 'success off by', unit: '%', published: {}, aim: [0, 2] },
    { name: 'success at 120 s', unit: '%', published: { p2c_ewma: 0 }, aim: [97, 100] },
    { name: 'success at 180 s', unit: '%', published: { p2c_ewma: 0 }, aim: [98, 100] },
  ],
  measure(contender, seed) {
    const failing = { latency: exactly(millisecond), code: (count: number) => (count % 100 === 0 ? unavailable : 0) };
    const scenario: Scenario = {
      backends: [failing],
      arrivals: { kind: 'even', rate: 1000 },
      duration: 180 * second,
      changes: [{ at: 120 * second, backend: 0, behaviour: { latency: exactly(millisecond) } }],
    };
    const success = simulate(scenario, contender, seed).seconds.map(([endpoint]) => (endpoint?.success ?? NaN) / 10);
    const unhealthy = success.findIndex((percent) => percent <= 50);
    const off = success.map((percent, index) => Math.abs(percent - (index < 120 ? 99 : 100)));
    return [unhealthy < 0 ? Infinity : unhealthy + 1, Math.max(...off), success[119]!, success.at(-1)!];
  },
};

/** One backend, of which a call ends every 10 µs. Driven without a simulation: there is nothing to choose. */
export const lagBias: Workload = {
  name: 'lag bias: mean of 1 ms, 100,000 calls/s',
  figures: [{ name: 'lag', unit: 'ms', published: { p2c_ewma: 0.46 }, aim: [0.98, 1.02] }],
  measure(contender, seed) {
    const random = new Random(seed);
    const picker = builderOf(contender, 1, random)();
    if (!picker.endpoints) return [NaN];
    for (let now = second; now < 61 * second; now += 10 * microsecond) {
      pickAt(picker, now - random.exponential(millisecond)).done?.(0, now);
    }
    return [picker.endpoints[0]!.lag / millisecond];
  },
};

/** Two equal backends, and a caller that awaits each call. */
const tie: Workload = {
  name: 'tie: 2 backends of 1 ms, 1 caller',
  figures: [{ name: 'share of one', unit: '%', published: { round_robin: 50, p2c_ewma: 99.9 }, aim: [45, 55] }],
  measure(contender, seed) {
    const backend = { latency: exactly(millisecond) };
    const arrivals = { kind: 'closed', callers: 1 } as const;
    const { calls } = simulate({ backends: [backend, backend], arrivals, calls: 10_000 }, contender, seed);
    return [100 * Math.max(calls.share(0), calls.share(1))];
  },
};

/** A new backend among warm ones. */
const coldStart: Workload = {
  name: 'cold start: 1 new among 9 warm, 500 calls at once',
  figures: [{ name: 'to the new one', unit: 'calls', published: { round_robin: 50, p2c_ewma: 98 }, aim: [0, 100] }],
  measure(contender, seed) {
    const random = new Random(seed);
    const picker = builderOf(contender, 10, random)();
    const cold = 9;
    warm(picker, cold, second);
    let taken = 0;
    for (let call = 0; call < 500; call++) if (pickAt(picker, 1.02 * second).endpoint === cold) taken++;
    return [taken];
  },
};

/** All but the endpoint `cold` get calls of 10 ms, and keep 5 in flight; what the policy gave to that one never starts. */
function warm(picker: Picker, cold: number, now: number): void {
  const inFlight = new Map<number, Pick[]>();
  const surplus: Pick[] = [];
  for (let warmEndpoints = 0; warmEndpoints < cold;) {
    const pick = pickAt(picker, now);
    const picks = inFlight.get(pick.endpoint) ?? [];
    if (pick.endpoint === cold || picks.length === 10) {
      surplus.push(pick);
      continue;
    }
    inFlight.set(pick.endpoint, picks);
    if (picks.push(pick) === 10) warmEndpoints++;
  }
  for (const pick of surplus) pick.suspend?.();
  for (const picks of inFlight.values()) for (const pick of picks.slice(5)) pick.done?.(0, now + 10 * millisecond);
}

/** One of ten backends accepts calls and never answers, from the start or from 10 s on. */
function blackHole(from: number): Workload {
  const silent = { latency: exactly(0), silent: true };
  return {
    name: `black hole: 1 of 10 from ${from} s on, deadline 10 s`,
    figures: [{ name: 'into it in 60 s', unit: 'calls', published: { round_robin: 6000 }, aim: [0, 30] }],
    measure(contender, seed) {
      const scenario: Scenario = {
        backends: others(9, from === 0 ? silent : steady),
        arrivals: poisson(1000),
        duration: (from + 60) * second,
        deadline: 10 * second,
        changes: [{ at: from * second, backend: 0, behaviour: silent }],
      };
      return [simulate(scenario, contender, seed).calls.count(0, from * second)];
    },
  };
}

/** Half of ten backends have a few very slow calls; the usual ones are equal. */
const heavyTail: Workload = {
  name: 'heavy tail: 2 % of calls of 5 of 10 take 100 ms more',
  figures: [{ name: 'calls above 20 ms', unit: '%', published: {} }],
  measure(contender, seed) {
    const usual = steady.latency;
    const tail = { latency: (random: Random) => usual(random) + (random.next() < 0.02 ? 100 * millisecond : 0) };
    const backends = Array.from({ length: 10 }, (_, index) => (index < 5 ? tail : steady));
    const { calls } = simulate({ backends, arrivals: poisson(2000), duration: 60 * second }, contender, seed);
    return [100 * calls.ratioAbove(20 * millisecond)];
  },
};

/** Every 2 s another of ten backends stands still for 300 ms, as for the collection of garbage. */
const pauses: Workload = {
  name: 'pauses: each of 10 stands still for 300 ms in turn',
  figures: [{ name: 'p999', unit: 'ms', published: {} }],
  measure(contender, seed) {
    const changes = Array.from({ length: 29 }, (_, count) => pause((count + 1) * 2 * second, count % 10));
    const backends = Array.from({ length: 10 }, () => steady);
    const scenario = { backends, arrivals: poisson(2000), duration: 60 * second, changes: changes.flat() };
    return [simulate(scenario, contender, seed).calls.percentile(0.999) / millisecond];
  },
};

/** In steps of 10 ms, a backend answers what comes while it stands still when that is over. */
function pause(from: number, backend: number): Change[] {
  const steps = Array.from({ length: 30 }, (_, step): Change => {
    const rest = (300 - 10 * step) * millisecond;
    const latency: Behaviour['latency'] = (random) => rest + steady.latency(random);
    return { at: from + 300 * millisecond - rest, backend, behaviour: { latency } };
  });
  return [...steps, { at: from + 300 * millisecond, backend, behaviour: steady }];
}

/** All of ten backends fail now and then; one is slow besides. */
const errorsEverywhere: Workload = {
  name: '1 % errors of all 10, of which 1 takes 20 ms',
  figures: [{ name: 'slow share', unit: '%', published: {} }],
  measure(contender, seed) {
    const code: Behaviour['code'] = (_, random) => (random.next() < 0.01 ? unavailable : 0);
    const backends = others(9, { latency: exactly(20 * millisecond) }).map(({ latency }) => ({ latency, code }));
    const { calls } = simulate({ backends, arrivals: poisson(1000), duration: 60 * second }, contender, seed);
    return [100 * calls.share(0)];
  },
};

/** One of ten backends holds a stream from 10 s to 40 s, beside its other calls. */
const stream: Workload = {
  name: 'stream: 1 of 10 holds one of 30 s',
  figures: [
    { name: 'share meanwhile', unit: '%', published: {} },
    { name: 'share, next 30 s', unit: '%', published: {} },
  ],
  measure(contender, seed) {
    const [from, to] = [10 * second, 40 * second];
    let held = false;
    const holding: Behaviour = {
      latency: (random) => {
        if (held) return steady.latency(random);
        held = true;
        return 30 * second;
      },
    };
    const changes = [{ at: from, backend: 0, behaviour: holding }];
    const backends = others(9, steady);
    const { calls } = simulate({ backends, arrivals: poisson(300), duration: 70 * second, changes }, contender, seed);
    return [100 * calls.share(0, from, to), 100 * calls.share(0, to, to + 30 * second)];
  },
};

export const workloads: readonly Workload[] = [
  tower,
  brpc(1, 5.3, 0.339),
  brpc(2, 5.32, 5.29),
  churn(undefined, 10, 0.27),
  churn(30, 11.2, 0.77),
  churn(10, 1000, 2.1),
  churn(2, 1000, 10),
  failFast(2, 99.9),
  failFast(3, 29.6),
  failFast(4, 12.8),
  failFast(5, 6.4),
  failFast(10, 0.76),
  cliff,
  fewErrors,
  lagBias,
  tie,
  coldStart,
  blackHole(0),
  blackHole(10),
  heavyTail,
  pauses,
  errorsEverywhere,
  stream,
];

/** The backend in question first, then `count` steady ones of about 6 ms. */
function others(count: number, first: Behaviour): Behaviour[] {
  return [first, ...Array.from({ length: count }, () => steady)];
}

function poisson(rate: number): Scenario['arrivals'] {
  return { kind: 'poisson', rate };
}

function pickAt(picker: Picker, now: number): Pick {
  return picker.pick({ now, header: () => undefined });
}
