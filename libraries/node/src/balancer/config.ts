import type { experimental } from '@grpc/grpc-js';
import type { Policy } from '../policies/picker';

/** A policy's service config, parsed; or why it cannot be. */
export class PolicyConfig implements experimental.TypedLoadBalancingConfig {
  constructor(
    private readonly name: string,
    private readonly json: unknown,
    readonly parsed: unknown,
    /** Names the policy, the field, what it holds and what it may hold; undefined: it was parsed. */
    readonly problem: string | undefined,
  ) {}

  /** Never throws: grpc-js would say nothing, and take the next policy of the list, or pick_first. */
  static of(policy: Policy, json: unknown): PolicyConfig {
    try {
      return new PolicyConfig(policy.name, json, parseConfig(policy, json), undefined);
    } catch (error) {
      return new PolicyConfig(policy.name, json, undefined, (error as Error).message);
    }
  }

  getLoadBalancerName(): string {
    return this.name;
  }

  toJsonObject(): object {
    return { [this.name]: this.json };
  }
}

/**
 * Has a policy parse its service config.
 *
 * @param json What stands after the policy's name.
 * @throws Error that names the policy, the field, what it holds and what it may hold.
 */
export function parseConfig(policy: Policy, json: unknown): unknown {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error(
      `The service config of ${policy.name} is ${JSON.stringify(json)}; it must be an object, such as {}.`,
    );
  }
  if (!policy.parseConfig) return json;
  try {
    return policy.parseConfig(json as Readonly<Record<string, unknown>>);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`The service config of ${policy.name} cannot be used: ${message}`, { cause: error });
  }
}
