import { commands as vscodeCommands, l10n, window, workspace, type Disposable, type LogOutputChannel } from 'vscode';
import { commands } from '../contributions';
import type { NodePrograms } from '../launch/nodePrograms';

/** Makes Node programs attachable, or no longer: one command, under the title that says what it would do. */
export function registerNodeCommands(programs: NodePrograms, log: LogOutputChannel): Disposable[] {
  return [
    vscodeCommands.registerCommand(commands.makeNodeAttachable, () => change(programs, !programs.on, log)),
    vscodeCommands.registerCommand(commands.stopNodeAttachable, () => change(programs, false, log)),
  ];
}

async function change(programs: NodePrograms, on: boolean, log: LogOutputChannel): Promise<void> {
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
        'Node programs are not made attachable: the file that is loaded before them could not be copied. The log says why.',
      ),
    );
    return;
  }
  if (on) void explainOn();
  else void explainOff();
}

async function explainOn(): Promise<void> {
  const newTerminal = l10n.t('New Terminal');
  const undo = l10n.t('Undo');
  const chosen = await window.showInformationMessage(
    l10n.t(
      'Node programs that you start in a new terminal, or debug, can now be attached to. Open terminals and running programs stay as they are. The same command undoes it.',
    ),
    newTerminal,
    undo,
  );
  if (chosen === newTerminal) await vscodeCommands.executeCommand('workbench.action.terminal.new');
  if (chosen === undo) await vscodeCommands.executeCommand(commands.stopNodeAttachable);
}

async function explainOff(): Promise<void> {
  await window.showInformationMessage(
    l10n.t(
      'Node programs are no longer made attachable. Those that run, and those that you start in terminals that are open now, still are.',
    ),
  );
}

async function explainTrust(): Promise<void> {
  const manage = l10n.t('Manage Workspace Trust');
  const chosen = await window.showWarningMessage(
    l10n.t(
      'In Restricted Mode, Pickscope loads nothing into the programs of this workspace. Trust the workspace, then run the command again.',
    ),
    manage,
  );
  if (chosen === manage) await vscodeCommands.executeCommand('workbench.trust.manage');
}
