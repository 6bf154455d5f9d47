import type { ChannelView, Frame } from '../messages/panel';
import { capped, element, foreign, setChildren, show } from './dom';
import { count, timeOfDay } from './format';
import { icon } from './glyphs';
import { rich, t } from './l10n';
import type { Store } from './store';

interface Told {
  readonly note: string;
  readonly policy: string;
  readonly refusedCalls: number;
  readonly limitations: readonly string[];
  readonly leftOut: readonly string[];
  readonly kept: string;
}

/** What the reader should know of the client before reading its numbers. */
export class Notices {
  readonly element = element('div', 'notices');
  private drawn = '';

  constructor(private readonly store: Store) {}

  render(): void {
    const told = this.told();
    const signature = JSON.stringify(told);
    if (signature === this.drawn) return;
    this.drawn = signature;
    const notices = noticesOf(told);
    setChildren(this.element, notices);
    show(this.element, notices.length > 0);
  }

  private told(): Told {
    const { channel, frame } = this.store;
    return {
      note: channel?.policyNote ?? '',
      policy: channel?.policyPath.at(-1) ?? '',
      refusedCalls: frame?.refusedCalls ?? 0,
      limitations: frame?.limitations ?? [],
      leftOut: channel ? leftOutOf(channel) : [],
      kept: this.keptInView(frame, channel),
    };
  }

  /** Only while the charts reach back to before the client was attached. */
  private keptInView(frame: Frame | undefined, channel: ChannelView | undefined): string {
    const kept = frame?.kept;
    if (!kept || !channel || channel.atMs - this.store.query.windowSeconds * 1000 >= kept.untilMs) return '';
    const time = timeOfDay(kept.untilMs);
    return t('Before {0}: kept by the client, the last {1} s', time, kept.seconds);
  }
}

function noticesOf({ note, policy, refusedCalls, limitations, leftOut, kept }: Told): HTMLElement[] {
  return [
    ...(note === '' ? [] : [otherPolicy(capped(policy), note)]),
    ...(refusedCalls === 0 ? [] : [refused(refusedCalls)]),
    ...(limitations.length === 0 ? [] : [limited(limitations)]),
    ...(leftOut.length === 0 ? [] : [folded(t('Some things are left out here'), leftOut)]),
    ...(kept === '' ? [] : [element('p', 'muted', kept)]),
  ];
}

function leftOutOf({ channelsLeftOut, methodsLeftOut }: ChannelView): string[] {
  return [
    ...(channelsLeftOut === 0 ? [] : [t('{0} more channels have no room here', count(channelsLeftOut))]),
    ...(methodsLeftOut === 0 ? [] : [t('{0} more names of methods, shown as “(other)”', count(methodsLeftOut))]),
  ];
}

/** Calmly: mostly it is a tool or a window that knows an old token. */
function refused(calls: number): HTMLElement {
  const summary =
    calls === 1
      ? t('One call with a wrong token was refused')
      : t('{0} calls with a wrong token were refused', count(calls));
  const meaning = t(
    'Somebody tried to read from this client what you see here, and learned nothing. Mostly that is a tool without a token, or with an old one. If none of yours did it, look at what else runs under your user, or can reach the port in PICKSCOPE_LISTEN.',
  );
  return folded(summary, [meaning]);
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

function limited(limitations: readonly string[]): HTMLElement {
  const summary = limitations.length === 1 ? t('Something cannot be seen here') : t('Some things cannot be seen here');
  return folded(
    summary,
    limitations.map((limitation) => foreign(limitation)),
  );
}

/** One quiet line, that opens. */
function folded(summary: string, rows: readonly (Node | string)[]): HTMLElement {
  const items = rows.map((row) => element('li', '', row));
  return element('details', 'folded', element('summary', 'muted', summary), element('ul', '', ...items));
}
