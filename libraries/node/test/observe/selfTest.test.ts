import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { copyOf, type GrpcCopy } from '../../src/observe/copies';
import { examine } from '../../src/observe/selfTest';
import { Backend, TestClient, type Grpc } from '../backends';
import { runtime } from '../../src/runtime';
import { runCell } from '../preload/cell';

const modules = path.join(__dirname, '../../../../node_modules');

interface Doctored {
  /** In every file of the copy. */
  readonly replace: readonly [from: RegExp, to: string];
  readonly file?: readonly [from: string, to: string];
  readonly limitation: string;
  readonly lost: readonly string[];
}

const allOfPicks = ['picks', 'completions', 'candidates', 'started'];

const cases: Readonly<Record<string, Doctored>> = {
  'without RetryingCall.startNewAttempt': {
    replace: [/\bstartNewAttempt\b/g, 'beginAttempt'],
    limitation: 'RetryingCall.startNewAttempt is not there: retries show as calls of their own',
    lost: [],
  },
  'without LoadBalancingCall.outputStatus': {
    replace: [/\boutputStatus\b/g, 'giveStatus'],
    limitation: 'LoadBalancingCall.outputStatus is not there: the ends of calls are not seen',
    lost: ['completions'],
  },
  'without the field currentPicker': {
    replace: [/\bcurrentPicker\b/g, 'picker'],
    limitation: 'InternalChannel has no currentPicker: pickers are not told apart',
    lost: ['generations'],
  },
  'without createLoadBalancer': {
    replace: [/\bcreateLoadBalancer\b/g, 'makeLoadBalancer'],
    limitation: 'createLoadBalancer is not there: policies, pickers and resolver updates are not seen',
    lost: ['resolver', 'generations'],
  },
  'without Subchannel.transitionToState': {
    replace: [/\btransitionToState\b/g, 'becomes'],
    limitation: 'Subchannel.transitionToState is not there: states of connections are not seen',
    lost: ['subconns'],
  },
  'without the class LoadBalancingCall': {
    replace: [/\bLoadBalancingCall\b/g, 'BalancedCall'],
    limitation: 'LoadBalancingCall is not there: no picks are seen',
    lost: allOfPicks,
  },
  'without the file of RetryingCall': {
    replace: [/\.\/retrying-call"/g, './retries"'],
    file: ['retrying-call.js', 'retries.js'],
    limitation: 'RetryingCall is not there: retries show as calls of their own',
    lost: [],
  },
  'whose doPick takes one argument more': {
    replace: [/doPick\(metadata, extraPickInfo\) \{/g, 'doPick(metadata, extraPickInfo, more) {'],
    limitation: 'InternalChannel.doPick takes 3 arguments instead of 2: no picks are seen',
    lost: allOfPicks,
  },
};

describe('the self-test of a copy of grpc-js', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'ps-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  /** @returns The folder of a fresh copy: the hooks have replaced what they need in the one beside. */
  function install(name: string): string {
    const copy = path.join(folder, 'node_modules', name);
    cpSync(path.join(modules, name), copy, { recursive: true });
    mkdirSync(path.join(folder, 'node_modules/@grpc'), { recursive: true });
    for (const dependency of ['@grpc/proto-loader', '@js-sdsl']) {
      const place = path.join(folder, 'node_modules', dependency);
      if (!existsSync(place)) symlinkSync(path.join(modules, dependency), place);
    }
    return copy;
  }

  /** @returns The folder of a copy of the newest grpc-js, changed. */
  function doctor({ replace: [from, to], file }: Doctored): string {
    const copy = install('@grpc/grpc-js');
    const build = path.join(copy, 'build/src');
    let changed = false;
    for (const name of readdirSync(build).filter((it) => it.endsWith('.js'))) {
      const text = readFileSync(path.join(build, name), 'utf8');
      writeFileSync(path.join(build, name), text.replace(from, to));
      changed ||= text.search(from) >= 0;
    }
    assert.ok(changed, 'there is nothing of that name');
    if (file) renameSync(path.join(build, file[0]), path.join(build, file[1]));
    return copy;
  }

  function load(copy: string): GrpcCopy {
    return copyOf(createRequire(path.join(folder, 'any.js'))(copy) as Grpc);
  }

  it('finds nothing missing in those that are known', () => {
    for (const name of ['@grpc/grpc-js', 'grpc-js-1.10']) {
      const { limitations, lost, version } = examine(load(install(name)));
      assert.deepEqual([limitations, [...lost]], [[], []]);
      assert.match(version, /^1\.1\d\.\d+$/);
    }
  });

  for (const [name, doctored] of Object.entries(cases)) {
    it(`says what it cannot tell of one ${name}, which works all the same`, async () => {
      const copy = load(doctor(doctored));
      const { limitations, lost, version } = examine(copy);
      assert.deepEqual(limitations, [
        `grpc-js ${version} in ${path.resolve(copy.file, '../../..')}: ${doctored.limitation}`,
      ]);
      assert.deepEqual([...lost], doctored.lost);
      runtime.observe(copy);
      runtime.registerPolicies(copy.grpc);
      const backends = await Promise.all([Backend.start(), Backend.start()]);
      for (const policy of ['round_robin', 'pick_first', 'p2c_ewma']) {
        const client = TestClient.to(backends, policy, { library: copy.grpc });
        const codes = await Promise.all(Array.from({ length: 20 }, () => client.get()));
        assert.deepEqual([...new Set(codes)], [grpc.status.OK], policy);
        client.close();
      }
      backends.forEach((backend) => backend.kill());
    });
  }

  it('is told in Describe', () =>
    runCell({
      node: process.execPath,
      grpc: doctor(cases['without RetryingCall.startNewAttempt']!),
      otherGrpc: path.join(modules, 'grpc-js-1.10'),
      way: 'require',
      limitations: [/^grpc-js 1\.14\.\d+ in .*: RetryingCall\.startNewAttempt is not there: retries show/],
    }));

  it('says so of a copy that is part of a bundle', () => {
    const { limitations, lost } = examine(copyOf({ experimental: {} } as Grpc));
    assert.deepEqual(limitations, [
      'grpc-js: its files cannot be found, as where it is part of a bundle: no picks are seen',
    ]);
    assert.deepEqual([...lost], [...allOfPicks, 'subconns', 'resolver', 'generations']);
  });
});
