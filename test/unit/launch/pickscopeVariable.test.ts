import assert from 'node:assert/strict';
import { withPickscope, type GoLaunch } from '../../../src/launch/pickscopeVariable';

describe('a debug configuration of Go', () => {
  const launch = (more: object = {}): GoLaunch => ({ request: 'launch', ...more });

  for (const mode of ['debug', 'test', 'exec', 'auto']) {
    it(`gets the variable in the mode "${mode}", beside its own ones`, () => {
      assert.deepEqual(withPickscope(launch({ mode }), undefined).env, { PICKSCOPE: '1' });
      assert.deepEqual(withPickscope(launch({ mode, env: { A: '1' } }), undefined).env, { A: '1', PICKSCOPE: '1' });
    });
  }

  it('keeps what a person has set: in it, in the environment, or in a file that nobody read yet', () => {
    for (const env of [{ PICKSCOPE: 'off' }, { PICKSCOPE: '' }, { PICKSCOPE: null }]) {
      const own = launch({ env });
      assert.equal(withPickscope(own, undefined), own);
    }
    assert.equal(withPickscope(launch(), 'off').env, undefined);
    for (const envFile of ['.env', ['a.env', 'b.env']]) {
      const filed = launch({ envFile });
      assert.equal(withPickscope(filed, undefined), filed);
    }
  });

  it('gets it where there is no file after all, and no variable', () => {
    for (const more of [{ envFile: undefined }, { envFile: '' }, { envFile: [] }, { env: null }])
      assert.deepEqual(withPickscope(launch(more), undefined).env, { PICKSCOPE: '1' });
  });

  it('is left as it is where it attaches, as its program runs already', () => {
    const attach = launch({ request: 'attach', mode: 'local' });
    assert.equal(withPickscope(attach, undefined), attach);
  });

  it('is not changed in place', () => {
    const configuration = launch({ env: { A: '1' } });
    withPickscope(configuration, undefined);
    assert.deepEqual(configuration, launch({ env: { A: '1' } }));
  });
});
