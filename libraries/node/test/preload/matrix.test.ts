import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { library, runCell, ways } from './cell';

const modules = path.join(library, '../../node_modules');
const newest = path.join(modules, '@grpc/grpc-js');
const oldest = path.join(modules, 'grpc-js-1.10');

/** A sample of the matrix that `npm run test:matrix` runs whole. */
describe('the preload', () => {
  before(() => promisify(execFile)(process.execPath, ['esbuild.mjs'], { cwd: library }));

  for (const [name, grpc, otherGrpc] of [
    ['1.14', newest, oldest],
    ['1.10', oldest, newest],
  ] as const) {
    for (const way of ways) {
      it(`shows every pick of a program with grpc-js ${name}: ${way}`, () =>
        runCell({ node: process.execPath, grpc, otherGrpc, way }));
    }
  }
});
