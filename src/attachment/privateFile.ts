import { open, type FileHandle } from 'node:fs/promises';

/** Opens a file to be written anew, for the user alone, also where it was there before. @throws Error of the system. */
export async function openPrivately(file: string): Promise<FileHandle> {
  const handle = await open(file, 'w', 0o600);
  try {
    // A device keeps its mode.
    if ((await handle.stat()).isFile()) await handle.chmod(0o600);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Writes a file for the user alone, over what is there. @throws Error of the system. */
export async function writeBytes(bytes: Uint8Array, file: string): Promise<void> {
  const handle = await openPrivately(file);
  try {
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
}
