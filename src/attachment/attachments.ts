import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import { isProcessGone, type Descriptor } from '@pickscope/protocol/descriptor';
import type { Memento } from 'vscode';
import type { DiscoveredClient, Discovery, Watch } from '../discovery/discovery';
import { Attachment, type AttachmentOptions } from './attachment';
import { idOf, isSameProgram, presentable, type Target } from './target';

const memoryKey = 'attachments';
/** A client that was attached, but has ended, is waited for after a window reload; not the next day. */
const maxAbsenceMs = 10 * 60_000;

/** A busy window may notice a loss only when the new process runs already. */
const noticeMs = 1000;

/** What outlives the window, in the workspace's memory. The token does not: it is in the descriptor, or among secrets. */
interface Remembered {
  /** What tabs in the editor know it by, whatever process it is now. Older windows did not write it down. */
  readonly id?: string;
  readonly target: Target;
  readonly selected: boolean;
  /** When the window was last known to be attached, milliseconds since the Unix epoch. */
  readonly seenMs: number;
}

export interface AttachmentsOptions extends Omit<AttachmentOptions, 'pickBudgetBytes' | 'mayRetry' | 'id'> {
  readonly discovery: Discovery;
  readonly memory: Memento;
  readonly pickBudgetBytes: () => number;
  readonly reattach: () => boolean;
  /** Names of clients to attach to as soon as they are found. */
  readonly autoAttach: () => readonly string[];
}

/** All attached clients, one of them selected; brings back those that restart. */
export class Attachments extends EventEmitter<{ change: [] }> {
  readonly #all = new Map<string, Attachment>();
  #selected: Attachment | undefined;
  #waiting: Watch | undefined;
  /** Instances that a person detached: not to be attached by themselves again. */
  readonly #dismissed = new Set<string>();
  /** By id, of those that are lost or refused: the first scan that began after that. */
  readonly #scanAfterLoss = new Map<string, number>();
  readonly #onScanned = () => this.#meetDiscovered();

  constructor(private readonly options: AttachmentsOptions) {
    super();
    options.discovery.on('scanned', this.#onScanned);
  }

  get all(): readonly Attachment[] {
    return [...this.#all.values()];
  }

  get selected(): Attachment | undefined {
    return this.#selected;
  }

  get(id: string): Attachment | undefined {
    return this.#all.get(id);
  }

  /** The attachment that holds this client now, also after restarts. */
  ofInstance(instance: string): Attachment | undefined {
    return this.all.find(({ target }) => target.kind === 'client' && target.client.instance === instance);
  }

  /** Attaches and selects; what is attached already is selected, and tried again unless it is live. */
  attach(target: Target): Attachment {
    const known = target.kind === 'client' ? this.ofInstance(target.client.instance) : this.#all.get(idOf(target));
    const attachment = known ?? this.#add(target);
    if (known && isDown(known)) this.retry(known.id);
    this.select(attachment.id);
    return attachment;
  }

  select(id: string): void {
    this.#selected = this.#all.get(id) ?? this.#selected;
    this.#changed();
  }

  detach(id: string): void {
    const attachment = this.#all.get(id);
    if (!attachment) return;
    if (attachment.target.kind === 'client') this.#dismissed.add(attachment.target.client.instance);
    attachment.dispose();
    this.#all.delete(id);
    this.#scanAfterLoss.delete(id);
    if (this.#selected === attachment) this.#selected = this.all.at(-1);
    this.#changed();
  }

  /** Tries a lost or refused one now: with the process that came after it, if there is one. */
  retry(id: string): void {
    const attachment = this.#all.get(id);
    if (!attachment) return;
    const successor = this.#successorOf(attachment);
    if (successor) attachment.follow(successor);
    else attachment.open();
  }

  /** Attaches what was attached before the window was reloaded. */
  async restore(): Promise<void> {
    const remembered = this.options.memory.get<Remembered[]>(memoryKey, []);
    if (remembered.length > 0 && this.options.reattach()) {
      await this.options.discovery.scan();
      for (const one of remembered) this.#restoreOne(one);
    }
    this.#changed();
  }

  /** To be called when a setting has changed. */
  settingsChanged(): void {
    this.#meetDiscovered();
    this.#changed();
  }

  /** Writes down what is attached; also to be called, and awaited, when the window closes. */
  async remember(): Promise<void> {
    const remembered = this.all.map(({ id, target, state }): Remembered => ({
      id,
      target: target.kind === 'client' ? { ...target, client: { ...target.client, token: '' } } : target,
      selected: id === this.#selected?.id,
      seenMs: 'atMs' in state ? state.atMs : Date.now(),
    }));
    await this.options.memory.update(memoryKey, remembered);
  }

  dispose(): void {
    this.options.discovery.off('scanned', this.#onScanned);
    this.#waiting?.dispose();
    for (const attachment of this.#all.values()) attachment.dispose();
    this.removeAllListeners();
  }

  #add(target: Target, { id, lostMs }: { readonly id?: string; readonly lostMs?: number } = {}): Attachment {
    const { pickBudgetBytes, reattach } = this.options;
    const options = {
      ...this.options,
      pickBudgetBytes: pickBudgetBytes(),
      mayRetry: reattach,
      ...(id !== undefined && { id }),
    };
    const attachment = new Attachment(target, options, lostMs);
    this.#all.set(attachment.id, attachment);
    attachment.on('change', () => {
      this.#noteLoss(attachment);
      this.#changed();
    });
    this.#noteLoss(attachment);
    return attachment;
  }

  #noteLoss(attachment: Attachment): void {
    const { id } = attachment;
    if (!isDown(attachment)) this.#scanAfterLoss.delete(id);
    else if (!this.#scanAfterLoss.has(id)) this.#scanAfterLoss.set(id, this.options.discovery.scans + 1);
  }

  #restoreOne(remembered: Remembered): void {
    const { target, selected } = remembered;
    const attachment = target.kind === 'address' ? this.#add(target) : this.#restoreClient(target.client, remembered);
    if (attachment && (selected || !this.#selected)) this.#selected = attachment;
  }

  #restoreClient(client: Descriptor, { id, seenMs }: Remembered): Attachment | undefined {
    const known = id === undefined ? {} : { id };
    const found = this.#discovered(client.instance);
    if (found) return this.ofInstance(client.instance) ?? this.#add({ kind: 'client', client: found }, known);
    if (Date.now() - seenMs > maxAbsenceMs) return undefined;
    return this.#add({ kind: 'client', client }, { ...known, lostMs: seenMs });
  }

  #meetDiscovered(): void {
    if (this.options.reattach()) for (const attachment of this.#all.values()) this.#bringBack(attachment);
    for (const { descriptor } of this.options.discovery.clients) this.#autoAttach(descriptor);
  }

  #bringBack(attachment: Attachment): void {
    const { state, target } = attachment;
    if (!isDown(attachment) || target.kind !== 'client') return;
    const successor = this.#successorOf(attachment);
    const same = this.#discovered(target.client.instance);
    if (successor) attachment.follow(successor);
    else if (!same) this.#miss(attachment, target.client);
    else if (hasMoved(target.client, same) || (state.kind === 'lost' && state.nextTryMs === null))
      attachment.follow(same);
  }

  /** Its descriptor is not there. While its process runs there is somebody to try again with, as far as the token is known. */
  #miss(attachment: Attachment, client: Descriptor): void {
    const ended = isProcessGone(client, hostname());
    const mayAnswer = !ended && client.hostName === hostname() && client.token !== '';
    if (!mayAnswer) attachment.waitForReturn(ended);
  }

  /** The same program, started after the loss. A twin that ran already is somebody else. */
  #successorOf(attachment: Attachment): Descriptor | undefined {
    if (!isDown(attachment) || attachment.target.kind !== 'client') return undefined;
    return this.options.discovery.clients.find(
      (client) =>
        this.#cameAfterLoss(client, attachment) &&
        isSameProgram(presentable(client.descriptor), attachment.identity) &&
        !this.ofInstance(client.descriptor.instance),
    )?.descriptor;
  }

  /** By the clock, which may have been set back meanwhile; or because a scan after the loss did not find it yet. */
  #cameAfterLoss({ appearedMs, foundBy }: DiscoveredClient, { id, state }: Attachment): boolean {
    const lostMs = 'atMs' in state ? state.atMs : Infinity;
    return appearedMs >= lostMs - noticeMs || foundBy > (this.#scanAfterLoss.get(id) ?? Infinity);
  }

  #discovered(instance: string): Descriptor | undefined {
    return this.options.discovery.clients.find(({ descriptor }) => descriptor.instance === instance)?.descriptor;
  }

  #autoAttach(client: Descriptor): void {
    if (!this.options.autoAttach().includes(client.name)) return;
    if (this.#dismissed.has(client.instance) || this.ofInstance(client.instance)) return;
    const attachment = this.#add({ kind: 'client', client });
    this.#selected ??= attachment;
    this.#changed();
  }

  #changed(): void {
    const lookOut =
      this.options.autoAttach().length > 0 ||
      (this.options.reattach() &&
        this.all.some((attachment) => isDown(attachment) && attachment.target.kind === 'client'));
    if (lookOut) this.#waiting ??= this.options.discovery.watch();
    else {
      this.#waiting?.dispose();
      this.#waiting = undefined;
    }
    this.remember().catch((error: unknown) =>
      this.options.log.warn(`Cannot remember what is attached: ${String(error)}`),
    );
    this.emit('change');
  }
}

function isDown({ state: { kind } }: Attachment): boolean {
  return kind === 'lost' || kind === 'refused';
}

/** Whether a client has made itself known anew, and what was known no longer leads to it. */
function hasMoved(before: Descriptor, now: Descriptor): boolean {
  return before.address !== now.address || before.token !== now.token || before.certificate !== now.certificate;
}
