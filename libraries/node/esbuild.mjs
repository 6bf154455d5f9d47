import { writeFileSync } from 'node:fs';
import { build } from 'esbuild';
import { thirdPartyNotices } from '../../notices.mjs';

/*
 * Bundles the library into dist/: CommonJS, which both `require` and `import` take, with the protocol inside and grpc-js
 * outside. attach.cjs requires main.cjs, so that the two entry points share one state. register.cjs stands alone: it is
 * loaded before programs that have nothing of this installed. forward.cjs is the command pickscope-forward.
 */

const banner = {
  js: `/*! Contains @bufbuild/protobuf, copyright 2021-2026 Buf Technologies, Inc., Apache-2.0 AND BSD-3-Clause,
    and protocols of gRPC, copyright The gRPC Authors, Apache-2.0: see ThirdPartyNotices.txt. */`,
};

/** @type {import('esbuild').BuildOptions} */
const shared = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  conditions: ['pickscope-source'],
  logLevel: 'warning',
};

const { metafile } = await build({
  ...shared,
  metafile: true,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.cjs',
  external: ['@grpc/grpc-js', '@grpc/grpc-js/*'],
  banner,
});
writeFileSync('dist/ThirdPartyNotices.txt', thirdPartyNotices([metafile]));
await build({
  ...shared,
  entryPoints: ['src/attach.ts'],
  outfile: 'dist/attach.cjs',
  plugins: [
    {
      name: 'main-is-outside',
      setup: (plugins) => plugins.onResolve({ filter: /^\.\/main$/ }, () => ({ path: './main.cjs', external: true })),
    },
  ],
});
await build({
  ...shared,
  entryPoints: ['src/forward/forward.ts'],
  outfile: 'dist/forward.cjs',
  banner: { js: '#!/usr/bin/env node' },
});
const standingAlone = {
  ...shared,
  // Whatever version of Node a program runs on, it must be able to read this and to leave it at that.
  target: 'node12',
  // As assignments: what stands in for fields there is slow.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  minifySyntax: true,
  minifyWhitespace: true,
};
await build({
  ...standingAlone,
  entryPoints: ['src/register.ts'],
  outfile: 'dist/register.cjs',
  plugins: [
    { name: 'runtime-as-text', setup: (plugins) => plugins.onLoad({ filter: /\/runtime\.ts$/ }, runtimeAsText) },
  ],
  banner,
});

/** Every process of Node beneath reads register.cjs; only those that load grpc-js are to parse all of it. */
async function runtimeAsText({ path }) {
  const { outputFiles } = await build({ ...standingAlone, entryPoints: [path], write: false });
  const contents = `
    const { Module } = require('module');
    const runtime = new Module(__filename);
    runtime._compile(${JSON.stringify(outputFiles[0].text)}, __filename + ':runtime');
    module.exports = runtime.exports;`;
  return { contents };
}
