import '@pickscope/grpc-js';
import { status } from '@grpc/grpc-js';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { p2cEwma } from '../libraries/node/src/policies/p2cEwma';
import { peakEwma } from '../libraries/node/src/policies/peakEwma';
import type { Policy } from '../libraries/node/src/policies/picker';
import { Backend, TestClient } from '../libraries/node/test/backends';
import { TestResolver } from '../libraries/node/test/resolver';
import { exactly, exponentialAbove, type Behaviour } from '../simulator/backend';
import { CallLog } from '../simulator/callLog';
import { Random } from '../simulator/random';
import { roundRobin } from '../simulator/roundRobin';
import { simulate, type Scenario } from '../simulator/simulation';

/*
 * A few workloads with real servers and clients of grpc-js on loopback, beside what the simulator says of the same: the
 * order of the policies has to be the same. Ends with 1 where it is not.
 *
 *     npm run bench:loopback
 *
 * On a machine that is busy otherwise, timers come late by more than the backends differ; the last line tells.
 */

const millisecond = 1e6;
const second = 1e9;
const rate = 150;
const duration = 20 * second;
/** The first is what the others are compared with. */
const policies: readonly Policy[] = [roundRobin, p2cEwma, peakEwma];

const steady: Behaviour = { latency: exponentialAbove(5 * millisecond, millisecond) };
const slow: Behaviour = { latency: exactly(200 * millisecond) };
const failing: Behaviour = { latency: exactly(0.2 * millisecond), code: () => status.UNAVAILABLE };

interface Outcome {
  /** Of the backend in question, %. */
  readonly share: number;
  readonly p99Ms: number;
  /** % */
  readonly errors: number;
}

interface Workload {
  readonly name: string;
  readonly figure: keyof Outcome;
  /** The one in question first. */
  readonly backends: readonly Behaviour[];
  /** ns; the resolver names the same endpoints again whenever this has passed. */
  readonly rebuildEvery?: number;
}

const titles = { share: 'its share, %', p99Ms: 'p99, ms', errors: 'errors, %' };
const oneSlow = { backends: [slow, steady, steady, steady, steady, steady] };
const workloads: readonly Workload[] = [
  { name: '1 of 6 takes 200 ms', figure: 'share', ...oneSlow },
  { name: 'the same, resolved again every 0.5 s', figure: 'share', ...oneSlow, rebuildEvery: second / 2 },
  { name: 'the same, resolved again every 0.5 s', figure: 'p99Ms', ...oneSlow, rebuildEvery: second / 2 },
  { name: '1 of 3 fails at once', figure: 'errors', backends: [failing, steady, steady] },
];

function runSimulated({ backends, rebuildEvery }: Workload, policy: Policy): Outcome {
  const scenario: Scenario = {
    backends,
    arrivals: { kind: 'poisson', rate },
    duration,
    ...(rebuildEvery !== undefined && { rebuildEvery }),
  };
  const { calls } = simulate(scenario, { policy }, 1);
  return { share: 100 * calls.share(0), ...outcomeOf(calls) };
}

function outcomeOf(calls: CallLog): Omit<Outcome, 'share'> {
  return { p99Ms: calls.percentile(0.99) / millisecond, errors: 100 * calls.errorRate() };
}

/** With servers of its own, so that several can run at once. */
async function runReal({ backends, rebuildEvery }: Workload, policy: Policy): Promise<Outcome> {
  const random = new Random(1);
  const servers = await Promise.all(backends.map((behaviour) => serve(behaviour, random)));
  const ports = servers.map(({ port }) => port);
  const client = new TestClient(TestResolver.target(policy.name, ports), policy.name);
  const resolveAgain = () => void TestResolver.update(policy.name, ports);
  const timer = rebuildEvery === undefined ? undefined : setInterval(resolveAgain, rebuildEvery / millisecond);
  const calls = await call(client, random);
  clearInterval(timer);
  client.close();
  for (const server of servers) server.kill();
  const received = servers.reduce((sum, server) => sum + server.received, 0);
  return { share: (100 * servers[0]!.received) / received, ...outcomeOf(calls) };
}

async function serve({ latency, code }: Behaviour, random: Random): Promise<Backend> {
  const server = await Backend.start();
  server.answer = ({ request }, respond) => {
    const fails = code !== undefined && code(server.received, random) !== 0;
    const answer = () => (fails ? respond({ code: status.UNAVAILABLE }) : respond(null, request));
    setTimeout(answer, latency(random) / millisecond);
  };
  return server;
}

/** Calls as a Poisson process; timers are coarser than the gaps, so several calls may be due at once. */
async function call(client: TestClient, random: Random): Promise<CallLog> {
  const log = new CallLog();
  const one = async () => {
    const begun = performance.now();
    const code = await client.get();
    log.add(begun * millisecond, 0, (performance.now() - begun) * millisecond, code);
  };
  const calls: Promise<void>[] = [];
  const start = performance.now();
  for (let dueMs = 0; dueMs < duration / millisecond; dueMs += random.exponential(1000 / rate)) {
    const waitMs = start + dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.push(one());
  }
  await Promise.all(calls);
  return log;
}

/** Whether no two policies that the simulator tells apart, by a quarter or more, come out the other way round. */
function agree(real: readonly number[], simulated: readonly number[]): boolean {
  return simulated.every((better, a) => simulated.every((worse, b) => better * 1.25 > worse || real[a]! < real[b]!));
}

function ratios(values: readonly number[]): string[] {
  return values.slice(1).map((value) => (value / values[0]!).toPrecision(2));
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const compared = policies.slice(1).map(({ name }) => `${name} / ${policies[0]!.name}`);
const columns = ['workload', 'figure', ...policies.map(({ name }) => name), ...compared];
printRow([...columns, ...compared.map((name) => `${name}, simulated`), 'order']);
printRow([...columns, ...compared, ''].map(() => '---'));
for (const workload of workloads) {
  const simulated = policies.map((policy) => runSimulated(workload, policy)[workload.figure]);
  // At once, so that they have the same machine to share.
  const outcomes = await Promise.all(policies.map((policy) => runReal(workload, policy)));
  const real = outcomes.map((outcome) => outcome[workload.figure]);
  const same = agree(real, simulated);
  const figures = real.map((value) => value.toPrecision(3));
  const order = same ? 'the same' : '**another**';
  printRow([workload.name, titles[workload.figure], ...figures, ...ratios(real), ...ratios(simulated), order]);
  if (!same) process.exitCode = 1;
}
console.log(`\nTimers were late by ${(delay.percentile(99) / millisecond).toFixed(1)} ms (p99).`);
process.exit();
