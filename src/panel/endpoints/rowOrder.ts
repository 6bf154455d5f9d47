import type { EndpointRow, State } from '../../messages/panel';
import type { Sorting } from '../store';
import { columns } from './columns';
import type { Reading } from './reading';

/** ms; so often are sorted rows put into their order again while nobody attends to them. */
const sortedEvery = 5000;

/** What is wrong comes first, when sorted downwards. */
const severity: Readonly<Record<State, number>> = {
  READY: 0,
  UNKNOWN: 1,
  IDLE: 2,
  CONNECTING: 3,
  SHUTDOWN: 4,
  TRANSIENT_FAILURE: 5,
};

/**
 * The order of the rows: by address, unless the reader sorts. Live values never move a row from under the reader's eyes:
 * sorted rows stay where they are as long as pointer or focus is in the table, and are sorted anew at most every few
 * seconds else, so that they can be followed. New endpoints come last until then. To choose a column sorts at once.
 */
export class RowOrder {
  private order: readonly number[] = [];
  private sorting: Sorting | null = null;
  private sortedAt = -Infinity;

  /** @param attended Pointer or focus is in the table. @param nowMs of a clock that only goes on. @returns indices of the endpoints, in the order of the rows. */
  of(
    endpoints: readonly EndpointRow[],
    readings: readonly Reading[],
    sorting: Sorting | null,
    attended: boolean,
    nowMs: number,
  ): readonly number[] {
    const chosen = sorting !== this.sorting;
    const due = !attended && nowMs - this.sortedAt >= sortedEvery;
    this.sorting = sorting;
    if (sorting === null) return [...endpoints.keys()];
    if (chosen || due) {
      this.sortedAt = nowMs;
      const sorted = sortedIndices(readings, sorting);
      this.order = sorted.map((index) => endpoints[index]!.id);
      return sorted;
    }
    return this.unchanged(endpoints);
  }

  private unchanged(endpoints: readonly EndpointRow[]): readonly number[] {
    const places = new Map(endpoints.map(({ id }, index) => [id, index]));
    const known = new Set(this.order);
    const added = endpoints.filter(({ id }) => !known.has(id)).map(({ id }) => id);
    this.order = [...this.order.filter((id) => places.has(id)), ...added];
    return this.order.map((id) => places.get(id)!);
  }
}

/** What is not known comes last, whichever way; what is equal stays in the order of addresses. */
function sortedIndices(readings: readonly Reading[], { column, descending }: Sorting): number[] {
  const valueOf = column === 'state' ? severityOf : columns.find(({ name }) => name === column)?.value;
  const indices = [...readings.keys()];
  if (!valueOf) return descending ? indices.reverse() : indices;
  const values = readings.map((reading) => valueOf(reading));
  const sign = descending ? -1 : 1;
  return indices.sort((a, b) => {
    const [one, other] = [values[a] ?? null, values[b] ?? null];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return sign * (one - other);
  });
}

function severityOf({ state }: Reading): number {
  return severity[state];
}
