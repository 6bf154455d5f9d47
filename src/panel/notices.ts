import type { ChannelView } from '../messages/panel';
import { capped, element, foreign, setChildren, setText, show } from './dom';
import { count, timeOfDay } from './format';
import { icon } from './glyphs';
import { rich, t } from './l10n';
import type { Store } from './store';

/** What the reader should know of the client before reading its numbers. */
export class Notices {
  readonly element = element('div', 'notices');
  private readonly otherPolicy = element('div');
  private readonly refused = new Folded();
  private readonly limited = new Folded();
  private readonly leftOut = new Folded();
  private readonly kept = element('p', 'muted');
  private drawn = '';

  constructor(private readonly store: Store) {
    const folded = [this.refused, this.limited, this.leftOut].map((each) => each.element);
    this.element.append(this.otherPolicy, ...folded, this.kept);
  }

  render(): void {
    const { channel, frame } = this.store;
    this.renderOtherPolicy(capped(channel?.policyPath.at(-1) ?? ''), channel?.policyNote ?? '');
    this.renderRefused(frame?.refusedCalls ?? 0);
    this.renderLimited(frame?.limitations ?? []);
    this.leftOut.render(t('Some things are left out here'), channel ? leftOutOf(channel) : []);
    this.renderKept();
    show(
      this.element,
      [...this.element.children].some((notice) => !(notice as HTMLElement).hidden),
    );
  }

  private renderOtherPolicy(policy: string, note: string): void {
    const signature = JSON.stringify([policy, note]);
    if (signature === this.drawn) return;
    this.drawn = signature;
    show(this.otherPolicy, note !== '');
    setChildren(this.otherPolicy, note === '' ? [] : [otherPolicy(policy, note)]);
  }

  /** Calmly: mostly it is a tool or a window that knows an old token. */
  private renderRefused(calls: number): void {
    const summary =
      calls === 1
        ? t('One call with a wrong token was refused')
        : t('{0} calls with a wrong token were refused', count(calls));
    const meaning = t(
      'Somebody tried to read from this client what you see here, and learned nothing. Mostly that is a tool without a token, or with an old one. If none of yours did it, look at what else runs under your user, or can reach the port in PICKSCOPE_LISTEN.',
    );
    this.refused.render(summary, calls === 0 ? [] : [meaning]);
  }

  private renderLimited(limitations: readonly string[]): void {
    const one = limitations.length === 1;
    this.limited.render(one ? t('Something cannot be seen here') : t('Some things cannot be seen here'), limitations);
  }

  /** Only while the charts reach back to before the client was attached. */
  private renderKept(): void {
    const { channel, frame, query } = this.store;
    const kept = frame?.kept;
    const inView = kept && channel && channel.atMs - query.windowSeconds * 1000 < kept.untilMs;
    show(this.kept, inView === true);
    if (inView)
      setText(this.kept, t('Before {0}: kept by the client, the last {1} s', timeOfDay(kept.untilMs), kept.seconds));
  }
}

/** The program asked for one policy and runs another: nothing below is what its author expects. */
function otherPolicy(policy: string, note: string): HTMLElement {
  const lead = rich('**{0} runs, though the program asked for another policy.**', policy);
  return element(
    'section',
    { class: 'banner warning', role: 'note' },
    icon('warning'),
    element(
      'div',
      '',
      element('p', '', ...lead.map(({ text, strong }) => element(strong ? 'b' : 'span', 'foreign', text))),
      element('p', 'note', foreign(note)),
    ),
  );
}

function leftOutOf({ channelsLeftOut, methodsLeftOut }: ChannelView): string[] {
  return [
    ...(channelsLeftOut === 0 ? [] : [t('{0} more channels have no room here', count(channelsLeftOut))]),
    ...(methodsLeftOut === 0 ? [] : [t('{0} more names of methods, shown as “(other)”', count(methodsLeftOut))]),
  ];
}

/** One quiet line that opens, and stays open while what it says changes. */
class Folded {
  private readonly summary = element('summary', 'muted');
  private readonly list = element('ul');
  readonly element = element('details', 'folded', this.summary, this.list);
  private drawn = '';

  render(summary: string, rows: readonly string[]): void {
    show(this.element, rows.length > 0);
    setText(this.summary, summary);
    const signature = JSON.stringify(rows);
    if (signature === this.drawn) return;
    this.drawn = signature;
    const items = rows.map((row) => element('li', '', element('bdi', 'foreign', capped(row, longestRow))));
    setChildren(this.list, items);
  }
}

const longestRow = 500;
