import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import { GenerationCause, PickReason, PickResult, WatchResponseSchema } from '@pickscope/protocol/messages';
import { ClientModel } from '../../../src/model/clientModel';
import type { ChannelView, ChartView, PickRow, Query } from '../../../src/messages/panel';
import { FakeClient, fakeStream, type FakeClientOptions, type FakePick } from './fakeClient';
import { everyPick, queryOf } from './queries';

const query = queryOf({ windowSeconds: 60, points: 61 });
const fast = '10.0.0.1:50051';
const middle = '10.0.0.2:50051';
const slow = '10.0.0.3:50051';
const backends = [
  { address: fast, latencyMs: 2 },
  { address: middle, latencyMs: 5 },
  { address: slow, latencyMs: 40, errors: 0.05 },
];

function client(options: Partial<FakeClientOptions> = {}): FakeClient {
  return new FakeClient({ backends, picksPerSecond: 200, ...options }).attach();
}

/** A model that has read all that the client sent so far; later calls read what came since. */
function reader(fake: FakeClient, pickBudgetBytes = 8_000_000) {
  const model = new ClientModel({ pickBudgetBytes });
  let read = 0;
  const catchUp = () => {
    for (; read < fake.messages.length; read++) model.apply(fake.messages[read]!);
  };
  const view = (asked: Partial<Query> = {}): ChannelView => {
    catchUp();
    const answer = model.view({ ...query, ...asked }, fake.nowMs);
    assert.ok(answer, 'there is a channel');
    return answer;
  };
  /** With all of the list. */
  const whole = (): ChannelView => ({ ...view(), picks: everyPick(model, query, fake.nowMs) });
  /** In buckets of a second. */
  const chart = (asked: Partial<Query> = {}): ChartView => {
    catchUp();
    const { windowSeconds = query.windowSeconds } = asked;
    return model.chart({ ...query, points: windowSeconds + 1, ...asked }, fake.nowMs)!;
  };
  return { model, view, whole, chart };
}

function addressOf(view: ChannelView, id: number | null): string {
  const known = [...view.endpoints, ...view.formerEndpoints].find((endpoint) => endpoint.id === id);
  return known?.addresses[0] ?? '';
}

function row(view: ChannelView, address: string) {
  const found = view.endpoints.find(({ addresses }) => addresses[0] === address);
  assert.ok(found, `${address} is in the table`);
  return found;
}

/** The picks that were sent, oldest first. */
function sent(fake: FakeClient): FakePick[] {
  return fake.flush().flush().picks;
}

function assertSamePick(view: ChannelView, shown: PickRow, real: FakePick): void {
  assert.equal(shown.call, real.call);
  assert.ok(Math.abs(shown.timeMs - real.timeMs) < 0.01, `${shown.timeMs} is ${real.timeMs}`);
  assert.equal(shown.method, real.method);
  assert.equal(addressOf(view, shown.endpoint), real.address);
  assert.deepEqual(
    shown.candidates.map(({ endpoint, lagNs, inflight, score }) => ({
      address: addressOf(view, endpoint),
      lagNs,
      inflight,
      score,
    })),
    real.candidates,
  );
  assert.equal(shown.outcome === null, real.end === undefined, `whether call ${real.call} ended`);
  if (!shown.outcome || !real.end) return;
  assert.equal(shown.outcome.code, real.end.code === 0 ? 'OK' : 'UNAVAILABLE');
  assert.ok(Math.abs(shown.outcome.latencyMs! - real.end.latencyMs) < 1e-6);
}

describe('ClientModel', () => {
  it('has no view before a channel is known, and a snapshot when it is complete', () => {
    const fake = client();
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    assert.equal(model.view(query, fake.nowMs), undefined);
    const snapshotEnd = fake.messages.findIndex(({ body }) => body.case === 'snapshotEnd');
    for (const message of fake.messages.slice(0, snapshotEnd)) model.apply(message);
    assert.equal(model.hasSnapshot, false);
    const before = model.version;
    model.apply(fake.messages[snapshotEnd]!);
    assert.equal(model.hasSnapshot, true);
    assert.ok(model.version > before);
    assert.equal(model.process?.name, 'orders-api');
    assert.equal(model.process.pid, 48213);
    const view = model.view(query, fake.nowMs)!;
    assert.deepEqual(view.policyPath, ['p2c_ewma']);
    assert.equal(view.scoreOrder, 'lower');
    assert.equal(view.picksSeen, 0);
    assert.equal(view.fairness, null);
    assert.deepEqual(view.events, [], 'what exists is no event');
  });

  it('shows every pick as it was, with its outcome', () => {
    const fake = client();
    const { whole } = reader(fake);
    fake.run(5000);
    const real = sent(fake).toReversed();
    const shown = whole();
    assert.ok(real.length > 800);
    assert.equal(shown.picks.length, real.length);
    for (const [index, pick] of shown.picks.entries()) assertSamePick(shown, pick, real[index]!);
    assert.equal(shown.retained, real.length);
    assert.equal(shown.picksSeen, real.length);
  });

  it('joins completions that come before their picks', () => {
    const fake = client();
    fake.completionsFirst = true;
    const { whole } = reader(fake);
    fake.run(3000);
    const real = sent(fake).toReversed();
    const shown = whole();
    assert.equal(shown.picks.length, real.length);
    for (const [index, pick] of shown.picks.entries()) assertSamePick(shown, pick, real[index]!);
  });

  it('shows a choice that follows from the shown scores and the reason', () => {
    const fake = client();
    const { whole } = reader(fake);
    fake.run(10_000);
    let compared = 0;
    for (const { reason, endpoint, candidates } of whole().picks) {
      if (candidates.length < 2) continue;
      compared++;
      const [a, b] = candidates as [(typeof candidates)[0], (typeof candidates)[0]];
      const lower = a.score! > b.score! ? b : a;
      const higher = lower === a ? b : a;
      const expected = { lower, unhealthy: lower, tie: a, forced: higher }[reason as 'lower'];
      assert.equal(endpoint, expected.endpoint, reason);
    }
    assert.ok(compared > 1000);
  });

  describe('the table', () => {
    it('gives the shares of the picks of the last 10 s, and Jain’s index over them', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(30_400);
      const shown = view();
      // Shares are of whole buckets of 250 ms that are surely complete.
      const end = Math.floor((shown.atMs - 100) / 250) * 250;
      const recent = sent(fake).filter(({ timeMs }) => timeMs >= end - 10_000 && timeMs < end);
      const counts = backends.map(({ address }) => recent.filter((pick) => pick.address === address).length);
      for (const [index, { address }] of backends.entries()) {
        assert.equal(row(shown, address).share, counts[index]! / recent.length);
        assert.equal(row(shown, address).fairShare, 1 / 3);
        assert.equal(row(shown, address).picksPerSecond, counts[index]! / 10);
      }
      assert.equal(shown.picksPerSecond, recent.length / 10);
      const squares = counts.reduce((sum, count) => sum + count * count, 0);
      assert.ok(Math.abs(shown.fairness! - recent.length ** 2 / (3 * squares)) < 1e-12);
      assert.ok(shown.fairness! < 0.95, 'the slow one gets less');
    });

    it('gives the exact counters, whatever was watched', () => {
      const fake = new FakeClient({ backends, picksPerSecond: 200 });
      fake.run(5000).attach();
      const { view } = reader(fake);
      fake.run(1000);
      const shown = view();
      const real = fake.picks.filter(({ timeMs }) => timeMs <= fake.nowMs);
      assert.equal(shown.totals.completed, real.length);
      for (const { address } of backends) {
        const picks = real.filter((pick) => pick.address === address);
        assert.equal(row(shown, address).picks, picks.length);
        assert.equal(row(shown, address).failures, picks.filter(({ end }) => (end?.code ?? 0) !== 0).length);
      }
      assert.ok(shown.picksSeen < 300, 'picks before attaching are not seen');
    });

    it('gives rates over what was watched, when that is less than 10 s', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(2100);
      assert.ok(Math.abs(view().picksPerSecond - 200) < 60, `${view().picksPerSecond}`);
    });

    it('is ordered by address, and labels what differs', () => {
      const fake = client({
        backends: ['10.0.0.10:1', '10.0.0.9:1'].map((address) => ({ address, latencyMs: 1 })),
      });
      const labels = reader(fake)
        .view()
        .endpoints.map(({ label }) => label);
      assert.deepEqual(labels, ['10.0.0.9', '10.0.0.10']);
    });

    it('shows the last load that a picker read', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(5000).flush();
      const shown = view();
      const end = Math.floor((shown.atMs - 100) / 250) * 250;
      for (const { address } of backends) {
        const read = fake.picks
          .filter(({ timeMs }) => timeMs < end)
          .flatMap(({ candidates }) => candidates.filter((candidate) => candidate.address === address));
        assert.equal(row(shown, address).load, read.at(-1)!.score);
      }
    });

    it('says what an endpoint that is not READY is in, and no numbers that a picker would read', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(3000);
      fake.fail(slow, 'connect ECONNREFUSED 10.0.0.3').run(2000);
      const failed = row(view(), slow);
      assert.equal(failed.state, 'TRANSIENT_FAILURE');
      assert.equal(failed.error, 'connect ECONNREFUSED 10.0.0.3');
      assert.ok(Math.abs(failed.stateSinceMs - (fake.nowMs - 2000)) < 1);
      assert.equal(failed.load, null);
      assert.equal(failed.fairShare, 0);
      assert.equal(row(view(), fast).fairShare, 1 / 2);
    });
  });

  describe('the series', () => {
    it('counts the picks of each whole second', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(20_500);
      const { series } = chart({ windowSeconds: 10 });
      assert.equal(series.times.length, 10);
      for (const line of series.endpoints) {
        const address = addressOf(view(), line.endpoint);
        for (const [index, second] of series.times.entries()) {
          const picks = fake.picks.filter(
            (pick) => pick.address === address && pick.timeMs >= second && pick.timeMs < second + 1000,
          );
          assert.equal(line.picksPerSecond[index], picks.length);
        }
      }
    });

    it('draws the mean of the loads that were compared in each second', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(20_500);
      const shown = view();
      const { series } = chart({ windowSeconds: 10 });
      const { times } = series;
      for (const { endpoint, load } of series.endpoints) {
        const address = addressOf(shown, endpoint);
        for (const [index, second] of times.entries()) {
          const scores = fake.picks
            .filter(({ timeMs }) => timeMs >= second && timeMs < second + 1000)
            .flatMap(({ candidates }) => candidates.filter((one) => one.address === address).map(({ score }) => score));
          if (scores.length === 0) continue;
          const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
          assert.ok(Math.abs(load[index]! - mean) <= mean / 1000, `${load[index]} is ${mean}`);
        }
      }
    });

    it('knows nothing of the time before attaching', () => {
      const fake = new FakeClient({ backends, picksPerSecond: 200 }).run(10_000).attach();
      const { chart } = reader(fake);
      fake.run(5500);
      const line = chart({ windowSeconds: 10 }).series.endpoints[0]!;
      assert.deepEqual(
        Array.from(line.picksPerSecond, (value) => Number.isNaN(value)),
        [...Array<boolean>(5).fill(true), ...Array<boolean>(5).fill(false)],
      );
    });

    it('breaks where the history is lost, and is empty while an endpoint is not READY', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(10_300);
      fake.fail(slow).run(5000);
      fake.recover(slow).run(10_000);
      const shown = view();
      const { series } = chart({ windowSeconds: 25 });
      const known = (address: string) =>
        Array.from(series.endpoints.find(({ endpoint }) => addressOf(shown, endpoint) === address)!.lagMs, (value) =>
          Number.isNaN(value) ? '.' : 'x',
        ).join('');
      assert.equal(known(fast), 'xxxxxxxxxx.xxxx.xxxxxxxxx');
      assert.equal(known(slow), 'xxxxxxxxxx.....xxxxxxxxxx');
    });

    it('does not break where the history was kept', () => {
      const fake = client();
      const { chart } = reader(fake);
      fake.run(5300);
      fake.rebuild(GenerationCause.RESOLVER_UPDATE, true).run(5000);
      const shown = chart({ windowSeconds: 10 });
      assert.ok(shown.series.endpoints[0]!.load.slice(1).every((value) => !Number.isNaN(value)));
      assert.equal(shown.markers.at(-1)?.historyLost, false);
    });
  });

  describe('events and markers', () => {
    it('tells changes of state with their errors, and the generations that they caused', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(1000);
      fake.fail(slow, 'refused').run(1000);
      const { events } = view();
      const { markers } = chart();
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['generation', 'endpointState'],
      );
      const [generation, state] = events as [(typeof events)[0], (typeof events)[0]];
      assert.ok(generation.kind === 'generation' && generation.ready === 2 && generation.historyLost);
      assert.equal(generation.cause, 'endpointNotReady');
      assert.ok(state.kind === 'endpointState' && state.error === 'refused');
      assert.equal(state.from, 'READY');
      assert.equal(state.to, 'TRANSIENT_FAILURE');
      assert.equal(markers.length, 1, 'a state and the generation that it caused are one marker');
      assert.deepEqual(
        { kind: markers[0]?.kind, generation: markers[0]?.generation, historyLost: markers[0]?.historyLost },
        { kind: 'notReady', generation: fake.generation, historyLost: true },
      );
    });

    it('tells what the resolver brings and takes', () => {
      const fake = client();
      const { view, whole } = reader(fake);
      fake.run(1000);
      fake.add({ address: '10.0.0.4:50051', latencyMs: 3 }).run(1000);
      assert.equal(row(view(), '10.0.0.4:50051').slot, 3);
      fake.remove('10.0.0.4:50051').run(1000);
      const shown = whole();
      assert.deepEqual(
        shown.events.map(({ kind }) => kind),
        ['generation', 'resolver', 'endpointRemoved', 'generation', 'resolver', 'endpointAdded'],
      );
      assert.equal(shown.endpoints.length, 3);
      assert.deepEqual(
        shown.formerEndpoints.map(({ addresses }) => addresses[0]),
        ['10.0.0.4:50051'],
        'picks that chose it can still be named',
      );
    });

    it('knows an endpoint again that comes back', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(1000);
      const { id, slot } = row(view(), slow);
      fake.remove(slow).run(1000);
      fake.add({ address: slow, latencyMs: 3 }).run(1000);
      assert.equal(row(view(), slow).id, id);
      assert.equal(row(view(), slow).slot, slot);
    });

    it('adds up drops over streams, and marks them', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(1000).drop(5, 2).drop(8, 2).run(5000).drop(10, 3);
      fake.attach().run(1000).drop(4, 0);
      const shown = view();
      assert.deepEqual(shown.drops, { picks: 14, completions: 3 });
      const drops = shown.events.flatMap((event) => (event.kind === 'drops' ? [event.picks] : []));
      assert.deepEqual(drops, [4, 2, 8], 'those within a second are one');
      assert.equal(chart().markers.filter(({ kind }) => kind === 'drops').length, 3);
    });
  });

  describe('a restart', () => {
    it('is marked, and keeps history, keys, ids and colours', () => {
      const fake = client();
      const { model, whole, chart } = reader(fake);
      fake.run(3000).flush();
      const before = whole();
      fake.restart().run(3000).flush();
      const after = whole();
      assert.equal(model.process?.pid, 48214);
      assert.equal(after.id, before.id);
      for (const { address } of backends) {
        assert.equal(row(after, address).id, row(before, address).id);
        assert.equal(row(after, address).slot, row(before, address).slot);
      }
      const kept = after.picks.filter(({ key }) => key <= before.picks[0]!.key);
      assert.equal(kept.length, before.picks.length);
      const ended = (picks: readonly PickRow[]) => picks.filter(({ outcome }) => outcome).length;
      assert.equal(ended(kept), ended(before.picks), 'calls of the new process do not end those of the old one');
      assert.deepEqual(
        chart().markers.map(({ kind }) => kind),
        ['restart'],
      );
      assert.equal(after.events.filter(({ kind }) => kind === 'restart').length, 1);
      const fresh = fake.picks.slice(-(after.picks.length - kept.length)).toReversed();
      for (const [index, pick] of fresh.entries()) assertSamePick(after, after.picks[index]!, pick);
    });

    it('breaks the lines, and leaves no numbers from before', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(5300).restart();
      const shown = view();
      assert.equal(row(shown, fast).load, null);
      fake.run(5000);
      const { lagMs } = chart({ windowSeconds: 10 }).series.endpoints[0]!;
      assert.deepEqual(
        Array.from(lagMs, (value) => Number.isNaN(value)),
        [false, false, false, false, false, true, false, false, false, false],
      );
    });

    it('is none when the same process is attached again', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(2000);
      const before = view();
      fake.run(30).attach().run(2000);
      const after = view();
      assert.deepEqual(after.events, before.events);
      assert.deepEqual(
        after.endpoints.map(({ id }) => id),
        before.endpoints.map(({ id }) => id),
      );
    });

    it('is none when the stream was lost, and what changed meanwhile is an event', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(2000);
      view();
      // The changes are never sent: the next stream only describes what has come of them.
      fake.fail(slow).remove(middle).attach();
      const shown = view();
      assert.deepEqual(
        shown.events.map(({ kind }) => kind),
        ['endpointRemoved', 'generation', 'endpointState'],
      );
      assert.deepEqual(
        shown.endpoints.map(({ addresses, state }) => [addresses[0], state]),
        [
          [fast, 'READY'],
          [slow, 'TRANSIENT_FAILURE'],
        ],
      );
    });

    it('closes channels and removes endpoints that the new snapshot does not name', () => {
      const fake = client();
      const { view } = reader(fake);
      fake.run(1000);
      view();
      fake.remove(slow);
      fake.restart();
      assert.deepEqual(
        view().endpoints.map(({ addresses }) => addresses[0]),
        [fast, middle],
      );
    });
  });

  describe('a paused view', () => {
    it('stays as it was while the client goes on', () => {
      const fake = client();
      const { view, chart } = reader(fake);
      fake.run(15_130);
      const live = view();
      fake.run(200);
      const asked = { untilMs: live.atMs };
      const lines = chart();
      const paused = view(asked);
      assert.equal(paused.live, false);
      assert.deepEqual(paused.endpoints, live.endpoints);
      assert.deepEqual(chart(asked).series, lines.series);
      assert.deepEqual(paused.reasons, live.reasons);
      assert.equal(paused.fairness, live.fairness);
      fake.run(5000);
      fake.fail(slow).run(5000);
      const later = view(asked);
      assert.deepEqual({ ...later, newer: paused.newer }, paused);
      const newer = fake.flush().picks.filter(({ timeMs }) => timeMs > live.atMs);
      assert.equal(view(asked).newer, newer.length);
      assert.equal(view().newer, 0);
    });

    it('answers from aggregates when the ring no longer reaches so far back', () => {
      const fake = client();
      const { view } = reader(fake, 162 * 500);
      fake.run(5000);
      const live = view();
      fake.run(20_000).flush();
      const paused = view({ untilMs: live.atMs });
      assert.deepEqual(paused.picks, []);
      assert.deepEqual(paused.endpoints, live.endpoints);
      const newer = fake.picks.filter(({ timeMs }) => timeMs > live.atMs).length;
      assert.ok(Math.abs(paused.newer - newer) < 60, `${paused.newer} is about ${newer}`);
      assert.ok(paused.oldestPickMs! > live.atMs);
    });
  });

  it('keeps the newest picks within its budget', () => {
    const fake = client();
    const { whole } = reader(fake, 162 * 500);
    fake.run(10_000);
    const real = sent(fake);
    const shown = whole();
    assert.equal(shown.retained, 500);
    assert.equal(shown.picksSeen, real.length);
    assert.ok(Math.abs(shown.oldestPickMs! - real.at(-500)!.timeMs) < 0.01);
    for (const [index, pick] of shown.picks.entries()) assertSamePick(shown, pick, real.at(-1 - index)!);
  });

  it('shows a queued pick, and the completed one that came of it', () => {
    const fake = client({ backends: [{ address: fast, latencyMs: 2 }], picksPerSecond: 20 });
    const { whole } = reader(fake);
    fake.fail(fast).run(1000);
    fake.recover(fast).run(1000).flush();
    const shown = whole();
    const queued = shown.picks.filter(({ reason }) => reason === 'queued');
    const real = fake.picks.filter(({ result }) => result === PickResult.QUEUED);
    assert.ok(real.length > 5);
    assert.equal(queued.length, real.length);
    assert.equal(shown.totals.queued, real.length);
    for (const { call, endpoint, outcome } of queued) {
      assert.equal(endpoint, null);
      assert.equal(outcome, null);
      const completed = shown.picks.find((pick) => pick.call === call && pick.endpoint !== null);
      assert.equal(completed?.outcome?.code, 'OK');
    }
  });

  it('counts reasons and errors over the charts’ window', () => {
    const fake = client();
    const { view } = reader(fake);
    fake.run(8350);
    const { reasons, atMs } = view({ windowSeconds: 5 });
    const end = Math.floor((atMs - 100) / 250) * 250;
    const begin = Math.floor((atMs - 5000) / 250) * 250;
    const within = (timeMs: number) => timeMs >= begin && timeMs < end;
    const real = fake.picks.filter(({ timeMs }) => within(timeMs));
    const count = (reason: PickReason) => real.filter((pick) => pick.reason === reason).length;
    assert.equal(reasons.lower, count(PickReason.BETTER_SCORE));
    assert.equal(reasons.forced, count(PickReason.FORCED));
    assert.equal(reasons.tie, count(PickReason.TIE));
    assert.equal(reasons.unhealthy, count(PickReason.NO_HEALTHY_PAIR));
    assert.equal(reasons.errors, fake.picks.filter(({ end }) => end?.code && within(end.timeMs)).length);
    assert.ok(reasons.lower > 500);
  });

  it('forgets picks, series and events when cleared, and keeps entities and counters', () => {
    const fake = client();
    const { model, view, chart } = reader(fake);
    fake.run(3000);
    fake.fail(slow).run(2000);
    const before = view();
    model.clear();
    const after = view();
    assert.deepEqual(after.picks, []);
    assert.deepEqual(after.events, []);
    assert.equal(after.picksSeen, 0);
    assert.equal(after.lastPickMs, null);
    assert.deepEqual(after.totals, before.totals);
    assert.equal(row(after, slow).state, 'TRANSIENT_FAILURE');
    assert.ok(chart().series.endpoints.every(({ load }) => load.every(Number.isNaN)));
    fake.run(2000);
    assert.ok(view().picks.length > 0);
    assert.equal(view().endpoints.length, 3);
  });

  it('shows the policies that are there, from the root to the leaf', () => {
    const fake = client();
    const { model, view } = reader(fake);
    view();
    const policy = (id: number, parent: number, name: string, removed = false) =>
      create(WatchResponseSchema, {
        body: {
          case: 'changes',
          value: { changes: [{ entity: { case: 'policy', value: { id, parent, name, channel: 1, removed } } }] },
        },
      });
    model.apply(policy(100, 0, 'outlier_detection'));
    model.apply(policy(101, 100, 'round_robin'));
    assert.deepEqual(model.view(query, fake.nowMs)!.policyPath, ['outlier_detection', 'round_robin']);
    model.apply(policy(2, 0, 'p2c_ewma', true));
    assert.deepEqual(model.view(query, fake.nowMs)!.policyPath, ['outlier_detection', 'round_robin']);
    fake.attach();
    assert.deepEqual(view().policyPath, ['p2c_ewma'], 'a snapshot that does not name them ends them');
  });

  it('offers the channels, and shows the one that is asked for, or the busiest', () => {
    const fake = client();
    const { model, view } = reader(fake);
    fake.run(1000);
    const shown = view();
    const [choice] = model.channels(fake.nowMs);
    assert.equal(choice?.target, fake.target);
    assert.equal(choice.id, shown.id);
    assert.equal(choice.picksPerSecond, shown.picksPerSecond);
    assert.equal(view({ channel: choice.id }).id, choice.id);
    assert.equal(view({ channel: 999_999 }).id, choice.id);
  });

  it('shows its newest data when the watcher’s clock is elsewhere', () => {
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    const messages = fakeStream();
    for (const message of messages) model.apply(message);
    const view = model.view(query, Date.UTC(2040, 0, 1))!;
    assert.equal(view.atMs - view.lastPickMs! < 2100, true);
    assert.ok(view.endpoints.some(({ share }) => share! > 0.2));
  });
});
