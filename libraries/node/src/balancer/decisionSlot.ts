import type { experimental } from '@grpc/grpc-js';
import type { EndpointPicker } from '../policies/picker';

/**
 * Where a balancer of ours leaves what it decided, for whoever looks on to read at once: the next pick of any channel
 * overwrites it.
 */
export interface DecisionSlot {
  /** The picker that was asked; undefined: none of ours has been since the slot was cleared. */
  picker: EndpointPicker | undefined;
  /** What the picker's indices stand for; the same array for all picks of one picker. */
  endpoints: readonly experimental.Endpoint[];
}
