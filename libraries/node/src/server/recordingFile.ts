import { encodeRecorded, recordingHeader } from '@pickscope/protocol/recording';
import { runtimeFolderFault, stateFolder } from '@pickscope/protocol/runtimeFolder';
import { mkdirSync } from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Outlet } from './outlet';
import { put, type Entry, type Past } from './past';

const nothingKept =
  'Nothing is kept of this process, so there is nothing to record: start it with PICKSCOPE_KEEP=60s in its environment, or call ' +
  "startDebugServer({ keep: '60s' }) in place of the import of attach.";
const nothingKeptAnyMore = 'Nothing is kept of this process any more: start it with a larger PICKSCOPE_KEEP_BYTES.';

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
 * Writes what is kept into a file that is not there yet, for the user alone.
 *
 * @param file By default a new one in PICKSCOPE_RECORDINGS, or in a folder of the user's own.
 * @returns The file's path.
 * @throws Error that says why there is none.
 */
export async function saveRecording(past: Past | undefined, file?: string): Promise<string> {
  if (!past) throw new Error(nothingKept);
  if (past.seconds === 0) throw new Error(nothingKeptAnyMore);
  const target = file === undefined ? newRecordingFile(past.source.describe().name) : path.resolve(file);
  // Fails where the name is taken, also by a symbolic link.
  const handle = await open(target, 'wx', 0o600);
  try {
    await writeFile(handle, recordingOf(past.entries()));
    return target;
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Where a recording goes that nobody named. */
function newRecordingFile(program: string): string {
  const time = new Date().toISOString().replace(/[-:]/g, '');
  const name = program.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, maxNameLength);
  return path.join(recordingsFolder(process.env), `${name}-${process.pid}-${time}.pickscope`);
}

/** Made if need be. @throws Error if it cannot be, or is not the user's alone. */
function recordingsFolder(env: NodeJS.ProcessEnv): string {
  const named = env.PICKSCOPE_RECORDINGS;
  const folder = named ? path.resolve(named) : path.join(stateFolder(env), 'recordings');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  // One that was named may be shared with others: the file itself is not.
  const fault = named ? undefined : runtimeFolderFault(folder);
  if (fault !== undefined) throw new Error(`${fault}: name another with PICKSCOPE_RECORDINGS`);
  return folder;
}
