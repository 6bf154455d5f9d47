import type { experimental } from '@grpc/grpc-js';
import type { DecisionSlot, Policy } from '../policies/picker';
import { BaseBalancer, type Grpc } from './base';
import { PolicyConfig } from './config';

/** Whether this copy of grpc-js has the balancer interface of 1.14, which our policies run on. */
export function supportsPolicies(grpc: Grpc): boolean {
  return typeof (grpc.experimental as Partial<Grpc['experimental']>).statusOrFromValue === 'function';
}

/** Makes a policy known to a copy of grpc-js under its name; a second time does nothing. */
export function registerPolicy(grpc: Grpc, policy: Policy, slot: DecisionSlot): void {
  if (grpc.experimental.isLoadBalancerNameRegistered(policy.name)) return;
  class PolicyBalancer extends BaseBalancer {
    constructor(helper: experimental.ChannelControlHelper) {
      super(grpc, policy, slot, helper);
    }
  }
  class Config extends PolicyConfig {
    static createFromJson(json: unknown): PolicyConfig {
      return PolicyConfig.of(policy, json);
    }
  }
  grpc.experimental.registerLoadBalancerType(policy.name, PolicyBalancer, Config);
}
