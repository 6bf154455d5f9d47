import { build, context } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { thirdPartyNotices } from './notices.mjs';

/**
 * Bundles the extension's host side, its panel and its preload for Node programs into dist/.
 *
 *     node esbuild.mjs [--production] [--watch]
 */
const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** @type {import('esbuild').BuildOptions} */
const shared = {
  bundle: true,
  minify: production,
  metafile: true,
  sourcemap: production ? false : 'linked',
  // The packages of this repository are bundled from their sources, so that nothing has to be built before.
  conditions: ['pickscope-source'],
  logLevel: 'warning',
};

/**
 * gRPC and the decoder are in a bundle of their own, loaded at the first attach or with the first recording, so that
 * activation stays fast.
 *
 * @type {import('esbuild').Plugin}
 */
const loadLate = {
  name: 'load-late',
  setup({ onResolve }) {
    onResolve({ filter: /\/(stream|recordingMessages)$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './attachment.cjs', external: true } : undefined,
    );
  },
};

/** @type {import('esbuild').BuildOptions} */
const host = {
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  // `import()` becomes `require()`, which every extension host has.
  supported: { 'dynamic-import': false },
};

/** @type {import('esbuild').BuildOptions[]} */
const bundles = [
  {
    ...shared,
    ...host,
    entryPoints: { extension: 'src/extension.ts' },
    outdir: 'dist',
    outExtension: { '.js': '.cjs' },
    plugins: [loadLate],
  },
  {
    ...shared,
    ...host,
    stdin: {
      contents: `export * from './stream'; export * from './recordingMessages';`,
      resolveDir: 'src/attachment',
    },
    outfile: 'dist/attachment.cjs',
    // grpc-js asks for it only where a server offers channelz or ORCA: with protobuf.js, a quarter of this bundle.
    external: [...host.external, '@grpc/proto-loader'],
  },
  {
    ...shared,
    entryPoints: { panel: 'src/panel/main.ts' },
    outdir: 'dist',
    platform: 'browser',
    format: 'iife',
    target: 'chrome120',
  },
];

// The preload is the library's own, made in the library's way.
execFileSync(process.execPath, ['esbuild.mjs'], { cwd: 'libraries/node', stdio: 'inherit' });
for (const file of ['register.cjs', 'ThirdPartyNotices.txt'])
  cpSync(`libraries/node/dist/${file}`, `dist/preload/${file}`);

if (watch) {
  for (const options of bundles) await (await context(options)).watch();
} else {
  const results = await Promise.all(bundles.map((options) => build(options)));
  writeFileSync('dist/ThirdPartyNotices.txt', thirdPartyNotices(results.map(({ metafile }) => metafile)));
}
