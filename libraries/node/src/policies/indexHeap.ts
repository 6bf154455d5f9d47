/** A binary heap of indices, the one with the least key first; of equal keys the one with the lesser rank. */
export class IndexHeap {
  size = 0;
  private readonly indices: Uint32Array;
  private readonly keys: Float64Array;

  /** @param ranks By index; as many as there are indices. */
  constructor(private readonly ranks: ArrayLike<number>) {
    this.indices = new Uint32Array(ranks.length);
    this.keys = new Float64Array(ranks.length);
  }

  /** The first index; undefined: the heap is empty. */
  get first(): number | undefined {
    return this.size === 0 ? undefined : this.indices[0];
  }

  /** Infinity: the heap is empty. */
  get leastKey(): number {
    return this.size === 0 ? Infinity : this.keys[this.indices[0]!]!;
  }

  /** @param index One that is not in the heap. */
  push(index: number, key: number): void {
    const { indices } = this;
    this.keys[index] = key;
    let at = this.size++;
    for (let parent = (at - 1) >> 1; at > 0 && this.before(index, indices[parent]!); parent = (at - 1) >> 1) {
      indices[at] = indices[parent]!;
      at = parent;
    }
    indices[at] = index;
  }

  /** Takes the first index out of a heap that is not empty. */
  pop(): number {
    const { indices } = this;
    const first = indices[0]!;
    const last = indices[--this.size]!;
    let at = 0;
    for (let child = this.lesserChild(at); child !== 0; child = this.lesserChild(at)) {
      if (!this.before(indices[child]!, last)) break;
      indices[at] = indices[child]!;
      at = child;
    }
    indices[at] = last;
    return first;
  }

  /** Where the child is that comes before the other; 0: there is none. */
  private lesserChild(at: number): number {
    const left = 2 * at + 1;
    const right = left + 1;
    if (left >= this.size) return 0;
    return right < this.size && this.before(this.indices[right]!, this.indices[left]!) ? right : left;
  }

  private before(a: number, b: number): boolean {
    const difference = this.keys[a]! - this.keys[b]!;
    return difference < 0 || (difference === 0 && this.ranks[a]! < this.ranks[b]!);
  }
}
