import { ConnectivityState, DropCause, PickResult } from '@pickscope/protocol/messages';
import { readRecording } from '@pickscope/protocol/recording';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Recorder } from '../../src/recorder/recorder';
import { pickCapacity } from '../../src/recorder/rings';
import { keepLimits } from '../../src/server/keep';
import { Outlet } from '../../src/server/outlet';
import { Past, type Replay } from '../../src/server/past';
import { recordingOf } from '../../src/server/recordingFile';
import { Collected, sourceOf, watch } from './collected';
import { Feed } from './feed';

const second = 1e9;
const limits = { seconds: 60, bytes: 16 << 20 };

/** A past whose time passes when it is told to. */
class Kept {
  readonly recorder = new Recorder();
  readonly feed = new Feed(this.recorder);
  readonly warnings: string[] = [];
  readonly past: Past;
  private now = 0;

  constructor(kept = limits) {
    const warn = (line: string) => void this.warnings.push(line);
    this.past = new Past(sourceOf(this.recorder), kept, warn, () => this.now);
  }

  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.now += second;
      mock.timers.tick(1000);
    }
  }

  attach<Reader extends Collected>(reader: Reader, since = 0): { reader: Reader; replay: Replay } {
    return { reader, replay: this.past.watch(new Outlet(reader), since) };
  }
}

describe('what is kept', () => {
  const open: { close(): void }[] = [];
  const closing = <T extends { close(): void }>(it: T): T => {
    open.push(it);
    return it;
  };

  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));

  afterEach(() => {
    for (const it of open.splice(0)) it.close();
    mock.timers.reset();
  });

  function keep(kept = limits): Kept {
    const result = new Kept(kept);
    closing(result.past);
    return result;
  }

  it('is what one who watched all the time was told, and goes on from there', () => {
    const kept = keep();
    const { reader: witness, stream } = watch(kept.recorder);
    closing(stream);
    const { feed, recorder } = kept;

    feed.calls(3);
    kept.pass(20);
    const open = recorder.attemptBegan(feed.channel, recorder.nextCall(), 1, '/shop.Cart/Long');
    recorder.picked(open, PickResult.COMPLETED, feed.endpoint, 0, undefined);
    recorder.started(open);
    recorder.entities.setEndpointState(feed.endpoint, ConnectivityState.TRANSIENT_FAILURE, 'refused');
    kept.pass(20);
    recorder.entities.removeEndpoint(feed.endpoint);
    feed.calls(2, '/shop.Cart/Add');
    const { reader, replay } = kept.attach(new Collected());
    closing(replay);
    feed.calls(2, '/shop.Cart/Drop');
    recorder.ended(open, 14);
    kept.pass(1);

    assertWhole(reader);
    assert.deepEqual(rows(reader), rows(witness));
    assert.deepEqual(states(reader), states(witness));
    assert.deepEqual(lastCounts(reader), lastCounts(witness));
    assert.deepEqual(methods(reader), methods(witness));
    assert.equal(reader.picks(), 8);
    assert.equal(reader.messages.filter(({ body }) => body.case === 'snapshotBegin').length, 1);
  });

  it('misses nothing and repeats nothing, whenever one attaches and however slowly one reads', () => {
    const order = fc.constantFrom('calls', 'calls', 'pass', 'change', 'attach', 'read');
    const step = fc.tuple(order, fc.integer({ min: 1, max: 20 }));
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80, size: 'max' }), (steps) => {
        const kept = keep();
        const { reader: witness, stream } = watch(kept.recorder);
        closing(stream);
        const readers: { reader: Sipping; replay: Replay }[] = [];
        const orders = {
          calls: (n: number) => kept.feed.calls(20 * n, `/a/B${n % 7}`),
          pass: (n: number) => kept.pass(n),
          change: (n: number) => kept.recorder.entities.resolverUpdate(kept.feed.channel, [`10.0.0.${n}`], ''),
          attach: (n: number) => readers.push(kept.attach(new Sipping(n))),
          read: (n: number) => readers.forEach(({ reader, replay }) => reader.sip(n, replay)),
        };
        for (const [name, n] of steps) orders[name](n);
        for (const { reader, replay } of readers) reader.sip(Infinity, replay);
        kept.pass(1);
        const all = rows(witness);
        for (const { reader } of readers) {
          if (reader.aborted) continue;
          assertWhole(reader);
          const own = rows(reader);
          const since = all.slice(countedBefore(reader));
          const dropped = Number(reader.drops()?.picks ?? 0);
          assert.equal(own.length + dropped, since.length);
          const seen = new Set(own.map(({ call }) => call));
          const expected = since.filter(({ call }) => seen.has(call));
          assert.deepEqual(own, expected);
          assert.deepEqual(lastCounts(reader), lastCounts(witness));
          assert.deepEqual(states(reader).at(-1), states(witness).at(-1));
        }
        for (const it of open.splice(0)) it.close();
        for (const { replay } of readers) replay.close();
      }),
      { numRuns: 40 },
    );
  });

  it('reaches as far back as asked for, and no more than a quarter further', () => {
    const kept = keep();
    for (let i = 1; i <= 300; i++) {
      kept.feed.calls(1);
      kept.pass(1);
      const { reader, replay } = kept.attach(new Collected());
      replay.close();
      const seen = rows(reader).length;
      assert.ok(seen >= Math.min(i, 60) && seen <= Math.min(i, 60 + 15 + 1), `after ${i} s: ${seen} s`);
    }
  });

  it('takes no more bytes than allowed, whatever comes', () => {
    const kept = keep({ seconds: 600, bytes: 2 << 20 });
    let before = 0;
    for (let i = 0; i < 60; i++) {
      // More than is kept, at once, now and then.
      kept.feed.calls(i % 10 === 9 ? 2 * pickCapacity : 5000);
      kept.recorder.entities.resolverUpdate(kept.feed.channel, ['x'.repeat(200)], '');
      kept.pass(1);
      assert.ok(kept.past.size <= 2 << 20, `${kept.past.size} bytes`);
      before = Math.max(before, kept.past.size);
    }
    assert.ok(before > 1 << 20, 'and makes use of them');
    kept.feed.calls(10);
    const { reader, replay } = kept.attach(new Collected());
    closing(replay);
    assertWhole(reader);
    assert.equal(rows(reader).at(-1)?.call, 5000 * 54 + 6 * 2 * pickCapacity + 10);
    assert.deepEqual(kept.warnings, []);
  });

  it('is given up, and that is said, where what exists does not fit', () => {
    const kept = keep({ seconds: 60, bytes: 1 << 20 });
    assert.equal(kept.past.source.describe().keepSeconds, 60);
    for (let i = 0; i < 10_000; i++) kept.recorder.entities.addEndpoint(kept.feed.channel, [`10.0.0.4:${i}`]);
    kept.pass(20);
    assert.equal(kept.past.size, 0);
    assert.equal(kept.past.seconds, 0);
    assert.deepEqual(kept.past.source.describe().capabilities.includes('past'), false);
    assert.match(kept.warnings.join(), /^What exists in this process .* Raise PICKSCOPE_KEEP_BYTES\.$/);
    assert.equal(kept.recorder.watcherCount, 0);
  });

  it('is no longer given to one who falls behind it, and nothing is kept for that one', () => {
    const kept = keep();
    kept.feed.calls(10);
    kept.pass(1);
    const { reader, replay } = kept.attach(new Sipping(3));
    assert.ok(reader.full);
    kept.pass(80);
    assert.ok(!reader.aborted, 'it is told when it reads again');
    const { size } = kept.past;
    reader.sip(1, replay);
    assert.ok(reader.aborted);
    assert.equal(kept.past.size, size);
    assert.equal(kept.recorder.watcherCount, 1, 'and does not watch');
  });

  it('leaves out what ended before the time that a watcher asks for', () => {
    const kept = keep();
    for (let i = 0; i < 50; i++) {
      kept.feed.calls(1);
      kept.pass(1);
    }
    for (const [since, expected] of [
      [0, 50],
      [14.9, 50],
      [15.1, 35],
      [46, 5],
      [1e6, 5],
    ] as const) {
      const { reader, replay } = kept.attach(new Collected(), since * second);
      replay.close();
      assertWhole(reader);
      assert.equal(rows(reader).length, expected, `since ${since} s`);
    }
  });

  it('tells of drops since the reader’s own beginning', () => {
    const kept = keep();
    kept.feed.calls(pickCapacity + 100);
    kept.pass(16);
    kept.feed.calls(pickCapacity + 30);
    kept.pass(5);
    const first = kept.attach(new Collected());
    const second = kept.attach(new Collected(), 20e9);
    for (const { replay } of [first, second]) replay.close();
    const told = (reader: Collected) => {
      const drops = reader.drops();
      return [drops?.picks, drops?.completions, drops?.cause];
    };
    assert.deepEqual(told(first.reader), [130n, 130n, DropCause.RING_FULL]);
    assert.deepEqual(told(second.reader), [30n, 30n, DropCause.RING_FULL]);
  });

  it('makes a recording that holds the same', async () => {
    const kept = keep();
    kept.feed.calls(5);
    kept.pass(40);
    kept.feed.calls(5, '/shop.Cart/Add');
    const bytes = [...recordingOf(kept.past.entries())];
    const { reader, replay } = kept.attach(new Collected());
    replay.close();
    const recorded = new Collected();
    for await (const message of readRecording(bytes)) recorded.messages.push(message);
    assertWhole(recorded);
    assert.equal(rows(recorded).length, 10);
    // Who attaches has a heartbeat more: that of its own coming.
    assert.deepEqual(recorded.messages, reader.messages.slice(0, recorded.messages.length));
  });
});

describe('how much is kept', () => {
  const ask = (time: string, bytes = '') => {
    const warnings: string[] = [];
    return { limits: keepLimits(time, bytes, (line) => warnings.push(line)), warnings };
  };

  it('is what was asked for', () => {
    const megabyte = 1 << 20;
    for (const [time, bytes, expected] of [
      ['60s', '', { seconds: 60, bytes: 16 * megabyte }],
      ['2m', '32MB', { seconds: 120, bytes: 32 * megabyte }],
      ['1.5 h', '1gb', { seconds: 5400, bytes: 1024 * megabyte }],
      ['', '32MB', undefined],
      ['0', '', undefined],
      ['off', '', undefined],
    ] as const) {
      assert.deepEqual(ask(time, bytes), { limits: expected, warnings: [] });
    }
  });

  it('is nothing, or the default, where that makes no sense, and it is said', () => {
    for (const time of ['60', 'yes', '-5s', '0s', '5d', '1e3s', '25h', 'NaNs']) {
      const { limits: none, warnings } = ask(time);
      assert.equal(none, undefined, time);
      assert.deepEqual(warnings, [
        `"${time}" is no time to keep (PICKSCOPE_KEEP): write 60s, 2m, or at most 24h. Nothing is kept.`,
      ]);
    }
    for (const bytes of ['32', 'much', '1KB', '2GB']) {
      const { limits: byDefault, warnings } = ask('60s', bytes);
      assert.deepEqual(byDefault, limits);
      assert.deepEqual(warnings, [
        `"${bytes}" is no size to keep (PICKSCOPE_KEEP_BYTES): write 1MB to 1GB. At most 16MB are kept.`,
      ]);
    }
  });
});

/** Takes a few messages, then no more until it is asked to. */
class Sipping extends Collected {
  constructor(private appetite: number) {
    super();
  }

  override take(message: Uint8Array): void {
    super.take(message);
    this.appetite--;
    this.full = this.appetite <= 0;
  }

  sip(messages: number, replay: Replay): void {
    this.appetite = messages;
    this.full = false;
    replay.proceed();
    this.full = this.appetite <= 0 && !this.aborted;
  }
}

/** Begins as a stream does, and goes on number by number. */
function assertWhole(reader: Collected): void {
  assert.deepEqual(reader.cases().slice(0, 2), ['process', 'snapshotBegin']);
  assert.deepEqual(
    reader.messages.map(({ sequence }) => sequence),
    reader.messages.map((_, i) => i + 1),
  );
}

function rows(reader: Collected) {
  return reader.pickBatches().flatMap((batch) => {
    let [call, time] = [Number(batch.baseCall), Number(batch.baseTimeNs)];
    return batch.callDelta.map((delta, i) => {
      call += delta;
      time += batch.timeDeltaNs[i]!;
      // A column of defaults is empty, so two batches may say the same in two ways.
      const [endpoint, lag] = [batch.endpoint[i] ?? 0, batch.candidateLagNs[i] ?? 0];
      return { call, time, method: batch.method[i], endpoint, lag };
    });
  });
}

/** What became of each entity, one after the other. */
function states(reader: Collected) {
  return reader.changes().map(({ entity }) => [entity.case, entity.value]);
}

/** By endpoint, and by channel. */
function lastCounts(reader: Collected) {
  const counters = reader.counters();
  return {
    endpoints: new Map(counters.flatMap(({ endpoints }) => endpoints.map((it) => [it.endpoint, it]))),
    channels: new Map(counters.flatMap(({ channels }) => channels.map((it) => [it.channel, it]))),
  };
}

/** By id. */
function methods(reader: Collected) {
  const strings = reader.messages.flatMap(({ body }) => (body.case === 'strings' ? [body.value] : []));
  return new Map(strings.flatMap(({ ids, values }) => ids.map((id, i) => [id, values[i]])));
}

/** Picks that were made before the reader's stream begins. */
function countedBefore(reader: Collected): number {
  const snapshot = reader.messages.slice(0, reader.cases().indexOf('snapshotEnd'));
  const channels = snapshot.flatMap(({ body }) => (body.case === 'counters' ? body.value.channels : []));
  return Number(channels[0]!.picksCompleted);
}
