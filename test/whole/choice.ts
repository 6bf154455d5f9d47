import assert from 'node:assert/strict';
import type { ShownPick } from './panel';

/**
 * Whether the choice follows from the loads that are shown, by the rule of go-zero's p2c_ewma (zeromicro/go-zero,
 * zrpc/internal/balancer/p2c/p2c.go, choose): the lower load, the first drawn of equal ones, the other one when forced.
 */
export function assertChoiceFollows(pick: ShownPick): void {
  const said = JSON.stringify(pick);
  const loads = pick.candidates.map(({ load }) => numberOf(load));
  const chosen = pick.candidates.findIndex((candidate) => candidate.chosen);
  const [mine, other] = [loads[chosen], loads[1 - chosen]];
  switch (pick.reason) {
    case 'queued':
    case 'failed':
    case 'only':
      assert.ok(pick.candidates.length === 0, said);
      return;
    case 'lower':
    case 'unhealthy':
      assert.ok(mine! < other! || (mine === other && isRounded(pick)), said);
      return;
    case 'tie':
      assert.ok(mine === other && chosen === 0, said);
      return;
    case 'forced':
      assert.ok(mine! > other! || (mine === other && (chosen === 1 || isRounded(pick))), said);
      return;
    default:
      assert.fail(`p2c_ewma does not give this reason: ${said}`);
  }
}

/** "14020", and "158k" from 100,000 on. */
function numberOf(load: string): number {
  const [, digits, unit = ''] = /^([\d.]+)([kMG]?)$/.exec(load) ?? [];
  assert.ok(digits !== undefined, `not a load: "${load}"`);
  return Number(digits) * { '': 1, k: 1e3, M: 1e6, G: 1e9 }[unit]!;
}

function isRounded({ candidates }: ShownPick): boolean {
  return candidates.every(({ load }) => /[kMG]$/.test(load));
}
