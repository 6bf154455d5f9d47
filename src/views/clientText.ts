import { l10n } from 'vscode';
import type { AttachmentState } from '../attachment/attachmentState';
import type { Identity } from '../attachment/target';

/** What tells a client from its twins. */
export function clientDescription({ pid, folder, language }: Identity): string {
  return [pid === 0 ? '' : String(pid), folder, language].filter((part) => part !== '').join(' · ');
}

export function stateText(state: AttachmentState | undefined): string {
  switch (state?.kind) {
    case undefined:
      return l10n.t('not attached');
    case 'connecting':
      return l10n.t('connecting');
    case 'live':
      return l10n.t('attached');
    case 'lost':
      return state.nextTryMs === null ? l10n.t('lost, waiting for it to come back') : l10n.t('lost, trying again');
    case 'refused':
      return l10n.t('not accepted');
  }
}
