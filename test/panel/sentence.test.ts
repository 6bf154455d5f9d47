import assert from 'node:assert/strict';
import type { Candidate, Explanation, Inspection, PickRow } from '../../src/messages/panel';
import { pickRow } from '../unit/pickRow';
import { sentence } from '../../src/panel/sentence';

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
      /which outweighs its 3 calls in flight against 1\.$/,
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

  it('lets no value become strong by itself', () => {
    const parts = say({ verdict: 'failed', code: '**X**' });
    assert.match(parts, /\*The picker failed the call with \*\*X\*\*\*/);
  });
});
