import { l10n, StatusBarAlignment, window } from 'vscode';
import { commands } from '../contributions';
import type { NodePrograms } from '../launch/nodePrograms';

/** Says in the status bar that Node programs are made attachable; there only while they are. */
export class NodeProgramsItem {
  readonly #item = window.createStatusBarItem('nodePrograms', StatusBarAlignment.Left);

  constructor(private readonly programs: NodePrograms) {
    this.#item.name = l10n.t('Pickscope: Node Programs');
    this.#item.text = `$(plug) ${l10n.t('Node attachable')}`;
    this.#item.tooltip = l10n.t(
      'Pickscope can attach to Node programs that you start in a new terminal, or debug. Click to stop this.',
    );
    this.#item.accessibilityInformation = { label: this.#item.tooltip, role: 'button' };
    this.#item.command = commands.stopNodeAttachable;
    programs.onDidChange(() => this.#update());
    this.#update();
  }

  dispose(): void {
    this.#item.dispose();
  }

  #update(): void {
    if (this.programs.on) this.#item.show();
    else this.#item.hide();
  }
}
