import type { PickInfo, ReadyEndpoint } from '../../src/policies/picker';

/*
 * What the pickers of these tests are built from and asked with.
 */

/** 10.0.0.1:50051 and so on. */
export function readyEndpoints(count: number): ReadyEndpoint[] {
  return Array.from({ length: count }, (_, index) => ({ addresses: [`10.0.0.${index + 1}:50051`] }));
}

/** What the random source has to say for p2c_ewma to draw these two, in this order, of `count` endpoints. */
export function pairOf(count: number, first: number, second: number): number {
  return first * (count - 1) + (second > first ? second - 1 : second);
}

export function at(now: number, headers: Readonly<Record<string, string>> = {}): PickInfo {
  return { now, header: (name) => headers[name] };
}
