import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';

/** So that no page reaches out of this machine, none asks whether it may, and text is drawn alike on each. */
const quiet = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-lcd-text',
  '--font-render-hinting=none',
  '--force-color-profile=srgb',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

/**
 * A headless browser: the installed Chromium or Chrome where there is one (PICKSCOPE_CHROMIUM names another), else the
 * one that npm brought.
 *
 * @param {import('playwright-core').LaunchOptions} [options]
 * @returns {Promise<import('playwright-core').Browser>}
 */
export async function launchBrowser(options = {}) {
  const executablePath = installedBrowser() ?? (await browserFromNpm());
  return chromium.launch({ executablePath, args: quiet, ...options });
}

/** @returns {string | undefined} */
function installedBrowser() {
  if (process.env.PICKSCOPE_CHROMIUM) return process.env.PICKSCOPE_CHROMIUM;
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const candidates = names.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  if (process.platform === 'darwin') {
    candidates.push(
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      '/Applications/Chromium.app/Contents/MacOS/Chromium',
    );
  }
  return candidates.find((candidate) => existsSync(candidate));
}

/**
 * Unpacks the browser once, into a folder of our own: the package itself would use fixed names in the shared temporary
 * folder, and take half a file for a whole one while another process unpacks.
 */
async function browserFromNpm() {
  const unpacked = path.join(import.meta.dirname, 'node_modules', '.browser');
  const executable = path.join(unpacked, 'chromium');
  if (existsSync(executable)) return executable;

  const { default: packed } = await import('@sparticuz/chromium');
  const { TMPDIR } = process.env;
  const unpacking = mkdtempSync(`${unpacked}-`);
  process.env.TMPDIR = unpacking;
  try {
    await packed.executablePath();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
  if (existsSync(executable)) rmSync(unpacking, { recursive: true });
  else renameSync(unpacking, unpacked);
  return executable;
}
