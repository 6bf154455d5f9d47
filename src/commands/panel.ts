import { commands as vscodeCommands, type Disposable } from 'vscode';
import { commands, views } from '../contributions';
import type { PanelAction } from '../messages/panel';
import type { PanelHost } from '../views/panelHost';
import type { Panels } from '../views/panels';

/** What a panel does when it is told so from outside: by its title bar, its menus, or the palette. */
export function registerPanelCommands(panels: Panels): Disposable[] {
  const tell = (command: string, action: PanelAction) =>
    vscodeCommands.registerCommand(command, (...args: unknown[]) => panelFor(panels, args).do(action));
  return [
    vscodeCommands.registerCommand(commands.focus, () => vscodeCommands.executeCommand(`${views.picks}.focus`)),
    tell(commands.pause, { name: 'pause' }),
    tell(commands.resume, { name: 'resume' }),
    tell(commands.focusFilter, { name: 'focusFilter' }),
    tell(commands.showKeys, { name: 'showKeys' }),
    tell(commands.compareClients, { name: 'compare', with: 'clients' }),
    tell(commands.compareChannels, { name: 'compare', with: 'channels' }),
    vscodeCommands.registerCommand(commands.clear, (...args: unknown[]) => {
      const panel = panelFor(panels, args);
      panel.model?.clear();
      return panel.do({ name: 'resume' });
    }),
    vscodeCommands.registerCommand(commands.openInEditor, (...args: unknown[]) => {
      panels.openInEditor(panelFor(panels, args));
    }),
    vscodeCommands.registerCommand(commands.askWhy, (row: unknown) => askWhy(panels, row)),
  ];
}

/** The panel that a command is for: the one whose title bar or menu it was chosen from, else the active one. */
export function panelFor(panels: Panels, args: readonly unknown[]): PanelHost {
  const panel = chosenPanel(panels, args) ?? panels.active;
  panels.activate(panel);
  return panel;
}

/** undefined: the command comes from elsewhere, as from the palette. */
function chosenPanel(panels: Panels, args: readonly unknown[]): PanelHost | undefined {
  const [from] = args;
  if (isObject(from) && 'webview' in from) return from.webview === views.picks ? panels.side : panels.activeTab;
  // VS Code says in which group a tab is of whose title bar a command comes; of a view's it passes on nothing, once.
  if (args.some((arg) => isObject(arg) && 'groupId' in arg)) return panels.activeTab;
  return args.length > 0 ? panels.side : undefined;
}

/** @param row What the panel wrote into data-vscode-context of an endpoint's row. */
async function askWhy(panels: Panels, row: unknown): Promise<void> {
  if (!isObject(row) || typeof row.endpoint !== 'number') return;
  await panelFor(panels, [row]).do({ name: 'ask', endpoint: row.endpoint });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
