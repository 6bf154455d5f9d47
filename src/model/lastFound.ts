/** Looks up in a map; rows that follow each other mostly ask for the same, which is then not looked up again. */
export class LastFound<V> {
  private key = NaN;
  private value: V | undefined;

  constructor(private readonly map: ReadonlyMap<number, V>) {}

  get(key: number): V | undefined {
    if (key !== this.key) {
      this.value = this.map.get(key);
      this.key = key;
    }
    return this.value;
  }

  /** The map may have changed. */
  forget(): void {
    this.key = NaN;
    this.value = undefined;
  }
}
