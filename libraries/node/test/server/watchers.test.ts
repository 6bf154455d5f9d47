import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { mock } from 'node:test';
import { Recorder } from '../../src/recorder/recorder';
import { Past } from '../../src/server/past';
import { Watchers, type WatchCall } from '../../src/server/watchers';
import { sourceOf } from './collected';
import { Feed } from './feed';

/** A call whose client takes nothing unless it is told to. */
class FakeCall extends EventEmitter {
  writableNeedDrain = false;
  readonly cancelled = false;
  readonly request;
  refusal: grpc.ServiceError | undefined;

  constructor(past: boolean) {
    super();
    this.request = { protocolMajor: 1, past, pastSinceNs: 0n };
    this.on('error', (refusal: grpc.ServiceError) => (this.refusal = refusal));
  }

  write(): boolean {
    this.writableNeedDrain = true;
    return false;
  }

  take(): void {
    this.writableNeedDrain = false;
    this.emit('drain');
  }
}

describe('the places of watchers', () => {
  const recorder = new Recorder();
  const feed = new Feed(recorder);
  let watchers: Watchers;
  let past: Past;

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] });
    const source = sourceOf(recorder);
    past = new Past(source, { seconds: 600, bytes: 16 << 20 }, () => undefined);
    watchers = new Watchers(grpc, source, past);
  });

  afterEach(() => {
    past.close();
    mock.timers.reset();
  });

  function attach(wantsPast: boolean): FakeCall {
    const call = new FakeCall(wantsPast);
    watchers.admit(call as unknown as WatchCall);
    return call;
  }

  it('are taken from those who have stopped reading for ever, and from nobody else', () => {
    const stopped = [true, false, true, false, true, false].map(attach);
    const slow = [true, false].map(attach);
    assert.equal(attach(false).refusal?.code, grpc.status.RESOURCE_EXHAUSTED);
    for (let i = 0; i < 120; i++) {
      feed.calls(1);
      // Once in 50 s.
      if (i % 50 === 49) for (const call of slow) call.take();
      mock.timers.tick(1000);
    }
    for (const { refusal } of stopped) {
      assert.equal(refusal?.code, grpc.status.ABORTED);
      assert.match(refusal.details, /reads too slowly .* open another stream/);
    }
    for (const { refusal } of slow) assert.equal(refusal, undefined);
    assert.equal(attach(true).refusal, undefined);
    for (const call of slow) call.emit('cancelled');
    assert.equal(recorder.watcherCount, 1, 'what is kept goes on');
  });
});
