import { l10n, StatusBarAlignment, ThemeColor, window } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import type { AttachmentState } from '../attachment/attachmentState';
import type { Recorder } from '../attachment/recorder';
import { commands } from '../contributions';
import { stateText } from './clientText';
import { plainLabel } from './plainLabel';

/** Longest client name in the status bar, in characters. */
const maxNameLength = 24;

/** One short item, there only while something is attached. */
export class StatusBar {
  readonly #item = window.createStatusBarItem('attachment', StatusBarAlignment.Left);

  constructor(
    private readonly attachments: Attachments,
    private readonly recorder: Recorder,
  ) {
    this.#item.name = 'Pickscope';
    attachments.on('change', () => this.#update());
    recorder.on('change', () => this.#update());
    this.#update();
  }

  dispose(): void {
    this.#item.dispose();
  }

  #update(): void {
    const { selected, all } = this.attachments;
    if (!selected) {
      this.#item.hide();
      return;
    }
    const { state, identity } = selected;
    const others = all.length > 1 ? ` +${all.length - 1}` : '';
    const recorded = this.recorder.all.map(({ name }) => name);
    const sign = recorded.length > 0 ? '$(record) ' : '';
    this.#item.text = `${sign}$(${iconOf(state)}) ${plainLabel(shorten(identity.name))}${others}`;
    const what = `Pickscope: ${identity.name}, ${stateText(state)}`;
    this.#item.tooltip = recorded.length > 0 ? `${what}. ${l10n.t('Recording: {0}', recorded.join(', '))}` : what;
    this.#item.accessibilityInformation = { label: this.#item.tooltip, role: 'button' };
    this.#item.backgroundColor =
      state.kind === 'lost' || state.kind === 'refused' ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    // With several clients, the click offers the choice.
    this.#item.command =
      all.length > 1
        ? { command: commands.select, title: l10n.t('Switch Client') }
        : { command: commands.focus, title: l10n.t('Show Picks') };
    this.#item.show();
  }
}

function iconOf(state: AttachmentState): string {
  switch (state.kind) {
    case 'connecting':
      return 'loading~spin';
    case 'live':
      return 'pulse';
    case 'lost':
      return 'debug-disconnect';
    case 'refused':
      return 'error';
  }
}

function shorten(name: string): string {
  return name.length <= maxNameLength ? name : `${name.slice(0, maxNameLength - 1)}…`;
}
