import { commands as vscodeCommands, type Disposable } from 'vscode';
import { commands, walkthrough } from '../contributions';

/** @param extension Id of this extension, to which the walkthrough belongs. */
export function registerWalkthroughCommand(extension: string): Disposable {
  return vscodeCommands.registerCommand(commands.openWalkthrough, () =>
    vscodeCommands.executeCommand('workbench.action.openWalkthrough', `${extension}#${walkthrough}`),
  );
}
