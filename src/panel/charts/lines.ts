import type { ChannelView, ChartView, EndpointSeries } from '../../messages/panel';
import { capped } from '../dom';
import { distinctEnds } from '../format';
import { t } from '../l10n';
import { namedEndpoints, type Look, type Looks } from '../looks';

/** What endpoints are called in the charts: in full, and at the end of a line by what tells them apart. */
export interface Names {
  readonly full: ReadonlyMap<number, string>;
  readonly short: ReadonlyMap<number, string>;
}

const longestName = 60;
const longestEnd = 24;

/** @param redacted numbers in place of addresses: in the table's order. */
export function namesOf(channel: ChannelView, redacted = false): Names {
  const named = namedEndpoints(channel);
  const numbers = named.map((_, index) => String(index + 1));
  const full = redacted ? numbers.map((number) => t('endpoint {0}', number)) : named.map(({ label }) => label);
  const short = redacted ? numbers : distinctEnds(full);
  const byId = (texts: readonly string[], longest: number) =>
    new Map(named.map(({ id }, index) => [id, capped(texts[index]!, longest)]));
  return { full: byId(full, longestName), short: byId(short, longestEnd) };
}

export interface Line {
  readonly endpoint: number;
  readonly slot: number;
  readonly look: Look;
  readonly series: EndpointSeries;
}

/** Which endpoints have lines of their own, and which are folded into a band; those that are switched off have none. */
export interface Lines {
  readonly own: readonly Line[];
  readonly folded: readonly EndpointSeries[];
}

export function linesOf(channel: ChannelView, chart: ChartView, hidden: ReadonlySet<number>, looks: Looks): Lines {
  const slots = new Map(namedEndpoints(channel).map(({ id, slot }) => [id, slot]));
  const charted = new Set(looks.charted);
  const own: Line[] = [];
  const folded: EndpointSeries[] = [];
  for (const series of chart.series.endpoints) {
    const { endpoint } = series;
    const slot = slots.get(endpoint) ?? -1;
    if (hidden.has(slot)) continue;
    if (charted.has(endpoint)) own.push({ endpoint, slot, series, look: looks.of(endpoint) });
    else folded.push(series);
  }
  return { own, folded };
}
