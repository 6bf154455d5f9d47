import { window, workspace, type ExtensionContext } from 'vscode';
import { runtimeFolders } from '@pickscope/protocol/runtimeFolder';
import { Attachments } from './attachment/attachments';
import { Tokens } from './attachment/tokens';
import { registerAddressCommands } from './commands/address';
import { registerClientCommands } from './commands/client';
import { registerImportLineCommand } from './commands/importLine';
import { registerLogCommand } from './commands/log';
import { registerNodeCommands } from './commands/nodePrograms';
import { registerPicksCommands } from './commands/picks';
import { settings, views } from './contributions';
import { Discovery } from './discovery/discovery';
import { NodePrograms } from './launch/nodePrograms';
import { setting } from './settings';
import { ClientsView } from './views/clientsView';
import { ContextKeys } from './views/contextKeys';
import { NodeProgramsItem } from './views/nodeProgramsItem';
import { PicksView } from './views/picksView';
import { StatusBar } from './views/statusBar';

let remember: (() => Promise<void>) | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel('Pickscope', { log: true });
  const tokens = new Tokens(context.secrets);
  const discovery = new Discovery({
    folders: () => [...runtimeFolders(), ...setting(settings.runtimeFolders)],
    log,
  });
  const attachments = new Attachments({
    discovery,
    memory: context.workspaceState,
    pickBudgetBytes: () => setting(settings.pickBudgetMegabytes) * 1_000_000,
    reattach: () => setting(settings.reattach),
    autoAttach: () => setting(settings.autoAttach),
    loadStream: async () => (await import('./attachment/stream')).readStream,
    tokenFor: (address) => tokens.get(address),
    tlsRootsFile: () => setting(settings.tlsRootsFile),
    log,
  });
  const programs = new NodePrograms(context);
  const contextKeys = new ContextKeys(attachments, programs);
  const picks = new PicksView({
    context,
    attachments,
    discovery,
    programs,
    log,
    onPaused: (paused) => contextKeys.setPaused(paused),
  });

  const restorePrograms = () =>
    programs.restore().catch((error: unknown) => log.error('Node programs could not be made attachable.', error));

  context.subscriptions.push(
    log,
    discovery,
    attachments,
    picks,
    programs,
    new ClientsView(attachments, discovery),
    new StatusBar(attachments),
    new NodeProgramsItem(programs),
    window.registerWebviewViewProvider(views.picks, picks),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('pickscope')) attachments.settingsChanged();
    }),
    ...registerClientCommands(attachments, discovery),
    ...registerAddressCommands({ attachments, discovery, tokens }),
    ...registerPicksCommands(attachments, picks),
    registerImportLineCommand(),
    ...registerNodeCommands(programs, log),
    workspace.onDidGrantWorkspaceTrust(restorePrograms),
    registerLogCommand(log),
  );
  remember = () => attachments.remember();
  void attachments.restore();
  void restorePrograms();
}

/** What was attached is attached again after a reload: VS Code waits for this to be written. */
export async function deactivate(): Promise<void> {
  await remember?.();
}
