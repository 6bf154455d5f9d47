import assert from 'node:assert/strict';
import { endpointLabels } from '../../../src/model/labels';

describe('endpointLabels', () => {
  it('leaves out a port that all share', () => {
    assert.deepEqual(endpointLabels(['10.0.0.1:50051', '10.0.0.2:50051']), ['10.0.0.1', '10.0.0.2']);
    assert.deepEqual(endpointLabels(['[::1]:80', '[::2]:80']), ['[::1]', '[::2]']);
  });

  it('leaves out a host that all share', () => {
    assert.deepEqual(endpointLabels(['127.0.0.1:50051', '127.0.0.1:50052']), [':50051', ':50052']);
  });

  it('keeps the whole address where both differ, or nothing does, or it stands alone', () => {
    for (const addresses of [['a:1', 'b:2'], ['a:1', 'a:1'], ['10.0.0.1:50051'], ['unix:/run/a', 'unix:/run/b'], []])
      assert.deepEqual(endpointLabels(addresses), addresses);
  });
});
