import { build } from 'esbuild';
import path from 'node:path';

const root = path.dirname(import.meta.dirname);

/**
 * Bundles programs of a folder of bench/ as libraries/node/esbuild.mjs bundles the library, so that what ships is measured: tsx,
 * which the tests use, names every closure when it is made.
 *
 * @param {string} folder
 * @param {string[]} names
 * @returns {Promise<string>} The folder that they are in.
 */
export async function buildPrograms(folder, ...names) {
  const outdir = path.join(root, 'out', folder);
  await build({
    entryPoints: names.map((name) => path.join(root, 'bench', folder, `${name}.ts`)),
    outdir,
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
  return outdir;
}
