import { commands as vscodeCommands, type Disposable } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import { commands, views } from '../contributions';
import type { PicksView } from '../views/picksView';

/** What the panel of picks does on demand from outside. */
export function registerPicksCommands(attachments: Attachments, picks: PicksView): Disposable[] {
  return [
    vscodeCommands.registerCommand(commands.focus, () => vscodeCommands.executeCommand(`${views.picks}.focus`)),
    vscodeCommands.registerCommand(commands.pause, () => picks.do('pause')),
    vscodeCommands.registerCommand(commands.resume, () => picks.do('resume')),
    vscodeCommands.registerCommand(commands.focusFilter, () => picks.do('focusFilter')),
    vscodeCommands.registerCommand(commands.clear, () => {
      attachments.selected?.model.clear();
      return picks.do('resume');
    }),
  ];
}
