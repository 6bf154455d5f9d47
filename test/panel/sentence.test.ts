import assert from 'node:assert/strict';
import type { Candidate, Explanation, Inspection, PickRow } from '../../src/messages/panel';
import { pickRow } from '../unit/pickRow';
import { sentence } from '../../src/panel/explain/sentence';

const fast: Candidate = {
  endpoint: 1,
  lagNs: 1.59e6,
  peakNs: null,
  success: 1000,
  inflight: 0,
  score: 1261,
  idleMs: 19,
  healthy: true,
};
const slow: Candidate = {
  endpoint: 4,
  lagNs: 46.5e6,
  peakNs: null,
  success: 1000,
  inflight: 1,
  score: 13_648,
  idleMs: 29,
  healthy: true,
};
const fresh: Candidate = { ...slow, lagNs: 0, score: 2 };

function say(explanation: Explanation, part: Partial<PickRow> = {}, historyLost = false): string {
  const pick = pickRow({
    generation: 49,
    endpoint: 'winner' in explanation ? (explanation.winner?.endpoint ?? null) : null,
    ...part,
  });
  const inspection: Inspection = {
    pick,
    policy: 'p2c_ewma',
    scoreOrder: 'lower',
    explanation,
    generation: { id: 49, ageMs: 49, historyLost },
    before: null,
    after: null,
    lagBeforeNs: null,
  };
  const parts = sentence(inspection, (endpoint) => `10.0.0.${endpoint}`);
  return parts.map(({ text, strong }) => (strong ? `*${text}*` : text)).join('');
}

describe('the sentence of a pick', () => {
  const lower = { verdict: 'lower', measure: 'lag', lagBeforeLossNs: null } as const;

  it('names both loads, and the lag that made the difference', () => {
    assert.equal(
      say({ ...lower, winner: fast, loser: { ...slow, inflight: 0 }, why: 'lag' }),
      '*10.0.0.1 won with load 1,261 against 13,648*: its lag was lower, 1.59 against 46.5 ms.',
    );
  });

  it('says what a lower lag outweighed', () => {
    assert.match(
      say({ ...lower, winner: { ...fast, inflight: 3 }, loser: slow, why: 'lag' }),
      /which outweighs its calls in flight, 3 against 1\.$/,
    );
  });

  it('names the calls in flight where they made the difference', () => {
    assert.match(
      say({ ...lower, winner: fast, loser: { ...fast, endpoint: 2, inflight: 2 }, why: 'inflight' }),
      /: it had fewer calls in flight, 0 against 2\.$/,
    );
  });

  it('says that an unmeasured lag won because the history was lost', () => {
    assert.equal(
      say({ ...lower, winner: fresh, loser: fast, why: 'unmeasured', lagBeforeLossNs: 48.1e6 }, {}, true),
      '*10.0.0.4 won with load 2 against 1,261*: its lag was not yet measured, because generation 49 had lost the ' +
        'history 49 ms before. Until then its lag was 48.1 ms.',
    );
  });

  it('says of a forced pick that the loser was taken, and why', () => {
    const taken = { ...slow, idleMs: 1204 };
    assert.equal(
      say({ verdict: 'forced', winner: fast, loser: taken }, { endpoint: 4, reason: 'forced' }),
      '*10.0.0.4 was forced with load 13,648 against 1,261*: it had not been picked for 1.2 s, and its lag is to be ' +
        'measured again.',
    );
  });

  it('counts the draws where no pair was healthy', () => {
    const rejected = [[{ endpoint: 1, success: 400 }], [{ endpoint: 4, success: 300 }]];
    assert.match(
      say({ ...lower, verdict: 'unhealthy', winner: fast, loser: slow, why: 'both' }, { rejected }),
      /^No pair of 3 draws was healthy, so the last was compared\. \*10\.0\.0\.1 won/,
    );
  });

  it('has a sentence for each other verdict', () => {
    assert.match(say({ verdict: 'tie', winner: fast, loser: { ...fast, endpoint: 2 } }), /same load, 1,261\*/);
    assert.match(say({ verdict: 'only', winner: fast }), /^\*10\.0\.0\.1 was the only candidate\*/);
    assert.match(say({ verdict: 'untold' }, { endpoint: 1 }), /^\*p2c_ewma chose 10\.0\.0\.1\*/);
    assert.match(say({ verdict: 'queued' }), /^\*No endpoint was ready\*/);
    assert.match(say({ verdict: 'failed', code: 'UNAVAILABLE' }), /^\*The picker failed the call with UNAVAILABLE\*/);
    assert.match(say({ verdict: 'dropped', code: 'UNAVAILABLE' }), /^\*The picker dropped the call/);
  });

  it('speaks of the peak where that was compared', () => {
    const [winner, loser] = [
      { ...fast, peakNs: 2.5e6 },
      { ...slow, peakNs: 60e6 },
    ];
    const peak = { ...lower, measure: 'peak', winner, loser } as const;
    assert.match(say({ ...peak, why: 'lag' }), /: its peak was lower, 2\.50 against 60\.0 ms\.$/);
    assert.match(say({ ...peak, why: 'both' }), /: its peak was lower, 2\.50 against 60\.0 ms, and so were its calls/);
    const fewer = {
      ...peak,
      winner: { ...loser, inflight: 0 },
      loser: { ...winner, inflight: 30 },
      why: 'inflight',
    } as const;
    assert.match(say(fewer), /calls in flight, 0 against 30, which outweighs its peak of 60\.0 against 2\.50 ms\.$/);
    const failing = { ...loser, success: 612.4 };
    assert.match(
      say({ ...peak, loser: failing, why: 'success' }),
      /: it fails less often, success 1000 against 612\.$/,
    );
  });

  it('says of a probe why its turn to be measured came', () => {
    const probe = { verdict: 'probe', loser: fast } as const;
    assert.equal(
      say({ ...probe, winner: { ...slow, score: 12, idleMs: 4200 } }),
      '*10.0.0.4 was probed with load 12 against 1,261*: it had not been measured for too long, its last pick was 4.2 s before.',
    );
    assert.match(
      say({ ...probe, winner: { ...fresh, score: 0 } }),
      /with load 0 against 1,261\*: its lag was not yet measured\.$/,
    );
    assert.match(say({ ...probe, winner: slow, loser: null }), /^\*10\.0\.0\.4 was probed\*: it had not been measured/);
    assert.match(say({ verdict: 'probe', winner: null, loser: null }, { endpoint: 4 }), /^\*10\.0\.0\.4 was probed\*/);
  });

  it('has a sentence for turns and keys', () => {
    const of = (explanation: Explanation) => say(explanation, { endpoint: 4 });
    const turn = { verdict: 'turn', weight: 20, allWeights: 100 } as const;
    assert.equal(of(turn), '*It was the turn of 10.0.0.4*, by weight 20 of 100.');
    assert.equal(of({ ...turn, allWeights: null }), '*It was the turn of 10.0.0.4*, by weight 20.');
    assert.equal(of({ ...turn, weight: null }), '*It was the turn of 10.0.0.4*, by its weight.');
    assert.match(of({ verdict: 'key' }), /^\*The key of the call belongs to 10\.0\.0\.4\*/);
    assert.match(of({ verdict: 'nokey' }), /^\*The call had no key\*, so 10\.0\.0\.4 was drawn at random\.$/);
  });

  it('lets no value become strong by itself', () => {
    const parts = say({ verdict: 'failed', code: '**X**' });
    assert.match(parts, /\*The picker failed the call with \*\*X\*\*\*/);
  });
});
