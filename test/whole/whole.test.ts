import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseDescriptor } from '@pickscope/protocol/descriptor';
import type { Workbench } from '../host/workbench.mjs';
import { until } from '../unit/waiting';
import { Backend, freeAddress } from './backend';
import { assertChoiceFollows } from './choice';
import type { ShownEndpoint, ShownPanel } from './panel';
import { Program, type RunningClient } from './program';
import { extensionFile, installExtension, VsCodeWindow } from './window';

const patienceMs = 20_000;
const maxExtensionBytes = 500_000;

/** Everything that ships. A new file is a decision. */
const shipped = [
  'LICENSE.txt',
  'changelog.md',
  'dist/ThirdPartyNotices.txt',
  'dist/attachment.cjs',
  'dist/extension.cjs',
  'dist/panel.css',
  'dist/panel.js',
  'dist/preload/ThirdPartyNotices.txt',
  'dist/preload/register.cjs',
  'l10n/bundle.l10n.zh-cn.json',
  'media/icon.png',
  'media/pickscope.svg',
  'media/walkthrough/attach.svg',
  'media/walkthrough/attachable.svg',
  'media/walkthrough/pick.webp',
  'media/walkthrough/shares.webp',
  'media/walkthrough/time.webp',
  'media/walkthrough/why.webp',
  'package.json',
  'package.nls.json',
  'package.nls.zh-cn.json',
  'readme.md',
];

describe('the whole way, from the packages to the panel', function () {
  this.timeout(120_000);

  // Short: sockets lie in it.
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-whole-'));
  const runtimeFolder = path.join(folder, 'run');
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  const program = new Program(path.join(folder, 'shop'), {
    PICKSCOPE_RUNTIME_DIR: runtimeFolder,
    PICKSCOPE_NAME: 'shop',
  });
  const token = 'a'.repeat(64);
  /** Of the descriptors of all clients. */
  const seenTokens = new Set<string>();
  const backends: Backend[] = [];
  const callsBefore = new Map<Backend, number>();
  const clients: RunningClient[] = [];
  let client: RunningClient;
  let opened: VsCodeWindow | undefined;
  let workbench: Workbench;
  let panel: ShownPanel;

  before(async () => {
    program.install();
    for (const latencyMs of [2, 5, 30]) backends.push(await Backend.start(folder, latencyMs));
    mkdirSync(runtimeFolder, { mode: 0o700 });
  });

  after(async () => {
    await opened?.close();
    for (const each of clients) await each.end();
    for (const backend of backends) await backend.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  afterEach(async function () {
    for (const name of readdirSync(runtimeFolder).filter((file) => file.endsWith('.json'))) {
      seenTokens.add(parseDescriptor(readFileSync(path.join(runtimeFolder, name), 'utf8')).token);
    }
    if (this.currentTest?.state === 'failed') await opened?.picture('whole-failed');
  });

  function startClient(env: Readonly<Record<string, string>> = {}): RunningClient {
    const started = program.start(
      backends.map(({ address }) => address),
      env,
    );
    clients.push(started);
    return started;
  }

  /** Calls that each backend got from the client that runs now; others called before. */
  function callsOf(backend: Backend): number {
    return backend.calls - (callsBefore.get(backend) ?? 0);
  }

  /**
   * Ends the calls, and waits for the counters of a client at rest: until the panel agrees with these backends. What it
   * shows in the end is given all the same.
   */
  async function atRest(agreeing: readonly Backend[]): Promise<(backend: Backend) => ShownEndpoint> {
    client.stopCalling();
    const agrees = ({ address, started, picks, neverStarted }: ShownEndpoint) =>
      picks === started + neverStarted &&
      agreeing.every((backend) => backend.address !== address || callsOf(backend) === started);
    let endpoints: ShownEndpoint[] = [];
    for (const end = Date.now() + patienceMs; Date.now() < end;) {
      endpoints = await panel.endpoints();
      if (endpoints.length === backends.length && endpoints.every(agrees)) break;
    }
    return (backend) => endpoints.find(({ address }) => address === backend.address)!;
  }

  async function attachTo(address: string): Promise<void> {
    await workbench.runCommand('Pickscope: Attach to Address…');
    await workbench.answer('Attach to Address', address);
    await workbench.answer(`Token for ${address}`, 'b'.repeat(64));
  }

  it('ships what it should, and little of it', async () => {
    const installed = await installExtension(profile);
    const files = readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
      .map((entry) => path.relative(installed, path.join(entry.parentPath, entry.name)));
    assert.deepEqual(files.map((file) => file.replaceAll('\\', '/')).sort(), shipped.sort());
    assert.ok(statSync(extensionFile).size < maxExtensionBytes);
  });

  it("attaches to the README's client from the tree", async () => {
    opened = await VsCodeWindow.open(profile, folder, runtimeFolder);
    ({ workbench, panel } = opened);
    await panel.frame.locator('.empty .lead').waitFor();

    client = startClient();
    await opened.client(String(client.pid)).click();
    await panel.state('live').waitFor();
    await panel.text(/picks\/s/).waitFor();
    await workbench.page.mouse.move(700, 300);
    await panel.frame.locator('.picks tbody tr[data-key]').nth(10).waitFor({ state: 'attached' });
  });

  it('shows choices that follow from the loads that it shows', async () => {
    const picks = await panel.picks();
    assert.ok(picks.length > 10, `only ${picks.length} picks`);
    for (const pick of picks) assertChoiceFollows(pick);
  });

  it('counts, for each backend, exactly the calls that it got', async () => {
    const shownOf = await atRest(backends);
    for (const backend of backends) {
      const shown = shownOf(backend);
      assert.equal(shown.started, backend.calls, backend.address);
      assert.equal(shown.picks, shown.started + shown.neverStarted, backend.address);
      assert.ok(shown.started > 0, backend.address);
    }
  });

  it('attaches again to a client that restarts, and marks the restart', async () => {
    await client.end();
    await panel.state('lost').waitFor();
    for (const backend of backends) callsBefore.set(backend, backend.calls);
    client = startClient();
    await panel.client.getByText(String(client.pid)).waitFor({ state: 'attached' });
    await panel.state('live').waitFor();
    await panel.openEvents();
    await panel.text(`the client restarted, pid ${client.pid}`).waitFor();
  });

  it('is attached again after the window was reloaded', async () => {
    await workbench.page.reload();
    await panel.state('live').waitFor();
    await panel.client.getByText(String(client.pid)).waitFor({ state: 'attached' });
    await panel.frame.locator('.picks tbody tr[data-key]').first().waitFor({ state: 'attached' });
  });

  it('shows the same client in a second window, and does not mind when that closes', async () => {
    const second = await opened!.another();
    await second.client(String(client.pid)).click();
    await second.panel.state('live').waitFor();
    await second.panel.client.getByText(String(client.pid)).waitFor({ state: 'attached' });
    await second.panel.frame.locator('.picks tbody tr[data-key]').nth(5).waitFor({ state: 'attached' });
    await second.close();
    const picks = async () => (await panel.endpoints()).reduce((sum, endpoint) => sum + endpoint.picks, 0);
    const before = await picks();
    for (const end = Date.now() + patienceMs; Date.now() < end && (await picks()) <= before;);
    assert.ok((await picks()) > before);
    await panel.state('live').waitFor();
  });

  it('miscounts a killed backend by no more than the calls in flight', async () => {
    const victim = backends[2]!;
    await until(() => callsOf(victim) > 3);
    await victim.kill();
    await panel.frame.locator('.endpoints tbody tr.absent').waitFor();
    const shownOf = await atRest(backends.filter((backend) => backend !== victim));
    for (const backend of backends) {
      const { picks, started, neverStarted, failures } = shownOf(backend);
      const lost = started - callsOf(backend);
      assert.ok(lost >= 0 && lost <= (backend === victim ? failures : 0), `${lost} lost of ${backend.address}`);
      assert.equal(picks, started + neverStarted, backend.address);
    }
  });

  it('says that nobody answers at an address', async () => {
    const gone = backends[2]!.address;
    await attachTo(gone);
    await panel.text(`Nobody answers at ${gone}.`).waitFor();
  });

  it('says that another gRPC service is there', async () => {
    const other = backends[0]!.address;
    await attachTo(other);
    await panel.text(`A gRPC server answers at ${other}, but it is not a client’s debug server.`).waitFor();
  });

  it('asks again for a wrong token, and attaches with the right one', async () => {
    const address = await freeAddress();
    const elsewhere = path.join(folder, 'elsewhere');
    startClient({ PICKSCOPE_LISTEN: address, PICKSCOPE_TOKEN: token, PICKSCOPE_RUNTIME_DIR: elsewhere });
    await attachTo(address);
    await panel.text(`The client at ${address} does not accept this token.`).waitFor();
    await panel.frame.getByRole('button', { name: 'Enter Token…' }).click();
    await workbench.answer(`Token for ${address}`, token);
    await panel.state('live').waitFor();
  });

  it('has written none of the tokens anywhere', () => {
    const files = readdirSync(profile.userData, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name));
    const written = files.map((file) => ({ file, text: readFileSync(file, 'latin1') }));
    assert.ok(
      written.some(({ text }) => text.includes('does not accept') || text.includes('wrongToken')),
      'a log',
    );
    const secrets = [token, 'b'.repeat(64), ...seenTokens];
    assert.ok(seenTokens.size > 1);
    for (const { file, text } of written) for (const secret of secrets) assert.ok(!text.includes(secret), file);
  });
});
