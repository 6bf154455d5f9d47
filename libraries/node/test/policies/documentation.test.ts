import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { consistentHash } from '../../src/policies/consistentHash';
import { p2cEwma } from '../../src/policies/p2cEwma';
import type { Policy } from '../../src/policies/picker';
import { staticWeightedRoundRobin } from '../../src/policies/staticWeightedRoundRobin';

const page = readFileSync(path.join(__dirname, '../../../../docs/policies.md'), 'utf8');

describe('docs/policies.md', () => {
  for (const policy of [p2cEwma, staticWeightedRoundRobin, consistentHash] satisfies Policy[]) {
    const section = page.split(`## ${policy.name}\n`)[1]?.split('\n## ')[0] ?? '';

    it(`gives a config of ${policy.name} that is accepted, and names each of its fields`, () => {
      const example = /```json\n(.*?)```/s.exec(section)?.[1] ?? '';
      const json = (JSON.parse(example) as Record<string, Record<string, unknown>>)[policy.name]!;
      const config = policy.parseConfig!(json) as object;
      for (const field of Object.keys(config)) {
        assert.ok(section.includes(`\`${field}\``) || field in json, `${field} is not on the page`);
      }
    });
  }
});
