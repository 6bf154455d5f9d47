import { descriptorVersion, isProcessGone, parseDescriptor, processStart } from '@pickscope/protocol/descriptor';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import type { Process } from '@pickscope/protocol/messages';
import { runtimeFolderFault, runtimeFolders } from '@pickscope/protocol/runtimeFolder';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
 * The first runtime folder that is ours alone, made if need be.
 *
 * @throws Error that says for each folder why it cannot be used.
 */
export function openRuntimeFolder(env: NodeJS.ProcessEnv = process.env): string {
  const faults: string[] = [];
  for (const folder of runtimeFolders(env)) {
    const fault = folderFault(folder, env);
    if (fault === undefined) return folder;
    faults.push(fault);
  }
  throw new Error(`no runtime folder can be used: ${faults.join('; ')}`);
}

function folderFault(folder: string, env: NodeJS.ProcessEnv): string | undefined {
  if (Buffer.byteLength(socketPath(folder, '0'.repeat(socketNameDigits))) > maxSocketPath) {
    return `${folder} is too long for a socket's path`;
  }
  try {
    // Folders like /run/user/1000 are the system's to make.
    const recursive = folder === env.PICKSCOPE_RUNTIME_DIR || folder.startsWith(env.HOME ?? homedir());
    makeFolder(folder, recursive);
    return runtimeFolderFault(folder);
  } catch (error) {
    return (error as Error).message;
  }
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

/**
 * Writes the descriptor.
 *
 * @param address `unix:/path` or `host:port`.
 * @param token 64 hex digits.
 * @returns The descriptor's path.
 */
export function announce(folder: string, process: Process, address: string, token: string): string {
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
    address,
    token,
  };
  const file = path.join(folder, `${instance}.json`);
  // Renamed into place, so that nobody reads half of it.
  writeFileSync(`${file}.new`, JSON.stringify(descriptor), { mode: 0o600, flag: 'wx' });
  renameSync(`${file}.new`, file);
  return file;
}

/** Removes what processes that are provably gone left behind. */
export function sweep(folder: string, hostName: string): void {
  for (const name of readdirSync(folder)) {
    if (!/^[0-9a-f]{32}\.json$/.test(name)) continue;
    const file = path.join(folder, name);
    try {
      const descriptor = parseDescriptor(readFileSync(file, 'utf8'));
      if (!isProcessGone(descriptor, hostName)) continue;
      rmSync(socketPath(folder, descriptor.instance), { force: true });
      rmSync(file, { force: true });
    } catch {
      // Not readable as a descriptor: not ours to remove.
    }
  }
}
