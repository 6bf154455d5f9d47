import { parseArgs } from 'node:util';
import { p2cEwma } from '../libraries/node/src/policies/p2cEwma';
import { peakEwma } from '../libraries/node/src/policies/peakEwma';
import { roundRobin } from '../simulator/roundRobin';
import type { Contender } from '../simulator/simulation';
import { lagBias, workloads, type Figure, type Workload } from '../simulator/workloads';
import { withoutHistory, withoutPeak } from './peakEwmaWithout';

/*
 * All policies on all workloads under virtual time, as Markdown: the median of several seeds and, where they differ, the
 * range. Ends with 1 if peak_ewma misses an aim.
 *
 *     npm run bench:policies -- --seeds 5
 */

const { values: options } = parseArgs({ options: { seeds: { type: 'string', default: '5' } } });
const seeds = Array.from({ length: Number(options.seeds) }, (_, index) => index + 1);

/** By what stands above the column. */
type Columns = Readonly<Record<string, Contender>>;

const recommended: Contender = { policy: peakEwma };

const policies = {
  round_robin: { policy: roundRobin },
  p2c_ewma: { policy: p2cEwma },
  'p2c_ewma, keepHistory': { policy: p2cEwma, config: { keepHistory: true } },
  peak_ewma: recommended,
} satisfies Columns;

/** Each without one rule, and all else as it is. */
const withoutRule: Columns = {
  peak_ewma: recommended,
  'mean, no peak': { policy: withoutPeak },
  'nothing fades': { policy: peakEwma, config: { decayTime: '86400s' } },
  'failures are free': { policy: peakEwma, config: { failurePenalty: '0s' } },
  'silence is free': { policy: peakEwma, config: { patience: '0s' } },
  'silence never ends': { policy: peakEwma, config: { patience: '86400s' } },
  'two choices': { policy: peakEwma, config: { choices: 2 } },
  'history lost': { policy: withoutHistory },
};

/** Where aims fight: options from one end to the other. */
const tradeOffs: Columns = {
  'as it is': recommended,
  'decayTime 1s': { policy: peakEwma, config: { decayTime: '1s' } },
  'decayTime 10s': { policy: peakEwma, config: { decayTime: '10s' } },
  'choices 3': { policy: peakEwma, config: { choices: 3 } },
  'choices 10': { policy: peakEwma, config: { choices: 10 } },
  'failurePenalty 0.1s': { policy: peakEwma, config: { failurePenalty: '0.1s' } },
  'failurePenalty 10s': { policy: peakEwma, config: { failurePenalty: '10s' } },
};

interface Measured {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** By figure. */
function measure(workload: Workload, contender: Contender): Measured[] {
  const runs = seeds.map((seed) => workload.measure(contender, seed));
  return workload.figures.map((_, index) => {
    const sorted = runs.map((run) => run[index]!).sort((a, b) => a - b);
    return { median: sorted[sorted.length >> 1]!, least: sorted[0]!, most: sorted.at(-1)! };
  });
}

/** Three digits. */
function shown(value: number): string {
  if (Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return 'never';
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function withRange({ median, least, most }: Measured): string {
  const [from, to] = [shown(least), shown(most)];
  return from === to ? shown(median) : `${shown(median)} (${from}–${to})`;
}

function printRow(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`);
}

function printHead(columns: readonly string[]): void {
  printRow(['workload', 'figure', ...columns]);
  printRow(['---', '---', ...columns.map(() => '---')]);
}

function titleOf(workload: Workload, figure: Figure): string[] {
  return [workload.name, `${figure.name}, ${figure.unit}`];
}

function aimOf({ aim }: Figure): string {
  if (!aim) return '';
  const [least, most] = aim.map(shown) as [string, string];
  if (least === most) return least;
  return least === '0' ? `≤ ${most}` : `${least}–${most}`;
}

interface Verdicts {
  met: number;
  missed: number;
}

/** The median has to be within the aim. */
function judge({ aim }: Figure, { median }: Measured, verdicts: Verdicts): string {
  if (!aim) return '';
  const met = median >= aim[0] && median <= aim[1];
  verdicts[met ? 'met' : 'missed']++;
  return met ? 'met' : '**missed**';
}

/** @returns How many aims peak_ewma met and missed. */
function comparePolicies(): Verdicts {
  const verdicts = { met: 0, missed: 0 };
  const names = Object.keys(policies) as (keyof typeof policies)[];
  printHead(['round_robin, published', names[0]!, 'p2c_ewma, published', ...names.slice(1), 'aim', '']);
  for (const workload of workloads) {
    const measured = names.map((name) => measure(workload, policies[name]));
    workload.figures.forEach((figure, index) => {
      const [roundRobinCell, ...others] = measured.map((figures) => withRange(figures[index]!)) as [
        string,
        ...string[],
      ];
      const { round_robin: turn = NaN, p2c_ewma: better = NaN } = figure.published;
      const verdict = judge(figure, measured.at(-1)![index]!, verdicts);
      const cells = [shown(turn), roundRobinCell, shown(better), ...others, aimOf(figure), verdict];
      printRow([...titleOf(workload, figure), ...cells]);
    });
  }
  return verdicts;
}

/** Only the figures that some column changes, by more than seeds do and a tenth. */
function compareVariants(columns: Columns): void {
  printHead(Object.keys(columns));
  // The mean of one backend hangs on no rule, and takes longest to measure.
  for (const workload of workloads.filter((each) => each !== lagBias)) {
    const measured = Object.values(columns).map((contender) => measure(workload, contender));
    workload.figures.forEach((figure, index) => {
      const [base, ...others] = measured.map((figures) => figures[index]!) as [Measured, ...Measured[]];
      const differs = others.some(({ median }) => median < 0.9 * base.least || median > 1.1 * base.most);
      if (!differs) return;
      printRow([...titleOf(workload, figure), ...[base, ...others].map(({ median }) => shown(median))]);
    });
  }
}

console.log(`Median of ${seeds.length} seeds (least–most).\n`);
const { met, missed } = comparePolicies();
console.log(`\npeak_ewma meets ${met} of ${met + missed} aims.`);
console.log('\n## peak_ewma without one of its rules\n');
compareVariants(withoutRule);
console.log('\n## peak_ewma with other options\n');
compareVariants(tradeOffs);
if (missed > 0) process.exitCode = 1;
