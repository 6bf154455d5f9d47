import type { State } from '../messages/panel';

/** Whether a picker may hold an endpoint of this state; some clients do not tell states. */
export function isHeld(state: State): boolean {
  return state === 'READY' || state === 'UNKNOWN';
}
