import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { ChartView, EndpointSeries, Query } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { liveReachMs } from '../../../src/model/reach';
import { FakeClient, type FakePick } from './fakeClient';
import { everyPick, queryOf } from './queries';

const [fast, slow, failing] = ['10.0.0.1:50051', '10.0.0.2:50051', '10.0.0.3:50051'] as const;
const backends = [
  { address: fast, latencyMs: 2 },
  { address: slow, latencyMs: 60 },
  { address: failing, latencyMs: 9, errors: 0.3 },
];
const lateMs = 100;

/** A client that lived for a while, and what a model shows of it. */
class Life {
  readonly fake = new FakeClient({ backends, picksPerSecond: 150 });
  readonly model: ClientModel;

  constructor(live: (fake: FakeClient) => FakeClient, pickBudgetBytes = 20_000_000, reachMs?: number) {
    this.model = new ClientModel({ pickBudgetBytes, ...(reachMs && { reachMs }) });
    this.fake.run(1000).attach();
    for (const message of live(this.fake).flush().flush().messages) this.model.apply(message);
  }

  get nowMs(): number {
    return this.fake.nowMs;
  }

  chart(part: Partial<Query> = {}): ChartView {
    return this.model.chart(queryOf(part), this.nowMs)!;
  }

  line({ series }: ChartView, address: string): EndpointSeries {
    const view = this.model.view(queryOf(), this.nowMs)!;
    const { id } = [...view.endpoints, ...view.formerEndpoints].find(({ addresses }) => addresses[0] === address)!;
    return series.endpoints.find(({ endpoint }) => endpoint === id)!;
  }

  picksOf(address: string, fromMs: number, toMs: number): FakePick[] {
    return this.fake.picks.filter((pick) => pick.address === address && pick.timeMs >= fromMs && pick.timeMs < toMs);
  }

  endsOf(address: string, fromMs: number, toMs: number): FakePick[] {
    return this.fake.picks.filter(
      ({ address: mine, end }) => mine === address && end && end.timeMs >= fromMs && end.timeMs < toMs,
    );
  }
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(share * values.length) - 1)] ?? NaN;
}

function assertLatencies(line: EndpointSeries, index: number, ended: readonly FakePick[]): void {
  const latencies = ended.map(({ end }) => end!.latencyMs);
  for (const [shown, share] of [
    [line.latencyMs[index]!, 0.5],
    [line.latencyP95Ms[index]!, 0.95],
  ] as const) {
    const real = quantile(latencies, share);
    if (Number.isNaN(real)) assert.ok(Number.isNaN(shown));
    else assert.ok(Math.abs(shown / real - 1) <= 0.1, `${shown} is within 10 % of ${real}`);
  }
}

describe('A chart', () => {
  const life = new Life((fake) => fake.run(14_300).fail(slow).run(8000).recover(slow).run(12_470));

  it('has the counts and quantiles of each bucket of any window, in no more points than there is room for', () => {
    const window = fc.record({
      windowSeconds: fc.double({ min: 1, max: 40, noNaN: true }),
      points: fc.integer({ min: 20, max: 400 }),
      back: fc.double({ min: 0, max: 15_000, noNaN: true }),
    });
    fc.assert(
      fc.property(window, ({ windowSeconds, points, back }) => {
        const untilMs = life.nowMs - back;
        const chart = life.chart({ windowSeconds, points, untilMs });
        const { times, bucketMs } = chart.series;
        assert.deepEqual(chart.span, { fromMs: untilMs - windowSeconds * 1000, toMs: untilMs });
        assert.ok(times.length <= points, `${times.length} of ${points}`);
        for (const [index, ms] of times.entries()) {
          assert.equal(ms % bucketMs, 0);
          assert.equal(ms, times[0]! + index * bucketMs);
        }
        if (times.length > 0) assert.ok(times.at(-1)! + bucketMs <= untilMs - lateMs);
        const attachedMs = life.nowMs - 34_770;
        for (const address of [fast, slow, failing]) {
          const line = life.line(chart, address);
          for (const [index, ms] of times.entries()) {
            if (ms < attachedMs) continue;
            const picks = life.picksOf(address, ms, ms + bucketMs);
            const ended = life.endsOf(address, ms, ms + bucketMs);
            const failures = ended.filter(({ end }) => end!.code !== 0);
            assert.equal(line.picksPerSecond[index], (picks.length * 1000) / bucketMs);
            assert.equal(line.failuresPerSecond[index], (failures.length * 1000) / bucketMs);
            const second = Math.floor(ms / 1000) * 1000;
            if (bucketMs >= 1000) assertLatencies(line, index, ended);
            else if (second >= attachedMs) assertLatencies(line, index, life.endsOf(address, second, second + 1000));
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it('does not shimmer: a bucket has the same values whatever the window is that shows it', () => {
    const chartAt = (backMs: number) => life.chart({ windowSeconds: 10, points: 41, untilMs: life.nowMs - backMs });
    const charts = [0, 333, 1777, 4000].map(chartAt);
    for (const address of [fast, slow, failing]) {
      const shown = new Map<number, readonly number[]>();
      for (const chart of charts) {
        const columns = Object.values(life.line(chart, address)).filter((column) => typeof column === 'object');
        for (const [index, ms] of chart.series.times.entries()) {
          const values = columns.map((column: ArrayLike<number>) => column[index]!);
          assert.deepEqual(values, shown.get(ms) ?? values, new Date(ms).toISOString());
          shown.set(ms, values);
        }
      }
    }
  });

  it('tells in which state an endpoint was, and draws nothing of what no picker reads', () => {
    const chart = life.chart({ windowSeconds: 30, points: 31 });
    const line = life.line(chart, slow);
    const shown = [...line.state].map((state, index) =>
      Number.isNaN(line.inflight[index]) ? `${state}` : `${state}+`,
    );
    assert.deepEqual(
      [...new Set(shown)],
      ['3+', '4', '3+'].filter((one, index, all) => all.indexOf(one) === index),
    );
    assert.ok(shown.filter((one) => one === '4').length >= 7);
  });

  it('shows the whole reach in its overview, of the same counts', () => {
    const { overview } = life.chart({ windowSeconds: 2 });
    const { times, bucketMs } = overview;
    assert.ok(times.length <= 180 && times.length > 60, `${times.length} buckets`);
    for (const [index, ms] of times.entries()) {
      if (ms < life.nowMs - 34_770) continue;
      const picks = life.fake.picks.filter(({ timeMs }) => timeMs >= ms && timeMs < ms + bucketMs);
      assert.equal(overview.picksPerSecond[index], (picks.length * 1000) / bucketMs);
      const failures = [fast, slow, failing]
        .flatMap((address) => life.endsOf(address, ms, ms + bucketMs))
        .filter(({ end }) => end!.code !== 0);
      assert.equal(overview.failuresPerSecond[index], (failures.length * 1000) / bucketMs);
    }
  });

  it('has all single picks of a window of 4 s, up to 500, and none of a longer one', () => {
    const { singlePicks, span } = life.chart({ windowSeconds: 3 });
    const real = life.fake.picks.filter(({ timeMs }) => timeMs >= span.fromMs);
    assert.deepEqual(
      singlePicks?.map(({ call }) => call),
      real.toReversed().map(({ call }) => call),
    );
    assert.equal(life.chart({ windowSeconds: 4.1 }).singlePicks, undefined);
    const some = life.chart({ windowSeconds: 3, filter: 'error' }).singlePicks!;
    assert.ok(
      some.length > 0 && some.length < singlePicks.length && some.every(({ outcome }) => outcome!.code !== 'OK'),
    );
  });

  it('marks resolver updates, and what they rebuild as one with them', () => {
    const other = new Life((fake) =>
      fake.run(3000).add({ address: '10.0.0.4:50051', latencyMs: 3 }).run(3000).remove(slow).run(3000),
    );
    assert.deepEqual(
      other
        .chart()
        .markers.map(({ kind, historyLost, generation }) => ({ kind, historyLost, told: generation !== undefined })),
      [
        { kind: 'resolver', historyLost: true, told: true },
        { kind: 'resolver', historyLost: true, told: true },
      ],
    );
  });

  describe('with a filter', () => {
    const counted = (shown: ChartView, address: string, wanted: (pick: FakePick) => boolean) => {
      const line = life.line(shown, address);
      const { times, bucketMs } = shown.series;
      for (const [index, ms] of times.entries()) {
        if (ms < life.nowMs - 34_000) continue;
        const picks = life.picksOf(address, ms, ms + bucketMs).filter(wanted);
        const ended = life.endsOf(address, ms, ms + bucketMs).filter(wanted);
        const failures = ended.filter(({ end }) => end!.code !== 0);
        assert.equal(line.picksPerSecond[index], (picks.length * 1000) / bucketMs);
        assert.equal(line.failuresPerSecond[index], (failures.length * 1000) / bucketMs);
        if (bucketMs >= 1000) assertLatencies(line, index, ended);
      }
      return line;
    };

    it('counts only the picks that it wants, and reads what it read', () => {
      for (const points of [200, 31]) {
        const all = life.chart({ windowSeconds: 30, points });
        const some = life.chart({ windowSeconds: 30, points, filter: 'method:GetCart' });
        for (const address of [fast, slow, failing]) {
          const line = counted(some, address, ({ method }) => method.includes('GetCart'));
          assert.deepEqual(line.load, life.line(all, address).load);
        }
        assert.equal(some.filteredSinceMs, everyPick(life.model, queryOf(), life.nowMs).at(-1)!.timeMs);
        assert.equal(all.filteredSinceMs, undefined);
      }
    });

    it('follows calls that end later', () => {
      const fake = new FakeClient({ backends, picksPerSecond: 100 }).attach();
      const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
      let read = 0;
      const errors = () => {
        for (; read < fake.messages.length; read++) model.apply(fake.messages[read]!);
        const { series } = model.chart(queryOf({ windowSeconds: 20, points: 21, filter: 'error' }), fake.nowMs)!;
        return series.endpoints.reduce(
          (sum, { picksPerSecond }) => sum + picksPerSecond.reduce((a, b) => a + (b || 0), 0),
          0,
        );
      };
      let most = 0;
      for (let second = 0; second < 10; second++) {
        fake.run(1000);
        const shown = errors();
        assert.ok(shown >= most);
        most = shown;
      }
      const endMs = Math.floor((fake.nowMs - lateMs) / 1000) * 1000;
      const real = fake
        .flush()
        .picks.filter(({ timeMs, end }) => timeMs < endMs && end && end.code !== 0 && end.timeMs <= fake.nowMs - 50);
      assert.ok(most > 50 && Math.abs(errors() - real.length) <= 2, `${most} of ${real.length}`);
    });

    it('knows nothing of the time whose single picks are gone', () => {
      const small = new Life((fake) => fake.run(30_000), 200_000);
      const { series, filteredSinceMs } = small.chart({ windowSeconds: 20, points: 21, filter: 'ok' });
      for (const { picksPerSecond } of series.endpoints)
        for (const [index, ms] of series.times.entries())
          assert.equal(Number.isNaN(picksPerSecond[index]), ms <= filteredSinceMs!, `${ms - filteredSinceMs!}`);
      assert.ok(
        series.times[0]! < filteredSinceMs! && filteredSinceMs! < series.times.at(-1)!,
        `${filteredSinceMs! - series.times[0]!} ms of ${series.times.length} s`,
      );
    });

    it('that is malformed, counts everything', () => {
      assert.deepEqual(life.chart({ filter: 'method:' }).series, life.chart().series);
    });
  });

  it('tells by its version when it would be another', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 300 }).attach();
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    let read = 0;
    const versions = [];
    for (let step = 0; step < 100; step++) {
      fake.run(50);
      for (; read < fake.messages.length; read++) model.apply(fake.messages[read]!);
      versions.push(model.chartVersion);
    }
    const changes = new Set(versions).size;
    assert.ok(changes >= 18 && changes <= 24, `${changes} changes in 5 s`);
    const before = model.chartVersion;
    model.clear();
    assert.ok(model.chartVersion > before);
  });

  it('reaches as far back as it is asked, coarser where that is far', () => {
    const long = new Life((fake) => fake.run(40_000), 1_000_000, 4 * liveReachMs);
    const { fromMs, toMs } = long.model.reach(long.nowMs)!;
    assert.ok(Math.abs(toMs - fromMs - 40_000) < 100);
    const { series } = long.chart({ windowSeconds: 40, points: 400 });
    assert.equal(series.bucketMs, 1000);
    for (const [index, ms] of series.times.entries()) {
      if (ms < fromMs) continue;
      assert.equal(
        long.line(long.chart({ windowSeconds: 40, points: 400 }), fast).picksPerSecond[index],
        long.picksOf(fast, ms, ms + 1000).length,
      );
    }
    assert.equal(new ClientModel({ pickBudgetBytes: 1000 }).reach(0), undefined);
  });
});

describe('What is selected', () => {
  const life = new Life((fake) => fake.run(20_000).fail(slow).run(10_000).recover(slow).run(5000));

  it('is what shares, rates, latencies, failures and reasons are of, and readings are those of its end', () => {
    const fromMs = Math.floor(life.nowMs / 250) * 250 - 14_000;
    const selection = { fromMs: fromMs + 10, toMs: fromMs + 5240 };
    const view = life.model.view(queryOf({ selection }), life.nowMs)!;
    assert.deepEqual(view.shareSpan, { fromMs, toMs: fromMs + 5250 });
    const all = life.fake.picks.filter(({ timeMs }) => timeMs >= fromMs && timeMs < fromMs + 5250);
    assert.ok(Math.abs(view.picksPerSecond - all.length / 5.25) < 1e-9);
    assert.equal(view.reasons.lower + view.reasons.forced + view.reasons.tie + view.reasons.unhealthy, all.length);
    for (const row of view.endpoints) {
      const address = row.addresses[0]!;
      const picks = life.picksOf(address, fromMs, fromMs + 5250);
      const ended = life.endsOf(address, fromMs, fromMs + 5250);
      assert.equal(row.share, picks.length / all.length);
      assert.ok(Math.abs(row.picksPerSecond - picks.length / 5.25) < 1e-9);
      assert.equal(row.state, address === slow ? 'TRANSIENT_FAILURE' : 'READY');
      const failures = ended.filter(({ end }) => end!.code !== 0);
      assert.equal(row.failureShare, ended.length === 0 ? null : failures.length / ended.length);
      const inSeconds = life.endsOf(
        address,
        Math.floor(fromMs / 1000) * 1000,
        Math.ceil((fromMs + 5250) / 1000) * 1000,
      );
      const real = quantile(
        inSeconds.map(({ end }) => end!.latencyMs),
        0.5,
      );
      if (ended.length > 0) assert.ok(Math.abs(row.latencyMs! / real - 1) <= 0.1, `${row.latencyMs} is ${real}`);
    }
  });

  it('cannot be what ends before it begins, or lies beyond now', () => {
    const live = life.model.view(queryOf(), life.nowMs)!;
    for (const selection of [
      { fromMs: life.nowMs, toMs: life.nowMs - 1 },
      { fromMs: life.nowMs + 1000, toMs: life.nowMs + 2000 },
      { fromMs: NaN, toMs: Infinity },
    ])
      assert.deepEqual(life.model.view(queryOf({ selection }), life.nowMs)!.shareSpan, live.shareSpan);
  });

  it('says since when an endpoint is known that came later', () => {
    const other = new Life((fake) => fake.run(3000).add({ address: '10.0.0.4:50051', latencyMs: 3 }).run(3000));
    const { endpoints } = other.model.view(queryOf(), other.nowMs)!;
    assert.deepEqual(
      endpoints.map(({ addedMs }) => addedMs !== null && Math.abs(addedMs - (other.nowMs - 3000)) < 1),
      [false, false, false, true],
    );
  });
});
