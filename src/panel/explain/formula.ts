import type { Candidate, Inspection, PickRow } from '../../messages/panel';
import { isCompared, strongest } from '../picks/candidates';
import { derivedSign, derivedTitle } from '../derived';
import { button, element, foreign, setStyle } from '../dom';
import { count, distinctEnds, duration, exactLoad, threeDigits } from '../format';
import { icon, mark } from '../glyphs';
import { t } from '../l10n';
import { load } from './sentence';
import { colourClass, type Looks } from '../looks';

/** So many candidates have a column: more would leave no room for their numbers. */
const mostCandidates = 4;

/** One quantity of all candidates. */
interface Row {
  readonly heading: string;
  readonly class?: string;
  readonly text: (candidate: Candidate) => Node | string;
}

/** What the picker read of each candidate, as the formula that made its score where that is known; names lead to `ask`. */
export function formula(
  inspection: Inspection,
  looks: Looks,
  name: (endpoint: number) => string,
  ask: (endpoint: number) => void,
): HTMLElement {
  const { pick, scoreOrder } = inspection;
  const candidates = strongest(pick, scoreOrder, mostCandidates);
  const side = (candidate: Candidate) => (candidate.endpoint === pick.endpoint ? 'chosen' : 'loser');
  const rows = rowsOf(inspection, candidates).map((row) =>
    element(
      'tr',
      row.class ?? '',
      element('th', { scope: 'row' }, row.heading),
      ...candidates.map((candidate) => element('td', side(candidate), row.text(candidate))),
    ),
  );
  const scored = rows.findIndex(({ className }) => className === 'load');
  if (isCompared(pick)) rows.splice(scored + 1, 0, bars(pick, candidates, looks));
  return element(
    'table',
    candidates.length > 2 ? 'formula several' : 'formula',
    element('thead', '', head(pick, candidates, looks, name, ask)),
    element('tbody', '', ...rows),
  );
}

/** What is to be known of the numbers. */
export function footnotes({ candidates, derived }: PickRow): string[] {
  const more = candidates.length - mostCandidates;
  return [
    ...(more > 0 ? [t('{0} more candidates were compared', more)] : []),
    ...(derived ? [`${derivedSign} ${derivedTitle()}`] : []),
  ];
}

/** Quantities that the policy, or whoever looks on, does not keep have no row. */
function rowsOf({ pick, policy, scoreOrder }: Inspection, candidates: readonly Candidate[]): Row[] {
  const tells = (key: 'lagNs' | 'peakNs' | 'success' | 'score') => candidates.some((each) => each[key] !== null);
  const sign = pick.derived ? derivedSign : '';
  const several = candidates.length > 2;
  const isP2c = policy === 'p2c_ewma' && candidates.every(followsFormula);
  const averages: Row[] = [
    ...(tells('lagNs') ? [average(several ? t('lag ms') : t('lag'), sign, several, ({ lagNs }) => lagNs)] : []),
    ...(tells('peakNs') ? [average(several ? t('peak ms') : t('peak'), '', several, ({ peakNs }) => peakNs)] : []),
  ];
  const others: Row[] = [
    ...(tells('success')
      ? [{ heading: `${t('success')}${sign}`, text: (each: Candidate) => success(each, several) }]
      : []),
    { heading: t('last picked'), text: (each) => lastPicked(each, several) },
  ];
  if (isP2c) return [...averages, ...p2cRows(), ...others];
  // A count has no "unknown": without an average nobody kept it.
  const counted = tells('lagNs') || tells('success');
  const heading = scoreOrder === 'higher' ? t('weight') : t('load');
  return [
    ...averages,
    ...(counted ? [{ heading: `${t('inflight')}${sign}`, text: ({ inflight }: Candidate) => count(inflight) }] : []),
    ...(tells('score') ? [{ heading, class: 'load', text: several ? briefLoad : load }] : []),
    ...others,
  ];
}

/** From the lag on: load = trunc(√(lag + 1)) · (inflight + 1); go-zero's p2c.go. */
function p2cRows(): Row[] {
  return [
    { heading: t('√(lag in ns + 1)'), text: (each) => count(root(each)) },
    { heading: t('× (inflight + 1)'), text: (each) => `× ${count(each.inflight + 1)}` },
    { heading: t('load'), class: 'load', text: (each) => `= ${load(each)}` },
  ];
}

function root({ lagNs }: Candidate): number {
  return Math.trunc(Math.sqrt((lagNs ?? 0) + 1));
}

/** Shown only where it gives the number that was used. */
function followsFormula(candidate: Candidate): boolean {
  return candidate.lagNs !== null && root(candidate) * (candidate.inflight + 1) === candidate.score;
}

function average(name: string, sign: string, several: boolean, of: (candidate: Candidate) => number | null): Row {
  const text = (candidate: Candidate) => {
    const ns = of(candidate);
    if (ns === null) return '–';
    if (several) return threeDigits(ns / 1e6);
    return ns === 0 ? t('0, unmeasured') : t('{0} ms', threeDigits(ns / 1e6));
  };
  return { heading: `${name}${sign}`, text };
}

/** As the list shows it. */
function briefLoad({ score }: Candidate): string {
  return score === null ? '–' : exactLoad(score);
}

function success({ success: value, healthy }: Candidate, several: boolean): Node | string {
  if (value === null) return '–';
  const rounded = Math.round(value);
  const text = several ? String(rounded) : t('{0} of 1000', rounded);
  return healthy ? text : element('span', 'red', icon('warning'), ' ', text);
}

function lastPicked({ idleMs }: Candidate, several: boolean): string {
  if (idleMs === null) return t('never');
  return several ? duration(idleMs) : t('{0} ago', duration(idleMs));
}

function head(
  pick: PickRow,
  candidates: readonly Candidate[],
  looks: Looks,
  name: (endpoint: number) => string,
  ask: (endpoint: number) => void,
): HTMLElement {
  const names = candidates.map(({ endpoint }) => name(endpoint));
  // Of several, only what tells them apart has room.
  const shown = candidates.length > 2 ? distinctEnds(names) : names;
  const heads = candidates.map((candidate, index) => {
    const chosen = candidate.endpoint === pick.endpoint;
    const letter = candidates.length === 2 ? `${'AB'[index]!} ` : '';
    return element(
      'th',
      { scope: 'col', class: chosen ? 'chosen' : 'loser' },
      element('span', 'muted', letter),
      button(
        {
          class: 'endpoint-name',
          title: t('Why is {0} taken, and why not?', names[index]!),
          'data-action': `ask ${candidate.endpoint}`,
        },
        () => ask(candidate.endpoint),
        mark(looks.of(candidate.endpoint), chosen),
        ' ',
        foreign(shown[index]!),
      ),
    );
  });
  return element('tr', '', element('td'), ...heads);
}

/** The scores as bars, of two as ones that meet in the middle: how far apart they were. */
function bars(pick: PickRow, candidates: readonly Candidate[], looks: Looks): HTMLTableRowElement {
  const most = Math.max(...candidates.map(({ score }) => score ?? 0));
  const cells = candidates.map((candidate, index) => {
    const bar = element('span', `bar ${colourClass(looks.of(candidate.endpoint))}`);
    setStyle(bar, 'width', `${most > 0 ? Math.max(0.5, ((candidate.score ?? 0) / most) * 100) : 0}%`);
    const side = candidates.length === 2 && index === 1 ? 'b' : 'a';
    return element('td', `${side} ${candidate.endpoint === pick.endpoint ? 'chosen' : 'loser'}`, bar);
  });
  return element('tr', { class: 'bars', 'aria-hidden': 'true' }, element('td'), ...cells);
}
