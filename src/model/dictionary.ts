const otherText = '(other)';

/** Texts by small numbers, the same text by the same number, so that rows hold numbers. 0 is the empty text. */
export class Dictionary {
  private readonly texts: string[] = [''];
  private readonly numbers = new Map<string, number>([['', 0]]);

  constructor(private readonly capacity = 20_000) {}

  /** What does not fit any more shares the number of "(other)". */
  number(text: string): number {
    return this.find(text) ?? this.other;
  }

  /** The text's number; undefined: there is no room for it. */
  find(text: string): number | undefined {
    return this.numbers.get(text) ?? (this.texts.length < this.capacity ? this.add(text) : undefined);
  }

  /** The number of "(other)". */
  get other(): number {
    return this.numbers.get(otherText) ?? this.add(otherText);
  }

  text(number: number): string {
    return this.texts[number] ?? '';
  }

  private add(text: string): number {
    const number = this.texts.push(text) - 1;
    this.numbers.set(text, number);
    return number;
  }
}
