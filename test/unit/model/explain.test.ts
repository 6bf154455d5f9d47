import assert from 'node:assert/strict';
import type { Candidate, PickRow } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { explain, type Past } from '../../../src/model/explain';
import { pickRow } from '../pickRow';
import { FakeClient } from './fakeClient';
import { everyPick, queryOf } from './queries';

const nothingKnown: Past = { lagBeforeLossNs: () => null, allWeights: () => null };

function candidate(endpoint: number, lagNs: number | null, inflight: number): Candidate {
  const score = lagNs === null ? null : Math.trunc(Math.sqrt(lagNs + 1)) * (inflight + 1);
  return { endpoint, lagNs, peakNs: null, inflight, score, success: 1000, idleMs: 10, healthy: true };
}

describe('explain', () => {
  const why = (winner: Candidate, loser: Candidate) => {
    const explanation = explain(pickRow({ candidates: [loser, winner] }), 'lower', {
      ...nothingKnown,
      lagBeforeLossNs: () => 48e6,
    });
    assert.ok(explanation.verdict === 'lower');
    assert.equal(explanation.winner, winner);
    assert.equal(explanation.loser, loser);
    return explanation.why;
  };

  it('names what made the load lower', () => {
    assert.equal(why(candidate(1, 2e6, 1), candidate(2, 9e6, 1)), 'lag');
    assert.equal(why(candidate(1, 2e6, 3), candidate(2, 900e6, 1)), 'lag', 'lag outweighs more calls in flight');
    assert.equal(why(candidate(1, 9e6, 1), candidate(2, 9e6, 4)), 'inflight');
    assert.equal(why(candidate(1, 10e6, 0), candidate(2, 9e6, 4)), 'inflight', 'calls in flight outweigh more lag');
    assert.equal(why(candidate(1, 2e6, 0), candidate(2, 9e6, 4)), 'both');
    assert.equal(why(candidate(1, 0, 1), candidate(2, 9e6, 0)), 'unmeasured');
    assert.equal(why(candidate(1, null, 0), candidate(2, null, 0)), 'score');
  });

  it('tells the lag that an unmeasured winner had before', () => {
    const candidates = [candidate(1, 0, 1), candidate(2, 9e6, 0)];
    const explanation = explain(pickRow({ candidates }), 'lower', {
      ...nothingKnown,
      lagBeforeLossNs: (endpoint) => endpoint * 48e6,
    });
    assert.ok(explanation.verdict === 'lower' && explanation.lagBeforeLossNs === 48e6);
  });

  it('does not derive a reason from lag that had no part in the choice', () => {
    const candidates = [candidate(1, 2e6, 1), candidate(2, 9e6, 1)];
    for (const [fields, order] of [
      [{ derived: true }, 'lower'],
      [{}, 'higher'],
    ] as const) {
      const explanation = explain(pickRow({ candidates, ...fields }), order, nothingKnown);
      assert.ok(explanation.verdict === 'lower' && explanation.why === 'score');
    }
  });

  it('compares the winner with the strongest of the others', () => {
    const candidates = [candidate(3, 90e6, 0), candidate(1, 2e6, 0), candidate(2, 9e6, 0)];
    const explanation = explain(pickRow({ candidates }), 'lower', nothingKnown);
    assert.ok(explanation.verdict === 'lower' && explanation.loser.endpoint === 2);
  });

  it('names ties, forced picks and picks without a choice', () => {
    const candidates = [candidate(1, 9e6, 0), candidate(2, 2e6, 0)];
    const verdict = (fields: Partial<PickRow>) => explain(pickRow({ candidates, ...fields }), 'lower', nothingKnown);
    const [winner, loser] = candidates as [Candidate, Candidate];
    assert.deepEqual(verdict({ reason: 'forced' }), { verdict: 'forced', winner, loser });
    assert.deepEqual(verdict({ reason: 'tie' }), { verdict: 'tie', winner, loser });
    assert.deepEqual(verdict({ reason: 'only', candidates: [winner] }), { verdict: 'only', winner });
    assert.deepEqual(verdict({ reason: 'only', candidates: [] }), { verdict: 'only', winner: null });
    assert.deepEqual(verdict({ reason: 'untold' }), { verdict: 'untold' });
    assert.deepEqual(verdict({ reason: 'lower', candidates: [] }), { verdict: 'untold' });
    assert.deepEqual(verdict({ reason: 'queued', endpoint: null }), { verdict: 'queued' });
    const failed = { reason: 'failed', endpoint: null, code: 'UNAVAILABLE' } as const;
    assert.deepEqual(verdict(failed), { verdict: 'failed', code: 'UNAVAILABLE' });
  });
});

describe('An inspected pick', () => {
  const fast = '10.0.0.1:50051';
  const slow = '10.0.0.2:50051';
  const backends = [
    { address: fast, latencyMs: 2 },
    { address: slow, latencyMs: 50 },
    { address: '10.0.0.3:50051', latencyMs: 5 },
  ];
  const fake = new FakeClient({ backends, picksPerSecond: 300 }).attach();
  const model = new ClientModel({ pickBudgetBytes: 4_000_000 });
  fake.run(5000);
  const rebuiltMs = fake.nowMs;
  fake.fail('10.0.0.3:50051').run(3000).flush();
  for (const message of fake.messages) model.apply(message);
  const view = (inspect?: number) => model.view(queryOf({ ...(inspect && { inspect }) }), fake.nowMs)!;
  const { endpoints } = view();
  const picks = everyPick(model, queryOf(), fake.nowMs);
  const idOf = (address: string) => endpoints.find(({ addresses }) => addresses[0] === address)!.id;

  it('names its policy, generation and neighbours on the same endpoint', () => {
    const index = picks.findIndex(({ endpoint }, at) => endpoint === idOf(fast) && at > 20);
    const { inspection } = view(picks[index]!.key);
    assert.ok(inspection);
    assert.deepEqual(inspection.pick, picks[index]);
    assert.equal(inspection.policy, 'p2c_ewma');
    assert.equal(inspection.generation.id, fake.generation);
    assert.equal(inspection.generation.historyLost, true);
    assert.ok(Math.abs(inspection.generation.ageMs! - (picks[index]!.timeMs - rebuiltMs)) < 0.01);
    const same = picks.filter(({ endpoint }) => endpoint === idOf(fast));
    const at = same.indexOf(picks[index]!);
    assert.equal(inspection.after?.key, same[at - 1]!.key);
    assert.equal(inspection.before?.key, same[at + 1]!.key);
    assert.equal(inspection.before.ms, picks[index]!.timeMs - same[at + 1]!.timeMs);
  });

  it('tells the lag that the slow endpoint had before its history was lost', () => {
    const unmeasured = picks.findLast(
      ({ timeMs, endpoint, candidates, reason }) =>
        timeMs > rebuiltMs &&
        reason === 'lower' &&
        endpoint === idOf(slow) &&
        candidates.some((one) => one.endpoint === endpoint && one.lagNs === 0) &&
        candidates.some((one) => one.endpoint !== endpoint && one.lagNs! > 0),
    );
    assert.ok(unmeasured, 'an unmeasured endpoint looks cheap');
    const explanation = view(unmeasured.key).inspection!.explanation;
    assert.ok(explanation.verdict === 'lower');
    assert.equal(explanation.why, 'unmeasured');
    assert.ok(Math.abs(explanation.lagBeforeLossNs! - 50e6) < 10e6);
  });

  it('tells the lag before and after its completion', () => {
    const mine = fake.picks.filter(({ address, end, timeMs }) => address === fast && end && timeMs > rebuiltMs + 100);
    const ends = mine.toSorted((a, b) => a.end!.timeMs - b.end!.timeMs);
    const rows = new Map(picks.map((row) => [row.call, row]));
    let compared = 0;
    for (const [index, { call }] of ends.slice(1).entries()) {
      const { inspection } = view(rows.get(call)!.key);
      const before = rows.get(ends[index]!.call)!.outcome!.lagAfterNs;
      assert.equal(inspection?.lagBeforeNs, before);
      if (++compared === 50) break;
    }
    assert.equal(compared, 50);
  });

  it('is none for a pick that is no longer kept', () => {
    assert.equal(view(999_999_999).inspection, undefined);
    assert.equal(view(0.5).inspection, undefined);
  });
});
