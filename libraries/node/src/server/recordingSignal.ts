import { writeSync } from 'node:fs';

/** Those that neither end a program, nor mean something to Node or a terminal. */
const signals = ['SIGUSR2', 'SIGURG', 'SIGIO'];

/**
 * Has a recording written whenever the process gets a signal, and says on stderr where it is, or why there is none.
 *
 * @param signal As PICKSCOPE_RECORD_SIGNAL has it.
 * @param save Writes the recording and gives its path.
 * @param warn Told, as a sentence, why the signal is not listened for.
 */
export function recordOnSignal(signal: string, save: () => Promise<string>, warn: (line: string) => void): void {
  const refused = (reason: string) =>
    warn(`No recording is written at ${signal} (PICKSCOPE_RECORD_SIGNAL): ${reason}. Use ${signals.join(', ')}.`);
  if (!signals.includes(signal)) {
    refused('that is no signal to record at');
    return;
  }
  try {
    process.on(signal, () => {
      save().then(
        (file) => print(`the last seconds are recorded in ${file}`),
        (error: unknown) => print(`no recording is written. ${(error as Error).message}`),
      );
    });
  } catch (error) {
    refused(`this system does not have it (${(error as Error).message})`);
  }
}

/** Not through process.stderr: a program must not end because nobody reads what it prints. */
function print(line: string): void {
  try {
    writeSync(2, `Pickscope: ${line}\n`);
  } catch {
    // Nobody hears it.
  }
}
