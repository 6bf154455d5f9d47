import { lstatSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Whom files seem to belong to whose owner the user namespace of a container does not know, such as the host's root. */
const unmappedUser = 65534;

/**
 * The folders in which descriptors may lie, best first. A client writes to the first that works, a watcher looks in
 * all of them, because the two may see different environments (systemd, cron, containers). Never a bare temporary
 * folder: its names can be squatted.
 */
export function runtimeFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const folders = [
    env.PICKSCOPE_RUNTIME_DIR,
    ...(process.platform === 'win32' ? [stateFolder(env)] : unixFolders(env)),
  ];
  return [...new Set(folders.filter((folder) => folder !== undefined && path.isAbsolute(folder)))] as string[];
}

function unixFolders(env: NodeJS.ProcessEnv): (string | undefined)[] {
  return [
    env.XDG_RUNTIME_DIR && path.join(env.XDG_RUNTIME_DIR, 'pickscope'),
    process.getuid && path.join('/run/user', String(process.getuid()), 'pickscope'),
    stateFolder(env),
    // Short enough for a socket's path where the ones above are not.
    path.join(env.HOME ?? homedir(), '.pickscope'),
  ];
}

/** Where this user's programs keep what outlasts them. */
export function stateFolder(env: NodeJS.ProcessEnv = process.env): string {
  const home = env.HOME ?? homedir();
  const folder =
    process.platform === 'win32'
      ? (env.LOCALAPPDATA ?? path.join(home, 'AppData', 'Local'))
      : (env.XDG_STATE_HOME ?? path.join(home, '.local', 'state'));
  return path.join(folder, 'pickscope');
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
  if (open !== 0) return `${folder} is open to other users (mode ${(stat.mode & 0o777).toString(8)}, not 700)`;
  const above = new Set([...foldersAbove(folder), ...foldersAbove(realpathSync(folder))]);
  const replaceable = [...above].find(isOthersToChange);
  return replaceable && `${folder} could be replaced by other users, who may change what is in ${replaceable}`;
}

function foldersAbove(folder: string): string[] {
  const above = path.dirname(folder);
  return above === folder ? [] : [above, ...foldersAbove(above)];
}

/** Whether someone else may rename what is ours in there. */
function isOthersToChange(folder: string): boolean {
  const stat = lstatSync(folder);
  const { uid, gid, mode } = stat;
  if (![0, process.getuid!(), unmappedUser].includes(uid)) return true;
  const isSticky = (mode & 0o1000) !== 0;
  if (isSticky || stat.isSymbolicLink()) return false;
  // A group of one's own, as many systems give each user, has nobody else in it.
  const isOwnGroup = gid === 0 || gid === process.getgid!();
  return (mode & (isOwnGroup ? 0o002 : 0o022)) !== 0;
}
