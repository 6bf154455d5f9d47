import type { PickRow } from '../../src/messages/panel';

/** A pick of which a test says only what it is about. */
export function pickRow(fields: Partial<PickRow>): PickRow {
  return {
    key: 1,
    timeMs: 0,
    call: 1,
    attempt: 1,
    generation: 1,
    method: '/shop.Cart/GetCart',
    reason: 'lower',
    endpoint: 1,
    candidates: [],
    rejected: [],
    code: null,
    derived: false,
    outcome: null,
    ...fields,
  };
}
