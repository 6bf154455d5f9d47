import { commands as vscodeCommands, l10n, window, type Disposable } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import type { KnownClient } from '../attachment/knownClients';
import { commands, views } from '../contributions';
import type { Discovery } from '../discovery/discovery';
import { pickClient } from './clientPicker';

/** A tree item's element, an id, or nothing: the selected client. */
type ClientArgument = KnownClient | string | undefined;

/** Attaching, switching between the attached ones, detaching. */
export function registerClientCommands(attachments: Attachments, discovery: Discovery): Disposable[] {
  const attach = async () => attachPicked(attachments, discovery);
  const idOf = (client: ClientArgument) =>
    (typeof client === 'object' ? client.id : client) ?? attachments.selected?.id;
  return [
    vscodeCommands.registerCommand(commands.attach, attach),
    vscodeCommands.registerCommand(commands.attachTo, (client: ClientArgument) =>
      attachTo(idOf(client), attachments, discovery),
    ),
    vscodeCommands.registerCommand(commands.select, async (client: ClientArgument) => {
      if (client === undefined) return attach();
      attachments.select(idOf(client) ?? '');
      return showPicks();
    }),
    vscodeCommands.registerCommand(commands.detach, (client: ClientArgument) => attachments.detach(idOf(client) ?? '')),
    vscodeCommands.registerCommand(commands.retryNow, (client: ClientArgument) =>
      attachments.retry(idOf(client) ?? ''),
    ),
  ];
}

async function attachPicked(attachments: Attachments, discovery: Discovery): Promise<void> {
  const picked = await pickClient(attachments, discovery);
  if (typeof picked === 'string') await vscodeCommands.executeCommand(commands[picked]);
  else if (picked) await attachTo(picked.id, attachments, discovery);
}

async function attachTo(id: string | undefined, attachments: Attachments, discovery: Discovery): Promise<void> {
  const found = () => discovery.clients.find(({ descriptor }) => descriptor.instance === id)?.descriptor;
  // What the person saw may be older, or newer, than what was found last.
  if (!found()) await discovery.scan();
  const client = found();
  if (client) attachments.attach({ kind: 'client', client });
  else if (id !== undefined && attachments.get(id)) attachments.select(id);
  else {
    void window.showWarningMessage(l10n.t('This client has ended. Start it again, and it shows up in the list.'));
    return;
  }
  await showPicks();
}

async function showPicks(): Promise<void> {
  await vscodeCommands.executeCommand(`${views.picks}.focus`, { preserveFocus: true });
}
