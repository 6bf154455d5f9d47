import { descriptorVersion, isClientGone, processStart, type Descriptor } from '@pickscope/protocol/descriptor';
import { readDescriptorFile } from '@pickscope/protocol/descriptorFile';
import type { Process } from '@pickscope/protocol/messages';
import { runtimeFolderFault, runtimeFolders } from '@pickscope/protocol/runtimeFolder';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/*
 * How a watcher of the same user finds this process: a descriptor, and the socket beside it, in a runtime folder.
 */

/** Bytes; macOS allows 104. */
const maxSocketPath = 100;

/** File names of sockets: this many digits of the instance. */
const socketNameDigits = 12;

/**
 * Has the first runtime folder used that is ours alone, made if need be, and in which `use` does not fail.
 *
 * @throws Error that says for each folder why it cannot be used.
 */
export async function inRuntimeFolder(
  use: (folder: string) => Promise<void>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const faults: string[] = [];
  for (const folder of runtimeFolders(env)) {
    try {
      openFolder(folder, env);
      await use(folder);
      return;
    } catch (error) {
      faults.push((error as Error).message);
    }
  }
  throw new Error(
    `no runtime folder can be used: ${faults.join('; ')}. ` +
      'Name one in PICKSCOPE_RUNTIME_DIR that is yours alone (mode 700) and can be written to',
  );
}

function openFolder(folder: string, env: NodeJS.ProcessEnv): void {
  if (Buffer.byteLength(socketPath(folder, '0'.repeat(socketNameDigits))) > maxSocketPath) {
    throw new Error(`${folder} is too long for a socket's path`);
  }
  // Folders like /run/user/1000 are the system's to make.
  makeFolder(folder, folder === env.PICKSCOPE_RUNTIME_DIR || folder.startsWith(env.HOME ?? homedir()));
  const fault = runtimeFolderFault(folder);
  if (fault !== undefined) throw new Error(fault);
}

function makeFolder(folder: string, recursive: boolean): void {
  try {
    mkdirSync(folder, { recursive, mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

export function socketPath(folder: string, instance: string): string {
  return path.join(folder, `${instance.slice(0, socketNameDigits)}.sock`);
}

/** Where a process can be reached, and by what. */
export type Access = Pick<Descriptor, 'address' | 'token' | 'certificate'>;

/**
 * Writes the descriptor.
 *
 * @returns The descriptor's path.
 */
export function announce(folder: string, process: Process, access: Access): string {
  const { instance, pid, hostName, name, language } = process;
  const descriptor: Descriptor = {
    descriptorVersion,
    instance,
    pid,
    processStart: processStart(pid),
    hostName,
    name,
    folder: process.folder,
    language,
    ...access,
  };
  const file = path.join(folder, `${instance}.json`);
  // Renamed into place, so that nobody reads half of it.
  const draft = `${file}.new`;
  try {
    writeFileSync(draft, JSON.stringify(descriptor), { mode: 0o600, flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return file;
}

/** Removes what clients that are provably gone left behind. */
export async function sweep(folder: string, hostName: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^[0-9a-f]{32}\.json(\.new)?$/.test(name)) continue;
    const file = path.join(folder, name);
    try {
      const { descriptor } = await readDescriptorFile(file);
      if (!isClientGone(descriptor, hostName)) continue;
      await rm(socketPath(folder, descriptor.instance), { force: true });
      await rm(file, { force: true });
    } catch {
      // Not readable as a descriptor: not ours to remove.
    }
  }
}
