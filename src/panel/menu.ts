import { button, element, setAttribute, setChildren, setStyle } from './dom';
import { icon } from './glyphs';
import './menu.css';

export interface MenuItem {
  readonly text: string;
  readonly run: () => void;
}

/** px between the button and its menu, and between that and the window's edge. */
const gap = 2;

/** A button that opens a list of actions: Enter runs one, Esc closes it, the arrows walk it. */
export class Menu {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly list = element('div', { class: 'menu', role: 'menu' });

  /** @param items asked for when it opens: they may differ each time. */
  constructor(
    label: string,
    private readonly items: () => readonly MenuItem[],
  ) {
    this.button = button(
      { class: 'icon-button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-label': label, title: label },
      () => undefined,
      icon('more'),
    );
    this.list.popover = 'auto';
    this.list.setAttribute('aria-label', label);
    // Through the attribute: the click that closes it does not open it again.
    this.button.popoverTargetElement = this.list;
    this.element = element('span', 'menu-place', this.button, this.list);
    this.list.addEventListener('beforetoggle', (event) => event.newState === 'open' && this.fill());
    this.list.addEventListener('toggle', (event) => this.toggled(event.newState === 'open'));
    this.list.addEventListener('keydown', (event) => this.walk(event));
  }

  private fill(): void {
    setChildren(
      this.list,
      this.items().map(({ text, run }) => button({ role: 'menuitem', tabindex: '-1' }, () => this.choose(run), text)),
    );
  }

  private choose(run: () => void): void {
    this.list.hidePopover();
    run();
  }

  private toggled(open: boolean): void {
    setAttribute(this.button, 'aria-expanded', String(open));
    if (!open) return;
    const { right, bottom } = this.button.getBoundingClientRect();
    setStyle(this.list, 'top', `${bottom + gap}px`);
    setStyle(this.list, 'left', `${Math.max(gap, Math.min(right, innerWidth - gap) - this.list.offsetWidth)}px`);
    this.entries[0]?.focus();
  }

  private get entries(): HTMLElement[] {
    return [...this.list.children] as HTMLElement[];
  }

  private walk(event: KeyboardEvent): void {
    const { entries } = this;
    const at = entries.indexOf(document.activeElement as HTMLElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    entries.at(next % entries.length)?.focus();
  }
}
