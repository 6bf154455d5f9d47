import { readFileSync, readdirSync, existsSync } from 'node:fs';
import path from 'node:path';

/**
 * The licences of all that others wrote and that ended up in the bundles, as one text.
 *
 * @param {import('esbuild').Metafile[]} metafiles What esbuild says that it read.
 */
export function thirdPartyNotices(metafiles) {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== undefined));
  const notices = [...folders].sort().map(notice);
  if (inputs.some((input) => input.includes('protocol/src/generated/grpc/'))) notices.push(noticeOfProtocols());
  return notices.join(`\n${'-'.repeat(80)}\n\n`);
}

/** Of the .proto files that are not our own: their descriptors are in the bundles. */
function noticeOfProtocols() {
  const text = readFileSync(path.join(import.meta.dirname, 'protocol/grpc/LICENSE'), 'utf8').trim();
  return `grpc.channelz, grpc.health and grpc.reflection: copyright The gRPC Authors (Apache-2.0)\n\n${text}\n`;
}

/** @param {string} input */
function packageFolder(input) {
  return /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

/** @param {string} folder */
function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : sharedLicense(name, license);
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/**
 * The text of a package that ships without one, from another package of the same licence.
 *
 * @param {string} name
 * @param {string} license
 */
function sharedLicense(name, license) {
  const apache = path.join(import.meta.dirname, 'node_modules/@grpc/grpc-js/LICENSE');
  if (license.includes('Apache-2.0') && existsSync(apache)) return readFileSync(apache, 'utf8').trim();
  throw new Error(`${name} has no licence file: see to it that its licence (${license}) ships with the bundle.`);
}
