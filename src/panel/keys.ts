import { button, element } from './dom';
import { icon } from './glyphs';
import { t } from './l10n';
import './keys.css';

/** What a key does wherever the focus is, other than in a text that is typed. */
export type Shortcut = 'pauseOrGoOn' | 'live' | 'filter' | 'keys' | 'escape';

interface KeyLine {
  readonly keys: readonly string[];
  readonly does: string;
}

interface KeyGroup {
  readonly where: string;
  readonly lines: readonly KeyLine[];
}

/** Without Ctrl, Alt or Cmd, of which VS Code has its own: none of these is one of its keys. */
const shortcuts: Readonly<Record<string, Shortcut>> = {
  ' ': 'pauseOrGoOn',
  '/': 'filter',
  '?': 'keys',
  End: 'live',
  Escape: 'escape',
};

/** What this key does in the panel as a whole; undefined: nothing, or what is in focus uses it itself. */
export function shortcutOf(event: KeyboardEvent): Shortcut | undefined {
  const shortcut = shortcuts[event.key];
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !shortcut) return undefined;
  return shortcut !== 'escape' && usesKeys(event.target, event.key) ? undefined : shortcut;
}

function usesKeys(target: EventTarget | null, key: string): boolean {
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  if (!(target instanceof HTMLElement)) return false;
  const pressed = target.closest('button, summary, [role="button"], [role="menu"]') !== null;
  return key === ' ' ? pressed : target.closest('dialog, [role="menu"]') !== null;
}

/** All keys of the panel; those that belong to one part of it are obeyed there, while it has the focus. */
function keyGroups(): KeyGroup[] {
  return [
    {
      where: t('Everywhere'),
      lines: [
        { keys: ['Space'], does: t('pause, and go on; play and pause a recording') },
        { keys: ['End'], does: t('back to live, or to the end of a recording') },
        { keys: ['/'], does: t('filter the picks') },
        {
          keys: ['Esc'],
          does: t('close what is innermost: suggestion, dialog, hover, selection, explanation, comparison'),
        },
        { keys: ['?'], does: t('show these keys') },
      ],
    },
    {
      where: t('Charts and overview'),
      lines: [
        { keys: ['←', '→'], does: t('step through the moments; with Shift by ten') },
        { keys: ['[', ']'], does: t('the marker before, or after') },
        { keys: ['+', '−'], does: t('a shorter window, or a longer one') },
        { keys: ['PgUp', 'PgDn'], does: t('a window earlier, or later') },
        { keys: ['Home'], does: t('the oldest that is kept') },
      ],
    },
    {
      where: t('List of picks'),
      lines: [
        { keys: ['↑', '↓'], does: t('a newer pick, or an older one') },
        { keys: ['Enter'], does: t('explain the pick') },
      ],
    },
  ];
}

/** The list of keys, in a dialog of the browser's own: it keeps the focus, and Esc closes it. */
export class KeysDialog {
  readonly element = element('dialog', { class: 'keys-dialog', 'aria-labelledby': 'keys-title' });

  open(): void {
    if (this.element.open) return;
    if (this.element.childElementCount === 0) this.fill();
    this.element.showModal();
  }

  private fill(): void {
    const close = t('Close (Esc)');
    const title = element('h2', '', t('Keys'));
    title.id = 'keys-title';
    this.element.append(
      element(
        'div',
        'heading',
        title,
        button({ class: 'icon-button', 'aria-label': close, title: close }, () => this.element.close(), icon('close')),
      ),
      ...keyGroups().flatMap(({ where, lines }) => [element('h3', 'muted', where), linesOf(lines)]),
    );
    // A click beside it closes it, too.
    this.element.addEventListener('click', ({ target }) => target === this.element && this.element.close());
  }
}

function linesOf(lines: readonly KeyLine[]): HTMLElement {
  const list = element('dl');
  for (const { keys, does } of lines) {
    const caps = keys.flatMap((key, index) =>
      index === 0 ? [element('kbd', '', key)] : [' ', element('kbd', '', key)],
    );
    list.append(element('dt', '', ...caps), element('dd', '', does));
  }
  return list;
}
