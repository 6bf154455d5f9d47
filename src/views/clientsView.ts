import { EventEmitter, l10n, ThemeColor, ThemeIcon, TreeItem, window } from 'vscode';
import type { TreeDataProvider, TreeView } from 'vscode';
import type { Attachments } from '../attachment/attachments';
import type { AttachmentState } from '../attachment/attachmentState';
import { knownClients, type KnownClient } from '../attachment/knownClients';
import type { Recorder } from '../attachment/recorder';
import { commands, treeItems, views } from '../contributions';
import type { Discovery, Watch } from '../discovery/discovery';
import type { ClientModel } from '../model/clientModel';
import { software } from '../model/process';
import { lossText, refusalText } from './failureText';
import { clientDescription, stateText } from './clientText';

/** The tree of clients: attached ones first, then those that can be attached to. */
export class ClientsView implements TreeDataProvider<KnownClient> {
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #tree: TreeView<KnownClient>;
  #watching: Watch | undefined;

  constructor(
    private readonly attachments: Attachments,
    private readonly discovery: Discovery,
    private readonly recorder: Recorder,
  ) {
    this.#tree = window.createTreeView(views.clients, { treeDataProvider: this });
    this.#tree.onDidChangeVisibility(() => this.#visibilityChanged());
    this.#visibilityChanged();
    const changed = () => {
      this.#tree.message = problemsText(discovery.problems.length);
      this.#changed.fire(undefined);
    };
    attachments.on('change', changed);
    discovery.on('change', changed);
    recorder.on('change', changed);
  }

  getChildren(parent?: KnownClient): KnownClient[] {
    return parent ? [] : knownClients(this.attachments.all, this.discovery.clients);
  }

  getTreeItem(client: KnownClient): TreeItem {
    const { id, identity, attachment } = client;
    const item = new TreeItem({ label: identity.name });
    item.id = id;
    const recorded = this.recorder.of(id) !== undefined;
    const description = clientDescription(identity);
    item.description = recorded ? `● ${l10n.t('recording')} · ${description}` : description;
    item.iconPath = iconOf(attachment?.state);
    item.contextValue = contextOf(attachment?.state, recorded);
    item.command = attachment
      ? { command: commands.select, title: l10n.t('Show'), arguments: [id] }
      : { command: commands.attachTo, title: l10n.t('Attach'), arguments: [id] };
    item.accessibilityInformation = { label: `${identity.name}, ${stateText(attachment?.state)}, ${item.description}` };
    return item;
  }

  /** Not before it is looked at: what a client says of its channels changes, and the tree is not told. */
  resolveTreeItem(item: TreeItem, client: KnownClient): TreeItem {
    // A plain string: what a client says of itself is never Markdown.
    item.tooltip = tooltipOf(client);
    return item;
  }

  dispose(): void {
    this.#watching?.dispose();
    this.#tree.dispose();
    this.#changed.dispose();
  }

  #visibilityChanged(): void {
    this.#watching?.dispose();
    this.#watching = this.#tree.visible ? this.discovery.watch() : undefined;
  }
}

function problemsText(count: number): string | undefined {
  if (count === 0) return undefined;
  return l10n.t('{0} folders or descriptors of clients cannot be used; the log says why.', count);
}

function tooltipOf({ identity, address, attachment }: KnownClient): string {
  const lines = [`${identity.name}: ${stateText(attachment?.state)}`];
  if (attachment?.state.kind === 'lost') lines.push(lossText(attachment.state.loss, attachment.target));
  if (attachment?.state.kind === 'refused')
    lines.push(refusalText(attachment.state.refusal, attachment.target, identity));
  if (identity.pid !== 0) lines.push(l10n.t('Process {0} on {1}', identity.pid, identity.hostName));
  lines.push(address);
  if (attachment?.model.process) lines.push(software(attachment.model.process));
  if (attachment) lines.push(...warningsOf(attachment.model));
  return lines.join('\n');
}

/** What the reader of the client's picks should know. */
function warningsOf(model: ClientModel): string[] {
  const notes = model
    .policyNotes()
    .map(({ target, policy, note }) =>
      l10n.t('{0} runs {1}, though the program asked for another policy. {2}', target, policy, note),
    );
  const limitations = model.process?.limitations ?? [];
  return [...notes, ...limitations.map((limitation) => l10n.t('Cannot be seen: {0}', limitation))];
}

function iconOf(state: AttachmentState | undefined): ThemeIcon {
  switch (state?.kind) {
    case undefined:
      return new ThemeIcon('circle-outline');
    case 'connecting':
      return new ThemeIcon('loading~spin');
    case 'live':
      return new ThemeIcon('circle-filled', new ThemeColor('testing.iconPassed'));
    case 'lost':
      return new ThemeIcon('debug-disconnect', new ThemeColor('list.warningForeground'));
    case 'refused':
      return new ThemeIcon('error', new ThemeColor('list.errorForeground'));
  }
}

function contextOf(state: AttachmentState | undefined, recorded: boolean): string {
  if (!state) return treeItems.available;
  if (recorded) return treeItems.recording;
  return state.kind === 'lost' || state.kind === 'refused' ? treeItems.retryable : treeItems.attached;
}
