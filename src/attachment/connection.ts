import { EventEmitter } from 'node:events';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import type { LogOutputChannel } from 'vscode';
import type { StreamMessage } from '../model/streamMessage';
import { next, type AttachmentEvent, type AttachmentState, type Failure } from './attachmentState';
import type { StreamEvent, StreamOptions } from './stream';
import { addressOf, identityOf, isSecure, presentable, type Identity, type Target } from './target';

/** A client sends a heartbeat each second; after this long without any message it is taken for lost. */
const defaultSilenceMs = 5000;

/** A timer that is later than this says that nothing was read meanwhile. */
const lateMs = 250;

/** What takes the messages of a connection's streams, in order. */
export interface Sink {
  /** The next message, and its bytes. A promise: no other is taken before it settles; rejected: the stream is given up. */
  apply(message: StreamMessage, bytes: Uint8Array): void | Promise<void>;
  /** Up to when all rows of the process with this instance are there already, in its ns. */
  rowsSince(instance: string): bigint;
}

export interface ConnectionOptions {
  /** Loads gRPC, which is not loaded before. */
  readonly loadStream: () => Promise<(options: StreamOptions) => AsyncIterable<StreamEvent>>;
  /** The token that a person entered for an address; '' if there is none. */
  readonly tokenFor: (address: string) => Promise<string>;
  /** Path of a PEM file with further roots for TLS; '' where it is not given. */
  readonly tlsRootsFile?: () => string;
  /** Whether to try again by itself after a loss. */
  readonly mayRetry: () => boolean;
  readonly log: Pick<LogOutputChannel, 'info' | 'warn'>;
  /** 5000 where it is not given. */
  readonly silenceMs?: number;
}

type Change = AttachmentEvent extends infer E ? (E extends AttachmentEvent ? Omit<E, 'nowMs'> : never) : never;

/** Keeps a stream to one client open, hands on what comes, and tries again after a loss. */
export class Connection extends EventEmitter<{ change: [] }> {
  #target: Target;
  #identity: Identity;
  #state!: AttachmentState;
  #stream = new AbortController();
  #retry: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  /** When the last message came, by the clock of `performance`. */
  #heardMs = 0;
  readonly #silenceMs: number;

  /** Connects at once; with `lostMs` waits for the client to come back instead, as after a window reload. */
  constructor(
    target: Target,
    private readonly sink: Sink,
    private readonly options: ConnectionOptions,
    lostMs?: number,
  ) {
    super();
    this.#silenceMs = options.silenceMs ?? defaultSilenceMs;
    this.#target = target;
    this.#identity = identityOf(target);
    if (lostMs === undefined) this.open();
    else this.#state = { kind: 'lost', atMs: lostMs, loss: { kind: 'gone' }, nextTryMs: null, tries: 0 };
  }

  get state(): AttachmentState {
    return this.#state;
  }

  get target(): Target {
    return this.#target;
  }

  get identity(): Identity {
    return this.#identity;
  }

  /** Tries now, whatever the state; a stream that is open is closed before. */
  open(): void {
    this.#close();
    this.#stream = new AbortController();
    this.#apply({ type: 'opened' });
    void this.#run(this.#stream.signal);
  }

  /** Goes on with the same program's new process, and keeps what is known. */
  follow(client: Descriptor): void {
    this.options.log.info(`${this.#identity.name}: going on with process ${client.pid}.`);
    this.#target = { kind: 'client', client };
    this.#identity = identityOf(this.#target);
    this.open();
  }

  /**
   * There is nothing to try again with until the client makes itself known again.
   *
   * @param ended Whether its process provably has ended.
   */
  waitForReturn(ended: boolean): void {
    this.#close();
    this.#apply({ type: 'gone', ended });
  }

  dispose(): void {
    this.#close();
    this.removeAllListeners();
  }

  #close(): void {
    this.#stream.abort();
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
  }

  async #run(signal: AbortSignal): Promise<void> {
    try {
      const access = await this.#access();
      const readStream = await this.options.loadStream();
      signal.throwIfAborted();
      const rowsSince = (instance: string) => this.sink.rowsSince(instance);
      for await (const event of readStream({ ...access, rowsSince, signal, answerTimeoutMs: this.#silenceMs })) {
        if (signal.aborted) return;
        const taken = this.#receive(event);
        if (taken) await taken;
      }
    } catch (error) {
      if (!signal.aborted)
        this.#fail({ kind: 'failed', detail: error instanceof Error ? error.message : String(error) });
    }
  }

  async #access(): Promise<Pick<StreamOptions, 'address' | 'token' | 'trust'>> {
    if (this.#target.kind === 'client') {
      const { address, token, certificate } = this.#target.client;
      return { address, token, ...(certificate !== undefined && { trust: { certificate } }) };
    }
    const { address } = this.#target;
    const trust = isSecure(address) ? { trust: { rootsFile: this.options.tlsRootsFile?.() ?? '' } } : {};
    return { address, token: await this.options.tokenFor(address), ...trust };
  }

  /** @returns A promise where the next event has to wait. */
  #receive(event: StreamEvent): void | Promise<void> {
    switch (event.type) {
      case 'connected':
        this.#apply({ type: 'connected' });
        break;
      case 'described':
        if (event.process) this.#identity = presentable(event.process);
        this.#watchSilence();
        this.#apply({ type: 'described', protocol: event.protocol });
        break;
      case 'message':
        return this.#take(event.message, event.bytes);
      case 'ended':
        this.#fail(event.failure);
    }
  }

  #take(message: StreamMessage, bytes: Uint8Array): void | Promise<void> {
    this.#heardMs = performance.now();
    const taken = this.sink.apply(message, bytes);
    if (message.body.case === 'snapshotEnd') this.#apply({ type: 'snapshotEnded' });
    return taken;
  }

  /** A stopped process keeps its connection open, and says nothing. */
  #watchSilence(): void {
    this.#heardMs = performance.now();
    this.#expectWithin(this.#silenceMs);
  }

  #expectWithin(ms: number): void {
    clearTimeout(this.#silence);
    const dueMs = performance.now() + ms;
    this.#silence = setTimeout(() => {
      const nowMs = performance.now();
      const leftMs = this.#heardMs + this.#silenceMs - nowMs;
      // Where this window was late itself, suspended or busy, what the client said is still to be read.
      if (leftMs > 0) this.#expectWithin(leftMs);
      else if (nowMs - dueMs > lateMs) this.#watchSilence();
      else this.#fail({ kind: 'silent' });
    }, ms);
  }

  #fail(failure: Failure): void {
    this.#close();
    this.#apply({ type: 'failed', failure, retry: this.options.mayRetry(), random: Math.random() });
    const nextTryMs = 'nextTryMs' in this.#state ? this.#state.nextTryMs : null;
    if (nextTryMs !== null) this.#retry = setTimeout(() => this.open(), Math.max(0, nextTryMs - Date.now()));
  }

  #apply(change: Change): void {
    const before = this.#state as AttachmentState | undefined;
    this.#state = next(before, { ...change, nowMs: Date.now() });
    if (this.#state === before) return;
    this.#log(change);
    this.emit('change');
  }

  #log({ type }: Change): void {
    const { log } = this.options;
    const who = `${this.#identity.name} (${addressOf(this.#target)})`;
    const state = this.#state;
    if (state.kind !== 'lost' && state.kind !== 'refused') {
      log.info(`${who}: ${type === 'snapshotEnded' ? 'attached' : type}.`);
      return;
    }
    if (type === 'opened') {
      log.info(`${who}: trying again, try ${state.tries}.`);
      return;
    }
    const failure = state.kind === 'refused' ? state.refusal : state.loss;
    const next =
      state.nextTryMs === null ? 'not trying again' : `trying again in ${Math.round(state.nextTryMs - Date.now())} ms`;
    log.warn(`${who}: ${state.kind}, ${describe(failure)}; ${next}.`);
  }
}

function describe(failure: Failure): string {
  return 'detail' in failure && failure.detail !== '' ? `${failure.kind} (${failure.detail})` : failure.kind;
}
