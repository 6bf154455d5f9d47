import { connect } from 'node:net';
import { hostname } from 'node:os';
import type { Descriptor } from '@pickscope/protocol/descriptor';

/** How long it holds that nobody listens, or that somebody does whose process cannot be seen. */
const holdsMs = 10_000;
/** How many answers are kept. */
const maxKept = 1000;

interface Answer {
  readonly atMs: number;
  readonly isDead: Promise<boolean>;
}

/**
 * Which sockets nobody listens at any more. A socket's file stays when its process is killed, and of a process on another
 * machine or in a container there is no other sign. It is knocked at, and nothing is said.
 */
export class Sockets {
  readonly #answers = new Map<string, Answer>();

  async isDead({ instance, address, hostName }: Descriptor): Promise<boolean> {
    if (!address.startsWith('unix:')) return false;
    const key = `${instance} ${address}`;
    const known = this.#answers.get(key);
    if (known && (await this.#holds(known, hostName))) return known.isDead;
    if (this.#answers.size >= maxKept) this.#answers.clear();
    const isDead = refuses(address.slice('unix:'.length));
    this.#answers.set(key, { atMs: performance.now(), isDead });
    return isDead;
  }

  /** One of this machine that listened goes on as long as its process runs, which others look at. */
  async #holds({ atMs, isDead }: Answer, hostName: string): Promise<boolean> {
    if (performance.now() - atMs < holdsMs) return true;
    return hostName === hostname() && !(await isDead);
  }
}

/** In doubt false: it may be busy, or not ours to connect to. */
function refuses(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
