import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { maxDescriptorLength, parseDescriptor, type Descriptor } from './descriptor.js';

export interface DescriptorFile {
  readonly descriptor: Descriptor;
  /** When it was written, milliseconds since the Unix epoch. */
  readonly appearedMs: number;
}

// Not through a symbolic link, and not waiting where someone has put a named pipe. Windows knows neither flag.
const openFlags = constants.O_RDONLY | (constants.O_NOFOLLOW || 0) | (constants.O_NONBLOCK || 0);

/**
 * Reads a descriptor that only its owner, who is us, can have written.
 *
 * @throws Error that says what is wrong with the file, never its content: that may be a token.
 */
export async function readDescriptorFile(file: string): Promise<DescriptorFile> {
  const handle = await open(file, openFlags);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a regular file');
    if (stat.size > maxDescriptorLength) throw new Error(`it is longer than ${maxDescriptorLength} bytes`);
    checkOwner(stat);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxDescriptorLength), 0, maxDescriptorLength, 0);
    return { descriptor: parse(buffer.toString('utf8', 0, bytesRead)), appearedMs: stat.mtimeMs };
  } finally {
    await handle.close();
  }
}

function checkOwner(stat: { uid: number; mode: number }): void {
  if (!process.getuid) return;
  if (stat.uid !== process.getuid()) throw new Error(`it belongs to another user (uid ${stat.uid})`);
  if ((stat.mode & 0o077) !== 0) throw new Error(`it is open to other users (mode ${(stat.mode & 0o777).toString(8)})`);
}

function parse(text: string): Descriptor {
  // The message of a JSON syntax error would quote the text.
  if (!isJson(text)) throw new Error('it is not JSON');
  return parseDescriptor(text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
