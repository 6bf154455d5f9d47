import { build } from 'esbuild';

/*
 * Bundles the library into dist/: CommonJS, which both `require` and `import` take, with the protocol inside and grpc-js
 * outside. attach.cjs requires main.cjs, so that the two entry points share one state.
 */

/** @type {import('esbuild').BuildOptions} */
const shared = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  conditions: ['pickscope-source'],
  logLevel: 'warning',
};

await build({
  ...shared,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/main.cjs',
  external: ['@grpc/grpc-js', '@grpc/grpc-js/*'],
  banner: {
    js: '/*! Contains @bufbuild/protobuf, copyright 2021-2026 Buf Technologies, Inc., Apache-2.0 AND BSD-3-Clause. */',
  },
});
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
