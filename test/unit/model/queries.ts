import type { PickRow, Query } from '../../../src/messages/panel';
import type { ClientModel } from '../../../src/model/clientModel';

/** As many rows as a page may have. */
export const pageRows = 500;

/** What a panel asks for that shows two minutes, live and unfiltered; but for this. */
export function queryOf(part: Partial<Query> = {}): Query {
  return { windowSeconds: 120, points: 120, filter: '', rows: { skip: 0, limit: pageRows }, ...part };
}

/** All rows of the list, page by page; newest first. */
export function everyPick(model: ClientModel, query: Query, nowMs: number): PickRow[] {
  const picks: PickRow[] = [];
  for (;;) {
    const view = model.view({ ...query, rows: { ...query.rows, skip: picks.length, limit: pageRows } }, nowMs)!;
    if (picks.length >= view.matching) return picks;
    // The last page is a full one: it begins among rows that are here already.
    picks.push(...view.picks.slice(picks.length - view.picksSkipped));
  }
}
