import { DropCause } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { Recorder } from '../../src/recorder/recorder';
import { watch, type Collected } from './collected';
import { BusyFeed, Feed } from './feed';

/** What a gRPC client takes by default, bytes. */
const largestMessage = 4 << 20;

describe('under load, the stream', () => {
  const open: { close(): void }[] = [];

  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));

  afterEach(() => {
    for (const it of open.splice(0)) it.close();
    mock.timers.reset();
  });

  function attach(recorder: Recorder): Collected {
    const { reader, stream } = watch(recorder);
    open.push(stream);
    return reader;
  }

  it('leaves out rows for those alone who read too slowly, tells each how many, and counts exactly for all', () => {
    const recorder = new Recorder();
    const feed = new BusyFeed(recorder, 20);
    const [quick, slow, stopped] = [attach(recorder), attach(recorder), attach(recorder)];
    stopped.full = true;
    const flushes = 60;
    for (let i = 0; i < flushes; i++) {
      // For longer than the rings can hold what comes.
      slow.full = i % 12 < 10;
      // 100,000 a second.
      feed.picks(5000);
      mock.timers.tick(50);
    }
    feed.end();
    slow.full = stopped.full = false;
    mock.timers.tick(1000);

    const picks = flushes * 5000;
    assert.equal(quick.picks(), picks);
    assert.equal(quick.drops(), undefined);
    for (const reader of [slow, stopped]) {
      assert.equal(reader.picks() + Number(reader.drops()!.picks), picks);
      assert.equal(reader.drops()!.cause, DropCause.SLOW_WATCHER);
    }
    assert.ok(slow.picks() > stopped.picks() && stopped.picks() > 0);
    const truth = feed.endpoints.map(({ counters }) => [counters.picks, counters.started, sum(counters.ended)]);
    for (const reader of [quick, slow, stopped]) {
      const last = new Map(reader.counters().flatMap(({ endpoints }) => endpoints.map((it) => [it.endpoint, it])));
      const told = feed.endpoints.map(({ message }) => {
        const { picks, started, completionsByCode } = last.get(message.id)!;
        return [Number(picks), Number(started), sum(completionsByCode.map(Number))];
      });
      assert.deepEqual(told, truth);
    }
    assert.equal(sum(truth.map(([count]) => count!)), picks);
  });

  it('of a client with 100,000 endpoints and 50,000 methods comes in messages that a reader takes', () => {
    const recorder = new Recorder();
    const feeds = Array.from({ length: 100 }, () => new BusyFeed(recorder, 1000));
    const reader = attach(recorder);
    assert.equal(reader.changes().filter(({ entity }) => entity.case === 'endpoint').length, 100_000);
    assert.equal(sum(reader.counters().map(({ endpoints }) => endpoints.length)), 100_000);
    assert.equal(reader.cases().at(-1), 'snapshotEnd');

    const feed = new Feed(recorder);
    for (let i = 0; i < 50_000; i++) feed.calls(1, `/shop.Cart/${'x'.repeat(300)}${i}`);
    for (const { endpoints } of feeds)
      recorder.entities.resolverUpdate(
        feed.channel,
        endpoints.map(() => 'ü'.repeat(256)),
        '',
      );
    mock.timers.tick(1000);
    const names = new Set(reader.messages.flatMap(({ body }) => (body.case === 'strings' ? body.value.values : [])));
    assert.ok(names.size <= 4098 && names.has('(other)'));
    assert.ok(reader.largest < largestMessage, `${reader.largest} bytes`);
  });

  it('looks once a second only at those that have counted', () => {
    const recorder = new Recorder();
    const feed = new BusyFeed(recorder, 10_000);
    const reader = attach(recorder);
    const before = reader.counters().length;
    const sets: Set<unknown>[] = [recorder.entities.channels, feed.channel.endpoints];
    for (const set of sets) {
      Object.defineProperty(set, Symbol.iterator, {
        value: () => assert.fail('All are looked at.'),
        configurable: true,
      });
    }
    feed.picks(7);
    mock.timers.tick(1000);
    const [counters, ...more] = reader.counters().slice(before);
    assert.deepEqual([counters!.endpoints.length, counters!.channels.length, more.length], [7, 1, 0]);
    mock.timers.tick(1000);
    assert.equal(reader.counters().length, before + 1, 'nothing has counted since');
    for (const set of sets) Reflect.deleteProperty(set, Symbol.iterator);
  });
});

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
