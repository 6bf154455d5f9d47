import type { experimental } from '@grpc/grpc-js';
import type { DecisionSlot } from '../policies/picker';
import { P2cEwmaPicker, p2cEwmaName } from '../policies/p2cEwma';
import { BaseBalancer, type Grpc } from './base';

/** It has no settings: `{"p2c_ewma":{}}`. */
class P2cEwmaConfig implements experimental.TypedLoadBalancingConfig {
  getLoadBalancerName(): string {
    return p2cEwmaName;
  }

  toJsonObject(): object {
    return { [p2cEwmaName]: {} };
  }

  static createFromJson(): P2cEwmaConfig {
    return new P2cEwmaConfig();
  }
}

/** Whether this copy of grpc-js has the balancer interface of 1.14, which p2c_ewma runs on. */
export function supportsPolicies(grpc: Grpc): boolean {
  return typeof (grpc.experimental as Partial<Grpc['experimental']>).statusOrFromValue === 'function';
}

/** Makes `p2c_ewma` known to a copy of grpc-js; a second time does nothing. */
export function registerP2cEwma(grpc: Grpc, slot: DecisionSlot): void {
  if (grpc.experimental.isLoadBalancerNameRegistered(p2cEwmaName)) return;
  class P2cEwmaBalancer extends BaseBalancer {
    constructor(helper: experimental.ChannelControlHelper) {
      super(grpc, p2cEwmaName, builder, slot, helper);
    }
  }
  grpc.experimental.registerLoadBalancerType(p2cEwmaName, P2cEwmaBalancer, P2cEwmaConfig);
}

/** As in go-zero, a picker begins without history: what the one before knew is lost. */
const builder = {
  build: ({ readyEndpoints }: { readonly readyEndpoints: readonly unknown[] }) =>
    new P2cEwmaPicker(readyEndpoints.length, monotonicNow, randomBelow),
};

function monotonicNow(): number {
  return Math.round(performance.now() * 1e6);
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}
