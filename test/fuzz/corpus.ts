import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { recordingHeader } from '@pickscope/protocol/recording';
import type { Stream } from './mutator';

/*
 * The corpus: streams that reach all that was ever reached, each in a recording file named by its hash.
 */

export const corpusFolder = path.join(import.meta.dirname, 'corpus');

export function readCorpus(folder = corpusFolder): Stream[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pickscope'))
    .sort()
    .map((name) => streamOf(readFileSync(path.join(folder, name))));
}

/** What is there, and no more. */
export function writeCorpus(streams: readonly Stream[]): void {
  rmSync(corpusFolder, { recursive: true, force: true });
  mkdirSync(corpusFolder);
  for (const stream of streams) writeStream(stream, corpusFolder);
}

/** @returns The path of the file. */
export function writeStream(stream: Stream, folder: string): string {
  const file = fileOf(stream);
  const name = createHash('sha256').update(file).digest('hex').slice(0, 16);
  const to = path.join(folder, `${name}.pickscope`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(to, file);
  return to;
}

/** Its messages need not be readable: only their lengths are. */
export function streamOf(file: Uint8Array): Stream {
  const reader = new BinaryReader(file.subarray(recordingHeader().length));
  const stream: Uint8Array[] = [];
  while (reader.pos < reader.len) stream.push(reader.bytes());
  return stream;
}

function fileOf(stream: Stream): Buffer {
  return Buffer.concat([recordingHeader(), ...stream.map((bytes) => new BinaryWriter().bytes(bytes).finish())]);
}
