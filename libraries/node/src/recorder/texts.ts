/** The first characters of a text, as many as `length`, in memory of their own: a slice would keep the whole text. */
export function beginning(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length)).toString();
}
