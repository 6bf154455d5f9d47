import type { ChildProcessWithoutNullStreams } from 'node:child_process';

/** How a program ended, and all that it said. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** What a program says: so far, and with its end. */
export function listenTo(child: ChildProcessWithoutNullStreams): { ended: Promise<Outcome>; out: () => string } {
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = new Promise<Outcome>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, out, err }));
  });
  return { ended, out: () => out };
}
