import { commands as vscodeCommands, env, l10n, window, type Disposable, type QuickPickItem } from 'vscode';
import { commands } from '../contributions';
import { importLines, programKinds, programNames, type ProgramKind } from '../messages/importLines';

const messageMs = 6000;

interface Item extends QuickPickItem {
  readonly of: ProgramKind;
}

/** Takes a kind of program; without one it asks. */
export function registerImportLineCommand(): Disposable {
  return vscodeCommands.registerCommand(commands.copyImportLine, async (given?: unknown) => {
    const kind = programKinds.find((each) => each === given) ?? (await askKind());
    if (!kind) return;
    await env.clipboard.writeText(importLines[kind]);
    const next =
      kind === 'node'
        ? l10n.t('Copied. Make it the first line of your program.')
        : l10n.t('Copied. Put it into your main package; it does nothing unless PICKSCOPE=1 is set.');
    window.setStatusBarMessage(next, messageMs);
  });
}

async function askKind(): Promise<ProgramKind | undefined> {
  const items = programKinds.map((of): Item => ({ label: programNames[of], detail: importLines[of], of }));
  const chosen = await window.showQuickPick(items, { title: l10n.t('Copy Import Line') });
  return chosen?.of;
}
