import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/** Stands between a watcher and a client's socket, and may break off in the middle of what the client says. */
export class Proxy {
  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
    private readonly limit: { bytes: number; reached: () => void },
  ) {}

  static async open(at: string, socketOfClient: string): Promise<Proxy> {
    const sockets = new Set<Socket>();
    const limit = { bytes: Infinity, reached: (): void => undefined };
    const server = createServer((watcher) => {
      const client = createConnection(socketOfClient);
      for (const socket of [watcher, client]) {
        sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => [watcher, client].forEach((each) => each.destroy()));
      }
      watcher.pipe(client);
      client.on('data', (bytes) => {
        watcher.write(bytes.subarray(0, limit.bytes));
        if (bytes.length >= limit.bytes) limit.reached();
        limit.bytes = Math.max(0, limit.bytes - bytes.length);
      });
    }).listen(at);
    await once(server, 'listening');
    return new Proxy(server, sockets, limit);
  }

  /** Lets this many more bytes of the client's through, and no more; resolves when they are. */
  breakOffAfter(bytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.limit.reached = resolve;
      this.limit.bytes = bytes;
    });
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
