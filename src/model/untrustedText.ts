/** Control characters, and those that reorder or hide text, and halves of pairs: they would let a client forge what a person reads. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** A text of the client's as it may be shown: bounded, and with a mark for every character that does not show. */
export function untrustedText(text: string, maxLength = 256): string {
  return text.slice(0, maxLength).replace(unprintable, '\ufffd');
}
