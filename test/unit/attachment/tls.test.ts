import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readStream, type StreamOptions } from '../../../src/attachment/stream';
import { certificate, certificateFile, serverCredentials } from './certificates';
import { FakeDebugServer } from './debugServer';

describe('readStream over TLS', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  let server: FakeDebugServer;

  beforeEach(() => (server = new FakeDebugServer()));
  afterEach(() => server.kill());
  after(() => rmSync(folder, { recursive: true }));

  /** "live", or why there is no stream. */
  async function outcome(change: Partial<StreamOptions>): Promise<string> {
    const { address, token } = server;
    const options = { address, token, signal: new AbortController().signal, answerTimeoutMs: 5000, ...change };
    for await (const event of readStream(options)) {
      if (event.type === 'message' && event.message.body.case === 'snapshotEnd') return 'live';
      if (event.type !== 'ended') continue;
      const { failure } = event;
      return 'detail' in failure ? `${failure.kind}: ${failure.detail}` : failure.kind;
    }
    return 'nothing';
  }

  const entered = () => server.address.replace('127.0.0.1', 'https://localhost');

  describe('of an address that a person entered', () => {
    beforeEach(() => server.listen('127.0.0.1:0', serverCredentials('server')));

    it('trusts a root of the file', async () => {
      assert.equal(await outcome({ address: entered(), trust: { rootsFile: certificateFile('root') } }), 'live');
    });

    it('refuses a certificate of no known root, and sends it no token', async () => {
      assert.match(await outcome({ address: entered(), trust: { rootsFile: '' } }), /^wrongCertificate: .*certificate/);
      assert.equal(server.watchers.length, 0);
    });

    it('says that the file of roots is not there, or holds none', async () => {
      const none = path.join(folder, 'none.pem');
      assert.match(await outcome({ address: entered(), trust: { rootsFile: none } }), /^badRoots: ENOENT.*none\.pem/);
      const nonsense = path.join(folder, 'nonsense.pem');
      writeFileSync(nonsense, '-----BEGIN CERTIFICATE-----\nnonsense\n');
      assert.match(
        await outcome({ address: entered(), trust: { rootsFile: nonsense } }),
        /^badRoots: .*nonsense\.pem holds no certificate in PEM$/,
      );
    });
  });

  it('refuses a certificate that is made out to another host', async () => {
    await server.listen('127.0.0.1:0', serverCredentials('pinned'));
    const trust = { rootsFile: certificateFile('pinned') };
    assert.match(await outcome({ address: entered(), trust }), /^wrongCertificate: .*does not match/);
  });

  describe('of a client that announced its certificate', () => {
    it('trusts that one, whatever host it is made out to', async () => {
      await server.listen('127.0.0.1:0', serverCredentials('pinned'));
      assert.equal(await outcome({ trust: { certificate: certificate('pinned') } }), 'live');
    });

    it('trusts that one, though its root is not known', async () => {
      await server.listen('127.0.0.1:0', serverCredentials('server'));
      assert.equal(await outcome({ trust: { certificate: certificate('server') } }), 'live');
    });

    it('refuses every other one', async () => {
      await server.listen('127.0.0.1:0', serverCredentials('server'));
      assert.match(await outcome({ trust: { certificate: certificate('pinned') } }), /^wrongCertificate: /);
    });

    it('refuses one that the announced one has signed', async () => {
      await server.listen('127.0.0.1:0', serverCredentials('server'));
      assert.match(
        await outcome({ trust: { certificate: certificate('root') } }),
        /^wrongCertificate: .*another certificate than the one of the descriptor/,
      );
    });

    it('refuses what cannot be read as one', async () => {
      await server.listen('127.0.0.1:0', serverCredentials('pinned'));
      const trust = { certificate: '-----BEGIN CERTIFICATE-----\nnonsense\n' };
      assert.match(await outcome({ trust }), /^wrongCertificate: /);
    });
  });

  it('does not take a server in plaintext for one that speaks TLS', async () => {
    await server.listen('127.0.0.1:0');
    assert.match(
      await outcome({ address: entered(), trust: { rootsFile: certificateFile('root') } }),
      /^unreachable: /,
    );
  });

  it('does not speak plaintext to a server that wants TLS', async () => {
    await server.listen('127.0.0.1:0', serverCredentials('server'));
    assert.match(await outcome({}), /^(unreachable|silent)/);
  });
});
