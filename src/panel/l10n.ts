/** The panel's words: English is the key, the host sends the translations with its first message. */

let bundle: Readonly<Record<string, string>> = {};
let language = 'en';

export function useBundle(l10n: Readonly<Record<string, string>>, ofLanguage: string): void {
  bundle = l10n;
  language = ofLanguage;
  document.documentElement.lang = ofLanguage;
}

export function currentLanguage(): string {
  return language;
}

/** The English text in the reader's language, with {0}, {1} … replaced. */
export function t(english: string, ...values: readonly (string | number)[]): string {
  return fill(bundle[english] ?? english, values);
}

export interface Part {
  readonly text: string;
  readonly strong: boolean;
}

/** As t(), for texts with **strong** parts. Values are put in after the parts are told apart: they cannot add any. */
export function rich(english: string, ...values: readonly (string | number)[]): Part[] {
  return (bundle[english] ?? english)
    .split('**')
    .map((text, index) => ({ text: fill(text, values), strong: index % 2 === 1 }))
    .filter((part) => part.text !== '');
}

function fill(template: string, values: readonly (string | number)[]): string {
  return template.replace(/\{(\d+)\}/g, (whole, index: string) => String(values[Number(index)] ?? whole));
}
