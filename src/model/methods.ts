import type { Strings } from '@pickscope/protocol/messages';
import type { Dictionary } from './dictionary';
import { untrustedText } from './untrustedText';

/** More ids than a client needs; also how far it is counted what was left out. */
const maxIds = 100_000;

/** The names of methods by the client's ids: the numbers of their texts. */
export class Methods {
  private readonly numbers = new Map<number, number>();
  private readonly leftOutIds = new Set<number>();

  constructor(private readonly texts: Dictionary) {}

  /** How many names there was no room for. */
  get leftOut(): number {
    return this.leftOutIds.size;
  }

  add({ ids, values }: Strings): void {
    for (const [index, id] of ids.entries()) {
      const number = this.texts.find(untrustedText(values[index] ?? ''));
      if (number !== undefined && (this.numbers.has(id) || this.numbers.size < maxIds)) this.numbers.set(id, number);
      else if (this.leftOutIds.size < maxIds) this.leftOutIds.add(id);
    }
  }

  /** The number of a method's text; that of "(other)" where there was no room for it, or it was never announced. */
  numberOf(id: number): number {
    return id === 0 ? 0 : (this.numbers.get(id) ?? this.texts.other);
  }

  clear(): void {
    this.numbers.clear();
    this.leftOutIds.clear();
  }
}
