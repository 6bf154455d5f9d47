import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import * as grpc110 from 'grpc-js-1.10';
import { mismatch, type PolicyRegistry } from '../../src/observe/askedFor';
import { register } from '../../src/main';
import { Backend, TestClient, until, type Grpc } from '../backends';
import { channelOf } from '../records';
import { TestResolver } from '../resolver';

const ours = ['p2c_ewma', 'peak_ewma'];

/** A copy of grpc-js that knows these policies, and refuses a config that has `bad`. */
function knows(...names: readonly string[]): PolicyRegistry {
  return {
    isLoadBalancerNameRegistered: (name) => names.includes(name),
    parseLoadBalancingConfig: (entry) => {
      if (JSON.stringify(entry).includes('"bad"')) throw new Error('outlier_detection: interval is bad');
    },
  };
}

const all = knows('pick_first', 'round_robin', 'outlier_detection', ...ours);
const none = knows('pick_first', 'round_robin', 'outlier_detection');

function because(serviceConfig: object, runs: string, registry = all): string | undefined {
  const found = mismatch(JSON.stringify(serviceConfig), runs, ours, registry);
  return found && `${found.asked}: ${found.reason}`;
}

function list(...entries: readonly object[]): object {
  return { loadBalancingConfig: entries };
}

describe('why a channel does not run the policy that it asked for', () => {
  const said: readonly (readonly [string, object, string, RegExp, PolicyRegistry?])[] = [
    ['a typo', list({ p2c_ewna: {} }), 'pick_first', /^p2c_ewna: did you mean "p2c_ewma"\?$/],
    ['two typos', list({ p2_ewm: {} }), 'pick_first', /did you mean "p2c_ewma"\?$/],
    ['another case', list({ P2C_EWMA: {} }), 'pick_first', /^P2C_EWMA: names are spelled exactly; write "p2c_ewma"\.$/],
    ['a hyphen', list({ 'p2c-ewma': {} }), 'pick_first', /^p2c-ewma: names are spelled exactly/],
    ['camel case', list({ p2cEwma: {} }), 'pick_first', /^p2cEwma: names are spelled exactly/],
    [
      'loadBalancingPolicy',
      { loadBalancingPolicy: 'p2c_ewma' },
      'pick_first',
      /^p2c_ewma: grpc-js does not read "loadBalancingPolicy"; write \{"loadBalancingConfig":\[\{"p2c_ewma":\{\}\}\]\}\.$/,
    ],
    ['loadBalancingPolicy in capitals', { loadBalancingPolicy: 'PEAK_EWMA' }, 'pick_first', /"peak_ewma"/],
    ['another copy', list({ p2c_ewma: {} }), 'pick_first', /^p2c_ewma: this channel's copy .* register\(grpc\)/, none],
    [
      'another copy, with a second choice',
      list({ p2c_ewma: {} }, { round_robin: {} }),
      'round_robin',
      /this channel's copy/,
      none,
    ],
    [
      "the resolver's config",
      list({ p2c_ewma: {} }),
      'round_robin',
      /^p2c_ewma: the resolver gave another service config/,
    ],
    ["the resolver's config, for another of ours", list({ p2c_ewma: {} }), 'peak_ewma', /the resolver gave another/],
    ['a typo with a second choice', list({ p2c_ewna: {} }, { round_robin: {} }), 'round_robin', /did you mean/],
    [
      'a typo in a child',
      list({ outlier_detection: { child_policy: [{ p2c_ewna: {} }] } }),
      'pick_first',
      /^p2c_ewna: did you mean/,
    ],
    [
      'a parent that is refused',
      list({ outlier_detection: { bad: 1, child_policy: [{ p2c_ewma: {} }] } }),
      'pick_first',
      /^p2c_ewma: grpc-js refuses its service config: outlier_detection: interval is bad\.$/,
    ],
  ];
  for (const [name, config, runs, expected, registry] of said) {
    it(`${name}: ${runs} runs`, () => assert.match(because(config, runs, registry) ?? 'nothing', expected));
  }

  const silent: readonly (readonly [string, object, string, PolicyRegistry?])[] = [
    ['it runs', list({ p2c_ewma: {} }), 'p2c_ewma'],
    ['it runs as a child', list({ outlier_detection: { child_policy: [{ p2c_ewma: {} }] } }), 'outlier_detection'],
    ['an earlier choice runs', list({ round_robin: {} }, { p2c_ewma: {} }), 'round_robin'],
    ['nothing was asked for', {}, 'pick_first'],
    ['another was asked for', list({ round_robin: {} }), 'pick_first'],
    ['an unknown one was asked for', list({ ring_hash_experimental: {} }), 'pick_first'],
    ['another loadBalancingPolicy', { loadBalancingPolicy: 'round_robin' }, 'pick_first'],
    [
      'a policy of the program itself',
      list({ p3c_ewma: {} }),
      'round_robin',
      knows('p3c_ewma', 'round_robin', ...ours),
    ],
    ['entries that are none', { loadBalancingConfig: [null, 5, 'p2c_ewma'] }, 'pick_first'],
  ];
  for (const [name, config, runs, registry] of silent) {
    it(`is not said where ${name}`, () => assert.equal(because(config, runs, registry), undefined));
  }
});

describe('a channel that asks for a policy of ours, but runs another', () => {
  const backends: Backend[] = [];
  const clients: TestClient[] = [];
  const warnings: Error[] = [];
  const hear = (warning: Error) => void warnings.push(warning);

  before(() => {
    register(grpc);
    process.on('warning', hear);
  });
  beforeEach(() => void warnings.splice(0));
  after(() => void process.off('warning', hear));
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    for (const backend of backends.splice(0)) backend.kill();
  });

  async function open(policy: readonly object[], target?: (port: number) => string, library = grpc) {
    const backend = await Backend.start();
    backends.push(backend);
    const to = target?.(backend.port) ?? `ipv4:${backend.address}`;
    const client = new TestClient(to, policy, { library });
    clients.push(client);
    assert.equal(await client.get(), grpc.status.OK);
    return client;
  }

  function notesOf(client: TestClient): string[] {
    return [...channelOf(client).policies].map(({ message }) => message.note);
  }

  it('is said once, as a warning and in the note of the policy', async () => {
    const client = await open([{ P2C_EWMA: {} }]);
    const again = new TestClient(client.target, [{ P2C_EWMA: {} }]);
    clients.push(again);
    assert.equal(await again.get(), grpc.status.OK);
    const reason = 'names are spelled exactly; write "p2c_ewma".';
    await until(() => warnings.length > 0);
    assert.deepEqual(
      warnings.map(({ name, message }) => [name, message]),
      [
        [
          'PickscopeWarning',
          `The channel to ${client.target} asks for the policy "P2C_EWMA", but runs pick_first: ${reason}`,
        ],
      ],
    );
    assert.deepEqual(notesOf(again), [`The program asks for "P2C_EWMA": ${reason}`]);
  });

  it("is said when the resolver's service config takes the place of the program's", async () => {
    const client = await open([{ p2c_ewma: {} }], (port) =>
      TestResolver.target('asked-for', [port], { round_robin: {} }),
    );
    await until(() => warnings.length > 0);
    assert.match(
      warnings[0]!.message,
      /^The channel to test:asked-for asks for the policy "p2c_ewma", but runs round_robin: /,
    );
    assert.match(notesOf(client)[0]!, /the resolver gave another service config/);
    assert.ok(notesOf(client)[0]!.length <= 256);
  });

  it('is said where its copy of grpc-js does not know the policy', async () => {
    const library = grpc110 as unknown as Grpc;
    assert.throws(() => register(library), /needs @grpc\/grpc-js 1\.14/);
    const client = await open([{ p2c_ewma: {} }, { round_robin: {} }], undefined, library);
    await until(() => warnings.length > 0);
    assert.match(
      warnings[0]!.message,
      /but runs round_robin: this channel's copy of @grpc\/grpc-js does not know it\./,
    );
    assert.match(notesOf(client)[0]!, /^The program asks for "p2c_ewma": this channel's copy/);
  });

  it('is not said where it runs', async () => {
    const client = await open([{ p2c_ewma: {} }]);
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual([warnings, notesOf(client)], [[], ['']]);
  });
});
