import { window, workspace, type ExtensionContext } from 'vscode';
import { runtimeFolders } from '@pickscope/protocol/runtimeFolder';
import { Attachments } from './attachment/attachments';
import { Recorder } from './attachment/recorder';
import { Tokens } from './attachment/tokens';
import { registerAddressCommands } from './commands/address';
import { registerAttachableCommands } from './commands/attachable';
import { registerClientCommands } from './commands/client';
import { registerExportCommands } from './commands/export';
import { registerImportLineCommand } from './commands/importLine';
import { registerLogCommand } from './commands/log';
import { registerPanelCommands } from './commands/panel';
import { registerRecordingCommands } from './commands/recording';
import { registerWalkthroughCommand } from './commands/walkthrough';
import { settings, tabs, views } from './contributions';
import { Discovery } from './discovery/discovery';
import { AttachablePrograms } from './launch/attachablePrograms';
import { setting } from './settings';
import { AttachableItem } from './views/attachableItem';
import { ClientsView } from './views/clientsView';
import { ContextKeys } from './views/contextKeys';
import { Panels } from './views/panels';
import { RecordingEditor } from './views/recordingEditor';
import { StatusBar } from './views/statusBar';

let beforeTheEnd: (() => Promise<unknown>) | undefined;

export function activate(context: ExtensionContext): void {
  const log = window.createOutputChannel('Pickscope', { log: true });
  const tokens = new Tokens(context.secrets);
  const discovery = new Discovery({
    folders: () => [...runtimeFolders(), ...setting(settings.runtimeFolders)],
    log,
  });
  const streams = {
    loadStream: async () => (await import('./attachment/stream')).readStream,
    tokenFor: (address: string) => tokens.get(address),
    tlsRootsFile: () => setting(settings.tlsRootsFile),
    log,
  };
  const pickBudgetBytes = () => setting(settings.pickBudgetMegabytes) * 1_000_000;
  const attachments = new Attachments({
    ...streams,
    discovery,
    memory: context.workspaceState,
    pickBudgetBytes,
    reattach: () => setting(settings.reattach),
    autoAttach: () => setting(settings.autoAttach),
  });
  const programs = new AttachablePrograms(context);
  const recorder = new Recorder({ ...streams, attachments });
  const { extensionUri } = context;
  const restored = attachments
    .restore()
    .catch((error: unknown) => log.error('What was attached could not be attached again.', error));
  const panels = new Panels({ attachments, discovery, programs, recorder, extensionUri, log, restored });
  const recordings = new RecordingEditor(panels, () => ({
    pickBudgetBytes: pickBudgetBytes(),
    loadReader: () => import('./attachment/recordingMessages'),
  }));
  new ContextKeys(attachments, programs, recorder, panels);

  const restorePrograms = () =>
    programs.restore().catch((error: unknown) => log.error('Programs could not be made attachable.', error));

  context.subscriptions.push(
    log,
    discovery,
    attachments,
    panels,
    programs,
    new ClientsView(attachments, discovery, recorder),
    new StatusBar(attachments, recorder),
    new AttachableItem(programs),
    window.registerWebviewViewProvider(views.picks, panels),
    window.registerWebviewPanelSerializer(tabs.panel, panels),
    window.registerCustomEditorProvider(tabs.recording, recordings, { supportsMultipleEditorsPerDocument: true }),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('pickscope')) attachments.settingsChanged();
    }),
    ...registerClientCommands(attachments, discovery),
    ...registerAddressCommands({ attachments, discovery, tokens }),
    ...registerPanelCommands(panels),
    ...registerRecordingCommands({ attachments, panels, recorder, log }),
    ...registerExportCommands(panels, log),
    registerImportLineCommand(),
    ...registerAttachableCommands(programs, log),
    workspace.onDidGrantWorkspaceTrust(restorePrograms),
    registerWalkthroughCommand(context.extension.id),
    registerLogCommand(log),
  );
  beforeTheEnd = () => Promise.all([attachments.remember(), recorder.stopAll()]);
  void restorePrograms();
}

/** What was attached is attached again after a reload, and recordings end whole: VS Code waits for this to be written. */
export async function deactivate(): Promise<void> {
  await beforeTheEnd?.();
}
