import { isClientGone, type Descriptor } from '@pickscope/protocol/descriptor';
import { readDescriptorFile } from '@pickscope/protocol/descriptorFile';
import { runtimeFolderFault, runtimeFolders } from '@pickscope/protocol/runtimeFolder';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';

/** A client that can be attached to. */
export interface Client {
  readonly descriptor: Descriptor;
  /** The runtime folder that it made itself known in. */
  readonly folder: string;
}

export interface Found {
  readonly clients: readonly Client[];
  /** Folders and files that could not be used, each as a sentence. */
  readonly problems: readonly string[];
}

/** Looks into all runtime folders, as the extension does. */
export async function findClients(): Promise<Found> {
  const clients = new Map<string, Client>();
  const problems: string[] = [];
  for (const folder of runtimeFolders()) {
    for (const file of await descriptorFiles(folder, problems)) {
      try {
        const { descriptor } = await readDescriptorFile(file);
        const known = clients.has(descriptor.instance) || isClientGone(descriptor, hostname());
        if (!known) clients.set(descriptor.instance, { descriptor, folder });
      } catch (error) {
        problems.push(`${file} was left out: ${(error as Error).message}.`);
      }
    }
  }
  return { clients: [...clients.values()], problems };
}

async function descriptorFiles(folder: string, problems: string[]): Promise<string[]> {
  try {
    const fault = runtimeFolderFault(folder);
    if (fault === undefined) {
      const names = await readdir(folder);
      return names.filter((name) => name.endsWith('.json')).map((name) => path.join(folder, name));
    }
    problems.push(`Clients were not looked for there: ${fault}.`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') problems.push(`${(error as Error).message}.`);
  }
  return [];
}

/**
 * @param wanted A name, a pid, or an instance or its first digits; undefined: the only one that there is.
 * @throws Error that says which clients there are, unless exactly one is meant.
 */
export function chooseClient({ clients, problems }: Found, wanted: string | undefined): Client {
  const meant = wanted === undefined ? clients : clients.filter(({ descriptor }) => isMeant(descriptor, wanted));
  if (meant.length === 1) return meant[0]!;
  const lines = problems.map((problem) => `\n${shown(problem)}`).join('');
  if (clients.length === 0) throw new Error(`No program here can be attached to. ${howToStart}${lines}`);
  if (meant.length === 0) throw new Error(`No client is called "${wanted}". There are:\n${list(clients)}${lines}`);
  throw new Error(`Several clients run; name one by its pid:\n${list(meant)}${lines}`);
}

const howToStart =
  "Start it with `import '@pickscope/grpc-js/attach'`, or preloaded: `node --require @pickscope/grpc-js/register app.js`.";

function isMeant({ name, pid, instance }: Descriptor, wanted: string): boolean {
  if (name === wanted || String(pid) === wanted) return true;
  return /^[0-9a-f]{8,32}$/.test(wanted) && instance.startsWith(wanted);
}

function list(clients: readonly Client[]): string {
  const rows = clients.map(({ descriptor: { pid, name, folder, instance } }) => {
    return `  ${String(pid).padStart(7)}  ${shown(name)}  in ${shown(folder)}  ${instance.slice(0, 8)}`;
  });
  return rows.join('\n');
}

/** What a process says of itself must not steer the terminal. */
export function shown(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}
