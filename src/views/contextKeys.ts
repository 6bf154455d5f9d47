import { commands } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import { contexts } from '../contributions';
import type { NodePrograms } from '../launch/nodePrograms';

/** Keeps the context keys of when-clauses; VS Code is told only what has changed. */
export class ContextKeys {
  readonly #known = new Map<string, boolean>();

  constructor(
    private readonly attachments: Attachments,
    private readonly programs: NodePrograms,
  ) {
    attachments.on('change', () => this.#update());
    programs.onDidChange(() => this.#update());
    this.#update();
  }

  setPaused(paused: boolean): void {
    this.#set(contexts.paused, paused);
  }

  #update(): void {
    const { selected } = this.attachments;
    this.#set(contexts.attached, selected !== undefined);
    this.#set(contexts.nodeAttachable, this.programs.on);
    this.#set(contexts.retryable, selected?.state.kind === 'lost' || selected?.state.kind === 'refused');
  }

  #set(key: string, value: boolean): void {
    if (this.#known.get(key) === value) return;
    this.#known.set(key, value);
    void commands.executeCommand('setContext', key, value);
  }
}
