import assert from 'node:assert/strict';
import { PickReason } from '@pickscope/protocol/messages';
import { ClientModel } from '../../../src/model/clientModel';
import { FakeClient, type FakePick } from './fakeClient';
import { everyPick, queryOf } from './queries';

const unavailable = 14;

describe('The filter of the list of picks', () => {
  const fake = new FakeClient({
    backends: [
      { address: '10.0.0.1:50051', latencyMs: 2 },
      { address: '10.0.0.2:50051', latencyMs: 15, errors: 0.3 },
      { address: '10.0.0.3:50051', latencyMs: 300 },
    ],
    picksPerSecond: 100,
  }).attach();
  const model = new ClientModel({ pickBudgetBytes: 4_000_000 });
  fake.run(8000).flush();
  for (const message of fake.messages) model.apply(message);

  const ask = (filter: string) => model.view(queryOf({ filter }), fake.nowMs)!;
  const expectCalls = (filter: string, wanted: (pick: FakePick) => boolean) => {
    const view = ask(filter);
    const real = fake.picks.filter(wanted).map(({ call }) => call);
    assert.ok(real.length > 0 && real.length < fake.picks.length, `"${filter}" divides the ${fake.picks.length} picks`);
    assert.deepEqual(
      everyPick(model, queryOf({ filter }), fake.nowMs).map(({ call }) => call),
      real.toReversed(),
    );
    assert.equal(view.matching, real.length);
    assert.equal(view.retained, fake.picks.length);
    assert.equal(view.filterError, undefined);
  };
  const latency = ({ end }: FakePick) => end?.latencyMs ?? NaN;

  it('knows latencies in three units, ms if none is given', () => {
    expectCalls('>20ms', (pick) => latency(pick) > 20);
    expectCalls('>20', (pick) => latency(pick) > 20);
    expectCalls('<5ms', (pick) => latency(pick) < 5);
    expectCalls('<2000us', (pick) => latency(pick) < 2);
    expectCalls('>0.02s', (pick) => latency(pick) > 20);
  });

  it('knows reasons', () => {
    expectCalls('lower', ({ reason }) => reason === PickReason.BETTER_SCORE);
    expectCalls('FORCED', ({ reason }) => reason === PickReason.FORCED);
  });

  it('knows outcomes, and status codes by name', () => {
    expectCalls('error', ({ end }) => end?.code === unavailable);
    expectCalls('unavailable', ({ end }) => end?.code === unavailable);
    expectCalls('ok', ({ end }) => end?.code === 0);
    expectCalls('inflight', ({ end }) => end === undefined);
  });

  it('finds methods and endpoints by a part of them', () => {
    expectCalls('method:getcart', ({ method }) => method.endsWith('GetCart'));
    expectCalls('PutItem', ({ method }) => method.endsWith('PutItem'));
    expectCalls('endpoint:0.3', ({ address }) => address === '10.0.0.3:50051');
    const drawn = (pick: FakePick) => pick.candidates.some(({ address }) => address === '10.0.0.3:50051');
    expectCalls('candidate:10.0.0.3', drawn);
    expectCalls('10.0.0.3', drawn);
  });

  it('wants all tokens, and negates those with a minus', () => {
    expectCalls('candidate:10.0.0.3 -endpoint:10.0.0.3  >1ms', (pick) => {
      const drawn = pick.candidates.some(({ address }) => address === '10.0.0.3:50051');
      return drawn && pick.address !== '10.0.0.3:50051' && latency(pick) > 1;
    });
    expectCalls('-ok', ({ end }) => end?.code !== 0);
  });

  it('matches nothing where nothing is there', () => {
    assert.equal(ask('queued').matching, 0);
    assert.equal(ask('10.9.9.9').matching, 0);
    assert.deepEqual(ask('dropped').picks, []);
  });

  for (const token of ['>abc', '<', '>5min', 'method:', '-endpoint:', '-']) {
    it(`says that ${token} is malformed, and shows all`, () => {
      const view = ask(`lower ${token} ok`);
      assert.equal(view.filterError?.token, token);
      assert.equal(view.matching, fake.picks.length);
      assert.ok(view.picks.length > 0);
    });
  }

  it('follows picks whose calls end later', () => {
    const slow = new FakeClient({ backends: [{ address: 'a:1', latencyMs: 500 }], picksPerSecond: 50 }).attach();
    const reader = new ClientModel({ pickBudgetBytes: 1_000_000 });
    let read = 0;
    const matching = (filter: string) => {
      for (; read < slow.messages.length; read++) reader.apply(slow.messages[read]!);
      return reader.view(queryOf({ filter }), slow.nowMs)!.matching;
    };
    slow.run(300).flush();
    const early = slow.picks.length;
    assert.equal(matching('inflight'), early);
    assert.equal(matching('ok'), 0);
    slow.run(2000).flush();
    const ended = slow.picks.filter(({ end }) => end).length;
    assert.ok(ended > early);
    assert.equal(matching('ok'), ended);
    assert.equal(matching('inflight'), slow.picks.length - ended);
  });

  it('counts right while the ring turns over', () => {
    const long = new FakeClient({ backends: [{ address: 'a:1', latencyMs: 1 }], picksPerSecond: 500 }).attach();
    const reader = new ClientModel({ pickBudgetBytes: 162 * 300 });
    let read = 0;
    for (let step = 0; step < 40; step++) {
      long.run(step % 7 === 0 ? 1500 : 130).flush();
      for (; read < long.messages.length; read++) reader.apply(long.messages[read]!);
      const view = reader.view(queryOf({ filter: 'GetCart' }), long.nowMs)!;
      const kept = long.picks.slice(-300).filter(({ method }) => method.endsWith('GetCart'));
      assert.equal(view.matching, kept.length);
      assert.equal(view.picks.length, kept.length);
    }
  });
});
