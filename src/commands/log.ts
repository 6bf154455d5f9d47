import { commands as vscodeCommands, type Disposable, type LogOutputChannel } from 'vscode';
import { commands } from '../contributions';

export function registerLogCommand(log: LogOutputChannel): Disposable {
  return vscodeCommands.registerCommand(commands.showLog, () => log.show());
}
