import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { configuredTls, configuredToken } from '../../src/server/credentials';
import { until } from '../backends';
import { descriptors } from '../preload/watcher';
import { Child, descriptorOf, endChildren } from './children';
import { describeClient, Watcher } from './debugClient';
import { Serving } from './serving';

const certificates = path.join(__dirname, '../../../../test/unit/attachment/certificates');
const fileOf = (name: string) => path.join(certificates, name);
const read = (name: string) => readFileSync(fileOf(name), 'utf8');
const pinned = { cert: read('pinned.pem'), key: read('pinned.key') };

const token = 'a-token-that-was-agreed-on';

describe('what a program is told of tokens and TLS', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'ps-'))));

  afterEach(async () => {
    await endChildren();
    rmSync(folder, { recursive: true });
  });

  function file(content: string, mode = 0o600, uid = process.getuid?.() ?? 0): string {
    const made = path.join(folder, 'secret');
    writeFileSync(made, content, { flag: 'w' });
    if (uid !== process.getuid?.()) chownSync(made, uid, uid);
    chmodSync(made, mode);
    return made;
  }

  /** The message; it holds no secret. */
  function refused(configure: () => unknown, secret = token): string {
    try {
      configure();
    } catch (error) {
      const { message, cause } = error as Error;
      assert.ok(!`${message} ${String(cause)}`.includes(secret), message);
      return message;
    }
    return assert.fail('not refused');
  }

  it('gives the token of the variable, or of a file that is ours alone', () => {
    assert.equal(configuredToken({}), undefined);
    assert.equal(configuredToken({ PICKSCOPE_TOKEN: '', PICKSCOPE_TOKEN_FILE: '' }), undefined);
    assert.equal(configuredToken({ PICKSCOPE_TOKEN: token }), token);
    assert.equal(configuredToken({ PICKSCOPE_TOKEN_FILE: file(`${token}\n`) }), token);
  });

  it('refuses a token that is short, or cannot be sent', () => {
    for (const short of ['x', 'x'.repeat(15)]) {
      const message = refused(() => configuredToken({ PICKSCOPE_TOKEN: short }), `"${short}"`);
      assert.match(message, /the token in PICKSCOPE_TOKEN has \d+ characters, but needs 16 to 1024: make one with/);
    }
    assert.match(
      refused(() => configuredToken({ PICKSCOPE_TOKEN_FILE: file('short\n') }), 'short'),
      /the token in PICKSCOPE_TOKEN_FILE has 5 characters/,
    );
    for (const odd of [`${token}\n`, ` ${token}`, `${token}é`, `${token}\u0000x`]) {
      assert.match(
        refused(() => configuredToken({ PICKSCOPE_TOKEN: odd })),
        /printable ASCII/,
      );
    }
    assert.match(
      refused(() => configuredToken({ PICKSCOPE_TOKEN: token, PICKSCOPE_TOKEN_FILE: 'x' })),
      /not both/,
    );
  });

  it('refuses a file with a token that others could have read or written, or that is none', () => {
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      const message = refused(() => configuredToken({ PICKSCOPE_TOKEN_FILE: file(token, mode) }));
      assert.match(message, /secret is open to other users \(mode \d+\): chmod 600 it$/, mode.toString(8));
    }
    const directory = path.join(folder, 'directory');
    mkdirSync(directory);
    assert.match(
      refused(() => configuredToken({ PICKSCOPE_TOKEN_FILE: directory })),
      /is no file with a secret in it/,
    );
    const pipe = path.join(folder, 'pipe');
    assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
    assert.match(
      refused(() => configuredToken({ PICKSCOPE_TOKEN_FILE: pipe })),
      /is no file with a secret in it/,
    );
    assert.match(
      refused(() => configuredToken({ PICKSCOPE_TOKEN_FILE: path.join(folder, 'none') })),
      /ENOENT/,
    );
    if (process.getuid?.() !== 0) return;
    assert.match(
      refused(() => configuredToken({ PICKSCOPE_TOKEN_FILE: file(token, 0o600, 54322) })),
      /belongs to another user \(uid 54322\)/,
    );
  });

  if (process.getuid?.() === 0) {
    it("takes a file of root's that our group may read, as it is mounted into a container", async () => {
      const user = 54321;
      chmodSync(folder, 0o1777);
      const secret = file(token, 0o440);
      chownSync(secret, 0, user);
      const child = await Child.start(path.join(folder, 'run'), { uid: user, env: { PICKSCOPE_TOKEN_FILE: secret } });
      const { address } = await descriptorOf(path.join(folder, 'run'), child);
      assert.equal((await describeClient(address, token)).process?.pid, child.pid);
    });
  }

  it('takes keys for TLS that belong together, from code or from files', () => {
    assert.equal(configuredTls(undefined, {}), undefined);
    assert.deepEqual(configuredTls(pinned, {}), pinned);
    const key = file(pinned.key);
    const env = { PICKSCOPE_TLS_CERT: fileOf('pinned.pem'), PICKSCOPE_TLS_KEY: key };
    assert.deepEqual(configuredTls(undefined, env), pinned);
    const secret = pinned.key.split('\n')[1]!;
    const wrong = { cert: pinned.cert, key: read('server.key') };
    assert.match(
      refused(() => configuredTls(wrong, {}), secret),
      /the key of option tls is not that of the certificate/,
    );
    assert.match(
      refused(() => configuredTls({ cert: 'junk', key: pinned.key }, {}), secret),
      /not a certificate and its private key in PEM/,
    );
    assert.match(
      refused(() => configuredTls(undefined, { PICKSCOPE_TLS_KEY: key }), secret),
      /set both/,
    );
    chmodSync(key, 0o644);
    assert.match(
      refused(() => configuredTls(undefined, env), secret),
      /PICKSCOPE_TLS_KEY: .* is open to other users/,
    );
  });

  describe('on TCP with TLS', () => {
    let serving: Serving;

    beforeEach(async () => (serving = await Serving.start({ tcp: 0, tls: pinned })));
    afterEach(() => serving.close());

    it('speaks TLS, and announces its certificate', async () => {
      const { address } = serving.access;
      const [descriptor] = descriptors(serving.folder);
      assert.deepEqual([descriptor?.address, descriptor?.certificate], [address, pinned.cert]);
      const { process: described } = await describeClient(address, descriptor!.token, descriptor!.certificate);
      assert.equal(described?.name, 'cart');
      await assert.rejects(describeClient(address, 'wrong', pinned.cert), { code: grpc.status.UNAUTHENTICATED });
    });

    it('speaks nothing else, and not with one who trusts another certificate', async () => {
      const { address, token: known } = serving.access;
      await assert.rejects(describeClient(address, known), { code: grpc.status.UNAVAILABLE });
      await assert.rejects(describeClient(address, known, read('root.pem')), { code: grpc.status.UNAVAILABLE });
    });
  });

  it('does not keep a program alive, with TLS or with a deadline of a watcher', async () => {
    const tls = { PICKSCOPE_TLS_CERT: fileOf('pinned.pem'), PICKSCOPE_TLS_KEY: file(pinned.key) };
    for (const env of [{ PICKSCOPE_LISTEN: '0', ...tls }, {}]) {
      const run = path.join(folder, Object.keys(env).length === 0 ? 'plain' : 'tls');
      const child = await Child.start(run, { env });
      const { address, token: known, certificate } = await descriptorOf(run, child);
      assert.equal(certificate === undefined, Object.keys(env).length === 0);
      const watcher = new Watcher(address, known, {}, { trusted: certificate, deadline: Date.now() + 3_600_000 });
      await until(() => watcher.messages.length > 0);
      assert.equal(await child.end(), 0);
      watcher.close();
    }
  });

  it('is nowhere to be read: not in what the program prints, with all traces on, nor in arguments, errors or recordings', async () => {
    const recordings = path.join(folder, 'recordings');
    mkdirSync(recordings, { mode: 0o700 });
    const child = await Child.start(path.join(folder, 'run'), {
      env: {
        PICKSCOPE_TOKEN_FILE: file(`${token}\n`),
        PICKSCOPE_KEEP: '10s',
        PICKSCOPE_RECORD_SIGNAL: 'SIGUSR2',
        PICKSCOPE_RECORDINGS: recordings,
        NODE_DEBUG: 'pickscope',
        GRPC_TRACE: 'all',
        GRPC_VERBOSITY: 'DEBUG',
      },
    });
    const { address, token: random } = await descriptorOf(path.join(folder, 'run'), child);
    const wrong = 'a-token-that-is-wrong';
    const errors = await Promise.all([
      describeClient(address, wrong).catch((error: unknown) => error),
      describeClient(address, '').catch((error: unknown) => error),
    ]);
    for (const known of [token, random]) {
      const watcher = new Watcher(address, known);
      await until(() => watcher.picks() > 0);
      watcher.close();
    }
    child.process.kill('SIGUSR2');
    await until(() => readdirSync(recordings).some((name) => !name.endsWith('.new')));
    const argv = process.platform === 'linux' ? readFileSync(`/proc/${child.pid}/cmdline`, 'latin1') : '';
    assert.equal(await child.end(), 0);
    assert.ok(child.err.includes('server_call'), 'the traces are on');
    const recorded = readdirSync(recordings).map((name) => readFileSync(path.join(recordings, name), 'latin1'));
    assert.ok(recorded.join('').length > 100);
    const all = [child.out, child.err, argv, ...errors.map(String), address, ...recorded].join('\n');
    for (const secret of [token, random, wrong]) assert.ok(!all.includes(secret), secret);
  });
});
