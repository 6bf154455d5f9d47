import assert from 'node:assert/strict';
import { PickResult, type WatchResponse } from '@pickscope/protocol/messages';
import { ClientModel } from '../../../src/model/clientModel';
import { FakeClient } from './fakeClient';
import { everyPick, queryOf } from './queries';

const query = queryOf({ points: 121 });
const [first, second, third] = ['10.0.0.1:50051', '10.0.0.2:50051', '10.0.0.3:50051'] as const;
const backends = [
  { address: first, latencyMs: 2 },
  { address: second, latencyMs: 5, errors: 0.1 },
  { address: third, latencyMs: 120 },
];

function newModel(): ClientModel {
  return new ClientModel({ pickBudgetBytes: 1_000_000 });
}

function feed(model: ClientModel, messages: readonly WatchResponse[]): ClientModel {
  for (const message of messages) model.apply(message);
  return model;
}

/** What the fake sends to whoever attaches now and asks for the past. */
function past(fake: FakeClient, model: ClientModel, instance = model.process?.instance ?? ''): WatchResponse[] {
  const from = fake.messages.length;
  fake.attachPast(model.rowsSince(instance));
  return fake.messages.slice(from);
}

/** Half a minute in which everything happens that a client tells of. */
function eventful(): FakeClient {
  const fake = new FakeClient({ backends, picksPerSecond: 60 }).keep().attach();
  fake.run(4000).keep().run(2130).fail(third).run(3000);
  fake.keep().recover(third).run(2500).remove(second).run(1500);
  return fake.keep().add({ address: '10.0.0.4:50051', latencyMs: 3 }).run(4200).drop(7, 3).run(3000).flush().flush();
}

/** All that is shown of the channel. */
function viewOf(model: ClientModel, fake: FakeClient) {
  const view = model.view(query, fake.nowMs)!;
  return { ...view, picks: everyPick(model, query, fake.nowMs), chart: model.chart(query, fake.nowMs)! };
}

describe('A stream that begins in the past', () => {
  it('shows who attaches after it what happened, as if it had been watched', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).run(3000).keep();
    const keptMs = fake.nowMs;
    fake.run(12_000).fail(third).run(8000).flush();
    const model = feed(newModel(), past(fake, newModel()));
    const live = fake.messages.length;
    fake.run(2000);
    feed(model, fake.messages.slice(live));
    const view = viewOf(model, fake);

    const kept = fake.picks.filter(({ timeMs }) => timeMs >= keptMs && timeMs <= fake.nowMs - 60);
    assert.ok(Math.abs(view.picksSeen - kept.length) < 20, `${view.picksSeen} of ${kept.length}`);
    assert.ok(view.picks.every(({ timeMs }) => timeMs >= keptMs));
    assert.ok(Math.abs(view.atMs - fake.nowMs) < 1000, 'it is live where the past ends');
    assert.ok(view.events.some((event) => event.kind === 'endpointState' && event.to === 'TRANSIENT_FAILURE'));
    const { series } = view.chart;
    const seconds = [...series.times].map((ms, index) => ({
      ms,
      picks: series.endpoints.reduce((sum, { picksPerSecond }) => sum + picksPerSecond[index]!, 0),
    }));
    const before = seconds.filter(({ ms }) => ms + 999 < keptMs);
    const during = seconds.filter(({ ms }) => ms >= keptMs);
    assert.ok(before.length > 50 && before.every(({ picks }) => Number.isNaN(picks)), 'before, nothing is known');
    assert.ok(during.length > 15);
    for (const { ms, picks } of during) {
      const real = fake.picks.filter(
        ({ timeMs, result }) => timeMs >= ms && timeMs < ms + 1000 && result === PickResult.COMPLETED,
      );
      assert.equal(picks, real.length, new Date(ms).toISOString());
    }
  });

  it('heals a loss at any message of the stream: nothing is missing, and nothing is there twice', () => {
    const fake = eventful();
    const messages = fake.messages.slice();
    const whole = viewOf(feed(newModel(), messages), fake);
    assert.ok(whole.picks.length > 900);
    assert.deepEqual(whole.drops, { picks: 7, completions: 3 });
    for (let cut = 0; cut <= messages.length; cut += cut < 20 ? 1 : 17) {
      const model = feed(newModel(), messages.slice(0, cut));
      feed(model, past(fake, model));
      assert.deepEqual(viewOf(model, fake), whole, `cut before message ${cut} of ${messages.length}`);
    }
  });

  it('heals a loss while it still tells what is known', () => {
    const fake = eventful();
    const messages = fake.messages.slice();
    const whole = viewOf(feed(newModel(), messages), fake);
    const known = Math.floor(messages.length / 2);
    const model = feed(newModel(), messages.slice(0, known));
    for (const share of [0.02, 0.1, 0.5, 0.9]) {
      const again = past(fake, model);
      feed(model, again.slice(0, Math.ceil(again.length * share)));
    }
    feed(model, past(fake, model));
    assert.deepEqual(viewOf(model, fake), whole);
  });

  it('leaves a gap where the client kept less than the time of the loss', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).attach().run(5000).flush();
    const model = feed(newModel(), fake.messages);
    const lostMs = fake.nowMs;
    fake.detach().remove(second).run(6000).keep();
    const keptMs = fake.nowMs;
    fake.run(6000).flush();
    feed(model, past(fake, model));
    const view = viewOf(model, fake);
    assert.deepEqual(
      view.endpoints.map(({ addresses }) => addresses[0]),
      [first, third],
    );
    assert.equal(view.picks.filter(({ timeMs }) => timeMs > lostMs && timeMs < keptMs).length, 0);
    const { series } = view.chart;
    const index = [...series.times].findIndex((ms) => ms > lostMs + 1000 && ms + 1000 < keptMs);
    assert.ok(series.endpoints.every(({ picksPerSecond }) => Number.isNaN(picksPerSecond[index])));
  });

  it('is asked for from the beginning of another process, whose past is not taken for known', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).keep().attach().run(5000).flush();
    const model = feed(newModel(), fake.messages);
    assert.ok(model.rowsSince(model.process!.instance) > 0n);
    assert.equal(model.rowsSince('another'), 0n);
    const before = viewOf(model, fake).picksSeen;
    fake.restart().detach().keep().run(5000).flush();
    feed(model, past(fake, model, 'another'));
    const view = viewOf(model, fake);
    assert.ok(view.picksSeen - before > 300, `${view.picksSeen} after ${before}`);
    assert.ok(view.events.some(({ kind }) => kind === 'restart'));
  });

  it('does not bring back what was cleared', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).keep().attach().run(3000).flush();
    const model = feed(newModel(), fake.messages);
    model.clear();
    feed(model, past(fake, model));
    assert.equal(viewOf(model, fake).picksSeen, 0);
  });

  it('is not mistaken for one because of a single absurd time', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).keep().attach().run(3000).flush();
    const model = feed(newModel(), fake.messages);
    const absurd = structuredClone(fake.messages.findLast(({ body }) => body.case === 'picks')!);
    assert.ok(absurd.body.case === 'picks');
    absurd.body.value.baseTimeNs = 1n << 63n;
    model.apply(absurd);
    fake.detach().run(20_000).remove(second);
    const from = fake.messages.length;
    fake.attach().run(1000);
    feed(model, fake.messages.slice(from));
    const shown = viewOf(model, fake).endpoints.map(({ addresses }) => addresses[0]);
    assert.deepEqual(shown, [first, third], 'the snapshot counts');
  });
});
