import assert from 'node:assert/strict';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { CompletionFlag, PickFlag, PickReason, ScoreOrder, type PickBatchSchema } from '@pickscope/protocol/messages';
import { firstEndpoint, OtherClient } from './otherClient';

describe('A client of another policy', () => {
  const weighted = { name: 'static_weighted_round_robin', scoreOrder: ScoreOrder.HIGHER_WINS };
  const roundRobin = { name: 'round_robin' };
  const hash = { name: 'consistent_hash' };
  const peak = { name: 'peak_ewma', scoreOrder: ScoreOrder.LOWER_WINS };

  it('tells each reason, counts it, and finds it by its word', () => {
    const client = new OtherClient(hash);
    const words = { PROBE: 'probe', TURN: 'turn', KEY: 'key', NO_KEY: 'nokey' } as const;
    for (const name of Object.keys(words) as (keyof typeof words)[]) client.pick(PickReason[name], firstEndpoint);
    for (const word of Object.values(words)) {
      const { picks, reasons } = client.view(word);
      assert.deepEqual(
        picks.map(({ reason, endpoint }) => [reason, endpoint !== null]),
        [[word, true]],
      );
      assert.equal(reasons[word], 1);
    }
    client.pick(JSON.parse('99') as PickReason, firstEndpoint);
    assert.equal(client.view().picks[0]!.reason, 'untold', 'of a newer protocol');
  });

  it('takes turns by weight: the sum is that of all it could pick, once each was seen', () => {
    const client = new OtherClient(weighted);
    const turn = (endpoint: number, score: number) =>
      client.pick(PickReason.TURN, endpoint, { candidateEndpoint: [endpoint], candidateScore: [score] });
    turn(firstEndpoint, 20);
    assert.deepEqual(client.explain(client.view().picks[0]!), { verdict: 'turn', weight: 20, allWeights: null });
    turn(firstEndpoint + 1, 70);
    turn(firstEndpoint + 2, 10);
    assert.deepEqual(client.explain(client.view().picks[0]!), { verdict: 'turn', weight: 10, allWeights: 100 });
    assert.equal(client.view().scoreOrder, 'higher');
    assert.deepEqual(
      client.view().endpoints.map(({ load }) => load),
      [20, 70, 10],
    );
  });

  it('has no scores where its policy shows none, whatever stands in the column', () => {
    const client = new OtherClient(hash);
    client.pick(PickReason.KEY, firstEndpoint, { candidateEndpoint: [firstEndpoint] });
    const { picks, endpoints } = client.view();
    assert.equal(picks[0]!.candidates[0]!.score, null);
    assert.equal(endpoints[0]!.load, null);
    assert.deepEqual(client.explain(picks[0]!), { verdict: 'key' });
  });

  it('has what the observer keeps for it marked, in picks, completions and counters', () => {
    const averages = { candidateLagNs: [2e6], candidateSuccess: [900], candidateInflight: [3] };
    const derived = { flags: [PickFlag.DERIVED], candidateEndpoint: [firstEndpoint], ...averages };
    const picked = new OtherClient(roundRobin);
    picked.pick(PickReason.UNSPECIFIED, firstEndpoint, derived);
    const completed = new OtherClient(roundRobin);
    completed.pick(PickReason.UNSPECIFIED, firstEndpoint);
    const end = { endpoint: [firstEndpoint], lagNs: [2e6], success: [900], inflight: [4] };
    completed.complete({ ...end, flags: [CompletionFlag.DERIVED] });
    const counted = new OtherClient(roundRobin);
    counted.count([{ endpoint: firstEndpoint, lagNs: 2e6, success: 900, inflight: 4, peakNs: NaN, derived: true }]);
    for (const client of [picked, completed, counted]) {
      const { lagMs, success, inflight, derived: marked, peakMs } = client.view().endpoints[0]!;
      assert.deepEqual(
        { lagMs, success, inflight, marked, peakMs },
        { lagMs: 2, success: 900, inflight: 4, marked: true, peakMs: null },
      );
      assert.equal(client.view().endpoints[1]!.derived, false);
    }
    const [pick] = picked.view().picks;
    assert.equal(pick!.derived, true);
    assert.deepEqual(picked.explain(pick!), { verdict: 'untold' });
  });

  it('shows no count of calls where nobody keeps one', () => {
    const client = new OtherClient(roundRobin);
    client.pick(PickReason.UNSPECIFIED, firstEndpoint);
    client.complete({ endpoint: [firstEndpoint], lagNs: [NaN], success: [NaN] });
    client.count([{ endpoint: firstEndpoint, lagNs: NaN, success: NaN }]);
    assert.equal(client.view().endpoints[0]!.inflight, null);
  });

  describe('that compares by a peak', () => {
    const pair = { candidateEndpoint: [firstEndpoint, firstEndpoint + 1], candidateSuccess: [1000, 1000] };
    const compared = (columns: MessageInitShape<typeof PickBatchSchema>) => {
      const client = new OtherClient(peak);
      client.pick(PickReason.BETTER_SCORE, firstEndpoint, { ...pair, ...columns });
      return { client, explanation: client.explain(client.view().picks[0]!) };
    };

    it('shows it apart from the mean, which does not explain the choice', () => {
      const { client, explanation } = compared({
        candidateLagNs: [3e6, 2e6],
        candidatePeakNs: [4e6, 9e6],
        candidateScore: [4e6, 9e6],
      });
      assert.ok(explanation.verdict === 'lower');
      assert.deepEqual([explanation.why, explanation.measure], ['lag', 'peak']);
      assert.deepEqual([explanation.winner.lagNs, explanation.winner.peakNs], [3e6, 4e6]);
      const { endpoints } = client.view();
      assert.deepEqual(
        endpoints.map(({ lagMs, peakMs }) => [lagMs, peakMs]),
        [
          [3, 4],
          [2, 9],
          [null, null],
        ],
      );
    });

    it('names the failures that it charges as latency', () => {
      const { explanation } = compared({
        candidateLagNs: [3e6, 2e6],
        candidatePeakNs: [4e6, 4e6],
        candidateScore: [4e6, 4e8],
        candidateSuccess: [1000, 600],
      });
      assert.ok(explanation.verdict === 'lower' && explanation.why === 'success');
    });

    it('has none where the column is left out', () => {
      const { explanation } = compared({ candidateLagNs: [1e6, 2e6], candidateScore: [1, 2] });
      assert.ok(explanation.verdict === 'lower' && explanation.measure === 'lag');
      assert.equal(explanation.winner.peakNs, null);
    });

    it('explains a probe by the one that was probed and the best of the others', () => {
      const client = new OtherClient(peak);
      client.pick(PickReason.PROBE, firstEndpoint, { ...pair, candidateLagNs: [0, 2e6], candidateScore: [0, 2e6] });
      const explanation = client.explain(client.view().picks[0]!);
      assert.ok(explanation.verdict === 'probe');
      assert.deepEqual([explanation.winner?.lagNs, explanation.loser?.score], [0, 2e6]);
    });
  });

  it('says why it runs though another was asked for, as text', () => {
    const client = new OtherClient({ name: 'pick_first', note: 'no policy is named "P2C"\u202e' });
    const note = 'no policy is named "P2C"\ufffd';
    assert.equal(client.view().policyNote, note);
    assert.deepEqual(client.model.policyNotes(), [{ target: 'dns:///cart', policy: 'pick_first', note }]);
    client.policy({ name: 'p2c_ewma', note: '' });
    assert.equal(client.view().policyNote, '');
    assert.deepEqual(client.model.policyNotes(), []);
    const [event] = client.view().events;
    assert.ok(event?.kind === 'policy' && event.path[0] === 'p2c_ewma');
  });

  it('says what it cannot tell, as text and within bounds', () => {
    const limitations = Array.from({ length: 40 }, (_, index) => `${index}\u0007${'x'.repeat(1000)}`);
    const shown = new OtherClient(hash, { limitations }).model.process!.limitations;
    assert.equal(shown.length, 16);
    assert.ok(shown.every((each, index) => each.startsWith(`${index}\ufffdxxx`) && each.length <= 256));
  });
});
