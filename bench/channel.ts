import { measureCalls } from './channel/calls';
import { measureEndurance } from './channel/endurance';
import type { Finding } from './channel/finding';
import { measureLatency } from './channel/latency';
import { Participants } from './channel/participants';
import { measureSteady } from './channel/steady';
import { measureThroughput } from './channel/throughput';
import { printTable } from './speed/table';

/*
 * The way from a pick to the extension: how much of it goes through, and what that costs on each side. Ends with a table of what
 * was to be reached and what was.
 *
 *     npm run bench:channel -- [throughput] [steady] [endurance] [latency] [calls]
 */

const parts: Readonly<Record<string, (participants: Participants) => Promise<Finding[]>>> = {
  throughput: measureThroughput,
  steady: measureSteady,
  endurance: measureEndurance,
  latency: measureLatency,
  calls: measureCalls,
};

async function main(asked: readonly string[]): Promise<void> {
  const findings: Finding[] = [];
  for (const name of asked) {
    const measure = parts[name];
    if (!measure) throw new Error(`There is no "${name}"; there are ${Object.keys(parts).join(', ')}.`);
    console.log(`\n── ${name} ──\n`);
    const participants = new Participants();
    try {
      findings.push(...(await measure(participants)));
    } finally {
      participants.dismiss();
    }
  }
  console.log();
  printTable(
    ['', 'aim', 'measured', 'reached'],
    findings.map(({ what, aim = '', measured, reached }) => [what, aim, measured, aim && (reached ? 'yes' : 'no')]),
  );
}

const asked = process.argv.slice(2);
await main(asked.length > 0 ? asked : Object.keys(parts));
