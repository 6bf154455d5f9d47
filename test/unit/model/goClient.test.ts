import assert from 'node:assert/strict';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  CompletionFlag,
  GenerationCause,
  PickFlag,
  PickReason,
  PickResult,
  ScoreOrder,
  type PickBatchSchema,
} from '@pickscope/protocol/messages';
import { software } from '../../../src/model/process';
import { firstEndpoint, OtherClient } from './otherClient';
import { queryOf } from './queries';

/** What a stream of the Go library has in it that one of Node has not, or rarely. */
describe('A client of Go', () => {
  const p2c = { name: 'p2c_ewma', scoreOrder: ScoreOrder.LOWER_WINS };
  const roundRobin = { name: 'round_robin' };
  const [one, two, three] = [firstEndpoint, firstEndpoint + 1, firstEndpoint + 2] as const;

  /** As go-zero's picker was read: two candidates, the first of which has the lower load. */
  const pair: MessageInitShape<typeof PickBatchSchema> = {
    candidateEndpoint: [one, two],
    candidateLagNs: [1e6, 9e6],
    candidateSuccess: [1000, 1000],
    candidateInflight: [0, 0],
    candidateScore: [1000, 3000],
    candidateHealthy: [true, true],
  };
  const raced = { ...pair, flags: [PickFlag.RACED] };
  const derived = {
    flags: [PickFlag.DERIVED],
    candidateSuccess: [1000],
    candidateInflight: [0],
    candidateLagNs: [1e6],
  };

  describe('whose decision was read while completions raced it', () => {
    /** The one with the worse load was chosen, whatever was read. */
    const client = new OtherClient(p2c);
    client.pick(PickReason.BETTER_SCORE, one, pair);
    client.pick(PickReason.UNSPECIFIED, two, raced);
    const [row] = client.view().picks;

    it('has a reason of its own, not the policy’s silence, in rows, counts and the filter', () => {
      assert.deepEqual([row!.reason, row!.endpoint !== null, row!.candidates.length], ['raced', true, 2]);
      const { reasons } = client.view();
      assert.deepEqual([reasons.raced, reasons.untold, reasons.lower], [1, 0, 1]);
      assert.deepEqual(
        client.view('raced').picks.map(({ key }) => key),
        [row!.key],
      );
      assert.equal(client.view('untold').matching, 0);
    });

    it('explains nothing by the numbers that were read', () => {
      assert.deepEqual(client.explain(row!), { verdict: 'raced' });
    });

    it('counts as drawn, taken and lost all the same, but says nothing of how much better a load was', () => {
      const [first, second] = client.view().endpoints.map(({ id }) => id) as [number, number];
      const answerOf = (ask: number) =>
        client.model.view(queryOf({ windowSeconds: 30, ask }), client.model.reach(Infinity)!.toMs)!.answer!;
      assert.deepEqual(answerOf(first).lost, { raced: 1 });
      assert.deepEqual(answerOf(second).taken, { raced: 1 });
      const lostToSecond = answerOf(first).opponents.find(({ endpoint }) => endpoint === second)!;
      assert.deepEqual([lostToSecond.lostTo, lostToSecond.lostBy, lostToSecond.wonAgainst], [1, null, 1]);
    });

    it('has no ratio of loads where the choice agrees with them by accident', () => {
      const agreeing = new OtherClient(p2c);
      agreeing.pick(PickReason.UNSPECIFIED, one, raced);
      const [first] = agreeing.view().endpoints;
      const { answer } = agreeing.model.view(queryOf({ ask: first!.id }), agreeing.model.reach(Infinity)!.toMs)!;
      assert.deepEqual(
        answer!.opponents.map(({ wonAgainst, wonBy }) => [wonAgainst, wonBy]),
        [[1, null]],
      );
    });

    it('is exported as such', () => {
      assert.deepEqual(
        client.exported().map(({ reason, raced: flag }) => [reason, flag]),
        [
          ['lower', false],
          ['raced', true],
        ],
      );
    });

    it('is told with the chosen one alone, where nothing that was drawn was taken', () => {
      const wayward = new OtherClient(p2c);
      const flags = [PickFlag.RACED | PickFlag.DERIVED];
      wayward.pick(PickReason.UNSPECIFIED, three, {
        ...derived,
        candidateEndpoint: [three],
        candidateScore: [NaN],
        flags,
      });
      const [pick] = wayward.view().picks;
      assert.deepEqual([pick!.reason, pick!.derived, pick!.candidates[0]!.score], ['raced', true, null]);
      assert.deepEqual(wayward.explain(pick!), { verdict: 'raced' });
    });

    it('is one that was not decided where the call waits, whatever its flags', () => {
      const waiting = new OtherClient(p2c);
      waiting.pick(PickReason.UNSPECIFIED, 0, { result: [PickResult.QUEUED], flags: [PickFlag.RACED] });
      assert.equal(waiting.view().picks[0]!.reason, 'queued');
    });
  });

  describe('that picks once more for a call', () => {
    it('joins the end of a call that was queued to the pick that chose', () => {
      const client = new OtherClient(roundRobin);
      const call = { baseCall: 7n };
      client.pick(PickReason.UNSPECIFIED, 0, { ...call, result: [PickResult.QUEUED] });
      client.pick(PickReason.UNSPECIFIED, 0, { ...call, result: [PickResult.QUEUED] });
      client.pick(PickReason.UNSPECIFIED, one, { ...call, candidateEndpoint: [one], ...derived });
      client.complete({ ...call, endpoint: [one], latencyNs: [3e6] });
      const { picks } = client.view('call:7');
      assert.deepEqual(
        picks.map(({ reason, outcome }) => [reason, outcome?.latencyMs ?? null]),
        [
          ['untold', 3],
          ['queued', null],
          ['queued', null],
        ],
      );
      assert.equal(client.view('inflight').matching, 0);
    });

    it('has the pick before never started, where its connection was gone', () => {
      const client = new OtherClient(roundRobin);
      const call = { baseCall: 7n };
      client.pick(PickReason.UNSPECIFIED, one, call);
      client.pick(PickReason.UNSPECIFIED, two, call);
      const [last, first] = client.view().picks;
      assert.deepEqual([first!.outcome?.code, first!.outcome?.latencyMs, last!.outcome], ['', null, null]);
      assert.deepEqual([client.view('inflight').matching, client.view('error').matching], [1, 0]);
      client.complete({ ...call, endpoint: [two], latencyNs: [2e6] });
      assert.deepEqual(
        client.view().picks.map(({ outcome }) => [outcome?.code, outcome?.latencyMs]),
        [
          ['OK', 2],
          ['', null],
        ],
      );
      assert.deepEqual(
        client.exported().map(({ outcome }) => outcome),
        [null, 'OK'],
      );
      const [, failures] = client.view().endpoints.map(({ failureShare }) => failureShare);
      assert.equal(failures, 0, 'that is no failure');
    });

    it('tells a retry, which is another attempt, from that', () => {
      const client = new OtherClient(roundRobin);
      client.pick(PickReason.UNSPECIFIED, one, { baseCall: 7n, attempt: [1] });
      client.pick(PickReason.UNSPECIFIED, two, { baseCall: 7n, attempt: [2] });
      assert.deepEqual(
        client.view().picks.map(({ outcome }) => outcome),
        [null, null],
      );
    });
  });

  it('may count down what it took for started: totals follow, and no rate does', () => {
    const client = new OtherClient(roundRobin);
    const count = (started: bigint, neverStarted: bigint) => {
      client.wait(1000);
      client.count([{ endpoint: one, picks: 10n, started, neverStarted, lagNs: NaN, success: NaN, peakNs: NaN }]);
    };
    count(10n, 0n);
    assert.deepEqual([client.view().endpoints[0]!.started, client.view().endpoints[0]!.neverStarted], [10, 0]);
    count(8n, 2n);
    const { endpoints, picksPerSecond } = client.view();
    assert.deepEqual([endpoints[0]!.started, endpoints[0]!.neverStarted, endpoints[0]!.picks], [8, 2, 10]);
    const { series } = client.chart();
    const rates = series.endpoints.flatMap(({ picksPerSecond: picks, failuresPerSecond: failures }) => [
      ...picks,
      ...failures,
    ]);
    assert.ok([picksPerSecond, ...rates].every((rate) => !(rate < 0)));
  });

  it('does not know how long calls took that were picked while nobody watched, and counts them', () => {
    const client = new OtherClient(roundRobin);
    client.complete({ baseCall: 3n, endpoint: [one], latencyNs: [NaN], lagNs: [NaN], success: [NaN] });
    client.complete({ baseCall: 4n, endpoint: [one], latencyNs: [NaN], lagNs: [NaN], success: [NaN], code: [14] });
    const [first] = client.view().endpoints;
    assert.deepEqual(
      [first!.latencyMs, first!.latencyP95Ms, first!.failureShare, first!.lagMs],
      [null, null, 0.5, null],
    );
    client.pick(PickReason.UNSPECIFIED, one, { ...derived, candidateEndpoint: [one], candidateScore: [NaN] });
    client.complete({
      endpoint: [one],
      latencyNs: [4e6],
      lagNs: [4e6],
      success: [1000],
      flags: [CompletionFlag.DERIVED],
    });
    const [then] = client.view().endpoints;
    assert.ok(Math.abs(then!.latencyMs! - 4) < 0.4, 'only what is known counts');
    assert.equal(then!.lagMs, 4);
  });

  it('has its tree of policies, and the one of it that decided', () => {
    const client = new OtherClient({ name: 'outlier_detection_experimental' });
    client.change({ case: 'policy', value: { id: 3, channel: 1, parent: 2, name: 'round_robin' } });
    client.pick(PickReason.UNSPECIFIED, one, {
      policy: [3],
      candidateEndpoint: [one],
      candidateScore: [NaN],
      ...derived,
    });
    const { policyPath, picks } = client.view();
    assert.deepEqual(policyPath, ['outlier_detection_experimental', 'round_robin']);
    assert.equal(client.view('', picks[0]!.key).inspection!.policy, 'round_robin');
  });

  describe('whose picker is made anew at every resolver update', () => {
    const regenerate = (client: OtherClient, id: number, historyKept: boolean) => {
      client.wait(1000);
      client.change({ case: 'resolverUpdate', value: { channel: 1, endpointCount: 3 } });
      const endpoints = [one, two, three];
      const cause = GenerationCause.RESOLVER_UPDATE;
      client.change({ case: 'generation', value: { id, channel: 1, policy: 2, endpoints, cause, historyKept } });
    };

    it('loses what p2c_ewma knew each time, and shows it', () => {
      const client = new OtherClient(p2c);
      for (let id = 100; id < 105; id++) regenerate(client, id, id === 100);
      const generations = client.view().events.flatMap((event) => (event.kind === 'generation' ? [event] : []));
      assert.deepEqual(
        generations.map(({ cause, historyLost }) => [cause, historyLost]),
        [...Array.from({ length: 4 }, () => ['resolverUpdate', true]), ['resolverUpdate', false]],
      );
      // What the resolver brought and the picker that came of it are one marker.
      assert.deepEqual(
        client.chart().markers.map(({ kind, generation, historyLost }) => [kind, generation, historyLost]),
        Array.from({ length: 5 }, (_, index) => ['resolver', 100 + index, index > 0]),
      );
    });

    it('loses nothing where the policy keeps nothing', () => {
      const client = new OtherClient(roundRobin);
      for (let id = 100; id < 105; id++) regenerate(client, id, true);
      client.pick(PickReason.UNSPECIFIED, one, { ...derived, candidateEndpoint: [one], generation: [104] });
      const { picks, endpoints } = client.view();
      assert.equal(client.view('', picks[0]!.key).inspection!.generation.historyLost, false);
      assert.equal(endpoints[0]!.lagMs, 1, 'a derived average is not lost with the picker');
      assert.ok(client.chart().markers.every(({ historyLost }) => !historyLost));
    });
  });

  it('names what it runs, as far as it says so', () => {
    const process = {
      language: 'go',
      runtimeVersion: 'go1.26.8',
      library: 'github.com/pickscope/pickscope/libraries/go',
      libraryVersion: '0.1.0',
      grpcVersions: ['1.80.0'],
    };
    const said = (more: object = {}) => software(new OtherClient(p2c, { ...process, ...more }).model.process!);
    assert.equal(said(), 'go1.26.8, gRPC 1.80.0, github.com/pickscope/pickscope/libraries/go 0.1.0');
    assert.equal(said({ runtimeVersion: '', grpcVersions: [], library: '', libraryVersion: '' }), 'go');
    const node = { language: 'node', runtimeVersion: 'v22.1.0', library: '@pickscope/grpc-js' };
    assert.equal(said(node), 'node v22.1.0, gRPC 1.80.0, @pickscope/grpc-js 0.1.0');
  });
});
