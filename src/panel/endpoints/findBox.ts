import type { EndpointRow } from '../../messages/panel';
import { button, element, setAttribute, setText, show } from '../dom';
import { count } from '../format';
import { icon } from '../glyphs';
import { t } from '../l10n';

/** So many endpoints are found by eye. */
const foundByEye = 12;

/** Narrows a long table to the rows of an address, or to those that are not READY. */
export class FindBox {
  readonly element = element('div', 'find');
  private readonly input = element('input');
  private readonly chip: HTMLButtonElement;
  private sickAlone = false;

  constructor(private readonly onChange: () => void) {
    this.input.type = 'text';
    this.input.spellcheck = false;
    this.input.maxLength = 200;
    this.input.placeholder = t('find an address');
    this.input.setAttribute('aria-label', t('Find endpoints by address'));
    this.input.addEventListener('input', onChange);
    this.input.addEventListener('keydown', (event) => this.key(event));
    this.chip = button('chip red', () => this.toggle());
    this.element.append(element('div', 'find-field', icon('funnel', 'muted'), this.input), this.chip);
  }

  /** The endpoints that are wanted; all of few. */
  narrow(endpoints: readonly EndpointRow[]): readonly EndpointRow[] {
    const sick = endpoints.filter(({ state }) => state !== 'READY');
    const needed = endpoints.length > foundByEye;
    show(this.element, needed);
    show(this.chip, sick.length > 0 || this.sickAlone);
    setText(this.chip, t('✕ {0} not READY', count(sick.length)));
    setAttribute(this.chip, 'aria-pressed', String(this.sickAlone));
    if (!needed) return endpoints;
    const text = this.input.value.trim().toLowerCase();
    const of = this.sickAlone ? sick : endpoints;
    return text === '' ? of : of.filter((endpoint) => hasText(endpoint, text));
  }

  private toggle(): void {
    this.sickAlone = !this.sickAlone;
    this.onChange();
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || this.input.value === '') return;
    event.stopPropagation();
    this.input.value = '';
    this.onChange();
  }
}

function hasText({ label, addresses }: EndpointRow, text: string): boolean {
  return [label, ...addresses].some((each) => each.toLowerCase().includes(text));
}
