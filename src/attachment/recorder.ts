import { EventEmitter } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { delimited, recordingHeader } from '@pickscope/protocol/recording';
import type { StreamMessage } from '../model/streamMessage';
import { untrustedText } from '../model/untrustedText';
import type { Attachment } from './attachment';
import type { Attachments } from './attachments';
import type { AttachmentState, Refusal } from './attachmentState';
import { Connection, type ConnectionOptions, type Sink } from './connection';
import { openPrivately } from './privateFile';

/** What was received is in the file after this time at the latest, however VS Code ends. */
const flushMs = 1000;
/** Bytes that wait to be written; with more than that, the client waits. */
const maxWaiting = 256 * 1024;
/** Rows of this time before a heartbeat may come after it: they are asked for again. Ns. */
const overlapNs = 1_000_000_000n;

/** Why nothing is recorded any more. */
export type RecordingFailure =
  /** Of the file: no room, no permission. In English, the system's words. */
  { readonly kind: 'file'; readonly detail: string } | Refusal;

export interface RecorderEvents {
  /** One began, or ended. */
  change: [];
  /** More was written. */
  progress: [];
  failed: [recording: Recording, failure: RecordingFailure];
}

export type RecorderOptions = Omit<ConnectionOptions, 'mayRetry'> & {
  readonly attachments: Attachments;
};

/** Writes what attached clients send to files: one file a client at a time, by a stream of its own. */
export class Recorder extends EventEmitter<RecorderEvents> {
  readonly #all = new Map<string, Recording>();

  constructor(private readonly options: RecorderOptions) {
    super();
    options.attachments.on('change', () => this.#follow());
  }

  /** What is recorded of the client with this id; undefined: nothing is. */
  of(id: string): Recording | undefined {
    return this.#all.get(id);
  }

  get all(): readonly Recording[] {
    return [...this.#all.values()];
  }

  /**
   * Writes all that the client sends from now on, and before that what it kept, over what is in the file.
   *
   * @throws Error that says why there is no file.
   */
  async start(attachment: Attachment, file: string): Promise<void> {
    if (this.#all.has(attachment.id)) return;
    const output = await RecordingFile.create(file);
    const recording: Recording = new Recording(attachment, output, {
      ...this.options,
      onProgress: () => this.emit('progress'),
      onFailure: (failure) => void this.#end(recording, failure),
    });
    this.#all.set(attachment.id, recording);
    this.emit('change');
  }

  /** Ends the file. @returns What was recorded; undefined: nothing was. */
  async stop(id: string): Promise<Recording | undefined> {
    const recording = this.#all.get(id);
    if (recording) await this.#end(recording);
    return recording;
  }

  /** Ends all files; to be awaited before VS Code goes. */
  async stopAll(): Promise<void> {
    await Promise.all(this.all.map((recording) => this.#end(recording)));
  }

  async #end(recording: Recording, failure?: RecordingFailure): Promise<void> {
    if (!this.#all.delete(recording.client)) return;
    const unwritten = await recording.end();
    this.emit('change');
    const wrong = failure ?? unwritten;
    if (wrong) this.emit('failed', recording, wrong);
  }

  /** A client that was detached is no longer recorded; one that was restarted still is. */
  #follow(): void {
    for (const recording of this.all) {
      const attachment = this.options.attachments.get(recording.client);
      if (attachment) recording.follow(attachment);
      else void this.#end(recording);
    }
  }
}

interface RecordingOptions extends Omit<RecorderOptions, 'attachments'> {
  readonly onProgress: () => void;
  readonly onFailure: (failure: RecordingFailure) => void;
}

/** One client that is written to one file. */
export class Recording implements Sink {
  /** Id of the attachment. */
  readonly client: string;
  readonly name: string;
  readonly sinceMs = Date.now();
  readonly #connection: Connection;
  readonly #flushing: NodeJS.Timeout;
  /** The process of the present stream, and the newest moment that it told of, in its ns. */
  #instance = '';
  #newestNs = 0n;

  constructor(
    attachment: Attachment,
    private readonly output: RecordingFile,
    private readonly options: RecordingOptions,
  ) {
    this.client = attachment.id;
    this.name = attachment.identity.name;
    this.#connection = new Connection(attachment.target, this, { ...options, mayRetry: () => true });
    this.#connection.on('change', () => this.#stateChanged(this.#connection.state));
    this.#flushing = setInterval(() => void this.#flush(), flushMs);
  }

  get file(): string {
    return this.output.path;
  }

  /** How many are in the file, or on the way to it. */
  get bytes(): number {
    return this.output.bytes;
  }

  /** Goes on with the process that the attachment is about now. */
  follow({ target }: Attachment): void {
    const { target: before } = this.#connection;
    if (target.kind !== 'client' || before.kind !== 'client') return;
    if (target.client.instance !== before.client.instance) this.#connection.follow(target.client);
  }

  apply(message: StreamMessage, bytes: Uint8Array): void | Promise<void> {
    const { body } = message;
    if (body.case === 'process') {
      const instance = untrustedText(body.value.instance);
      if (instance !== this.#instance) this.#newestNs = 0n;
      this.#instance = instance;
    } else if (body.case === 'heartbeat' && body.value.clock) {
      const { monotonicNs } = body.value.clock;
      if (monotonicNs > this.#newestNs) this.#newestNs = monotonicNs;
    }
    this.output.add(delimited(bytes));
    if (this.output.waiting > maxWaiting) return this.#flush();
  }

  rowsSince(instance: string): bigint {
    const known = untrustedText(instance) === this.#instance && this.#newestNs > overlapNs;
    return known ? this.#newestNs - overlapNs : 0n;
  }

  /** @returns Why the last of it is not in the file; undefined: all is. */
  async end(): Promise<RecordingFailure | undefined> {
    clearInterval(this.#flushing);
    this.#connection.dispose();
    try {
      await this.output.close();
      return undefined;
    } catch (error) {
      return fileFailure(error);
    }
  }

  async #flush(): Promise<void> {
    try {
      await this.output.flush();
      this.options.onProgress();
    } catch (error) {
      this.options.onFailure(fileFailure(error));
    }
  }

  #stateChanged(state: AttachmentState): void {
    if (state.kind === 'refused') this.options.onFailure(state.refusal);
    else this.options.onProgress();
  }
}

/** A recording file that grows: whole messages, in order. */
class RecordingFile {
  bytes = 0;
  #chunks: Uint8Array[] = [];
  #waiting = 0;
  #written = 0;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** For the user alone, also where it was there before. @throws Error that says why there is none. */
  static async create(path: string): Promise<RecordingFile> {
    const file = new RecordingFile(path, await openPrivately(path));
    file.add(recordingHeader());
    return file;
  }

  /** Bytes that are not in the file yet. */
  get waiting(): number {
    return this.#waiting;
  }

  add(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#waiting += bytes.length;
    this.bytes += bytes.length;
  }

  /** @throws Error of the system; the file then ends with the last message that is there whole. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    try {
      await this.flush();
    } finally {
      await this.handle.close();
    }
  }

  async #write(): Promise<void> {
    if (this.#chunks.length === 0) return;
    const bytes = Buffer.concat(this.#chunks.splice(0));
    this.#waiting = 0;
    try {
      await this.handle.appendFile(bytes);
      this.#written += bytes.length;
    } catch (error) {
      await this.handle.truncate(this.#written).catch(() => undefined);
      throw error;
    }
  }
}

function fileFailure(error: unknown): RecordingFailure {
  return { kind: 'file', detail: error instanceof Error ? error.message : String(error) };
}
