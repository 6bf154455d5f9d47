import { setChildren } from './dom';

export interface PooledRow {
  readonly element: HTMLElement;
}

/**
 * Rows that are shown, each for a key. Those that are not are used again: scrolling makes no elements, and a list whose rows
 * are all others from one frame to the next takes none out and puts none in.
 */
export class RowPool<Row extends PooledRow> {
  /** In the order in which they are shown. */
  private rows = new Map<number, Row>();
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
    const idle = this.idle(new Set(keys)).values();
    const rowOf = (key: number) => this.rows.get(key) ?? idle.next().value ?? this.spare.pop() ?? this.make();
    const shown = keys.map((key) => [key, rowOf(key)] as const);
    this.rows = new Map(shown);
    for (const row of idle) this.putAside(row);
    for (const [index, [, row]] of shown.entries()) fill(row, index);
    setChildren(
      this.body,
      shown.map(([, { element }]) => element),
    );
  }

  /** Those that nobody wants any more, from the first down. What had the focus must not lend it to another row. */
  private idle(wanted: ReadonlySet<number>): Row[] {
    const idle = [...this.rows].filter(([key]) => !wanted.has(key)).map(([, row]) => row);
    const focused = idle.findIndex(({ element }) => element.contains(document.activeElement));
    if (focused >= 0) this.putAside(...idle.splice(focused, 1));
    return idle;
  }

  private putAside(...rows: readonly Row[]): void {
    for (const row of rows) row.element.remove();
    this.spare.push(...rows);
  }
}
