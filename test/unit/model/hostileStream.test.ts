import assert from 'node:assert/strict';
import { create, fromBinary } from '@bufbuild/protobuf';
import { WatchResponseSchema, type WatchResponse } from '@pickscope/protocol/messages';
import * as fc from 'fast-check';
import { retainedBytes } from '../../../libraries/node/test/server/debugClient';
import { ClientModel } from '../../../src/model/clientModel';
import { maxChannels, maxEndpoints } from '../../../src/model/registry';
import { defaultStartMs, FakeClient } from './fakeClient';
import { queryOf } from './queries';

const query = queryOf({ windowSeconds: 30 });
const backends = [1, 2, 3].map((index) => ({ address: `10.0.0.${index}:50051`, latencyMs: index }));

type Body = Parameters<typeof create<typeof WatchResponseSchema>>[1];
const message = (body: NonNullable<NonNullable<Body>['body']>): WatchResponse => create(WatchResponseSchema, { body });

/** Small ids meet each other often; the others meet nothing. */
const id = fc.oneof({ weight: 9, arbitrary: fc.nat(6) }, fc.nat(0xffff_ffff));
const ns = fc.oneof(fc.bigInt({ min: 0n, max: 20_000_000_000n }), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
const number = fc.oneof(fc.double({ min: -1e12, max: 1e12 }), fc.constantFrom(NaN, Infinity, -Infinity, -1, 0));
const uint = fc.oneof(fc.nat(5), fc.constantFrom(255, 65_536, 0xffff_ffff));
const column = <T>(value: fc.Arbitrary<T>) => fc.array(value, { maxLength: 6 });
const ids = column(id);
const clock = fc.record({ monotonicNs: ns, wallUnixNs: ns });
const described = { state: fc.nat(7), stateSinceNs: ns, error: fc.string() };

const entity = fc.oneof(
  fc.record({
    case: fc.constant('channel' as const),
    value: fc.record({ id, target: fc.string(), closed: fc.boolean(), ...described }),
  }),
  fc.record({
    case: fc.constant('policy' as const),
    value: fc.record({
      id,
      channel: id,
      parent: id,
      name: fc.string(),
      scoreOrder: fc.nat(4),
      note: fc.string(),
      removed: fc.boolean(),
    }),
  }),
  fc.record({
    case: fc.constant('resolverUpdate' as const),
    value: fc.record({ channel: id, endpointCount: uint, addresses: column(fc.string()), error: fc.string() }),
  }),
  fc.record({
    case: fc.constant('generation' as const),
    value: fc.record({ id, channel: id, endpoints: ids, cause: fc.nat(6), historyKept: fc.boolean() }),
  }),
  fc.record({
    case: fc.constant('endpoint' as const),
    value: fc.record({ id, channel: id, addresses: column(fc.string()), removed: fc.boolean(), ...described }),
  }),
  fc.record({
    case: fc.constant('subconn' as const),
    value: fc.record({ id, endpoints: ids, address: fc.string(), removed: fc.boolean(), ...described }),
  }),
);

const rows = {
  rows: uint,
  baseTimeNs: ns,
  timeDeltaNs: column(uint),
  baseCall: fc.oneof(fc.bigInt({ min: 0n, max: 9n }), ns),
  callDelta: column(fc.integer({ min: -5, max: 5 })),
  attempt: column(uint),
  channel: ids,
  method: ids,
  endpoint: ids,
  code: column(uint),
};

const body = fc.oneof(
  fc.record({
    case: fc.constant('process' as const),
    value: fc.record({ instance: fc.constantFrom('a', 'b'), limitations: column(fc.string()), clock }),
  }),
  fc.constantFrom({ case: 'snapshotBegin' as const, value: {} }, { case: 'snapshotEnd' as const, value: {} }),
  fc.record({ case: fc.constant('strings' as const), value: fc.record({ ids, values: column(fc.string()) }) }),
  fc.record({
    case: fc.constant('changes' as const),
    value: fc.record({ changes: column(fc.record({ timeNs: ns, entity })) }),
  }),
  fc.record({
    case: fc.constant('picks' as const),
    value: fc.record({
      ...rows,
      generation: ids,
      result: column(fc.nat(6)),
      reason: column(fc.nat(12)),
      policy: ids,
      flags: column(uint),
      candidateCount: column(uint),
      candidateEndpoint: ids,
      candidateLagNs: column(number),
      candidatePeakNs: column(number),
      candidateScore: column(number),
      candidateIdleNs: column(number),
      rejectedDraws: column(uint),
      rejectedEndpoint: ids,
    }),
  }),
  fc.record({
    case: fc.constant('completions' as const),
    value: fc.record({
      ...rows,
      latencyNs: column(number),
      lagNs: column(number),
      peakNs: column(number),
      inflight: column(uint),
      flags: column(uint),
    }),
  }),
  fc.record({
    case: fc.constant('counters' as const),
    value: fc.record({
      timeNs: ns,
      channels: column(fc.record({ channel: id, picksCompleted: ns })),
      endpoints: column(
        fc.record({
          endpoint: id,
          picks: ns,
          codes: column(uint),
          lagNs: number,
          peakNs: number,
          inflight: uint,
          derived: fc.boolean(),
        }),
      ),
    }),
  }),
  fc.record({ case: fc.constant('drops' as const), value: fc.record({ picks: ns, completions: ns }) }),
  fc.record({ case: fc.constant('heartbeat' as const), value: fc.record({ clock }) }),
);

const asked = fc.record({
  windowSeconds: number,
  filter: fc.oneof(fc.string(), fc.constantFrom('ok', '>1ms', '-lower', 'endpoint:1', 'error 10')),
  points: number,
  rows: fc.record({ newest: fc.option(number, { nil: undefined }), skip: number, limit: number }),
  selection: fc.option(fc.record({ fromMs: number, toMs: number }), { nil: undefined }),
  ask: fc.option(fc.oneof(fc.nat(20), number), { nil: undefined }),
  untilMs: fc.option(number, { nil: undefined }),
  inspect: fc.option(fc.oneof(fc.nat(40), number), { nil: undefined }),
  channel: fc.option(fc.nat(20), { nil: undefined }),
});

describe('A hostile stream', () => {
  it('never makes the model throw, whatever is said in whatever order, and whatever is asked', () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 40 }), column(asked), number, (bodies, queries, nowMs) => {
        const model = new ClientModel({ pickBudgetBytes: 3000 });
        for (const one of bodies) {
          model.apply(message(one));
          for (const each of queries) {
            model.view(each, nowMs);
            model.chart(each, nowMs);
          }
          model.reach(nowMs);
          model.channels(nowMs);
        }
        model.clear();
        model.view(query, nowMs);
      }),
      { numRuns: 300, endOnFailure: true },
    );
  });

  it('is survived when it is garbage that happens to be a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        let decoded: WatchResponse;
        try {
          decoded = fromBinary(WatchResponseSchema, bytes);
        } catch {
          return;
        }
        const model = new ClientModel({ pickBudgetBytes: 3000 });
        model.apply(decoded);
        model.view(query, defaultStartMs);
      }),
    );
  });

  it('cannot claim more rows than it sends', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).attach().run(1000);
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    for (const each of fake.messages) {
      if (each.body.case === 'picks' || each.body.case === 'completions') each.body.value.rows = 0xffff_ffff;
      model.apply(each);
    }
    assert.ok(model.view(query, fake.nowMs)!.picksSeen <= fake.picks.length);
  });

  it('shows neither its picks nor counts of channels and endpoints that it never announced', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).attach().run(1000);
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    for (const each of fake.messages) if (each.body.case !== 'changes') model.apply(each);
    assert.equal(model.view(query, fake.nowMs), undefined);
    assert.deepEqual(model.channels(fake.nowMs), []);
  });

  it('cannot fill the memory with endpoints: what has no room is counted', () => {
    const model = new ClientModel({ pickBudgetBytes: 100_000 });
    model.apply(message({ case: 'process', value: { instance: 'a' } }));
    const channel = { case: 'channel' as const, value: { id: 1, target: 'x' } };
    model.apply(message({ case: 'changes', value: { changes: [{ entity: channel }] } }));
    const count = maxEndpoints + 500;
    const changes = Array.from({ length: count }, (_, index) => ({
      entity: {
        case: 'endpoint' as const,
        value: { id: index + 2, channel: 1, addresses: [`10.0.0.1:${index}`], state: 3 },
      },
    }));
    model.apply(message({ case: 'changes', value: { changes } }));
    const view = model.view(query, 0)!;
    assert.equal(view.endpoints.length, maxEndpoints);
    assert.equal(view.endpointsLeftOut, 500);
    const removed = changes.slice(0, 10).map(({ entity }) => ({
      entity: { ...entity, value: { ...entity.value, removed: true } },
    }));
    model.apply(message({ case: 'changes', value: { changes: [...removed, ...changes.slice(-10)] } }));
    const later = model.view(query, 0)!;
    assert.equal(later.endpoints.length, maxEndpoints, 'removed ones make room');
    assert.equal(later.endpointsLeftOut, 490);
    assert.equal(new Set(later.endpoints.map(({ slot }) => slot)).size, maxEndpoints);
  });

  it('cannot fill the memory with channels, generations, strings or events', () => {
    const model = new ClientModel({ pickBudgetBytes: 100_000 });
    model.apply(message({ case: 'process', value: { instance: 'a' } }));
    model.apply(message({ case: 'snapshotEnd', value: {} }));
    for (let index = 1; index <= 3000; index++) {
      const channel = { case: 'channel' as const, value: { id: index, target: `t${index}`, closed: index % 2 === 0 } };
      const generation = { case: 'generation' as const, value: { id: index, channel: 1, endpoints: [1] } };
      model.apply(message({ case: 'changes', value: { changes: [{ entity: channel }, { entity: generation }] } }));
    }
    assert.equal(model.channels(0).length, maxChannels);
    const [first] = model.channels(0);
    assert.equal(model.view({ ...query, channel: first!.id }, 0)!.events.length, 500);
  });

  it('cannot forge what a person reads: its texts are bounded, and show every character', () => {
    const model = new ClientModel({ pickBudgetBytes: 100_000 });
    const target = `evil\u202e\u0000\u001b[31m${'x'.repeat(1000)}`;
    const channel = { case: 'channel' as const, value: { id: 1, target } };
    model.apply(message({ case: 'changes', value: { changes: [{ entity: channel }] } }));
    const shown = model.view(query, 0)!.target;
    assert.ok(shown.startsWith('evil\ufffd\ufffd\ufffd[31mxxx'));
    assert.equal(shown.length, 256);
  });

  it('cannot hold the memory by long texts of which little is shown', () => {
    const model = new ClientModel({ pickBudgetBytes: 100_000 });
    model.apply(message({ case: 'process', value: { instance: 'a' } }));
    model.apply(message({ case: 'snapshotEnd', value: {} }));
    const long = 'x'.repeat(4_000_000);
    const before = retainedBytes();
    for (let index = 1; index <= 100; index++) {
      // As out of the network: a text of its own.
      const text = Buffer.from(`${index}${long}`).toString();
      model.apply(message({ case: 'strings', value: { ids: [index], values: [text] } }));
    }
    const grown = retainedBytes() - before;
    assert.ok(grown < 200_000_000, `${Math.round(grown / 1e6)} MB are held for 100 texts of 256 characters`);
  });

  it('cannot fill the memory by announcing things without an id', () => {
    const model = new ClientModel({ pickBudgetBytes: 100_000 });
    const announce = (id: number) => ({ entity: { case: 'channel' as const, value: { id, target: 'x' } } });
    for (let id = 1; id <= 300; id++)
      model.apply(message({ case: 'changes', value: { changes: [announce(0), announce(id)] } }));
    assert.equal(model.channels(0).length, maxChannels, 'no two ids are one channel');
  });

  it('cannot fill the memory by a snapshot that does not end, whose channels come and go', () => {
    const model = new ClientModel({ pickBudgetBytes: 100_000 });
    model.apply(message({ case: 'process', value: { instance: 'a' } }));
    model.apply(message({ case: 'snapshotBegin', value: {} }));
    const before = retainedBytes();
    for (let id = 1; id <= 2000; id++) {
      const channel = { case: 'channel' as const, value: { id, target: `t${id}` } };
      const policy = { case: 'policy' as const, value: { id, channel: id, name: 'p' } };
      const closed = { case: 'channel' as const, value: { id, target: `t${id}`, closed: true } };
      const changes = [channel, policy, closed].map((entity) => ({ entity }));
      model.apply(message({ case: 'changes', value: { changes } }));
    }
    const grown = retainedBytes() - before;
    assert.ok(grown < 200_000_000, `${Math.round(grown / 1e6)} MB are held for ${maxChannels} channels`);
  });

  it('shows no reading that is beyond what a number in a column can hold', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).attach().run(1000).flush();
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    for (const each of fake.messages) {
      const { body: told } = each;
      if (told.case === 'picks') {
        const absurd = told.value.candidateScore.map((score, index) => (index % 2 === 0 ? 1e300 : score));
        Object.assign(told.value, { candidateScore: absurd, candidateLagNs: absurd, candidatePeakNs: absurd });
      }
      model.apply(each);
    }
    const { endpoints } = model.view(query, fake.nowMs)!;
    const { series } = model.chart(query, fake.nowMs)!;
    assert.ok(endpoints.length > 0);
    for (const { load, lagMs, peakMs } of endpoints)
      for (const reading of [load, lagMs, peakMs]) assert.ok(reading === null || reading < 1e30, `${reading}`);
    for (const line of series.endpoints)
      for (const values of [line.load, line.lagMs]) assert.ok(values.every((value) => value !== Infinity));
  });

  it('does no lasting harm by one absurd time', () => {
    const fake = new FakeClient({ backends, picksPerSecond: 100 }).attach();
    const model = new ClientModel({ pickBudgetBytes: 1_000_000 });
    const future = { timeNs: 1n << 62n, entity: { case: 'resolverUpdate' as const, value: { channel: 1 } } };
    fake.run(1500);
    for (const each of fake.messages.splice(0)) model.apply(each);
    model.apply(message({ case: 'changes', value: { changes: [future] } }));
    fake.run(5000);
    for (const each of fake.messages) model.apply(each);
    const view = model.view(query, fake.nowMs)!;
    assert.ok(Math.abs(view.atMs - fake.nowMs) < 1);
    assert.ok(view.endpoints.every(({ share }) => share! > 0));
  });
});
