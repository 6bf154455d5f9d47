import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CountingBackend, programs, startProgram, type ProgramName, type StartedProgram } from '../programs/programs';
import { installExtension, VsCodeWindow } from './window';

const patienceMs = 20_000;

describe('programs that were not changed, in the packaged extension', function () {
  this.timeout(120_000);

  // Short: sockets lie in it.
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-unchanged-'));
  const runtimeFolder = path.join(folder, 'run');
  const profile = { userData: path.join(folder, 'user'), extensions: path.join(folder, 'extensions') };
  let preload: string;
  let opened: VsCodeWindow;
  let program: StartedProgram | undefined;
  const backends: CountingBackend[] = [];

  before(async () => {
    mkdirSync(runtimeFolder, { mode: 0o700 });
    preload = path.join(await installExtension(profile), 'dist', 'preload', 'register.cjs');
    opened = await VsCodeWindow.open(profile, folder, runtimeFolder);
  });

  after(async () => {
    await opened.close();
    for (const backend of backends) backend.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await opened.picture('unchanged-failed');
    await program?.stop();
    program = undefined;
  });

  /** Attaches to a client of the tree, and waits for its picks. */
  async function attachTo(client: string): Promise<void> {
    await opened.client(client).click();
    await opened.panel.client.getByText(client).waitFor({ state: 'attached' });
    await opened.panel.state('live').waitFor();
    await opened.panel.frame.locator('.picks tbody tr[data-key]').nth(10).waitFor({ state: 'attached' });
  }

  /** What the panel says that each endpoint was sent, as soon as it agrees with the backends, or else in the end. */
  async function startedBy(running: readonly CountingBackend[]): Promise<Map<string, number>> {
    let shown = new Map<string, number>();
    const agrees = () => running.every(({ address, received }) => shown.get(address) === received);
    for (const end = Date.now() + patienceMs; Date.now() < end && !agrees();) {
      shown = new Map((await opened.panel.endpoints()).map(({ address, started }) => [address, started]));
    }
    return shown;
  }

  for (const name of Object.keys(programs) as ProgramName[]) {
    it(`shows the picks of ${name}, as its backends count them`, async () => {
      const options = `--require "${preload}"`;
      program = await startProgram(name, { env: { PICKSCOPE_RUNTIME_DIR: runtimeFolder, NODE_OPTIONS: options } });
      await attachTo(String(program.child.pid));
      const method = programs[name].method.split('/').at(-1)!;
      await opened.panel.frame.locator('.picks td.method', { hasText: method }).first().waitFor({ state: 'attached' });
      await program.hold();
      const counted = new Map(program.backends.map(({ address, received }) => [address, received]));
      assert.deepEqual(await startedBy(program.backends), counted);
    });
  }

  it('keeps the averages that round_robin does not, and says so', async () => {
    program = await startProgram('nice-grpc', {
      env: { PICKSCOPE_RUNTIME_DIR: runtimeFolder, NODE_OPTIONS: `--require "${preload}"` },
    });
    await attachTo(String(program.child.pid));
    const { frame } = opened.panel;
    await frame.locator('.endpoints td.lag', { hasText: /\d/ }).first().waitFor();
    await frame.locator('.endpoints .footnote').filter({ visible: true }).waitFor();
  });

  it('finds a program that is started in a terminal, once a person asked for that', async () => {
    const { workbench } = opened;
    const { method, env } = programs['nice-grpc'];
    for (let i = 0; i < 2; i++) backends.push(await CountingBackend.start(method));
    const { STOCK_ADDRESS } = env(backends.map(({ address }) => address));
    const item = workbench.page.locator('.statusbar-item', { hasText: 'Programs attachable' });

    await workbench.runCommand('Pickscope: Make programs attachable');
    await item.waitFor();
    await workbench.runCommand('Terminal: Create New Terminal');
    await workbench.page.locator('.terminal-wrapper.active .xterm.focus').waitFor();
    await workbench.page.keyboard.type(
      `cd '${path.resolve('test/programs/nice-grpc')}' && STOCK_ADDRESS='${STOCK_ADDRESS}' '${process.execPath}' main.mjs\n`,
    );
    await attachTo('stock-poller');
    await workbench.page.locator('.terminal-wrapper.active .xterm').click();
    await workbench.page.keyboard.press('Control+C');
    await opened.panel.state('lost').waitFor();

    await workbench.runCommand('Pickscope: Stop making programs attachable');
    await item.waitFor({ state: 'detached' });
  });
});
