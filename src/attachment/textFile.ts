import { rm, type FileHandle } from 'node:fs/promises';
import { openPrivately } from './privateFile';

/** Lines that are made and written before anything else has its turn. */
const linesAtOnce = 1000;

export interface Writing {
  /** Asked now and then; true: the file is taken away again. */
  readonly isCancelled: () => boolean;
  /** Told now and then how many lines there are. */
  readonly onProgress: (lines: number) => void;
}

/**
 * Writes a text file for the user alone, over what is there.
 *
 * @returns How many lines; undefined: it was cancelled, and there is no file.
 * @throws Error of the system, or of the lines; there is no file then either.
 */
export async function writeLines(lines: Iterable<string>, file: string, writing: Writing): Promise<number | undefined> {
  const handle = await openPrivately(file);
  let count: number | undefined;
  try {
    count = await writeTo(handle, lines, writing);
  } finally {
    await handle.close();
    if (count === undefined) await rm(file, { force: true });
  }
  return count;
}

async function writeTo(
  handle: FileHandle,
  lines: Iterable<string>,
  { isCancelled, onProgress }: Writing,
): Promise<number | undefined> {
  let count = 0;
  let text = '';
  for (const line of lines) {
    text += line;
    if (++count % linesAtOnce !== 0) continue;
    await handle.appendFile(text);
    text = '';
    onProgress(count);
    if (isCancelled()) return undefined;
  }
  await handle.appendFile(text);
  return count;
}
