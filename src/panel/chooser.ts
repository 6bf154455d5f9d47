import { capped, element, setChildren } from './dom';
import { icon } from './glyphs';
import './chooser.css';

export interface Choice {
  readonly value: string;
  readonly text: string;
}

/** A native select, for its keyboard and its list; drawn as the text that it chooses. */
export class Chooser {
  readonly element: HTMLElement;
  private readonly label = element('span', 'chosen');
  private readonly select = element('select');
  private drawn = '';

  constructor(name: string, onChoose: (value: string) => void) {
    this.element = element('span', 'chooser', this.label, icon('chevron'), this.select);
    this.select.setAttribute('aria-label', name);
    this.select.addEventListener('change', () => {
      const { value } = this.select;
      // What is chosen is shown when the host says so.
      this.drawn = '';
      onChoose(value);
    });
  }

  render(label: readonly Node[], choices: readonly Choice[], chosen: string): void {
    const signature = JSON.stringify([choices, chosen]);
    // An open list must not change under the reader.
    if (
      signature === this.drawn ||
      (this.drawn !== '' && document.activeElement === this.select && this.sameChosen(chosen))
    )
      return;
    this.drawn = signature;
    setChildren(this.label, label);
    setChildren(
      this.select,
      choices.map(({ value, text }) => {
        const option = element('option', '', capped(text, 120));
        option.value = value;
        return option;
      }),
    );
    this.select.value = chosen;
  }

  private sameChosen(chosen: string): boolean {
    return this.select.value === chosen;
  }
}
