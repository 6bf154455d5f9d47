import { PickFlag } from '@pickscope/protocol/messages';
import type {
  AttachmentView,
  Candidate,
  ChannelView,
  ChartView,
  EndpointRow,
  Explanation,
  Frame,
  PickRow,
  Query,
  Reason,
  ReasonCounts,
  ScoreOrder,
  Series,
} from '../../src/messages/panel';
import { comparison } from '../../src/model/comparison';
import { client, Feed, startMs, type FeedOptions } from './feed';
import type { Page, PageOptions } from './page';

/** What the panel may find itself in; tests and pictures go through all of them. */
export interface Situation {
  readonly feed?: FeedOptions;
  readonly frame: (feed: Feed, query: Query) => Frame;
  /** The feed's own, if left out. */
  readonly chart?: (feed: Feed, query: Query) => ChartView | undefined;
  readonly act?: (page: Page, feed: Feed) => Promise<void>;
}

/** How a page's queries are answered in it. */
export function answersOf({ frame, chart }: Situation, feed: Feed): Pick<PageOptions, 'answer' | 'chart'> {
  return {
    answer: (query) => frame(feed, query),
    chart: (query) => (chart ? chart(feed, query) : feed.chart(query)),
  };
}

function attachment(view: AttachmentView, data: boolean): Situation['frame'] {
  return (feed, query) => {
    const frame = feed.frame(query);
    return data ? { ...frame, attachment: view } : { ...nothing, attachment: view, clients: frame.clients };
  };
}

const nothing = { place: 'side', clients: [], channels: [], software: '', limitations: [], refusedCalls: 0 } as const;

const live: Situation['frame'] = (feed, query) => feed.frame(query);

async function inspectFourth(page: Page): Promise<void> {
  await page.locator('.picks tr[data-key]').nth(3).click();
  await page.locator('.inspector').waitFor();
}

/** As from the table's menu, or the command palette. */
async function askWhyNot(page: Page, feed: Feed, address: string): Promise<void> {
  const query = { windowSeconds: 120, points: 120, filter: '', rows: { skip: 0, limit: 1 } };
  const { id } = feed.frame(query).channel!.endpoints.find(({ label }) => label === address)!;
  await page.evaluate((endpoint) => window.postMessage({ type: 'do', action: { name: 'ask', endpoint } }, '*'), id);
  await page.locator('.answer').waitFor();
}

async function compareWith(page: Page, others: 'clients' | 'channels'): Promise<void> {
  await page.evaluate(
    (kind) => window.postMessage({ type: 'do', action: { name: 'compare', with: kind } }, '*'),
    others,
  );
  await page.locator('.comparison').waitFor();
}

/** The same target from three processes, of which one is slow to reach its backends. */
const compared = new WeakMap<Feed, readonly { readonly feed: Feed; readonly pid: number; readonly live: boolean }[]>();

function othersOfClient(feed: Feed): readonly { readonly feed: Feed; readonly pid: number; readonly live: boolean }[] {
  let others = compared.get(feed);
  if (others) return others;
  const ranFor = feed.nowMs - startMs;
  others = [
    { feed: new Feed({ seed: 11, meansMs: [9, 6, 2, 30, 8] }).run(ranFor), pid: 48_305, live: true },
    { feed: new Feed({ seed: 12, meansMs: [2, 5, 10, 4], picksPerSecond: 40 }).run(ranFor), pid: 50_117, live: false },
  ];
  compared.set(feed, others);
  return others;
}

function comparing(feed: Feed, query: Query): Frame {
  const frame = feed.frame(query);
  const others = othersOfClient(feed).map(({ feed: { model }, pid, live: sends }) => {
    return { client: { ...client, id: String(pid), pid }, model, live: sends };
  });
  const side = comparison({ client, model: feed.model, live: true }, others, query, feed.nowMs);
  return { ...frame, clients: [client, ...others.map((other) => other.client)], ...(side && { comparison: side }) };
}

function recorded(read: number, damage: string, data = true): Situation['frame'] {
  return (feed, query) => {
    const frame = data ? feed.frame(query) : nothing;
    const view = { state: 'recording', client, file: 'orders-api 2026-11-22 14.03.pickscope', read, damage } as const;
    return { ...frame, place: 'recording', attachment: view, clients: [client] };
  };
}

/** What another policy would tell of the same calls. */
interface Disguise {
  readonly policyPath: readonly string[];
  readonly scoreOrder: ScoreOrder;
  readonly pick: (pick: PickRow, channel: ChannelView) => PickRow;
  readonly explain: (pick: PickRow) => Explanation;
  /** What is compared of an endpoint; nothing where it is left out and the order is 'none'. */
  readonly load?: (endpoint: number) => number;
}

function disguised(
  endpointOf: (endpoint: EndpointRow) => EndpointRow,
  { policyPath, scoreOrder, pick, explain, load }: Disguise,
): Situation {
  const loadOf = (own: number | null, id: number) => (scoreOrder === 'none' ? null : load ? load(id) : own);
  return {
    frame: (feed, query) => {
      const frame = feed.frame(query);
      const channel = frame.channel!;
      const picks = channel.picks.map((each) => pick(each, channel));
      const endpoints = channel.endpoints.map((endpoint) => ({
        ...endpointOf(endpoint),
        load: endpoint.state === 'READY' ? loadOf(endpoint.load, endpoint.id) : null,
      }));
      const inspected = channel.inspection && pick(channel.inspection.pick, channel);
      const inspection = inspected && {
        ...channel.inspection,
        policy: policyPath.at(-1)!,
        scoreOrder,
        pick: inspected,
        explanation: explain(inspected),
      };
      const reasons = countReasons(feed.picks().map((each) => pick(each, channel)));
      return {
        ...frame,
        channel: { ...channel, policyPath, scoreOrder, picks, endpoints, reasons, ...(inspection && { inspection }) },
      };
    },
    chart: (feed, query) =>
      withSeries(feed.chart(query), (line) => ({
        ...line,
        load: line.load.map((value) => loadOf(value, line.endpoint) ?? NaN),
      })),
  };
}

function withSeries(
  chart: ChartView | undefined,
  change: (line: Series['endpoints'][number]) => Series['endpoints'][number],
): ChartView | undefined {
  return chart && { ...chart, series: { ...chart.series, endpoints: chart.series.endpoints.map(change) } };
}

function countReasons(picks: readonly PickRow[]): ReasonCounts {
  const reasons: readonly Reason[] = [
    ...['lower', 'tie', 'forced', 'only', 'unhealthy', 'probe', 'turn', 'key', 'nokey', 'raced', 'untold'],
    ...['queued', 'failed', 'dropped'],
  ] as Reason[];
  const counts = reasons.map((reason) => [reason, picks.filter((pick) => pick.reason === reason).length]);
  const errors = picks.filter(({ outcome }) => outcome !== null && outcome.code !== 'OK').length;
  return { ...(Object.fromEntries(counts) as Record<Reason, number>), errors };
}

/** As the observer keeps it, where the policy keeps nothing. */
function observed(endpoint: EndpointRow): EndpointRow {
  return { ...endpoint, derived: true };
}

function chosenAlone({ candidates, endpoint }: PickRow): Candidate[] {
  return candidates.filter((one) => one.endpoint === endpoint).map((one) => ({ ...one, score: null }));
}

/** By the model's ids of the feed's endpoints. */
const weights = new Map([
  [2, 20],
  [3, 40],
  [4, 20],
  [5, 10],
  [6, 10],
]);

function weightOf(endpoint: number): number {
  return weights.get(endpoint) ?? 1;
}

/** peak_ewma draws more than two; these are the others, as they are now. */
function othersOf({ candidates }: PickRow, { endpoints }: ChannelView): Candidate[] {
  const drawn = new Set(candidates.map(({ endpoint }) => endpoint));
  return endpoints
    .filter(({ id, state }) => state === 'READY' && !drawn.has(id))
    .slice(0, 2)
    .map(({ id, lagMs, inflight, load }) => ({
      endpoint: id,
      lagNs: lagMs! * 1e6,
      peakNs: null,
      success: 1000,
      inflight: inflight!,
      score: load! * 4,
      idleMs: 12,
      healthy: true,
    }));
}

function byScore(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => a.score! - b.score!);
}

const untold = disguised((endpoint) => ({ ...endpoint, lagMs: null, success: null }), {
  policyPath: ['round_robin'],
  scoreOrder: 'none',
  pick: (pick) => ({ ...pick, reason: 'untold', candidates: [] }),
  explain: () => ({ verdict: 'untold' }),
});

const pickFirst = disguised(observed, {
  policyPath: ['pick_first'],
  scoreOrder: 'none',
  pick: (pick) => ({ ...pick, reason: 'untold', endpoint: 2, candidates: [], derived: true }),
  explain: () => ({ verdict: 'untold' }),
});

const withRaced = new WeakSet<Feed>();

/** As of go-zero, read from outside: of two picks calls that ended turned the choice. */
function raced(feed: Feed, query: Query): Frame {
  if (!withRaced.has(feed)) {
    withRaced.add(feed);
    const candidates = [1402, 1398].map((score, backend) => ({ backend, score }));
    const end = { code: 0, latencyMs: 2.1 };
    for (const backend of [0, 1]) feed.add({ flags: PickFlag.RACED, backend, candidates, end });
  }
  return feed.frame(query);
}

export const situations: Readonly<Record<string, Situation>> = {
  live: { frame: live },
  pick: {
    frame: live,
    act: inspectFourth,
  },
  raced: {
    frame: raced,
    act: async (page) => {
      await page.locator('.picks tr[data-reason=raced]').last().click();
      await page.locator('.inspector').waitFor();
    },
  },
  answer: { frame: live, act: (page, feed) => askWhyNot(page, feed, '10.0.0.4') },
  compare: { frame: comparing, act: (page) => compareWith(page, 'clients') },
  recording: { frame: recorded(1, '') },
  'recording-damaged': {
    frame: recorded(1, 'The file ends within a message: it was cut off, or is still being written.'),
  },
  'recording-read': { frame: recorded(0.42, '', false) },
  recorded: {
    frame: (feed, query) => ({
      ...feed.frame(query),
      recording: { file: '/home/me/orders.pickscope', sinceMs: Date.now() - 42_000, bytes: 1_240_000 },
    }),
  },
  keys: {
    frame: live,
    act: async (page) => {
      await page.keyboard.press('?');
      await page.locator('.keys-dialog').waitFor();
    },
  },
  hover: {
    frame: live,
    act: (page) => page.locator('.charts .overlay').hover({ position: { x: 150, y: 60 } }),
  },
  'none-found': { frame: () => ({ ...nothing, attachment: { state: 'none', programsAttachable: false } }) },
  'none-found-attachable': { frame: () => ({ ...nothing, attachment: { state: 'none', programsAttachable: true } }) },
  'none-attached': {
    frame: () => ({
      ...nothing,
      attachment: { state: 'none', programsAttachable: false },
      clients: [
        { ...client, attached: false },
        { id: 'b', name: 'checkout', pid: 51_002, folder: 'checkout', language: 'go', attached: false },
      ],
    }),
  },
  connecting: {
    frame: attachment(
      {
        state: 'connecting',
        client,
        steps: [
          { step: 'connect', done: true, ms: 2 },
          { step: 'describe', done: true, ms: 9, protocol: '1' },
          { step: 'snapshot', done: false, ms: 1240 },
        ],
      },
      false,
    ),
  },
  lost: {
    frame: (feed, query) =>
      attachment(
        {
          state: 'lost',
          client,
          atMs: feed.nowMs,
          reason: 'The client closed the stream.',
          nextTryMs: Date.now() + 4000,
          tries: 3,
        },
        true,
      )(feed, query),
  },
  refused: {
    frame: attachment(
      {
        state: 'refused',
        client,
        cause: 'wrongToken',
        reason:
          'The client at /run/user/1000/pickscope/48213.sock refused the token. Enter the token that it was started with.',
        nextTryMs: null,
        tries: 0,
      },
      false,
    ),
  },
  full: {
    frame: (feed, query) =>
      attachment(
        {
          state: 'refused',
          client,
          cause: 'tooManyWatchers',
          reason:
            'orders-api has as many watchers as it allows. It is attached as soon as there is room: detach it in another window.',
          nextTryMs: Date.now() + 12_000,
          tries: 2,
        },
        false,
      )(feed, query),
  },
  certificate: {
    frame: attachment(
      {
        state: 'refused',
        client,
        cause: 'wrongCertificate',
        reason:
          'The certificate of https://orders.shop.internal:7700 is not trusted. Check the address, or name the root of that certificate in the setting pickscope.tlsRootsFile, then try again. (self-signed certificate in certificate chain)',
        nextTryMs: null,
        tries: 0,
      },
      false,
    ),
  },
  // Somebody tried other tokens; there were more things than there is room for; the client had kept its past.
  told: {
    frame: (feed, query) => {
      const frame = feed.frame(query);
      return {
        ...frame,
        refusedCalls: 1203,
        kept: { seconds: 60, untilMs: feed.nowMs - 20_000 },
        channel: {
          ...frame.channel!,
          channelsLeftOut: 12,
          methodsLeftOut: 48_000,
          drops: { picks: 90_412, completions: 88 },
        },
      };
    },
    act: async (page) => {
      for (const summary of await page.locator('.notices summary:visible').all()) await summary.click();
    },
  },
  'told-folded': {
    frame: (feed, query) => {
      const frame = feed.frame(query);
      return { ...frame, refusedCalls: 1, channel: { ...frame.channel!, channelsLeftOut: 12 } };
    },
  },
  idle: {
    frame: (feed, query) => {
      const frame = feed.frame({ ...query, untilMs: feed.nowMs });
      return { ...frame, channel: { ...frame.channel!, live: true, atMs: feed.nowMs + 130_000, picksPerSecond: 0 } };
    },
  },
  names: {
    feed: {
      addresses: [
        'cart-a.eu-west-1.shop.internal:50051',
        'cart-b.eu-west-1.shop.internal:50051',
        'cart-c.eu-west-1.shop.internal:50051',
        'cart-a.us-east-1.shop.internal:50051',
        '[2001:db8:0:1::17]:50051',
      ],
      methods: ['/shop.cart.v1.ShoppingCartService/RecalculateShippingEstimates'],
    },
    frame: (feed, query) => {
      const frame = feed.frame(query);
      return { ...frame, channel: { ...frame.channel!, target: 'dns:///cart.shop.svc.cluster.local:50051' } };
    },
  },
  // A client that keeps no averages of its own for a policy that keeps none.
  bare: {
    frame: untold.frame,
    chart: (feed, query) =>
      withSeries(untold.chart!(feed, query), (line) => ({ ...line, lagMs: line.lagMs.map(() => NaN) })),
  },
  'round-robin': {
    ...disguised(observed, {
      policyPath: ['round_robin'],
      scoreOrder: 'none',
      pick: (pick) => ({ ...pick, reason: 'untold', candidates: chosenAlone(pick), derived: true }),
      explain: () => ({ verdict: 'untold' }),
    }),
    act: inspectFourth,
  },
  weighted: {
    ...disguised(observed, {
      policyPath: ['static_weighted_round_robin'],
      scoreOrder: 'higher',
      pick: (pick) => ({
        ...pick,
        reason: 'turn',
        candidates: chosenAlone(pick).map((one) => ({ ...one, score: weightOf(one.endpoint) })),
        derived: true,
      }),
      explain: ({ endpoint }) => ({ verdict: 'turn', weight: weightOf(endpoint!), allWeights: 100 }),
      load: weightOf,
    }),
    act: inspectFourth,
  },
  hash: {
    ...disguised(observed, {
      policyPath: ['consistent_hash'],
      scoreOrder: 'none',
      pick: (pick) => ({
        ...pick,
        reason: pick.key % 9 === 0 ? 'nokey' : 'key',
        candidates: chosenAlone(pick),
        derived: true,
      }),
      explain: ({ reason }) => ({ verdict: reason === 'nokey' ? 'nokey' : 'key' }),
    }),
    act: inspectFourth,
  },
  peak: {
    ...disguised((endpoint) => ({ ...endpoint, peakMs: endpoint.lagMs === null ? null : endpoint.lagMs * 1.7 }), {
      policyPath: ['peak_ewma'],
      scoreOrder: 'lower',
      pick: (pick, channel) => {
        const candidates = [...pick.candidates, ...othersOf(pick, channel)].map((one) => {
          const peakNs = one.lagNs! * 1.7;
          return { ...one, peakNs, score: peakNs * (one.inflight + 1) };
        });
        const endpoint = byScore(candidates)[0]!.endpoint;
        return { ...pick, reason: pick.key % 40 === 0 ? 'probe' : 'lower', candidates, endpoint };
      },
      explain: ({ reason, candidates }) => {
        const [winner, loser] = byScore(candidates) as [Candidate, Candidate];
        return reason === 'probe'
          ? { verdict: 'probe', winner, loser }
          : { verdict: 'lower', winner, loser, why: 'lag', measure: 'peak', lagBeforeLossNs: null };
      },
    }),
    act: inspectFourth,
  },
  note: {
    ...pickFirst,
    frame: (feed, query) => {
      const frame = pickFirst.frame(feed, query);
      const policyNote =
        'The channel asked for "P2C_EWMA", which no policy is named: names are lower case. The nearest is "p2c_ewma".';
      const limitations = [
        'grpc-js 1.15.2 in /srv/orders/node_modules is newer than this library knows: its subchannels are not seen.',
        'Another copy, grpc-js 1.7.0, is too old to be observed.',
      ];
      return { ...frame, limitations, channel: { ...frame.channel!, policyNote } };
    },
  },
  many: {
    feed: { meansMs: Array.from({ length: 50 }, (_, index) => 2 + (index % 9) * 3), picksPerSecond: 900 },
    frame: live,
  },
};
