/** A log output channel as far as discovery and attachment use one; its lines can be read. */
export class LogLines {
  readonly lines: string[] = [];
  readonly info = (line: string): void => void this.lines.push(line);
  readonly warn = (line: string): void => void this.lines.push(line);
}
