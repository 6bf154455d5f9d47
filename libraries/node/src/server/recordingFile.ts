import { encodeRecorded, recordingHeader } from '@pickscope/protocol/recording';
import { runtimeFolderFault, stateFolder } from '@pickscope/protocol/runtimeFolder';
import { mkdirSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import path from 'node:path';
import { Outlet } from './outlet';
import { put, type Entry } from './past';

/** Characters of the program's name in a file's name. */
const maxNameLength = 64;

/** A recording file of what was kept, piece by piece. */
export function* recordingOf(entries: readonly Entry[]): Generator<Uint8Array> {
  yield recordingHeader();
  const messages: Uint8Array[] = [];
  const outlet = new Outlet({ full: false, take: (message) => messages.push(message), abort: () => undefined });
  for (const entry of entries) {
    put(entry, outlet);
    for (const message of messages.splice(0)) yield encodeRecorded(message);
  }
}

/**
 * Writes a recording into a file that is not there yet, for the user alone.
 *
 * @throws Error that names the file and says why it cannot be written; then there is none.
 */
export async function writeRecording(file: string, entries: readonly Entry[]): Promise<void> {
  // Fails where the name is taken, also by a symbolic link.
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(recordingOf(entries));
  } catch (error) {
    await rm(file, { force: true });
    throw new Error(`The recording ${file} could not be written: ${(error as Error).message}`, { cause: error });
  } finally {
    await handle.close();
  }
}

/**
 * Where a recording goes that nobody named: PICKSCOPE_RECORDINGS, or a folder of the user's own; made if need be.
 *
 * @param program Its name.
 * @throws Error if that folder is not the user's alone, or cannot be made.
 */
export function newRecordingFile(program: string, env: NodeJS.ProcessEnv = process.env): string {
  const time = new Date().toISOString().replace(/[-:]/g, '');
  const name = program.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, maxNameLength);
  return path.join(recordingsFolder(env), `${name}-${process.pid}-${time}.pickscope`);
}

function recordingsFolder(env: NodeJS.ProcessEnv): string {
  const named = env.PICKSCOPE_RECORDINGS;
  const folder = named ? path.resolve(named) : path.join(stateFolder(env), 'recordings');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // One that was named may be shared with others: the file itself is not.
  const fault = named ? undefined : runtimeFolderFault(folder);
  if (fault !== undefined) throw new Error(`${fault}: name another with PICKSCOPE_RECORDINGS`);
  return folder;
}
