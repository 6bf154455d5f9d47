import assert from 'node:assert/strict';
import type { Answer } from '../../src/messages/panel';
import { answerText } from '../../src/panel/explain/answerText';
import { categoriesOf, filterOf, sumsOf } from '../../src/panel/explain/categories';
import { finding, type Asked } from '../../src/panel/explain/finding';

const at = Date.UTC(2026, 10, 22, 14, 2, 10);
const ready = { sinceMs: at - 60_000, state: 'READY', error: '', removed: false } as const;

/** Of the picture in the design: lost for its lag. */
const slow: Answer = {
  endpoint: 4,
  span: { fromMs: at, toMs: at + 43_000 },
  source: 'picks',
  total: 6936,
  undecided: 0,
  notListed: 0,
  notHeld: 0,
  notTold: 0,
  notDrawn: 4034,
  lost: { lower: 2773, forced: 1 },
  taken: { lower: 121, forced: 7 },
  takenUnmeasured: 10,
  rejectedDraws: 0,
  undrawnByChance: 0.58,
  opponents: [
    { endpoint: 1, lostTo: 770, lostBy: 4.6, wonAgainst: 3, wonBy: 1.1 },
    { endpoint: 2, lostTo: 781, lostBy: 2.8, wonAgainst: 0, wonBy: null },
  ],
  loadMedian: 6912,
  lagMedianMs: 47.3,
  winnersLoadMedian: 2706,
  states: [ready],
  historyLossesMs: [at + 1000, at + 9000],
};

function asked(part: Partial<Answer> = {}, more: Partial<Asked> = {}): Asked {
  return {
    answer: { ...slow, ...part },
    side: 'whyNot',
    policy: 'p2c_ewma',
    scoreOrder: 'lower',
    fairShare: 0.2,
    ...more,
  };
}

function say(part?: Partial<Answer>, more?: Partial<Asked>): string {
  return finding(asked(part, more))
    .map(({ text, strong }) => (strong ? `*${text}*` : text))
    .join('');
}

/** Nothing of the history: what is tested is said before it. */
const plain = { takenUnmeasured: 0, historyLossesMs: [] };

describe('the finding of an answer', () => {
  it('says how often it was drawn, how it lost, and why', () => {
    assert.equal(
      say(plain),
      'It was drawn in 42 % of 6,936 picks, as chance has it, and then *lost 96 % of the comparisons*: ' +
        'median load 6,912 against 2,706, because its lag is 47.3 ms.',
    );
  });

  it('does not blame the lag for what calls in flight, or another formula, made', () => {
    assert.match(say({ ...plain, loadMedian: 40_000 }), /median load 40,000 against 2,706, at a lag of 47\.3 ms\.$/);
    assert.match(say(plain, { policy: 'peak_ewma' }), /at a lag of 47\.3 ms\.$/);
    assert.match(say({ ...plain, lagMedianMs: null }), /median load 6,912 against 2,706\.$/);
    assert.match(say(plain, { scoreOrder: 'higher' }), /median weight 6,912 against 2,706\.$/);
  });

  it('says where chance would have it otherwise', () => {
    assert.match(say({ ...plain, undrawnByChance: 0.3 }), /less than the 70 % of chance/);
    assert.match(say({ ...plain, undrawnByChance: 0.9 }), /more than the 10 % of chance/);
  });

  it('has a lost history as what made it win', () => {
    assert.match(say(), / History was lost 2 times: 10 of 128 picks took it unmeasured, when its load was near 0\.$/);
    assert.match(say({ historyLossesMs: [at] }), / History was lost once: 10 of 128 picks/);
    assert.match(say({ historyLossesMs: [] }), / 10 of 128 picks took it before it was measured/);
  });

  it('says first that it was not READY, since when and with which error', () => {
    const states = [
      ready,
      { sinceMs: at + 10_000, state: 'CONNECTING', error: '', removed: false },
      { sinceMs: at + 11_000, state: 'TRANSIENT_FAILURE', error: 'connect ECONNREFUSED', removed: false },
    ] as const;
    const part = { ...plain, notHeld: 5000, notDrawn: 1000, lost: { lower: 900 }, taken: { lower: 36 }, states };
    const [hour] = new Date(at).toTimeString().split(':');
    assert.equal(
      say(part),
      `*It was not READY since ${hour}:02:20* (33 s): the picker did not hold it for 72 % of the picks. connect ECONNREFUSED`,
    );
    assert.match(say({ ...part, states: [ready] }), /^\*It was not READY\* for 72 % of the picks/);
    assert.match(say({ ...part, notHeld: 1000, notDrawn: 5000 }), /For \*14 % of the picks it was not READY\*\./);
  });

  it('says that the resolver left it out, and since when, rather than that it was not READY', () => {
    const out = { sinceMs: at + 10_000, state: 'SHUTDOWN', error: '', removed: true } as const;
    const part = { ...plain, notListed: 5000, notDrawn: 1000, lost: { lower: 900 }, taken: { lower: 36 } };
    const [hour] = new Date(at).toTimeString().split(':');
    assert.equal(
      say({ ...part, states: [ready, out] }),
      `*It was not among the resolver’s addresses since ${hour}:02:20* (33 s): 72 % of the picks were made without it.`,
    );
    assert.equal(
      say({ ...part, states: [ready, out, { ...ready, sinceMs: at + 40_000 }] }),
      '*It was not among the resolver’s addresses* for 72 % of the picks: they were made without it.',
    );
    const rarely = say({ ...part, notListed: 1000, notDrawn: 5000 });
    assert.match(rarely, / For \*14 % of the picks it was not among the resolver’s addresses\*\.$/);
  });

  it('tells being left out from not being READY, where both were', () => {
    const refused = { sinceMs: at, state: 'TRANSIENT_FAILURE', error: 'refused', removed: false } as const;
    const out = { sinceMs: at + 30_000, state: 'SHUTDOWN', error: '', removed: true } as const;
    const part = { ...plain, notDrawn: 0, lost: {}, taken: {}, states: [refused, out] };
    assert.equal(
      say({ ...part, notHeld: 4936, notListed: 2000 }),
      '*It was not READY* for 71 % of the picks: the picker did not hold it then.' +
        ' For *29 % of the picks it was not among the resolver’s addresses*.',
    );
    assert.match(
      say({ ...part, notHeld: 3468, notListed: 3468, states: [out, { ...refused, sinceMs: at + 35_000 }] }),
      /^\*It was not READY since \d\d:02:45\* \(8\.0 s\).* For \*50 % of the picks it was not among/,
    );
  });

  it('says that it was never drawn, or as often as others', () => {
    const undrawn = { ...plain, notDrawn: 6936, lost: {}, taken: {} };
    assert.equal(say(undrawn), '*It was never drawn* in 6,936 picks: p2c_ewma compared others.');
    const equal = { ...plain, notDrawn: 4162, lost: { lower: 1387 }, taken: { lower: 1387 } };
    assert.equal(say(equal), '*It was taken as often as others*, in 20 % of 6,936 picks. An equal share is 20 %.');
  });

  it('says that draws were rejected, where that was not rare', () => {
    assert.match(say({ ...plain, rejectedDraws: 900 }), / \*900 more draws of it were rejected\*/);
    assert.doesNotMatch(say({ ...plain, rejectedDraws: 9 }), /rejected/);
  });

  it('says what can be said of policies that compare nothing', () => {
    const none = {
      ...plain,
      notDrawn: 0,
      lost: {},
      opponents: [],
      loadMedian: null,
      lagMedianMs: null,
      undrawnByChance: null,
    };
    const robin = { ...none, total: 1000, notTold: 800, taken: { untold: 200 } };
    assert.equal(
      say(robin, { policy: 'round_robin', scoreOrder: 'none' }),
      '*It was taken in 20 % of 1,000 picks.* round_robin tells of no candidates. An equal share is 20 %.',
    );
    assert.match(say({ ...robin, taken: { turn: 200 } }), /^\*Its turn came in 20 % of 1,000 picks\*/);
    assert.match(say({ ...robin, taken: { key: 200 } }), /^\*20 % of 1,000 picks had a key that belongs to it\*/);
  });

  it('says that nothing was picked, or nothing chosen', () => {
    const nothing = { ...plain, total: 0, notDrawn: 0, lost: {}, taken: {} };
    assert.equal(say(nothing), '*No pick was made* in this span.');
    assert.match(
      say({ ...nothing, total: 100, undecided: 90, notDrawn: 10 }),
      /^\*For 90 % of 100 picks no endpoint was chosen\*/,
    );
  });

  it('tells the other side: why it was taken', () => {
    assert.equal(
      say(plain, { side: 'why' }),
      '*It was taken in 2 % of 6,936 picks.* An equal share is 20 %. Drawn 2,902 times, it won 4 % of the comparisons.',
    );
    const never = { ...plain, lost: { lower: 2902 }, taken: {} };
    assert.equal(say(never, { side: 'why' }), '*It was not taken once* in 6,936 picks.');
  });
});

describe('the picks of an answer', () => {
  it('are each in one category', () => {
    const answer = { ...slow, total: 7010, undecided: 40, notListed: 10, notHeld: 20, notTold: 4 };
    const sum = categoriesOf(answer, 'lower').reduce((total, { count }) => total + count, 0);
    assert.equal(sum, answer.total);
    const { decided, held, drawable, drawn, lost, taken } = sumsOf(answer);
    assert.deepEqual([decided, held, drawable, drawn, lost + taken], [6970, 6940, 6936, 2902, 2902]);
  });

  it('are found again by a filter, where one can tell them', () => {
    const filters = categoriesOf(slow, 'lower').map((category) => [
      category.name,
      filterOf(category, '10.0.0.4:50051'),
    ]);
    assert.deepEqual(Object.fromEntries(filters), {
      undecided: 'queued|failed|dropped',
      notListed: undefined,
      notHeld: undefined,
      notTold: undefined,
      notDrawn: undefined,
      'lost-lower': 'lost:10.0.0.4:50051 lower',
      'lost-forced': 'lost:10.0.0.4:50051 forced',
      'taken-unmeasured': 'endpoint:10.0.0.4:50051 lower lag:0',
      'taken-lower': 'endpoint:10.0.0.4:50051 lower lag:>0',
      'taken-forced': 'endpoint:10.0.0.4:50051 forced',
    });
  });

  it('are told as text that says the same', () => {
    const lines = answerText(asked(), (endpoint) => `10.0.0.${endpoint}`).split('\n');
    assert.match(lines[0]!, /^Why not 10\.0\.0\.4\? \d\d:02:10 to \d\d:02:53$/);
    assert.match(lines[1]!, /^It was drawn in 42 %/);
    for (const line of ['4,034  58.2 %  not drawn', '2,773  40.0 %  drawn, lost on load', '770  4.6 ×  10.0.0.1'])
      assert.ok(lines.includes(line), line);
  });
});
