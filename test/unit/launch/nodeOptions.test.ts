import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireOption, withPreload } from '../../../src/launch/nodeOptions';

const file = '/ext/register.cjs';
const option = '--require "/ext/register.cjs"';

describe('the option that loads a file before a Node program', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pickscope-options-'));
  after(() => rmSync(folder, { recursive: true }));

  // Windows has no such names; its backslashes are between folders.
  const names =
    process.platform === 'win32' ? ['plain', 'two words'] : ['plain', 'two words', 'a"quote', 'a\\backslash'];
  for (const name of names) {
    it(`is understood by Node for a folder "${name}", after the options of others`, () => {
      mkdirSync(path.join(folder, name));
      const preload = path.join(folder, name, 'register.cjs');
      writeFileSync(preload, "process.env.LOADED = 'yes';");
      const said = execFileSync(process.execPath, ['-p', 'process.env.LOADED + process.execArgv.length'], {
        env: { ...process.env, NODE_OPTIONS: `--no-warnings ${requireOption(preload)}` },
        encoding: 'utf8',
      });
      assert.equal(said.trim(), 'yes2');
    });
  }
});

describe('a debug configuration of Node, with a preload', () => {
  const launch = (env?: Record<string, string | null>, more = {}) => ({
    request: 'launch',
    ...(env && { env }),
    ...more,
  });
  const optionsOf = (configuration: ReturnType<typeof launch>, inherited?: string) =>
    withPreload(configuration, file, inherited).env?.NODE_OPTIONS;

  it('gets the option', () => {
    assert.equal(optionsOf(launch()), option);
    assert.deepEqual(withPreload(launch({ A: '1' }), file, undefined).env, { A: '1', NODE_OPTIONS: option });
  });

  it('keeps the options that it has, or else those that its program would inherit', () => {
    assert.equal(optionsOf(launch({ NODE_OPTIONS: '--inspect' })), `--inspect ${option}`);
    assert.equal(optionsOf(launch(), '--no-warnings'), `--no-warnings ${option}`);
    assert.equal(optionsOf(launch({ NODE_OPTIONS: '--inspect' }), '--no-warnings'), `--inspect ${option}`);
    assert.equal(optionsOf(launch({ NODE_OPTIONS: '' }), '--no-warnings'), option);
    assert.equal(optionsOf(launch({ NODE_OPTIONS: null }), '--no-warnings'), option);
  });

  it('gets it once, though it is resolved more than once', () => {
    const once = withPreload(launch(), file, undefined);
    assert.equal(withPreload(once, file, undefined), once);
    assert.equal(optionsOf(launch(), option), undefined, 'the window itself was started from such a terminal');
  });

  it('is left as it is where it attaches, or where a file of its own would be hidden', () => {
    for (const configuration of [{ request: 'attach' }, launch(undefined, { envFile: '${workspaceFolder}/.env' })]) {
      assert.equal(withPreload(configuration, file, undefined), configuration);
    }
    assert.equal(optionsOf(launch({ NODE_OPTIONS: '--inspect' }, { envFile: '.env' })), `--inspect ${option}`);
  });

  it('is not changed in place', () => {
    const configuration = launch({ A: '1' });
    withPreload(configuration, file, undefined);
    assert.deepEqual(configuration, launch({ A: '1' }));
  });
});
