import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import type { PickRow, TimeSpan } from '../../../src/messages/panel';
import { ClientModel } from '../../../src/model/clientModel';
import { FakeClient } from './fakeClient';
import { everyPick, queryOf } from './queries';

const backends = [
  { address: '10.0.0.1:50051', latencyMs: 2 },
  { address: '10.0.0.2:50051', latencyMs: 15, errors: 0.3 },
  { address: '10.0.0.3:50051', latencyMs: 300 },
];
const wantedBy: Readonly<Record<string, (pick: PickRow) => boolean>> = {
  '': () => true,
  error: ({ outcome }) => outcome !== null && outcome.code !== 'OK',
  'method:getcart -ok': ({ method, outcome }) => method.endsWith('GetCart') && outcome?.code !== 'OK',
  'no such text': () => false,
};

describe('The list of picks', () => {
  const fake = new FakeClient({ backends, picksPerSecond: 200 }).attach().run(12_000).flush();
  // Room for the newest half or so: the ring turned over.
  const model = new ClientModel({ pickBudgetBytes: 200_000 });
  for (const message of fake.messages) model.apply(message);
  const rows = everyPick(model, queryOf(), fake.nowMs);
  const [oldest, newest] = [rows.at(-1)!, rows[0]!];

  it('has what the client did last', () => {
    const last = fake.picks.slice(-rows.length).map(({ call }) => call);
    assert.ok(rows.length > 1000 && rows.length < fake.picks.length);
    assert.deepEqual(
      rows.map(({ call }) => call),
      last.reverse(),
    );
  });

  const moment = fc.integer({ min: Math.floor(oldest.timeMs) - 500, max: Math.ceil(newest.timeMs) + 500 });
  const asked = fc.record({
    filter: fc.constantFrom(...Object.keys(wantedBy)),
    untilMs: fc.option(moment, { nil: undefined }),
    selection: fc.option(
      fc.tuple(moment, moment).map(([a, b]): TimeSpan => ({ fromMs: Math.min(a, b), toMs: Math.max(a, b) + 1 })),
      { nil: undefined },
    ),
    newest: fc.option(fc.integer({ min: oldest.key - 10, max: newest.key + 10 }), { nil: undefined }),
    skip: fc.nat(rows.length + 100),
    limit: fc.nat(600),
  });

  it('answers any page of any part as a search through all rows does', () => {
    fc.assert(
      fc.property(asked, ({ filter, untilMs, selection, newest: newestKey, skip, limit }) => {
        const query = queryOf({ filter, rows: { skip, limit } });
        const view = model.view(
          {
            ...query,
            ...(untilMs !== undefined && { untilMs }),
            ...(selection && { selection }),
            rows: { ...query.rows, ...(newestKey !== undefined && { newest: newestKey }) },
          },
          fake.nowMs,
        )!;
        const there = rows.filter(({ timeMs }) => timeMs <= (untilMs ?? Infinity));
        const within = there.filter(
          ({ timeMs }) => !selection || (timeMs >= selection.fromMs && timeMs < Math.min(selection.toMs, view.atMs)),
        );
        // A selection that begins after the moment that is shown is none.
        const part = selection && selection.fromMs >= view.atMs ? there : within;
        const counted = part.filter(({ key }) => key <= (newestKey ?? Infinity));
        const matching = counted.filter(wantedBy[filter]!);
        const page = Math.min(limit, 500);
        const skipped = Math.min(skip, Math.max(0, matching.length - page));
        assert.deepEqual(view.picks, matching.slice(skipped, skipped + page));
        assert.equal(view.picksSkipped, skipped);
        assert.equal(view.matching, matching.length);
        assert.equal(view.retained, counted.length);
        assert.equal(view.held, part.filter(wantedBy[filter]!).length - matching.length);
        if (there.length > 0) assert.equal(view.newer, rows.length - there.length);
        assert.equal(view.lastPickMs, there[0]?.timeMs ?? null);
        assert.equal(view.oldestPickMs, oldest.timeMs);
      }),
    );
  });

  it('stays where it is held, and counts what comes above', () => {
    const live = new FakeClient({ backends, picksPerSecond: 100 }).attach();
    const reader = new ClientModel({ pickBudgetBytes: 1_000_000 });
    let read = 0;
    const view = (query = queryOf({ filter: 'GetCart' })) => {
      for (; read < live.messages.length; read++) reader.apply(live.messages[read]!);
      return reader.view(query, live.nowMs)!;
    };
    live.run(3000).flush();
    const before = view();
    const rowsHeld = { newest: before.picks[0]!.key, skip: 20, limit: 40 };
    live.run(3000).flush();
    const held = view(queryOf({ filter: 'GetCart', rows: rowsHeld }));
    const keys = ({ picks }: { picks: readonly PickRow[] }) => picks.map(({ key }) => key);
    assert.deepEqual(keys(held), keys(before).slice(20, 60));
    assert.equal(held.matching, before.matching);
    assert.ok(held.held > 100);
    assert.equal(view().matching, held.matching + held.held);
  });

  for (const rowsAsked of [
    { skip: NaN, limit: NaN },
    { skip: -5, limit: -1 },
    { skip: Infinity, limit: Infinity },
    { skip: 1.5, limit: 2.5, newest: NaN },
  ]) {
    it(`is bounded when asked for ${Object.values(rowsAsked).join(', ')}`, () => {
      const view = model.view(queryOf({ rows: rowsAsked }), fake.nowMs)!;
      assert.ok(view.picks.length <= 500);
      assert.ok(Number.isInteger(view.picksSkipped) && view.picksSkipped >= 0);
    });
  }
});
