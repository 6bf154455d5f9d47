import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import type { AttemptMeaning, CallMeaning, ChannelMeaning, Counts, Life } from './meaning';
import { get, type Stage } from './stage';

/** Played by a client of each library; what it means is as expected, and the same of both. */
export interface Scenario {
  readonly name: string;
  /** What differs from run to run: who has the first turn, of all that take turns; or whom a call goes to. */
  readonly drawn?: 'turn' | 'anyone';
  /** Ends when the stream has told all. */
  readonly play: (stage: Stage) => Promise<void>;
  readonly expected: Partial<ChannelMeaning>;
}

const { CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, UNIMPLEMENTED } = grpc.status;
const ready: Life = { states: ['IDLE', 'CONNECTING', 'READY'], removed: false };
const failing: Life = { states: ['IDLE', 'CONNECTING', 'TRANSIENT_FAILURE'], removed: false };
const late: Life = { states: [...failing.states, 'READY'], removed: false };
const again: Life = { states: [...ready.states, ...late.states], removed: false };
const gone = (life: Life): Life => ({ ...life, removed: true });

/** A call whose only attempt was picked, started and ended so. */
function taken(picked: string, more: Partial<AttemptMeaning> = {}, method = get): CallMeaning {
  const attempt = { queued: false, picked, reason: 'UNSPECIFIED', candidates: [picked], code: 0, started: true };
  return { method, attempts: [{ ...attempt, ...more }] };
}

/** Calls that found nobody. */
const refused = (more: Partial<AttemptMeaning>): CallMeaning => ({
  method: get,
  attempts: [{ queued: false, started: false, ...more }],
});

const none = { picks: 0, started: 0, neverStarted: 0, codes: {} };
const ok = (picks: number) => ({ picks, started: picks, neverStarted: 0, codes: { 0: picks } });

/** Of a channel whose picks all found someone at once. */
const counts = (completed: number, endpoints: Counts['endpoints']): Counts => ({
  completed,
  failed: false,
  queued: false,
  dropped: 0,
  unpicked: 0,
  endpoints,
});

/** Answers with these codes, one after the other, and with OK after them. */
function answering(...codes: grpc.status[]): (call: { request: Buffer }, respond: grpc.sendUnaryData<Buffer>) => void {
  return ({ request }, respond) => {
    const code = codes.shift() ?? grpc.status.OK;
    if (code === grpc.status.OK) respond(null, request);
    else respond({ code, details: 'as the scenario says' });
  };
}

/** All of them, from OK on. */
const statusCodes = Object.values(grpc.status).filter((code) => typeof code === 'number');

/** With 1, 2, 3 backends. */
const some = ['a', 'a b', 'a b c'];

const backendsOf: readonly Scenario[] = some.flatMap((names): Scenario[] => {
  const all = names.split(' ');
  const six = async (stage: Stage, policy: string) => {
    await stage.start(names);
    await stage.connected(policy, names);
    await stage.call(6);
    await stage.ended();
  };
  const lives = Object.fromEntries(all.map((name) => [name, ready]));
  return [
    {
      name: `round_robin with ${names}`,
      drawn: 'turn',
      play: (stage) => six(stage, 'round_robin'),
      expected: {
        policies: ['round_robin'],
        deciders: ['round_robin'],
        updates: [names],
        states: ['IDLE', 'CONNECTING', 'READY'],
        endpoints: lives,
        subconns: lives,
        historyLost: false,
        derived: true,
        counts: counts(6, Object.fromEntries(all.map((name) => [name, ok(6 / all.length)]))),
      },
    },
    {
      name: `pick_first with ${names}`,
      play: (stage) => six(stage, 'pick_first'),
      expected: {
        policies: ['pick_first'],
        deciders: ['pick_first'],
        updates: [names],
        calls: Array.from({ length: 6 }, () => taken('a')),
        derived: true,
      },
    },
    {
      name: `p2c_ewma with ${names}`,
      drawn: 'anyone',
      play: async (stage) => {
        await six(stage, 'p2c_ewma');
        for (const { candidates } of stage.told.picks.filter(({ endpoint }) => endpoint > 0)) {
          assert.equal(candidates.length, all.length === 1 ? 1 : 2);
          assert.equal(new Set(candidates.map(({ endpoint }) => endpoint)).size, candidates.length);
        }
      },
      expected: {
        policies: ['p2c_ewma'],
        deciders: ['p2c_ewma'],
        endpoints: lives,
        subconns: lives,
        // As one backend after the other became READY.
        historyLost: all.length > 1,
        derived: false,
      },
    },
  ];
});

const others: readonly Scenario[] = [
  {
    name: 'an idle channel',
    play: async (stage) => {
      await stage.start('a');
      await stage.dial('round_robin', 'a');
    },
    expected: { states: ['IDLE'], closed: false, policies: [], updates: [], endpoints: {}, subconns: {}, calls: [] },
  },
  {
    name: 'every status code',
    play: async (stage) => {
      await stage.start('a');
      stage.backend('a').answer = answering(...statusCodes);
      await stage.connected('round_robin', 'a');
      assert.deepEqual(await stage.call(statusCodes.length), statusCodes);
    },
    expected: {
      calls: statusCodes.map((code) => taken('a', { code })),
      counts: counts(17, {
        a: { picks: 17, started: 17, neverStarted: 0, codes: Object.fromEntries(statusCodes.map((code) => [code, 1])) },
      }),
    },
  },
  {
    name: 'a method that there is not',
    play: async (stage) => {
      await stage.start('a');
      await stage.connected('round_robin', 'a');
      await stage.call(1, { method: '/shop.Cart/Nothing' });
      await stage.call(1);
    },
    expected: { calls: [taken('a', { code: UNIMPLEMENTED }, '/shop.Cart/Nothing'), taken('a')] },
  },
  {
    name: 'one of two fails its calls',
    drawn: 'turn',
    play: async (stage) => {
      await stage.start('a b');
      stage.backend('b').answer = answering(...Array<grpc.status>(10).fill(UNAVAILABLE));
      await stage.connected('round_robin', 'a b');
      await stage.call(10);
    },
    expected: {
      counts: counts(10, { a: ok(5), b: { picks: 5, started: 5, neverStarted: 0, codes: { [UNAVAILABLE]: 5 } } }),
    },
  },
  {
    name: 'calls at once',
    drawn: 'anyone',
    play: async (stage) => {
      await stage.start('a b c');
      await stage.connected('p2c_ewma', 'a b c');
      await stage.call(60, { parallel: true });
    },
    expected: { endpoints: { a: ready, b: ready, c: ready }, historyLost: true },
  },
  ...['round_robin', 'p2c_ewma'].map((policy): Scenario => ({
    name: `${policy}: one of two dies, and comes back`,
    drawn: policy === 'round_robin' ? 'turn' : 'anyone',
    play: async (stage) => {
      await stage.start('a b');
      await stage.connected(policy, 'a b');
      await stage.call(4);
      stage.backend('a').kill();
      await stage.endpoint('a', 'TRANSIENT_FAILURE');
      await stage.picker('b');
      await stage.call(3);
      await stage.backend('a').revive();
      await stage.picker('a b');
      await stage.call(4);
      await stage.ended();
      assert.equal(stage.told.picks.filter(({ endpoint }) => endpoint > 0).length, 11);
    },
    expected: {
      states: ['IDLE', 'CONNECTING', 'READY'],
      endpoints: { a: again, b: ready },
      subconns: { a: again, b: ready },
      historyLost: policy === 'p2c_ewma',
    },
  })),
  {
    name: 'a backend dies with a call in flight',
    play: async (stage) => {
      await stage.start('a');
      const received = stage.receiving('a');
      await stage.connected('round_robin', 'a');
      const call = stage.call(1);
      await received;
      stage.backend('a').kill();
      const [code] = await call;
      assert.ok(code! > 0);
    },
    expected: { states: ['IDLE', 'CONNECTING', 'READY', 'IDLE', 'CONNECTING', 'TRANSIENT_FAILURE'] },
  },
  {
    name: 'a deadline passes with the call in flight',
    play: async (stage) => {
      await stage.start('a');
      void stage.receiving('a');
      await stage.connected('round_robin', 'a');
      assert.deepEqual(await stage.call(1, { deadlineMs: 200 }), [DEADLINE_EXCEEDED]);
    },
    expected: { calls: [taken('a', { code: DEADLINE_EXCEEDED })] },
  },
  {
    name: 'the resolver brings one more, and leaves one out',
    drawn: 'turn',
    play: async (stage) => {
      await stage.start('a b c');
      await stage.connected('round_robin', 'a b');
      await stage.call(2);
      await stage.resolve({ names: 'a b c' });
      await stage.picker('a b c');
      await stage.call(3);
      await stage.resolve({ names: 'b c' });
      await stage.picker('b c');
      await stage.call(4);
    },
    expected: {
      updates: ['a b', 'a b c', 'b c'],
      endpoints: { a: gone(ready), b: ready, c: ready },
      subconns: { a: gone(ready), b: ready, c: ready },
    },
  },
  {
    name: 'the resolver fails later: what it brought before goes on',
    play: async (stage) => {
      await stage.start('a');
      await stage.connected('round_robin', 'a');
      await stage.resolve({ error: 'the registry is away' });
      await stage.until(() => stage.told.updates.some(({ error }) => error.includes('the registry is away')));
      await stage.call(2);
    },
    expected: { updates: ['a', 'error'], endpoints: { a: ready }, calls: [taken('a'), taken('a')] },
  },
  {
    name: 'the resolver fails from the beginning: picks fail',
    play: async (stage) => {
      await stage.dial('round_robin');
      await stage.connect();
      await stage.resolve({ error: 'the registry is away' });
      assert.deepEqual(await stage.call(2), [UNAVAILABLE, UNAVAILABLE]);
    },
    expected: {
      states: ['IDLE', 'CONNECTING', 'TRANSIENT_FAILURE'],
      updates: ['error'],
      endpoints: {},
      calls: [0, 1].map(() => refused({ refused: `FAILED ${UNAVAILABLE}`, code: UNAVAILABLE })),
    },
  },
  {
    name: 'nobody listens: picks fail',
    play: async (stage) => {
      await stage.start('a b');
      for (const name of ['a', 'b']) stage.backend(name).kill();
      await stage.dial('round_robin', 'a b');
      await stage.connect();
      for (const name of ['a', 'b']) await stage.endpoint(name, 'TRANSIENT_FAILURE');
      await stage.channelIs('TRANSIENT_FAILURE');
      assert.deepEqual(await stage.call(2), [UNAVAILABLE, UNAVAILABLE]);
      await stage.ended();
      for (const endpoint of stage.told.endpoints.values()) assert.match(endpoint.at(-1)!.error, /refused/i);
    },
    expected: {
      states: ['IDLE', 'CONNECTING', 'TRANSIENT_FAILURE'],
      endpoints: { a: failing, b: failing },
      calls: [0, 1].map(() => refused({ refused: `FAILED ${UNAVAILABLE}`, code: UNAVAILABLE })),
      counts: { ...counts(0, { a: none, b: none }), failed: true, unpicked: 2 },
    },
  },
  {
    name: 'a call that waits for ready is picked when its backend comes',
    play: async (stage) => {
      await stage.start('a');
      stage.backend('a').kill();
      await stage.dial('round_robin', 'a');
      await stage.connect();
      await stage.endpoint('a', 'TRANSIENT_FAILURE');
      const call = stage.call(1, { waitForReady: true });
      await stage.until(() => stage.told.picks.length > 0);
      await stage.backend('a').revive();
      assert.deepEqual(await call, [0]);
    },
    expected: { endpoints: { a: late }, counts: { ...counts(1, { a: ok(1) }), failed: true } },
  },
  {
    name: 'a call is queued, and picked when the resolver brings another backend',
    play: async (stage) => {
      await stage.startDeaf('a');
      await stage.start('b');
      await stage.dial('round_robin', 'a');
      await stage.connect();
      await stage.endpoint('a', 'CONNECTING');
      const call = stage.call(1);
      await stage.until(() => stage.told.picks.some(({ result }) => result === 'QUEUED'));
      await stage.resolve({ names: 'b' });
      assert.deepEqual(await call, [0]);
    },
    expected: {
      updates: ['a', 'b'],
      endpoints: { a: gone({ states: ['IDLE', 'CONNECTING'], removed: true }), b: ready },
      calls: [taken('b', { queued: true })],
    },
  },
  {
    name: 'a deadline passes while the call is queued',
    play: async (stage) => {
      await stage.startDeaf('a');
      await stage.dial('round_robin', 'a');
      await stage.connect();
      await stage.endpoint('a', 'CONNECTING');
      assert.deepEqual(await stage.call(1, { deadlineMs: 200 }), [DEADLINE_EXCEEDED]);
    },
    expected: {
      states: ['IDLE', 'CONNECTING'],
      calls: [refused({ queued: true, code: DEADLINE_EXCEEDED })],
      counts: { ...counts(0, { a: none }), queued: true, unpicked: 1 },
    },
  },
  {
    name: 'retries',
    play: async (stage) => {
      await stage.start('a');
      stage.backend('a').answer = answering(UNAVAILABLE, UNAVAILABLE);
      const retryPolicy = {
        maxAttempts: 3,
        initialBackoff: '0.01s',
        maxBackoff: '0.01s',
        backoffMultiplier: 1,
        retryableStatusCodes: ['UNAVAILABLE'],
      };
      await stage.connected('round_robin', 'a', { methodConfig: { retryPolicy } });
      assert.deepEqual(await stage.call(1), [0]);
      await stage.until(() => stage.told.completions.length === 3);
    },
    expected: {
      calls: [
        { method: get, attempts: [UNAVAILABLE, UNAVAILABLE, 0].map((code) => taken('a', { code }).attempts[0]!) },
      ],
      counts: counts(3, { a: { picks: 3, started: 3, neverStarted: 0, codes: { 0: 1, [UNAVAILABLE]: 2 } } }),
    },
  },
  {
    name: 'a channel that is closed',
    drawn: 'turn',
    play: async (stage) => {
      await stage.start('a b');
      await stage.connected('round_robin', 'a b');
      await stage.call(2);
      await stage.hangUp();
      await stage.until(() => stage.meaning().closed);
    },
    expected: { closed: true },
  },
  {
    name: 'a channel that is closed with a call in flight',
    play: async (stage) => {
      await stage.start('a');
      const received = stage.receiving('a');
      await stage.connected('round_robin', 'a');
      const call = stage.call(1, { deadlineMs: 1000 });
      await received;
      await stage.hangUp();
      const [code] = await call;
      assert.ok(code === DEADLINE_EXCEEDED || code === CANCELLED);
      await stage.until(() => stage.meaning().closed);
    },
    expected: { closed: true },
  },
];

export const scenarios = [...backendsOf, ...others];
