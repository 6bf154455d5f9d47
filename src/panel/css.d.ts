// esbuild bundles style sheets from the imports of scripts.
declare module '*.css';
