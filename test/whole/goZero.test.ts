import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { goClient, startGoClient } from '../../demo/scene.mjs';
import { hasGoFor } from '../go.mjs';
import { Backend } from './backend';
import { assertChoiceFollows } from './choice';
import { makeGoService } from './goService';
import { doUntil, eventually } from './patience';
import { installExtension, VsCodeWindow } from './window';

/** ms; what moves away from under a click is aimed at anew. */
const clickMs = 5000;

if (hasGoFor('the whole way with a service on go-zero')) {
  describe("a service on go-zero that nobody changed but for the README's import, in the packaged extension", function () {
    this.timeout(120_000);

    // Short: sockets lie in it.
    const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-go-'));
    const runtimeFolder = path.join(folder, 'run');
    const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
    const backends: Backend[] = [];
    let client: ChildProcess;
    let opened: VsCodeWindow;

    before(async function () {
      // The first time, go-zero and what it needs are built.
      this.timeout(600_000);
      const program = makeGoService(path.join(folder, 'service'));
      mkdirSync(runtimeFolder, { mode: 0o700 });
      for (const latencyMs of [2, 5, 30]) backends.push(await Backend.start(folder, latencyMs));
      await installExtension(profile);
      opened = await VsCodeWindow.open(profile, folder, runtimeFolder);
      const addresses = backends.map(({ address }) => address);
      client = startGoClient(program, addresses, { PICKSCOPE_RUNTIME_DIR: runtimeFolder });
    });

    after(async () => {
      await opened.close();
      client.kill('SIGKILL');
      for (const backend of backends) await backend.kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });

    afterEach(async function () {
      if (this.currentTest?.state === 'failed') await opened.picture('go-zero-failed');
    });

    it('is attached to from the tree', async () => {
      await opened.client(goClient).click();
      await opened.panel.client.getByText(goClient).waitFor({ state: 'attached' });
      await opened.panel.state('live').waitFor();
      await opened.panel.frame.locator('.picks tbody tr[data-key]').nth(10).waitFor({ state: 'attached' });
    });

    it('shows both candidates of its picks, and choices that follow from the loads that it shows', async () => {
      const picks = await opened.panel.picks();
      const compared = picks.filter(({ candidates }) => candidates.length === 2);
      assert.ok(compared.length > 5, `${compared.length} of ${picks.length} picks`);
      for (const pick of picks) if (pick.reason !== 'raced') assertChoiceFollows(pick);
    });

    it('explains a pick with both candidates', async () => {
      const { frame } = opened.panel;
      const inspector = frame.locator('.inspector');
      const lower = frame.locator('.picks tr[data-key][data-reason="lower"]').first();
      await doUntil(
        'a pick is explained',
        () => inspector.locator('.sentence').isVisible(),
        () => lower.click({ timeout: clickMs }),
      );
      const said = await inspector.innerText();
      // Of one machine's addresses, the ports are named.
      const named = backends.filter(({ address }) => said.includes(address.slice(address.indexOf(':'))));
      assert.equal(named.length, 2, said);
      await opened.workbench.runCommand('Pickscope: Resume View');
      await opened.panel.state('live').waitFor();
    });

    it('counts, for each backend, exactly the calls that it got', async () => {
      client.stdin!.write('0\n');
      const shown = async () => {
        const endpoints = await opened.panel.endpoints();
        return new Map(endpoints.map(({ address, started }) => [address, started]));
      };
      const counted = () => new Map(backends.map(({ address, calls }) => [address, calls]));
      await eventually('the panel agrees with the backends', async () => {
        const [seen, got] = [await shown(), counted()];
        return [...got].every(([address, calls]) => calls > 0 && seen.get(address) === calls);
      });
    });

    it('is lost when the service ends, and leaves nothing behind', async () => {
      const ended = once(client, 'exit');
      client.stdin!.end();
      await ended;
      await opened.panel.state('lost').waitFor();
      await eventually('socket and descriptor are gone', () => readdirSync(runtimeFolder).length === 0);
    });
  });
}
