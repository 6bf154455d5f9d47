import assert from 'node:assert/strict';
import type { WatchResponse } from '@pickscope/protocol/messages';
import type { ChannelView } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { FakeClient } from './fakeClient';
import { queryOf } from './queries';

const query = queryOf({ windowSeconds: 60, points: 61 });
const [first, second] = ['10.0.0.1:50051', '10.0.0.2:50051'] as const;
const backends = [first, second].map((address) => ({ address, latencyMs: 3 }));
const hourMs = 3_600_000;

/** A client, and a model that reads what it sends, altered or left out. */
class Watched {
  readonly fake = new FakeClient({ backends, picksPerSecond: 100 }).attach();
  readonly model = new ClientModel({ pickBudgetBytes: 2_000_000 });
  private read = 0;

  constructor(private readonly alter: (message: WatchResponse) => boolean = () => true) {}

  view(nowMs = this.fake.nowMs): ChannelView {
    for (const message of this.fake.messages.slice(this.read)) if (this.alter(message)) this.model.apply(message);
    this.read = this.fake.messages.length;
    return this.model.view(query, nowMs)!;
  }

  /** What is shown now is what happens now. */
  assertPresent(): void {
    const view = this.view();
    assert.ok(Math.abs(view.picksPerSecond - 100) < 25, `${view.picksPerSecond} picks/s`);
    assert.equal(view.endpoints.length, 2);
    const sum = view.endpoints.reduce((total, { picksPerSecond }) => total + picksPerSecond, 0);
    assert.ok(Math.abs(sum - view.picksPerSecond) < 1, `${sum} picks/s of all endpoints`);
    assert.ok(Math.abs(view.atMs - this.fake.nowMs) < 2100, 'as of now');
    assert.ok(Math.abs(view.lastPickMs! - this.fake.nowMs) < 1000, 'the last pick is of now');
    const times = view.picks.map(({ timeMs }) => timeMs);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => b - a),
      'newest first',
    );
  }
}

describe('When the clocks', () => {
  for (const [what, stepMs, beforeMs] of [
    ['is set forward by two hours', 2 * hourMs, 20_000],
    ['is set back by two hours', -2 * hourMs, 20_000],
    ['is set back by a minute, into what is kept', -60_000, 80_000],
    ['is set back by a second', -1000, 20_000],
  ] as const) {
    it(`of the wall ${what}, what is shown is right afterwards`, () => {
      const watched = new Watched();
      const { fake } = watched;
      fake.run(beforeMs);
      watched.view();
      fake.stepWallClock(stepMs).run(2000);
      watched.view();
      fake.run(13_000);
      watched.assertPresent();
      fake.fail(second).run(3000);
      const { endpoints, events } = watched.view();
      assert.equal(endpoints.find(({ addresses }) => addresses[0] === second)!.state, 'TRANSIENT_FAILURE');
      const [change] = events.filter(({ kind }) => kind === 'endpointState');
      assert.ok(Math.abs(change!.timeMs - (fake.nowMs - 3000)) < 1000, 'a change is placed by the new clock');
    });
  }

  it('of the wall is set back, a paused view shows what was, on the new clock', () => {
    const watched = new Watched();
    const { fake } = watched;
    fake.run(60_000);
    watched.view();
    fake.stepWallClock(-600_000).run(20_000);
    watched.view();
    // 30 s before the step.
    const untilMs = fake.nowMs - 50_000;
    const paused = watched.model.view({ ...query, untilMs }, fake.nowMs)!;
    assert.ok(Math.abs(paused.picksPerSecond - 100) < 25, `${paused.picksPerSecond} picks/s`);
    assert.ok(Math.abs(paused.lastPickMs! - untilMs) < 500);
    assert.equal(paused.endpoints.length, 2);
  });

  it('stand still because the machine sleeps, there is a gap, and then it goes on', () => {
    const watched = new Watched();
    const { fake } = watched;
    fake.run(20_000);
    watched.view();
    const sleptMs = fake.nowMs;
    // Monotonic clocks stop while a machine sleeps.
    fake.stepWallClock(20_000).run(15_000);
    watched.assertPresent();
    const { series } = watched.model.chart(query, fake.nowMs)!;
    const asleep = [...series.times].findIndex((ms) => ms > sleptMs + 3000);
    assert.equal(series.endpoints[0]!.picksPerSecond[asleep], 0);
  });

  it('are not told in the beginning, the first heartbeat places what comes', () => {
    const watched = new Watched(({ body }) => {
      if (body.case === 'process') delete body.value.clock;
      return true;
    });
    watched.fake.run(15_000);
    watched.assertPresent();
  });

  it('are told only in the beginning, because heartbeats are missing, the rest follows from it', () => {
    const watched = new Watched(({ body }) => body.case !== 'heartbeat');
    watched.fake.run(15_000);
    watched.assertPresent();
  });

  it('are never told, the newest data is shown all the same', () => {
    const watched = new Watched(({ body }) => {
      if (body.case === 'process') delete body.value.clock;
      return body.case !== 'heartbeat';
    });
    watched.fake.run(15_000);
    const view = watched.view();
    assert.ok(Math.abs(view.picksPerSecond - 100) < 25, `${view.picksPerSecond} picks/s`);
    assert.ok(view.endpoints.every(({ share }) => share! > 0.1));
  });

  it('of this machine and of the client differ by an hour, the newest data of the client is shown', () => {
    for (const difference of [-hourMs, hourMs]) {
      const watched = new Watched();
      watched.fake.run(15_000);
      const view = watched.view(watched.fake.nowMs + difference);
      assert.ok(Math.abs(view.picksPerSecond - 100) < 25, `${view.picksPerSecond} picks/s`);
      assert.ok(view.endpoints.every(({ share }) => share! > 0.1));
    }
  });
});
