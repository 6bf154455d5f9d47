import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);

/**
 * Brings what folders with a package-lock.json need from npm, where it is missing or not what the lockfile says.
 *
 * @param {string[]} folders Below the repository's; '' is that itself. By default what most of it needs.
 */
export function installAll(folders = ['', path.join('test', 'host')]) {
  for (const folder of folders.map((it) => path.join(root, it))) {
    if (!isInstalled(folder)) install(folder);
  }
}

/** Whether each package of the lockfile is there in its version. npm notes in node_modules what it has installed. */
function isInstalled(folder) {
  const noted = path.join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(noted)) return false;
  const wanted = readJson(path.join(folder, 'package-lock.json')).packages;
  const present = readJson(noted).packages;
  return Object.entries(wanted).every(
    // Optional ones are for other platforms, and an entry outside node_modules is a part of this repository.
    ([place, { version, optional }]) =>
      optional || !place.includes('node_modules/') || present[place]?.version === version,
  );
}

function install(folder) {
  console.log(`npm ci, in ${path.relative(process.cwd(), folder) || '.'}`);
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ci failed in ${folder}; its output above says why.`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
