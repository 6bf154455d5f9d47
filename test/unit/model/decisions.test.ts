import assert from 'node:assert/strict';
import { maxPairs, Pairs, Stretches } from '../../../src/model/decisions';
import { Channel, Endpoint } from '../../../src/model/entities';
import { liveReachMs, reachOf } from '../../../src/model/reach';

const bucketMs = 5000;
const places = 180;
const beginMs = 1_000_000_000;
const bucket = beginMs / bucketMs;
const channel = new Channel(1, 'dns:///cart', reachOf(liveReachMs));

function endpoint(id: number): Endpoint {
  return new Endpoint(id, channel, [`10.0.0.${id}:1`], 0);
}

function endpoints(count: number): Endpoint[] {
  return Array.from({ length: count }, (_, index) => endpoint(index + 2));
}

describe('Pairs of endpoints', () => {
  it('are told apart up to 64 winners of a loser, and 5000 in all', () => {
    const pairs = new Pairs(bucketMs, places);
    const all = endpoints(200);
    for (const loser of all) for (const winner of all) if (loser !== winner) pairs.add(beginMs, loser, winner, NaN);
    const lost = all.map(({ id }) => pairs.of(id, bucket, bucket + 1).filter((pair) => pair.loser === id).length);
    assert.ok(lost.every((count) => count <= 64));
    assert.equal(lost[0], 64);
    assert.equal(
      lost.reduce((sum, count) => sum + count, 0),
      maxPairs,
    );
  });

  it('make room for others once nothing of them is kept', () => {
    const pairs = new Pairs(bucketMs, places);
    const all = endpoints(80);
    for (const loser of all) for (const winner of all) if (loser !== winner) pairs.add(beginMs, loser, winner, NaN);
    const [a, b] = [endpoint(1000), endpoint(1001)];
    pairs.add(beginMs + bucketMs, a, b, Math.log(3));
    assert.deepEqual(pairs.of(1000, 0, Infinity), [], 'there is none');
    const laterMs = beginMs + (places + 2) * bucketMs;
    pairs.add(laterMs, a, b, Math.log(3));
    pairs.add(laterMs, a, b, NaN);
    const [pair, ...others] = pairs.of(1000, laterMs / bucketMs, laterMs / bucketMs + 1);
    assert.deepEqual(others, []);
    assert.deepEqual(
      { ...pair, ratio: Math.round(pair!.ratio! * 1e4) / 1e4 },
      { loser: 1000, winner: 1001, picks: 2, ratio: 3 },
    );
  });

  it('move back with the clock', () => {
    const pairs = new Pairs(bucketMs, places);
    const [a, b] = [endpoint(1), endpoint(2)];
    pairs.add(beginMs, a, b, 0);
    pairs.moveBack(3 * bucketMs);
    assert.deepEqual(pairs.of(1, bucket, bucket + 1), []);
    assert.equal(pairs.of(1, bucket - 3, bucket - 2)[0]?.picks, 1);
    pairs.clear();
    assert.deepEqual(pairs.of(1, bucket - 3, bucket - 2), []);
  });
});

describe('Stretches of a channel', () => {
  it('end where a bucket does, and where others come to be held', () => {
    const stretches = new Stretches(bucketMs);
    stretches.at(beginMs + 10).picks++;
    stretches.cut(beginMs + 2000);
    stretches.at(beginMs + 1999).picks++;
    stretches.at(beginMs + 2000).picks++;
    stretches.at(beginMs + bucketMs).picks++;
    stretches.at(beginMs + 1).picks++;
    assert.deepEqual(
      stretches
        .within(bucket, bucket + 2)
        .map(({ beginMs: begin, endMs, picks }) => [begin - beginMs, endMs - beginMs, picks]),
      [
        [0, 2000, 3],
        [2000, bucketMs, 1],
        [bucketMs, 2 * bucketMs, 1],
      ],
    );
  });

  it('are bounded, however often that changes', () => {
    const stretches = new Stretches(bucketMs);
    for (let ms = 0; ms < 10_000; ms++) {
      stretches.cut(beginMs + ms);
      stretches.at(beginMs + ms).picks++;
    }
    assert.equal(stretches.within(0, Infinity).length, 2000);
  });
});
