import { l10n, StatusBarAlignment, window } from 'vscode';
import { commands } from '../contributions';
import type { AttachablePrograms } from '../launch/attachablePrograms';

/** Says in the status bar that programs are made attachable; there only while they are. */
export class AttachableItem {
  readonly #item = window.createStatusBarItem('attachablePrograms', StatusBarAlignment.Left);

  constructor(private readonly programs: AttachablePrograms) {
    this.#item.name = l10n.t('Pickscope: Attachable Programs');
    this.#item.text = `$(plug) ${l10n.t('Programs attachable')}`;
    this.#item.tooltip = l10n.t(
      'Pickscope can attach to Node programs, and to Go programs with its import, that you start in a new terminal, or debug. Click to stop this.',
    );
    this.#item.accessibilityInformation = { label: this.#item.tooltip, role: 'button' };
    this.#item.command = commands.stopAttachable;
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
