import { l10n, QuickPickItemKind, window, type QuickPick, type QuickPickItem } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import { knownClients, type KnownClient } from '../attachment/knownClients';
import type { Discovery } from '../discovery/discovery';
import { clientDescription, stateText } from '../views/clientText';
import { plainLabel } from '../views/plainLabel';

export type Picked = KnownClient | 'enterAddress' | 'copyImportLine' | undefined;

interface Item extends QuickPickItem {
  readonly choice?: Picked;
}

/** Asks for a client. Shows at once and fills as clients are found; they may come and go while it is open. */
export function pickClient(attachments: Attachments, discovery: Discovery): Promise<Picked> {
  const picker = window.createQuickPick<Item>();
  picker.title = l10n.t('Attach to a gRPC Client');
  picker.placeholder = l10n.t('Clients that run and can be attached to');
  picker.matchOnDescription = true;
  picker.keepScrollPosition = true;
  picker.busy = true;
  const refresh = () => showItems(picker, itemsOf(knownClients(attachments.all, discovery.clients)));
  const watching = discovery.watch();
  void discovery.scan().then(() => (picker.busy = false));
  discovery.on('change', refresh);
  attachments.on('change', refresh);
  refresh();
  picker.show();
  return new Promise((resolve) => {
    picker.onDidAccept(() => {
      const [chosen] = picker.selectedItems;
      if (!chosen) return;
      resolve(chosen.choice);
      picker.hide();
    });
    picker.onDidHide(() => {
      discovery.off('change', refresh);
      attachments.off('change', refresh);
      watching.dispose();
      picker.dispose();
      resolve(undefined);
    });
  });
}

/** Keeps the active item active, so that a client that appears does not slip under the Enter key. */
function showItems(picker: QuickPick<Item>, items: Item[]): void {
  const [active] = picker.activeItems;
  // Before there were clients, nobody had a choice.
  const chosen = picker.items.some(({ choice }) => typeof choice === 'object') ? active : undefined;
  picker.items = items;
  const same = chosen && items.find((item) => keyOf(item) === keyOf(chosen));
  if (same) picker.activeItems = [same];
}

function keyOf({ label, choice }: Item): string {
  return typeof choice === 'object' ? choice.id : label;
}

function itemsOf(clients: readonly KnownClient[]): Item[] {
  const attached = clients.filter(({ attachment }) => attachment).map(itemOf);
  const available = clients.filter(({ attachment }) => !attachment).map(itemOf);
  return [
    ...(attached.length > 0 ? [separator(l10n.t('attached')), ...attached] : []),
    ...(available.length > 0 ? [separator(l10n.t('running')), ...available] : []),
    separator(''),
    { label: `$(link) ${l10n.t('Enter Address…')}`, alwaysShow: true, choice: 'enterAddress' },
    { label: `$(copy) ${l10n.t('Copy Import Line…')}`, alwaysShow: true, choice: 'copyImportLine' },
  ];
}

function itemOf(client: KnownClient): Item {
  const { identity, attachment } = client;
  return {
    label: plainLabel(identity.name),
    description: plainLabel(clientDescription(identity)),
    ...(attachment && { detail: stateText(attachment.state) }),
    choice: client,
  };
}

function separator(label: string): Item {
  return { label, kind: QuickPickItemKind.Separator };
}
