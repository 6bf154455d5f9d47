import type { AttachmentView, Frame, Query } from '../../src/messages/panel';
import { client, type FakeFeed, type FakeOptions } from './fakeFeed';
import type { Page } from './page';

/** What the panel may find itself in; tests and pictures go through all of them. */
export interface Situation {
  readonly feed?: FakeOptions;
  frame(feed: FakeFeed, query: Query): Frame;
  act?(page: Page, feed: FakeFeed): Promise<void>;
}

function attachment(view: AttachmentView, data: boolean): Situation['frame'] {
  return (feed, query) => {
    const frame = feed.frame(query);
    return {
      attachment: view,
      clients: frame.clients,
      channels: data ? frame.channels : [],
      channel: data ? frame.channel : undefined,
    };
  };
}

const live: Situation['frame'] = (feed, query) => feed.frame(query);

export const situations: Readonly<Record<string, Situation>> = {
  live: { frame: live },
  pick: {
    frame: live,
    act: async (page) => {
      await page.locator('.picks tr[data-key]').nth(3).click();
      await page.locator('.inspector').waitFor();
    },
  },
  hover: {
    frame: live,
    act: (page) => page.locator('.overlay').hover({ position: { x: 150, y: 60 } }),
  },
  'none-found': { frame: () => ({ attachment: { state: 'none' }, clients: [], channels: [] }) },
  'none-attached': {
    frame: () => ({
      attachment: { state: 'none' },
      clients: [
        { ...client, attached: false },
        { id: 'b', name: 'checkout', pid: 51_002, folder: 'checkout', attached: false },
      ],
      channels: [],
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
      },
      false,
    ),
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
  'round-robin': {
    frame: (feed, query) => {
      const frame = feed.frame(query);
      const channel = frame.channel!;
      const picks = channel.picks.map((pick) => ({ ...pick, candidates: [], reason: 'untold' as const }));
      const endpoints = channel.endpoints.map((endpoint) => ({ ...endpoint, load: null, lagMs: null, success: null }));
      const unknown = channel.series.times.map(() => NaN);
      const lines = channel.series.endpoints.map((line) => ({ ...line, load: unknown, lagMs: unknown }));
      const series = { ...channel.series, endpoints: lines };
      const reasons = { ...channel.reasons, lower: 0, tie: 0, forced: 0, unhealthy: 0, untold: channel.retained };
      return {
        ...frame,
        channel: { ...channel, policyPath: ['round_robin'], scoreOrder: 'none', picks, endpoints, series, reasons },
      };
    },
  },
  many: {
    feed: { meansMs: Array.from({ length: 50 }, (_, index) => 2 + (index % 9) * 3), picksPerSecond: 900 },
    frame: live,
  },
};
