import { capped, element } from '../dom';
import type { Part } from '../l10n';

/** A sentence with strong parts, as nodes; clients' names in it are text, isolated from what stands around them. */
export function parts(texts: readonly Part[]): HTMLElement[] {
  return texts.map(({ text, strong }) => element(strong ? 'b' : 'span', 'foreign', capped(text)));
}
