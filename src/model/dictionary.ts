/** Texts by small numbers, the same text by the same number, so that rows hold numbers. 0 is the empty text. */
export class Dictionary {
  private readonly texts: string[] = [''];
  private readonly numbers = new Map<string, number>([['', 0]]);

  constructor(private readonly capacity = 20_000) {}

  /** What does not fit any more shares the number of "(other)". */
  number(text: string): number {
    const known = this.numbers.get(text);
    if (known !== undefined) return known;
    const kept = this.texts.length < this.capacity ? text : '(other)';
    const number = this.numbers.get(kept) ?? this.texts.push(kept) - 1;
    this.numbers.set(kept, number);
    return number;
  }

  text(number: number): string {
    return this.texts[number] ?? '';
  }
}
