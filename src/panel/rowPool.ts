import { setChildren } from './dom';

export interface PooledRow {
  readonly element: HTMLElement;
}

/** Rows that are shown, each for a key; those that are not are used again, so that scrolling makes no elements. */
export class RowPool<Row extends PooledRow> {
  private readonly rows = new Map<number, Row>();
  private readonly spare: Row[] = [];

  constructor(
    private readonly body: HTMLElement,
    private readonly make: () => Row,
  ) {}

  get(key: number): Row | undefined {
    return this.rows.get(key);
  }

  /** Shows these rows in this order, once `fill` has filled each of them in. */
  show(keys: readonly number[], fill: (row: Row, index: number) => void): void {
    this.release(new Set(keys));
    const shown = keys.map((key, index) => {
      let row = this.rows.get(key);
      if (!row) this.rows.set(key, (row = this.spare.pop() ?? this.make()));
      fill(row, index);
      return row.element;
    });
    setChildren(this.body, shown);
  }

  /** Taken out first, they leave the others in their order: only what comes in has to be put there. */
  private release(wanted: ReadonlySet<number>): void {
    for (const [key, row] of this.rows) {
      if (wanted.has(key)) continue;
      this.rows.delete(key);
      this.spare.push(row);
      row.element.remove();
    }
  }
}
