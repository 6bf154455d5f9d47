import { capped, element, foreign, setChildren, show } from './dom';
import { icon } from './glyphs';
import { rich, t } from './l10n';
import type { Store } from './store';

/** What the reader should know of the client before reading its numbers. */
export class Notices {
  readonly element = element('div', 'notices');
  private drawn = '';

  constructor(private readonly store: Store) {}

  render(): void {
    const { channel, frame } = this.store;
    const note = channel?.policyNote ?? '';
    const limitations = frame?.limitations ?? [];
    const policy = channel?.policyPath.at(-1) ?? '';
    show(this.element, note !== '' || limitations.length > 0);
    const signature = JSON.stringify([note, policy, limitations]);
    if (signature === this.drawn) return;
    this.drawn = signature;
    setChildren(this.element, [
      ...(note === '' ? [] : [otherPolicy(capped(policy), note)]),
      ...(limitations.length === 0 ? [] : [limited(limitations)]),
    ]);
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

function limited(limitations: readonly string[]): HTMLElement {
  const rows = limitations.map((limitation) => element('li', '', foreign(limitation)));
  const summary = limitations.length === 1 ? t('Something cannot be seen here') : t('Some things cannot be seen here');
  return element('details', 'limited', element('summary', 'muted', summary), element('ul', '', ...rows));
}
