import { lstatSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * The folders in which descriptors may lie, best first. A client writes to the first that works, a watcher looks in
 * all of them, because the two may see different environments (systemd, cron, containers). Never a bare temporary
 * folder: its names can be squatted.
 */
export function runtimeFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const home = env.HOME ?? homedir();
  const folders = [
    env.PICKSCOPE_RUNTIME_DIR,
    ...(process.platform === 'win32' ? windowsFolders(env, home) : unixFolders(env, home)),
  ];
  return [...new Set(folders.filter((folder) => folder !== undefined && path.isAbsolute(folder)))] as string[];
}

function unixFolders(env: NodeJS.ProcessEnv, home: string): (string | undefined)[] {
  const state = env.XDG_STATE_HOME ?? path.join(home, '.local', 'state');
  return [
    env.XDG_RUNTIME_DIR && path.join(env.XDG_RUNTIME_DIR, 'pickscope'),
    process.getuid && path.join('/run/user', String(process.getuid()), 'pickscope'),
    path.join(state, 'pickscope'),
    // Short enough for a socket's path where the ones above are not.
    path.join(home, '.pickscope'),
  ];
}

function windowsFolders(env: NodeJS.ProcessEnv, home: string): string[] {
  return [path.join(env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'), 'pickscope')];
}

/**
 * What makes a runtime folder unfit to be trusted, as a sentence; undefined: it is ours alone. Both sides ask before
 * they read or write there.
 *
 * @throws ENOENT and other errors of lstat.
 */
export function runtimeFolderFault(folder: string): string | undefined {
  const stat = lstatSync(folder);
  if (stat.isSymbolicLink()) return `${folder} is a symbolic link`;
  if (!stat.isDirectory()) return `${folder} is not a folder`;
  if (!process.getuid) return undefined;
  if (stat.uid !== process.getuid()) return `${folder} belongs to another user (uid ${stat.uid})`;
  const open = stat.mode & 0o077;
  return open === 0 ? undefined : `${folder} is open to other users (mode ${(stat.mode & 0o777).toString(8)}, not 700)`;
}
