import { nearestName } from '../policies/spelling';
import { failOpen } from './failOpen';

/*
 * A channel that asks for a policy of this library, but runs another: grpc-js says nothing of it and takes the next policy
 * of the list, or pick_first.
 */

/** What a copy of grpc-js makes of service configs; see LoadBalancerModule. */
export interface PolicyRegistry {
  isLoadBalancerNameRegistered?: (name: string) => boolean;
  /** @throws Error that says why an entry of loadBalancingConfig is refused. */
  parseLoadBalancingConfig?: (entry: object) => unknown;
}

export interface Mismatch {
  /** The policy, as the service config names it. */
  readonly asked: string;
  /** Why it does not run, and what to do. */
  readonly reason: string;
}

/** Names further apart are not misspellings of one another. */
const maxDistance = 2;

/**
 * Why a channel runs another policy than the one of ours that it asked for; undefined: it asked for none, or runs it.
 *
 * @param serviceConfig The channel option grpc.service_config: JSON.
 * @param runs The name of the policy at the root.
 * @param ours Names of the policies of this library, and of those that were registered with it; at least one.
 */
export function mismatch(
  serviceConfig: string,
  runs: string,
  ours: readonly string[],
  registry: PolicyRegistry,
): Mismatch | undefined {
  const { loadBalancingConfig, loadBalancingPolicy } = JSON.parse(serviceConfig) as Readonly<Record<string, unknown>>;
  const entries = listOf(loadBalancingConfig);
  for (const entry of entries) {
    if (runs in entry) return undefined;
    for (const asked of namesIn([entry])) {
      const reason = reasonOf(asked, entry, ours, registry);
      if (reason !== undefined) return { asked, reason };
    }
  }
  if (entries.length > 0 || typeof loadBalancingPolicy !== 'string') return undefined;
  const { name, distance } = nearestName(loadBalancingPolicy, ours);
  if (distance > maxDistance) return undefined;
  const config = JSON.stringify({ loadBalancingConfig: [{ [name]: {} }] });
  return { asked: loadBalancingPolicy, reason: `grpc-js does not read "loadBalancingPolicy"; write ${config}.` };
}

/**
 * Why a policy of ours did not come of an entry; undefined: it is none of ours.
 *
 * @param entry Of the channel's loadBalancingConfig; it names the policy, at its top or as a child.
 */
function reasonOf(asked: string, entry: object, ours: readonly string[], registry: PolicyRegistry): string | undefined {
  const { name, distance } = nearestName(asked, ours);
  const known = registry.isLoadBalancerNameRegistered?.(asked) ?? false;
  if (asked === name && !known) {
    return (
      "this channel's copy of @grpc/grpc-js does not know it. " +
      'Call register(grpc) of @pickscope/grpc-js with that copy, which must be 1.14 or newer.'
    );
  }
  if (asked !== name) {
    if (known || distance > maxDistance) return undefined;
    return distance === 0 ? `names are spelled exactly; write "${name}".` : `did you mean "${name}"?`;
  }
  const refusal = refusalOf(entry, registry);
  if (refusal !== undefined) return `grpc-js refuses its service config: ${refusal}.`;
  return (
    "the resolver gave another service config (for dns: a TXT record), which comes before the program's. " +
    "The channel option 'grpc.service_config_disable_resolution': 1 ignores that of DNS."
  );
}

function refusalOf(entry: object, registry: PolicyRegistry): string | undefined {
  try {
    registry.parseLoadBalancingConfig?.(entry);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The names of policies in a list of entries, with those of their children. */
function namesIn(list: unknown): string[] {
  return listOf(list).flatMap((entry) =>
    Object.entries(entry).flatMap(([name, config]) => [
      name,
      ...namesIn((config as { child_policy?: unknown } | null)?.child_policy),
    ]),
  );
}

function listOf(value: unknown): object[] {
  const list: unknown[] = Array.isArray(value) ? value : [];
  return list.filter((entry) => typeof entry === 'object' && entry !== null);
}

/** Channels that are told apart in what was said; of more, nothing more is said. */
const maxSaid = 100;

/** Says it, once for each target. */
export class AskedFor {
  private readonly said = new Set<string>();

  constructor(
    private readonly ours: ReadonlyMap<string, unknown>,
    private readonly registry: PolicyRegistry,
    private readonly warn: (line: string) => void,
  ) {}

  /** What is to be noted of a channel's policy; '': nothing. */
  noteOf(target: string, serviceConfig: string | undefined, runs: string): string {
    if (serviceConfig === undefined) return '';
    const found = failOpen(() => mismatch(serviceConfig, runs, [...this.ours.keys()], this.registry));
    if (!found) return '';
    const { asked, reason } = found;
    if (!this.said.has(target) && this.said.size < maxSaid) {
      this.said.add(target);
      this.warn(`The channel to ${target} asks for the policy "${asked}", but runs ${runs}: ${reason}`);
    }
    return `The program asks for "${asked}": ${reason}`;
  }
}
