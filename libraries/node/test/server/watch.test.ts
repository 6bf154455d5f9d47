import { fromBinary } from '@bufbuild/protobuf';
import { DropCause, WatchResponseSchema } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { Recorder } from '../../src/recorder/recorder';
import { pickCapacity } from '../../src/recorder/rings';
import { describeProcess } from '../../src/server/process';
import { WatchStream, type Dropped, type WatchSink } from '../../src/server/watch';
import { Feed } from './feed';

/** A reader that takes nothing while it is full. */
class Reader implements WatchSink {
  full = false;
  readonly dropped: Dropped[] = [];
  readonly calls: number[] = [];

  write(bytes: Uint8Array): void {
    assert.ok(!this.full);
    const { body } = fromBinary(WatchResponseSchema, bytes);
    if (body.case !== 'picks') return;
    let call = Number(body.value.baseCall);
    for (const difference of body.value.callDelta) this.calls.push((call += difference));
  }

  drop(dropped: Dropped): void {
    this.dropped.push(dropped);
  }

  abort(): void {
    assert.fail('The reader has lost nothing that it needs.');
  }
}

describe('a stream', () => {
  const recorder = new Recorder();
  const feed = new Feed(recorder);
  let reader: Reader;
  let stream: WatchStream;

  beforeEach(() => {
    reader = new Reader();
    const describe = () => describeProcess('a'.repeat(32), 'cart', []);
    stream = new WatchStream({ recorder, describe, refusedCalls: () => 0 }, reader);
  });
  afterEach(() => stream.close());

  it('keeps for a reader that pauses what the rings hold', () => {
    reader.full = true;
    feed.calls(1000);
    stream.beat();
    feed.calls(500);
    stream.beat();
    reader.full = false;
    feed.calls(1);
    stream.beat();
    assert.equal(reader.calls.length, 1501);
    assert.deepEqual(reader.dropped, []);
  });

  it('drops what they do not hold, the oldest first, and says whose fault that is', () => {
    reader.full = true;
    feed.calls(pickCapacity);
    stream.beat();
    feed.calls(300);
    stream.beat();
    reader.full = false;
    stream.beat();
    assert.deepEqual(reader.dropped, [{ picks: 300, completions: 300, cause: DropCause.SLOW_WATCHER }]);
    const first = reader.calls[0]!;
    assert.deepEqual(
      reader.calls,
      Array.from({ length: pickCapacity }, (_, i) => first + i),
    );

    feed.calls(pickCapacity + 20);
    stream.beat();
    assert.deepEqual(reader.dropped.at(-1), { picks: 20, completions: 20, cause: DropCause.RING_FULL });
  });
});
