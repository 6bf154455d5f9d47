import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import type { BuildInfo, Policy } from '../../src/policies/picker';
import { until } from '../backends';
import { FakeChannel } from './fakeChannel';
import { inTurn } from './fixture';

const { IDLE, CONNECTING, READY, TRANSIENT_FAILURE } = grpc.connectivityState;
const { COMPLETE, QUEUE, TRANSIENT_FAILURE: FAILED } = grpc.experimental.PickResultType;

/** A channel with a policy, and what the policy was given for each of its pickers. */
function open(policy?: Partial<Policy>, serving?: object) {
  const builds: BuildInfo[] = [];
  const build = (info: BuildInfo) => {
    builds.push(info);
    return inTurn(info.readyEndpoints.length);
  };
  const channel = new FakeChannel({ name: 'tested', build, ...policy }, serving);
  const held = () => builds.map(({ readyEndpoints }) => readyEndpoints.flatMap(({ addresses }) => addresses));
  return { channel, builds, held };
}

/** Runs with the lines of grpc-js's log. */
function logged(run: () => void): string[] {
  const lines: string[] = [];
  grpc.setLogger({ error: (line: string) => void lines.push(line) });
  try {
    run();
  } finally {
    grpc.setLogger(console);
  }
  return lines;
}

describe('the base balancer', () => {
  describe('states', () => {
    it('connects to every endpoint at once, and calls wait', async () => {
      const { channel } = open();
      assert.equal(channel.update(['a', 'b']), true);
      await Promise.resolve();
      assert.deepEqual(
        channel.told.map(({ state }) => state),
        [CONNECTING],
      );
      assert.equal(channel.pick().pickResultType, QUEUE);
      assert.deepEqual(
        [...channel.subchannels.values()].map(({ attempts }) => attempts),
        [1, 1],
      );
    });

    it('is READY with the first endpoint, and gives calls to that one', () => {
      const { channel } = open();
      channel.update(['a', 'b']);
      channel.subchannel('b').become(READY);
      assert.equal(channel.last.state, READY);
      assert.equal(channel.pick().subchannel, channel.subchannel('b').asSubchannel());
    });

    it('fails when every endpoint has failed, not before', () => {
      const { channel } = open();
      channel.update(['a', 'b']);
      channel.subchannel('a').become(TRANSIENT_FAILURE, 'refused');
      assert.equal(channel.last.state, CONNECTING);
      channel.subchannel('b').become(TRANSIENT_FAILURE, 'unreachable');
      assert.equal(channel.last.state, TRANSIENT_FAILURE);
      assert.equal(channel.pick().status?.code, grpc.status.UNAVAILABLE);
    });

    it('stays in TRANSIENT_FAILURE while it tries again', () => {
      const { channel } = open();
      channel.connect('a');
      const a = channel.subchannel('a');
      a.eject();
      assert.equal(channel.last.state, TRANSIENT_FAILURE);
      const before = channel.told.length;
      a.become(IDLE);
      a.become(CONNECTING);
      assert.deepEqual([...new Set(channel.told.slice(before).map(({ state }) => state))], [TRANSIENT_FAILURE]);
    });

    it('reconnects an endpoint that becomes IDLE, and the channel never is', async () => {
      const { channel } = open();
      channel.connect('a');
      const a = channel.subchannel('a');
      const { attempts } = a;
      a.become(IDLE);
      await new Promise<void>((resolve) => process.nextTick(resolve));
      assert.ok(a.attempts > attempts);
      assert.deepEqual(
        channel.told.map(({ state }) => state),
        [CONNECTING, READY, CONNECTING],
      );
    });

    it('lets go of everything at its end, and hears no more', () => {
      const { channel } = open();
      channel.connect('a', 'b');
      channel.balancer.destroy();
      const told = channel.told.length;
      for (const subchannel of channel.subchannels.values()) {
        assert.equal(subchannel.references, 0);
        subchannel.become(IDLE);
      }
      assert.equal(channel.told.length, told);
    });
  });

  describe('an endpoint that is left out while it connects', () => {
    it('is not connected to, though its leaf reports once more', async () => {
      const { channel } = open();
      channel.update(['a']);
      channel.update(['b']);
      // Of a timer that grpc-js's pick_first does not end.
      await until(() => channel.reresolutions > 0);
      assert.equal(channel.subchannel('a').references, 0);
      assert.equal(channel.last.state, CONNECTING);
    });
  });

  describe('pickers', () => {
    it('are built when an endpoint enters or leaves READY', () => {
      const { channel, held } = open();
      channel.update(['a', 'b', 'c']);
      channel.subchannel('a').become(READY);
      channel.subchannel('b').become(READY);
      channel.subchannel('c').become(TRANSIENT_FAILURE, 'refused');
      channel.subchannel('a').become(IDLE);
      assert.deepEqual(held(), [['a'], ['a', 'b'], ['b']]);
    });

    it('are built at each resolver update, and once only', () => {
      const { channel, held } = open();
      channel.connect('a', 'b');
      channel.update(['a', 'b']);
      channel.update(['b']);
      // Its connection is there still, so that it is READY at once.
      channel.update(['b', 'a']);
      assert.deepEqual(held().slice(2), [['a', 'b'], ['b'], ['b', 'a']]);
    });

    it('are told the same object for an endpoint while the resolver names it, over a lost connection too', () => {
      const { channel, builds } = open();
      channel.connect('a', 'b');
      const [a, b] = builds.at(-1)!.readyEndpoints;
      channel.subchannel('a').become(IDLE);
      channel.subchannel('a').become(READY);
      channel.update(['b', 'a', 'c']);
      assert.deepEqual(new Set(builds.at(-1)!.readyEndpoints), new Set([a, b]));
      assert.ok(builds.at(-1)!.readyEndpoints.includes(a!));
      channel.update(['b']);
      channel.connect('a', 'b');
      assert.ok(!builds.at(-1)!.readyEndpoints.includes(a!), 'one that was left out comes back as another');
      assert.ok(builds.at(-1)!.readyEndpoints.includes(b!));
    });
  });

  describe('errors', () => {
    it('of connections and resolver are merged', () => {
      const { channel } = open();
      channel.update(['a']);
      channel.subchannel('a').become(TRANSIENT_FAILURE, 'refused');
      assert.equal(
        channel.last.error,
        'tested: last connection error: No connection established. Last error: refused. Resolution note: ',
      );
      channel.fail('no such host');
      assert.match(channel.last.error, /^tested: last connection error: .*; last resolver error: no such host$/);
      assert.equal(channel.pick().status?.details, channel.last.error);
      channel.update(['a']);
      assert.doesNotMatch(channel.last.error, /no such host/, 'the resolver works again');
    });

    it('of the resolver count only without endpoints, or in TRANSIENT_FAILURE', () => {
      const { channel } = open();
      channel.fail('no such host');
      assert.equal(channel.last.error, 'tested: last resolver error: no such host');
      channel.connect('a');
      const told = channel.told.length;
      assert.equal(channel.fail('no such host'), true);
      assert.equal(channel.told.length, told);
      assert.equal(channel.pick().pickResultType, COMPLETE);
    });
  });

  describe('resolver updates', () => {
    it('without addresses fail the calls; all but the first are refused, so that the resolver tries again', () => {
      const { channel } = open();
      assert.equal(channel.update([]), true, 'with a refusal the channel would let its calls wait');
      assert.equal(channel.last.error, 'tested: last resolver error: produced zero addresses');
      assert.equal(channel.update([]), false);
      channel.connect('a');
      assert.equal(channel.last.state, READY);
      assert.equal(channel.update([]), false);
      assert.equal(channel.pick().pickResultType, FAILED);
      assert.equal(channel.subchannel('a').references, 0);
    });

    it('with an endpoint twice make one connection; one without addresses is none', () => {
      const { channel, held } = open();
      channel.update(['a', '', 'a', 'b, c']);
      assert.deepEqual([...channel.subchannels.keys()], ['a', 'b', 'c']);
      channel.subchannel('a').become(READY);
      channel.subchannel('c').become(READY);
      assert.deepEqual(held().at(-1), ['a', 'b', 'c']);
      assert.equal(channel.update(['']), false);
    });

    it('leave the connections alone of endpoints that stay', () => {
      const { channel } = open();
      channel.connect('a', 'b');
      const { attempts } = channel.subchannel('a');
      channel.update(['a']);
      assert.equal(channel.subchannel('a').attempts, attempts);
      assert.equal(channel.subchannel('a').references, 1);
      assert.equal(channel.subchannel('b').references, 0);
    });

    it('are asked for when an endpoint leaves READY', () => {
      const { channel } = open();
      channel.connect('a', 'b');
      assert.equal(channel.reresolutions, 0);
      channel.subchannel('a').become(IDLE);
      assert.equal(channel.reresolutions, 1);
    });

    it('may come while one is asked for', () => {
      const { channel, held } = open();
      channel.connect('a', 'b');
      channel.resolve = () => void channel.update(['b']);
      channel.subchannel('a').become(IDLE);
      assert.deepEqual(held().at(-1), ['b']);
      assert.equal(channel.pick().subchannel, channel.subchannel('b').asSubchannel());
    });
  });

  describe('a policy that cannot build', () => {
    for (const [fault, build] of [
      [
        'throws',
        () => {
          throw new Error('a fault in the policy');
        },
      ],
      ['returns nothing', () => undefined],
    ] as const) {
      it(`${fault}: calls go to each endpoint in turn, and the log says so`, () => {
        const { channel } = open({ build: build as unknown as Policy['build'] });
        const lines = logged(() => channel.connect('a', 'b'));
        assert.match(lines.at(-1)!, /^tested built no picker, so its endpoints are taken in turn: Error: /);
        const picked = new Set([channel.pick().subchannel, channel.pick().subchannel]);
        assert.deepEqual(picked, new Set([...channel.subchannels.values()].map((it) => it.asSubchannel())));
      });
    }
  });

  describe('a service config that the policy refuses', () => {
    const message = 'The service config of tested cannot be used: `size` is -1; it must be 1 or more.';
    const parseConfig = ({ size }: Readonly<Record<string, unknown>>) => {
      if (size === -1) throw new Error('`size` is -1; it must be 1 or more.');
      return { size };
    };

    it('fails the calls with the reason, and says it once in the log', () => {
      const { channel } = open({ parseConfig });
      let accepted: boolean[] = [];
      const lines = logged(() => {
        accepted = [channel.update(['a'], { size: -1 }), channel.update(['a'], { size: -1 })];
      });
      assert.deepEqual(accepted, [true, false]);
      assert.deepEqual(lines, [message]);
      assert.equal(channel.pick().status?.details, message);
      assert.equal(channel.update(['a'], { size: 1 }), true);
      assert.equal(channel.last.state, CONNECTING);
    });

    it('leaves the one before in force, for the new endpoints', () => {
      const { channel, builds, held } = open({ parseConfig });
      channel.update(['a'], { size: 7 });
      channel.subchannel('a').become(READY);
      const lines = logged(() => assert.equal(channel.update(['a', 'b'], { size: -1 }), false));
      channel.subchannel('b').become(READY);
      assert.deepEqual(lines, [message]);
      assert.deepEqual(held().at(-1), ['a', 'b']);
      assert.deepEqual(builds.at(-1)!.config, { size: 7 });
    });

    it('does not take calls from the policy that serves them', () => {
      const { channel } = open({ parseConfig }, { getTypeName: () => 'round_robin' });
      const lines = logged(() => assert.equal(channel.update(['a'], { size: -1 }), false));
      assert.deepEqual([lines, channel.told], [[message], []]);
      assert.equal(channel.update(['a'], { size: 1 }), true);
      assert.equal(channel.last.state, CONNECTING);
    });

    it('is one that is no object, too', () => {
      const { channel } = open();
      logged(() => channel.update(['a'], 5));
      assert.equal(channel.last.error, 'The service config of tested is 5; it must be an object, such as {}.');
    });
  });
});
