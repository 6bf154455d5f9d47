import { commands as vscodeCommands, env, l10n, window, type Disposable } from 'vscode';
import { commands } from '../contributions';

/** The line that makes a Node client attachable. */
export const importLine = `import '@pickscope/grpc-js/attach';`;

const messageMs = 4000;

export function registerImportLineCommand(): Disposable {
  return vscodeCommands.registerCommand(commands.copyImportLine, async () => {
    await env.clipboard.writeText(importLine);
    window.setStatusBarMessage(l10n.t('Copied. Make it the first line of your program.'), messageMs);
  });
}
