import type { Clock } from '@pickscope/protocol/messages';
import { readRecorded, RecordingError } from '@pickscope/protocol/recording';
import type { StreamMessage } from '../model/streamMessage';
import { decodeMessage } from './decode';

/*
 * Reads the messages of a recording. It is in the same bundle as stream.ts, as both decode: loaded when the first
 * recording is opened, or the first client attached.
 */

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export type ReadMessages = typeof recordedMessages;
export type ReadLength = typeof recordedMs;

/**
 * @returns Each message; its columns only until the next one is asked for.
 * @throws RecordingError where it cannot be read on.
 */
export async function* recordedMessages(chunks: Chunks): AsyncGenerator<StreamMessage> {
  for await (const bytes of readRecorded(chunks)) yield decoded(bytes);
}

/** How much time the recording tells of, ms; of a damaged one up to the damage. Decodes next to nothing. */
export async function recordedMs(chunks: Chunks): Promise<number> {
  let first = Infinity;
  let last = -Infinity;
  try {
    for await (const bytes of readRecorded(chunks)) {
      const clock = clockIn(bytes);
      if (!clock) continue;
      const ms = Number(clock.wallUnixNs) / 1e6;
      first = Math.min(first, ms);
      last = Math.max(last, ms);
    }
  } catch {
    // Whoever reads the messages themselves hears of it.
  }
  return Math.max(0, last - first);
}

/** Tags of WatchResponse's fields that hold a clock, all others are batches and changes. */
const tags = { sequence: 0x08, process: 0x12, heartbeat: 0x5a };

function clockIn(bytes: Uint8Array): Clock | undefined {
  const tag = bytes[0] === tags.sequence ? bytes[afterVarint(bytes, 1)] : bytes[0];
  if (tag !== tags.process && tag !== tags.heartbeat) return undefined;
  const { body } = decoded(bytes);
  return body.case === 'process' || body.case === 'heartbeat' ? body.value.clock : undefined;
}

function decoded(bytes: Uint8Array): StreamMessage {
  try {
    return decodeMessage(bytes);
  } catch (cause) {
    throw new RecordingError('damaged', 'The recording is damaged: a message cannot be read.', { cause });
  }
}

function afterVarint(bytes: Uint8Array, at: number): number {
  while (bytes[at]! >= 0x80) at++;
  return at + 1;
}
