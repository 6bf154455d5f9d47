/** A client's own text for a place where VS Code would draw `$(name)` as an icon. */
export function plainLabel(text: string): string {
  return text.replaceAll('$(', '$\u200b(');
}
