import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Pick } from '../../src/policies/picker';
import { pairOf, readyEndpoints } from './endpoints';
import { P2cEwmaPicker, parseP2cEwmaConfig } from '../../src/policies/p2cEwma';

/** See the README beside the vectors. */
interface PickStep {
  readonly op: 'pick';
  readonly t: number;
  readonly call: number;
  readonly tries?: readonly (readonly [number, number])[];
  /** These three only where two were compared. */
  readonly candidates?: readonly number[];
  readonly loads?: readonly number[];
  readonly forced?: boolean;
  readonly chosen: number;
  readonly inflight: number;
}

interface DoneStep {
  readonly op: 'done';
  readonly t: number;
  readonly call: number;
  readonly conn: number;
  readonly code: number;
  readonly lag: number;
  readonly success: number;
  readonly inflight: number;
  readonly load: number;
}

const folder = path.join(__dirname, '../vectors/p2c_ewma');

describe("go-zero's golden vectors", () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl.gz'))) {
    it(`are replayed exactly: ${path.basename(file, '.jsonl.gz')}`, () => {
      const steps = replay(gunzipSync(readFileSync(path.join(folder, file))).toString('utf8'));
      assert.ok(steps > 100, `only ${steps} steps`);
    });
  }
});

function replay(text: string): number {
  const [header, ...steps] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  const draws: number[] = [];
  const { conns } = header as { readonly conns: number };
  const picker = new P2cEwmaPicker({
    readyEndpoints: readyEndpoints(conns),
    config: parseP2cEwmaConfig({}),
    log: () => undefined,
    random: () => draws.shift()!,
  });
  const calls = new Map<number, Pick>();
  for (const step of steps as (PickStep | DoneStep)[]) {
    if (step.op === 'pick') calls.set(step.call, replayPick(picker, step, draws));
    else replayDone(picker, step, calls.get(step.call)!);
  }
  return steps.length;
}

function replayPick(picker: P2cEwmaPicker, step: PickStep, draws: number[]): Pick {
  for (const [a, b] of step.tries ?? []) draws.push(pairOf(picker.endpoints.length, a, b));
  const pick = picker.pick({ now: step.t, header: () => undefined });
  const where = `call ${step.call}`;
  const { decision } = picker;
  const candidates = decision.candidates.slice(0, decision.candidateCount);
  assert.equal(pick.endpoint, step.chosen, where);
  assert.equal(decision.chosen, step.chosen, where);
  assert.equal(decision.reason === 'forced', step.forced ?? false, where);
  assert.equal(picker.endpoints[step.chosen]!.inflight, step.inflight, where);
  assert.deepEqual(
    candidates.map((candidate) => candidate.endpoint),
    step.candidates ?? [step.chosen],
    where,
  );
  if (step.loads) {
    assert.deepEqual(
      candidates.map((candidate) => candidate.score),
      step.loads,
      where,
    );
  }
  assert.equal(decision.rejectedDraws, Math.max(0, (step.tries?.length ?? 1) - 1), where);
  assert.equal(draws.length, 0, `${where}: every draw is used`);
  return pick;
}

function replayDone(picker: P2cEwmaPicker, step: DoneStep, pick: Pick): void {
  pick.done!(step.code, step.t);
  const state = picker.endpoints[step.conn]!;
  const where = `end of call ${step.call}`;
  assert.equal(state.inflight, step.inflight, where);
  assert.ok(Math.abs(state.lag - step.lag) <= 1, `${where}: lag ${state.lag}, not ${step.lag}`);
  assert.ok(Math.abs(state.success - step.success) <= 1, `${where}: success ${state.success}, not ${step.success}`);
  // exp differs by up to 2 ulp between Go and V8, and is truncated: the next step begins equal.
  state.lag = step.lag;
  state.rawSuccess = step.success;
  assert.equal(state.load, step.load, where);
}
