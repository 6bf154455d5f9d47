import type { ChannelView, ChartView } from '../../messages/panel';
import { button, element, setAttribute, setText, show } from '../dom';
import { t } from '../l10n';
import { measures, type Measure, type Store } from '../store';
import { describeTerm } from '../terms';
import type { Term } from '../glossary';
import { isKept, titleOf } from './measures';

const terms: Readonly<Record<Measure, Term>> = {
  picksPerSecond: 'picksPerSecond',
  load: 'load',
  lagMs: 'lag',
  latencyMs: 'latency',
  success: 'success',
  inflight: 'inflight',
};

/** Which charts are shown, and how. */
export class ChartBar {
  readonly element: HTMLElement;
  private readonly chips: ReadonlyMap<Measure, HTMLButtonElement>;
  private readonly heat: HTMLButtonElement;
  private readonly tables: HTMLButtonElement;

  constructor(private readonly store: Store) {
    this.chips = new Map(
      measures.map((measure) => {
        const chip = button('chart-chip', () => store.toggleChart(measure));
        describeTerm(chip, terms[measure]);
        return [measure, chip];
      }),
    );
    this.heat = button('chart-chip heat-chip', () => store.toggleHeat(), t('Heat strip'));
    this.tables = button('chart-chip', () => store.showAsTables(!store.asTables), t('As tables'));
    this.element = element('div', { class: 'chart-bar', role: 'group', 'aria-label': t('Charts shown') });
    this.element.append(...this.chips.values(), this.heat, element('span', 'space'), this.tables);
  }

  render(channel: ChannelView, chart: ChartView): void {
    const { charts, heat, asTables } = this.store;
    for (const [measure, chip] of this.chips) {
      show(chip, isKept(measure, channel, chart));
      setText(chip, titleOf(measure, channel));
      setAttribute(chip, 'aria-pressed', String(charts.includes(measure)));
    }
    setAttribute(this.heat, 'aria-pressed', String(heat));
    setAttribute(this.tables, 'aria-pressed', String(asTables));
  }
}
