import type { connectivityState } from '@grpc/grpc-js';
import type { Grpc } from './base';

/*
 * What of grpc-go's balancer/base (base.go, conn_state_evaluator.go) needs no connections: which state, and which error.
 */

type State = connectivityState;
/** The names of the states, as a copy of grpc-js numbers them. */
type States = Grpc['connectivityState'];

/**
 * The state of an endpoint that was in `before` and reports `reported`. TRANSIENT_FAILURE is left only for READY: else
 * many backends that are down would, by their attempts, seem to be CONNECTING for ever, and calls would wait for them.
 */
export function stateAfter(states: States, before: State, reported: State): State {
  const attempts = reported === states.CONNECTING || reported === states.IDLE;
  return before === states.TRANSIENT_FAILURE && attempts ? before : reported;
}

/** READY > CONNECTING > IDLE > TRANSIENT_FAILURE (grpc-go since #5473); TRANSIENT_FAILURE of none. */
export function aggregateState(states: States, of: readonly State[]): State {
  const { READY, CONNECTING, IDLE, TRANSIENT_FAILURE } = states;
  return [READY, CONNECTING, IDLE].find((state) => of.includes(state)) ?? TRANSIENT_FAILURE;
}

/**
 * What calls fail with in TRANSIENT_FAILURE.
 *
 * @param connection The last error of a connection; '': there was none.
 * @param resolver The error of the last resolution; '': it succeeded.
 */
export function mergedError(connection: string, resolver: string): string {
  const errors = [];
  if (connection) errors.push(`last connection error: ${connection}`);
  if (resolver) errors.push(`last resolver error: ${resolver}`);
  return errors.join('; ');
}
