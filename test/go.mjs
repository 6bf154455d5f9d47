import { spawnSync } from 'node:child_process';

/*
 * What is in Go is built, tested and run where Go is installed, and left out elsewhere, which is said.
 */

/** As the go.mod of libraries/go says. */
const oldest = { major: 1, minor: 24 };

/** Why nothing in Go can be run here, as a sentence; undefined: it can. */
export const goMissing = whyMissing();

function whyMissing() {
  const { error, status, stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  if (error || status !== 0) return 'There is no Go on this machine (https://go.dev/doc/install).';
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(stdout) ?? [];
  const isNew = Number(major) > oldest.major || (Number(major) === oldest.major && Number(minor) >= oldest.minor);
  return isNew ? undefined : `Go ${oldest.major}.${oldest.minor} or newer is needed; this is ${stdout.trim()}.`;
}

/**
 * Whether tests that need Go can be defined: without it they are left out, and that is said.
 *
 * @param {string} what They test.
 * @throws Error where Go is missing and PICKSCOPE_REQUIRE_GO says that it must not be.
 */
export function hasGoFor(what) {
  if (goMissing === undefined) return true;
  if (process.env.PICKSCOPE_REQUIRE_GO === '1') throw new Error(`${what}: ${goMissing}`);
  console.log(`  skipped: ${what}. ${goMissing}`);
  return false;
}
