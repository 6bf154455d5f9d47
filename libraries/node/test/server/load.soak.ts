import { DropCause, type EndpointCounters, type WatchResponse } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { until } from '../backends';
import type { Load } from './busyProgram';
import { Child, endChildren } from './children';
import { StalledReader, Watcher } from './debugClient';

/** s: until memory is what it will be, and from then on. */
const [warmUp, duration] = [15, 45];
/** ms before each 16 KB: a thirtieth of what comes. */
const slowness = 40;
/** Bytes; RSS breathes with the garbage of the young generation. */
const flat = 64 << 20;

describe('under 100,000 picks a second for a minute, with one reader that keeps up, one slow and one stopped', () => {
  let folder: string;
  let source: Child;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
    source = await Child.start(folder, { env: { TMPDIR: folder } }, 'busyProgram.ts');
  });

  after(async () => {
    await endChildren();
    rmSync(folder, { recursive: true, force: true });
  });

  function figures(): Promise<Load> {
    const answer = new Promise<Load>((resolve) => source.process.once('message', (it) => resolve(it as Load)));
    source.process.send('figures');
    return answer;
  }

  it('no pick waits, memory stays flat, drops are told to whom they happen, and counters are exact', async () => {
    const { address, token } = await figures();
    const keepsUp = new KeepingUp(address, token);
    const slow = new Slow(address, token);
    const stopped = new Slow(address, token);
    const readers = { 'keeps up': keepsUp.tally, slow: slow.tally, stopped: stopped.tally };
    await until(() => keepsUp.tally.ready);
    slow.resume(slowness);
    source.process.send('begin');
    await passed(warmUp);
    const warm = await figures();
    await passed(duration);
    const end = await figures();
    source.process.send('stop');
    slow.resume();
    stopped.resume();
    await until(() => Object.values(readers).every(({ isSettled }) => isSettled));
    const { counted, picks } = await figures();

    console.log(
      `      ${(end.picks / end.seconds).toFixed(0)} picks/s, ${((100 * end.cpu) / end.seconds).toFixed(0)} % of a core`,
    );
    console.log(`      the event loop was held up for ${end.maxDelay.toFixed(1)} ms at most`);
    console.log(
      `      RSS ${megabytes(warm.rss)} after ${warmUp} s, ${megabytes(end.rss)} after ${warmUp + duration} s`,
    );
    for (const [name, { picks: got, dropped, cause }] of Object.entries(readers)) {
      const reason = dropped > 0 ? ` (${DropCause[cause]})` : '';
      console.log(`      reader "${name}" got ${got}, and was told of ${dropped} dropped${reason}`);
    }

    for (const tally of Object.values(readers)) {
      assert.equal(tally.picks + tally.dropped, picks);
      assert.deepEqual(tally.counted(), counted);
    }
    // On a machine that has more to do than it can, nobody keeps up; on any, a reader may once be kept from its core for longer
    // than the rings reach, a third of a second.
    const [load] = loadavg();
    console.log(`      processes that wanted to run: ${load!.toFixed(1)}, on ${availableParallelism()} cores`);
    if (load! < availableParallelism() + 1) assert.ok(readers['keeps up'].dropped < picks / 100);
    for (const { dropped, cause } of [readers.slow, readers.stopped]) {
      assert.ok(dropped > picks / 2);
      assert.equal(cause, DropCause.SLOW_WATCHER);
    }
    assert.ok(end.rss - warm.rss < flat);
    keepsUp.close();
    slow.close();
    stopped.close();
  });
});

/** What one reader was told, added up. */
class Tally {
  ready = false;
  picks = 0;
  dropped = 0;
  cause = DropCause.UNSPECIFIED;
  private readonly endpoints = new Map<number, EndpointCounters>();
  private sequence = 0;
  /** Heartbeats since the last rows. */
  private quietBeats = 0;

  receive({ sequence, body }: WatchResponse): void {
    assert.equal(sequence, ++this.sequence);
    switch (body.case) {
      case 'snapshotEnd':
        this.ready = true;
        break;
      case 'counters':
        for (const it of body.value.endpoints) this.endpoints.set(it.endpoint, it);
        break;
      case 'picks':
        this.picks += body.value.rows;
        this.quietBeats = 0;
        break;
      case 'drops':
        [this.dropped, this.cause] = [Number(body.value.picks), body.value.cause];
        break;
      case 'heartbeat':
        this.quietBeats++;
    }
  }

  /** Whether all that happened has been told: two heartbeats without a row. */
  get isSettled(): boolean {
    return this.quietBeats >= 2;
  }

  /** As Load.counted. */
  counted(): number[][] {
    return [...this.endpoints.values()]
      .filter(({ picks }) => picks > 0n)
      .sort((a, b) => a.endpoint - b.endpoint)
      .map(({ endpoint, picks, started, completionsByCode }) => {
        const ended = completionsByCode.reduce((sum, it) => sum + Number(it), 0);
        return [endpoint, Number(picks), Number(started), ended];
      });
  }
}

class KeepingUp extends Watcher {
  readonly tally = new Tally();

  override receive(message: WatchResponse): void {
    this.tally.receive(message);
  }
}

class Slow extends StalledReader {
  readonly tally = new Tally();

  override receive(message: WatchResponse): void {
    this.tally.receive(message);
  }
}

function passed(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MB`;
}
