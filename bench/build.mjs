import { build } from 'esbuild';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);

/**
 * Bundles programs of bench/speed as libraries/node/esbuild.mjs bundles the library, so that what ships is measured: tsx,
 * which the tests use, names every closure when it is made.
 *
 * @param {string[]} names
 * @returns {Promise<string>} The folder that they are in.
 */
export async function buildPrograms(...names) {
  const folder = path.join(root, 'out', 'speed');
  await build({
    entryPoints: names.map((name) => path.join(root, 'bench', 'speed', `${name}.ts`)),
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    conditions: ['pickscope-source'],
    // mitata asks Bun where it runs on that.
    external: ['@grpc/grpc-js', '@grpc/grpc-js/*', 'bun:jsc'],
    logLevel: 'warning',
  });
  return folder;
}
