import { commands as vscodeCommands, l10n, window, workspace, type Disposable, type LogOutputChannel } from 'vscode';
import { commands } from '../contributions';
import type { AttachablePrograms } from '../launch/attachablePrograms';

/** Makes programs attachable, or no longer: one command, under the title that says what it would do. */
export function registerAttachableCommands(programs: AttachablePrograms, log: LogOutputChannel): Disposable[] {
  return [
    vscodeCommands.registerCommand(commands.makeAttachable, () => change(programs, !programs.on, log)),
    vscodeCommands.registerCommand(commands.stopAttachable, () => change(programs, false, log)),
  ];
}

async function change(programs: AttachablePrograms, on: boolean, log: LogOutputChannel): Promise<void> {
  if (on && !workspace.isTrusted) {
    void explainTrust();
    return;
  }
  try {
    await programs.set(on);
  } catch (error) {
    log.error('The preload for Node programs could not be put in its place.', error);
    void window.showErrorMessage(
      l10n.t(
        'Programs are not made attachable: the file that is loaded before Node programs could not be copied. The log says why.',
      ),
    );
    return;
  }
  if (on) void explainOn(programs);
  else void explainOff();
}

async function explainOn({ ownValue }: AttachablePrograms): Promise<void> {
  const newTerminal = l10n.t('New Terminal');
  const copyImport = l10n.t('Copy Import Line…');
  const undo = l10n.t('Undo');
  const chosen = await window.showInformationMessage(
    [
      l10n.t(
        'Programs that you start in a new terminal, or debug, can now be attached to: Node programs as they are, Go programs with one import. Open terminals and running programs stay as they are. The same command undoes it.',
      ),
      ...(ownValue === undefined ? [] : [l10n.t('In terminals PICKSCOPE stays what you have set it to.')]),
    ].join(' '),
    newTerminal,
    copyImport,
    undo,
  );
  if (chosen === newTerminal) await vscodeCommands.executeCommand('workbench.action.terminal.new');
  if (chosen === copyImport) await vscodeCommands.executeCommand(commands.copyImportLine);
  if (chosen === undo) await vscodeCommands.executeCommand(commands.stopAttachable);
}

async function explainOff(): Promise<void> {
  await window.showInformationMessage(
    l10n.t(
      'Programs are no longer made attachable. Those that run, and those that you start in terminals that are open now, still are.',
    ),
  );
}

async function explainTrust(): Promise<void> {
  const manage = l10n.t('Manage Workspace Trust');
  const chosen = await window.showWarningMessage(
    l10n.t(
      'In Restricted Mode, Pickscope makes no program of this workspace attachable. Trust the workspace, then run the command again.',
    ),
    manage,
  );
  if (chosen === manage) await vscodeCommands.executeCommand('workbench.trust.manage');
}
