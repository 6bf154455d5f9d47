// Stands in for the native logger of the VS Code server, which needs a compiler. Appends plain lines to the file.
const { createWriteStream } = require('node:fs');

const levels = ['trace', 'debug', 'info', 'warn', 'error', 'critical'];

class Logger {
  #level = 2;
  #file;

  constructor(file) {
    this.#file = createWriteStream(file, { flags: 'a' });
    // A log that cannot be written must not end the server.
    this.#file.on('error', () => undefined);
    for (const [rank, name] of levels.entries()) {
      this[name] = (message) => {
        if (rank >= this.#level) this.#file.write(`${new Date().toISOString()} [${name}] ${message}\n`);
      };
    }
  }

  getLevel() {
    return this.#level;
  }

  setLevel(level) {
    this.#level = level;
  }

  setPattern() {}
  clearFormatters() {}
  flush() {}

  drop() {
    this.#file.end();
  }
}

exports.version = 0;
exports.setLevel = () => undefined;
exports.setFlushOn = () => undefined;
exports.createRotatingLogger = async (_name, file) => new Logger(file);
exports.createAsyncRotatingLogger = exports.createRotatingLogger;
