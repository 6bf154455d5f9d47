import type { PickInfo, ReadyEndpoint } from '../../src/policies/picker';

/*
 * What the pickers of these tests are built from and asked with.
 */

/** 10.0.0.1:50051 and so on. */
export function readyEndpoints(count: number): ReadyEndpoint[] {
  return Array.from({ length: count }, (_, index) => ({ addresses: [`10.0.0.${index + 1}:50051`] }));
}

export function at(now: number, headers: Readonly<Record<string, string>> = {}): PickInfo {
  return { now, header: (name) => headers[name] };
}
