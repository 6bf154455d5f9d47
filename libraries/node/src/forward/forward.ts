import { isClientGone } from '@pickscope/protocol/descriptor';
import { readdirSync, rmSync } from 'node:fs';
import type { Http2Server } from 'node:http2';
import type { AddressInfo, ListenOptions } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chooseClient, findClients, shown, type Client } from './clients';
import { createProxy } from './proxy';

/*
 * The command pickscope-forward: lets tools that cannot send the token read a client.
 */

const usage = `pickscope-forward [--tcp PORT] [NAME | PID | INSTANCE]

Lets tools that send no token, grpcdebug for one, read a running gRPC client that Pickscope can attach to: it listens at
a unix socket that you alone can open, and passes each call on with the token of that client. Nothing that can be called
changes anything in the client. Ctrl-C ends it.

  NAME | PID | INSTANCE  Which client. Can be left out where only one runs.
  --tcp PORT             Listen at 127.0.0.1:PORT instead (0: any port). Every user of this machine can then read.
  --help                 Say this.`;

main().catch((error: unknown) => fail((error as Error).message));

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { tcp: { type: 'string' }, help: { type: 'boolean' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  if (positionals.length > 1) throw new Error(`Name one client, not ${positionals.length}.\n\n${usage}`);
  const port = values.tcp === undefined ? undefined : portOf(values.tcp);
  const client = chooseClient(await findClients(), positionals[0]);
  const server = createProxy(client.descriptor, (error) => lost(client, error));
  const address = port === undefined ? await listenLocally(server, client.folder) : await listenOnTcp(server, port);
  console.log(invitation(client, address, port !== undefined));
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
  throw new Error(`"${text}" is no port: give a number from 0 to 65535.`);
}

function lost({ descriptor }: Client, error: Error): void {
  const who = nameOf(descriptor);
  if (isClientGone(descriptor, hostname())) fail(`${who} has ended.`);
  console.error(`${who} cannot be reached: ${error.message}.`);
}

/** At a socket beside the client's own, in a folder that is the user's alone. */
async function listenLocally(server: Http2Server, folder: string): Promise<string> {
  if (process.platform === 'win32') throw new Error('Node has no unix sockets on Windows: use --tcp PORT.');
  removeLeftovers(folder);
  const socket = path.join(folder, `forward-${process.pid}.sock`);
  // So that the socket is made with mode 0600.
  process.umask(0o177);
  await listen(server, { path: socket });
  process.on('exit', () => rmSync(socket, { force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit());
  return `unix://${socket}`;
}

/** The sockets of others that were killed. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, pid] = /^forward-(\d+)\.sock$/.exec(name) ?? [];
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(path.join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

async function listenOnTcp(server: Http2Server, port: number): Promise<string> {
  await listen(server, { host: '127.0.0.1', port });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function listen(server: Http2Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(options, resolve));
}

function nameOf({ name, pid }: Client['descriptor']): string {
  return `${shown(name)} (pid ${pid})`;
}

function invitation({ descriptor }: Client, address: string, open: boolean): string {
  const warning = `Warning: every user of this machine can now read ${nameOf(descriptor)}.\n`;
  return `${open ? warning : ''}${nameOf(descriptor)} can be read without a token until Ctrl-C:

  grpcdebug ${address} channelz channels
  grpcurl -plaintext ${address} list
`;
}
