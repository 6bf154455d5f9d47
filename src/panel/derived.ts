import type { ChannelView } from '../messages/panel';
import { t } from './l10n';

/** Stands beside what Pickscope keeps of a policy that keeps none; the table's footnote says so. */
export const derivedSign = '†';

export function isDerived({ endpoints }: ChannelView): boolean {
  return endpoints.some(({ derived }) => derived);
}

export function derivedTitle(): string {
  return t('Kept by Pickscope, not by the policy; it had no part in the choice.');
}
