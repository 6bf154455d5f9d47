/** A map that forgets its oldest entry when it is full. */
export class BoundedMap<K, V> extends Map<K, V> {
  constructor(private readonly capacity: number) {
    super();
  }

  override set(key: K, value: V): this {
    super.set(key, value);
    if (this.size > this.capacity) this.delete(this.keys().next().value!);
    return this;
  }

  /** The entry's value, made if it is not there; the entry becomes the newest. */
  renew(key: K, make: () => V): V {
    const value = this.get(key) ?? make();
    this.delete(key);
    this.set(key, value);
    return value;
  }
}
