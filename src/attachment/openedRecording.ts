import { EventEmitter } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { RecordingError, RecordingFault } from '@pickscope/protocol/recording';
import { ClientModel } from '../model/clientModel';
import type { ReadLength, ReadMessages } from './recordingMessages';

/** Of a longer recording its last part of this length is shown. */
export const longestReachMs = 4 * 60 * 60 * 1000;
/** The newest second is not complete before a heartbeat has said so, and the oldest began before the first one. */
const slackMs = 5000;

/** Single picks take several times the bytes that they take in the file. */
const budgetPerByte = 8;
const leastBudgetBytes = 40_000_000;
const largestBudgetBytes = 512_000_000;

/** Bytes that are read, decoded and applied before anything else has its turn. */
const chunkBytes = 256 * 1024;

/** Why a recording is not shown to its end, or not from its beginning. */
export type RecordingDamage =
  | { readonly kind: RecordingFault }
  /** The file itself cannot be read: the system's words, in English. */
  | { readonly kind: 'file'; readonly detail: string }
  | { readonly kind: 'long' };

/** Where the bytes are: a file on this machine, or what another file system gave. */
export type RecordingBytes = { readonly path: string } | { readonly bytes: Uint8Array };

export interface OpenedRecordingOptions {
  /** Bytes of single picks that are kept of an attached client. */
  readonly pickBudgetBytes: number;
  /** Loads the decoder, which is not loaded before. */
  readonly loadReader: () => Promise<{ readonly recordedMessages: ReadMessages; readonly recordedMs: ReadLength }>;
}

/** A recording that is being read, or was. */
export class OpenedRecording extends EventEmitter<{ change: [] }> {
  /** undefined: how long it is, is not known yet. */
  model: ClientModel | undefined;
  damage: RecordingDamage | undefined;
  /** How much of it was read, 0..1. */
  read = 0;
  /** Settles when all of it was read that can be; never rejects. */
  readonly whole: Promise<void>;
  #closed = false;

  constructor(
    source: RecordingBytes | Promise<RecordingBytes>,
    private readonly options: OpenedRecordingOptions,
  ) {
    super();
    this.whole = this.#readAll(source).catch((error: unknown) => this.#end(damageOf(error)));
  }

  /** Stops reading. */
  close(): void {
    this.#closed = true;
    this.removeAllListeners();
  }

  async #readAll(given: RecordingBytes | Promise<RecordingBytes>): Promise<void> {
    const source = await given;
    const size = 'path' in source ? (await stat(source.path)).size : source.bytes.length;
    const { recordedMessages, recordedMs } = await this.options.loadReader();
    const lengthMs = await recordedMs(this.#chunks(source));
    if (lengthMs > longestReachMs) this.damage = { kind: 'long' };
    this.model = new ClientModel({
      pickBudgetBytes: pickBudget(this.options.pickBudgetBytes, size),
      reachMs: Math.min(longestReachMs, lengthMs + slackMs),
    });
    this.emit('change');
    const chunks = this.#chunks(source, (bytes) => (this.read = Math.min(1, bytes / size)));
    for await (const message of recordedMessages(chunks)) this.model.apply(message);
    this.#end(this.damage);
  }

  async *#chunks(source: RecordingBytes, onRead?: (bytes: number) => void): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of chunksOf(source)) {
      if (this.#closed) return;
      yield chunk;
      bytes += chunk.length;
      onRead?.(bytes);
    }
  }

  #end(damage: RecordingDamage | undefined): void {
    this.damage = damage;
    this.read = 1;
    this.emit('change');
  }
}

function pickBudget(setting: number, fileBytes: number): number {
  return Math.max(setting, leastBudgetBytes, Math.min(largestBudgetBytes, budgetPerByte * fileBytes));
}

async function* chunksOf(source: RecordingBytes): AsyncGenerator<Uint8Array> {
  if ('path' in source) {
    yield* createReadStream(source.path, { highWaterMark: chunkBytes }) as AsyncIterable<Uint8Array>;
    return;
  }
  for (let at = 0; at < source.bytes.length; at += chunkBytes) {
    yield source.bytes.subarray(at, at + chunkBytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function damageOf(error: unknown): RecordingDamage {
  // It comes from another bundle, whose class is another one.
  if (error instanceof Error && 'fault' in error) return { kind: (error as RecordingError).fault };
  return { kind: 'file', detail: error instanceof Error ? error.message : String(error) };
}
