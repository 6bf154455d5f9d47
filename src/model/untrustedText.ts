/** Control characters, and those that reorder or hide text, and halves of pairs: they would let a client forge what a person reads. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** More marks upon one letter than any script puts there: they would cover the lines around it, or be as wide as a page. */
const heapedMarks = /(\p{M}{4})\p{M}+/gu;

/** A text of the client's as it may be shown: bounded, and with a mark for every character that does not show. */
export function untrustedText(text: string, maxLength = 256): string {
  const shown = text.length > maxLength ? copyOf(text, maxLength) : text;
  return shown.replace(unprintable, '\ufffd').replace(heapedMarks, '$1\ufffd');
}

/** A part of a long text, as it is kept by engines, holds the whole of it in memory. */
function copyOf(text: string, length: number): string {
  return Array.from({ length }, (_, index) => text[index]!).join('');
}
