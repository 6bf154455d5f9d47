import { commands } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import type { Recorder } from '../attachment/recorder';
import { contexts } from '../contributions';
import type { AttachablePrograms } from '../launch/attachablePrograms';
import type { Panels } from './panels';

/** Keeps the context keys of when-clauses; VS Code is told only what has changed. */
export class ContextKeys {
  readonly #known = new Map<string, boolean>();

  constructor(
    private readonly attachments: Attachments,
    private readonly programs: AttachablePrograms,
    private readonly recorder: Recorder,
    private readonly panels: Panels,
  ) {
    attachments.on('change', () => this.#update());
    recorder.on('change', () => this.#update());
    panels.onDidChange(() => this.#update());
    programs.onDidChange(() => this.#update());
    this.#update();
  }

  #update(): void {
    const { selected } = this.attachments;
    this.#set(contexts.attached, selected !== undefined);
    this.#set(contexts.programsAttachable, this.programs.on);
    this.#set(contexts.paused, this.panels.side.query?.untilMs !== undefined);
    this.#set(contexts.tabPaused, this.panels.activeTab?.query?.untilMs !== undefined);
    for (const { query } of [this.panels.side, this.panels.active]) {
      if (query?.inspect !== undefined) this.#set(contexts.inspected, true);
      if (query?.ask !== undefined) this.#set(contexts.asked, true);
    }
    this.#set(contexts.isRecording, selected !== undefined && this.recorder.of(selected.id) !== undefined);
    this.#set(contexts.retryable, selected?.state.kind === 'lost' || selected?.state.kind === 'refused');
  }

  #set(key: string, value: boolean): void {
    if (this.#known.get(key) === value) return;
    this.#known.set(key, value);
    void commands.executeCommand('setContext', key, value);
  }
}
