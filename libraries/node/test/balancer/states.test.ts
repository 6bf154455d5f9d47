import { connectivityState as states } from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { aggregateState, mergedError, stateAfter } from '../../src/balancer/states';

const { IDLE, CONNECTING, READY, TRANSIENT_FAILURE } = states;

describe('the states of endpoints', () => {
  it('aggregate to the best: READY > CONNECTING > IDLE > TRANSIENT_FAILURE', () => {
    const order = [READY, CONNECTING, IDLE, TRANSIENT_FAILURE];
    for (const [rank, best] of order.entries()) {
      assert.equal(aggregateState(states, order.slice(rank).reverse()), best);
    }
    assert.equal(aggregateState(states, []), TRANSIENT_FAILURE);
  });

  it('leave TRANSIENT_FAILURE for READY only', () => {
    assert.equal(stateAfter(states, TRANSIENT_FAILURE, CONNECTING), TRANSIENT_FAILURE);
    assert.equal(stateAfter(states, TRANSIENT_FAILURE, IDLE), TRANSIENT_FAILURE);
    assert.equal(stateAfter(states, TRANSIENT_FAILURE, READY), READY);
    assert.equal(stateAfter(states, READY, IDLE), IDLE);
    assert.equal(stateAfter(states, IDLE, CONNECTING), CONNECTING);
    assert.equal(stateAfter(states, CONNECTING, TRANSIENT_FAILURE), TRANSIENT_FAILURE);
  });
});

describe('the errors of connections and resolver', () => {
  it('are merged in the words of grpc-go', () => {
    assert.equal(mergedError('refused', ''), 'last connection error: refused');
    assert.equal(mergedError('', 'no such host'), 'last resolver error: no such host');
    assert.equal(
      mergedError('refused', 'no such host'),
      'last connection error: refused; last resolver error: no such host',
    );
  });
});
