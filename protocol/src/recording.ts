import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { sizeDelimitedPeek } from '@bufbuild/protobuf/wire';
import { WatchResponseSchema, type WatchResponse } from './generated/pickscope/v1/debug_pb.js';

/*
 * A recording file: 10 bytes of magic, the format's version as two bytes (little endian), then WatchResponse
 * messages, each behind its length as a varint. The messages are those of one Watch stream, so one decoder reads both; where
 * that was lost and opened again while it was recorded, the next one follows, which begins with a snapshot of its own.
 */

const magic = new TextEncoder().encode('PICKSCOPE\0');
const headerLength = magic.length + 2;

export const recordingVersion = 1;

/** A longer message is taken for damage, so that a broken length cannot claim the memory. Bytes. */
const maxMessageLength = 16 * 1024 * 1024;

/** What is wrong: it is no recording, of a newer version, cut off, or anything else. */
export type RecordingFault = 'foreign' | 'newer' | 'cut' | 'damaged';

export class RecordingError extends Error {
  override readonly name = 'RecordingError';

  constructor(
    readonly fault: RecordingFault,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The first bytes of a recording file. */
export function recordingHeader(): Uint8Array {
  const header = new Uint8Array(headerLength);
  header.set(magic);
  new DataView(header.buffer).setUint16(magic.length, recordingVersion, true);
  return header;
}

/**
 * A message as it stands in a recording file: its length, then its bytes.
 *
 * @param message Bytes: encoded already.
 */
export function encodeRecorded(message: WatchResponse | Uint8Array): Uint8Array {
  const bytes = message instanceof Uint8Array ? message : toBinary(WatchResponseSchema, message);
  return delimited(bytes);
}

/** An encoded message behind its length. */
export function delimited(message: Uint8Array): Uint8Array {
  const length: number[] = [];
  for (let rest = message.length; ; rest >>>= 7) {
    length.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) break;
  }
  const bytes = new Uint8Array(length.length + message.length);
  bytes.set(length);
  bytes.set(message, length.length);
  return bytes;
}

/**
 * Reads a recording, in chunks of any size.
 *
 * @throws RecordingError if it is no recording, of a newer version, damaged or cut off. Every message before the
 *   damage has been yielded by then, so nothing that is readable is lost.
 */
export async function* readRecording(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<WatchResponse> {
  for await (const bytes of readRecorded(chunks)) yield messageOf(bytes);
}

/**
 * Reads a recording's messages as they stand in it, still encoded; else as readRecording does.
 *
 * @returns Each message, in memory that is the chunk's.
 */
export async function* readRecorded(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  let headerRead = false;
  for await (const chunk of chunks) {
    rest = concatenate(rest, chunk);
    if (!headerRead) {
      if (rest.length < headerLength) continue;
      checkHeader(rest);
      rest = rest.subarray(headerLength);
      headerRead = true;
    }
    for (let next = takeMessage(rest); next; next = takeMessage(rest)) {
      yield next.message;
      rest = rest.subarray(next.length);
    }
  }
  if (!headerRead) checkHeader(rest);
  if (rest.length > 0) {
    throw new RecordingError('cut', 'The recording ends in the middle of a message. What came before it is complete.');
  }
}

function checkHeader(bytes: Uint8Array): void {
  if (bytes.length < headerLength || magic.some((byte, index) => bytes[index] !== byte)) {
    throw new RecordingError('foreign', 'This file is not a Pickscope recording.');
  }
  const version = new DataView(bytes.buffer, bytes.byteOffset).getUint16(magic.length, true);
  if (version > recordingVersion) {
    throw new RecordingError(
      'newer',
      `The recording has format version ${version}, this Pickscope reads up to ${recordingVersion}. Update Pickscope to open it.`,
    );
  }
}

/** The first whole message, and how many bytes it and its length take; undefined if it is not there whole. */
function takeMessage(bytes: Uint8Array): { message: Uint8Array; length: number } | undefined {
  const peek = peekLength(bytes);
  if (peek.eof) return undefined;
  if (peek.size > maxMessageLength) {
    throw new RecordingError('damaged', `The recording is damaged: it claims a message of ${peek.size} bytes.`);
  }
  const length = peek.offset + peek.size;
  return bytes.length < length ? undefined : { message: bytes.subarray(peek.offset, length), length };
}

function messageOf(bytes: Uint8Array): WatchResponse {
  try {
    return fromBinary(WatchResponseSchema, bytes);
  } catch (cause) {
    throw new RecordingError('damaged', 'The recording is damaged: a message cannot be read.', { cause });
  }
}

function peekLength(bytes: Uint8Array) {
  try {
    return sizeDelimitedPeek(bytes);
  } catch (cause) {
    throw new RecordingError('damaged', 'The recording is damaged: a length cannot be read.', { cause });
  }
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
