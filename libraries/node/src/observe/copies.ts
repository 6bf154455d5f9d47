import type * as GrpcModule from '@grpc/grpc-js';
import { createRequire } from 'node:module';
import path from 'node:path';
import { failOpen } from './failOpen';

/** A copy of grpc-js in this process. */
export interface GrpcCopy {
  /** What `require` of it gives. */
  readonly grpc: typeof GrpcModule;
  /** Its main file; '' where it is not known. */
  readonly file: string;
  /**
   * Gives one of its modules.
   *
   * @param name Its path in the package.
   * @throws Error if there is none.
   */
  readonly load: (name: string) => unknown;
}

/** '' where it cannot be read. */
export function versionOf({ load }: GrpcCopy): string {
  return failOpen(() => (load('package.json') as { readonly version: string }).version) ?? '';
}

/** How every copy's main file ends; other packages have such files too. */
const mainFile = path.join('/', 'build', 'src', 'index.js');

/** Of Node's modules, what is used of them. */
export type LoadedModule = Pick<NodeJS.Module, 'exports' | 'filename' | 'require'>;

/** The copy of grpc-js that a module is the main file of; undefined: it is something else. */
export function copyOfModule(module: LoadedModule): GrpcCopy | undefined {
  if (!module.filename.endsWith(mainFile)) return undefined;
  const exports: unknown = module.exports;
  // Asked without reading them: the exports of other packages may be getters that load more.
  if (typeof exports !== 'object' || exports === null) return undefined;
  if (!('experimental' in exports && 'loadPackageDefinition' in exports)) return undefined;
  const load = (name: string): unknown => module.require(`../../${name}`);
  return { grpc: exports as typeof GrpcModule, file: module.filename, load };
}

/** The copies that Node's own loader of CommonJS has loaded. */
export function loadedCopies(): GrpcCopy[] {
  // Any path will do: the cache is the same for all.
  const { cache } = createRequire(path.join(process.cwd(), 'any.js'));
  const modules = Object.values(cache).filter((module) => module?.loaded);
  return modules.flatMap((module) => copyOfModule(module!) ?? []);
}

/**
 * A copy of which only the exports are known.
 *
 * @param grpc What `require` or `import * as` of it gave.
 */
export function copyOf(grpc: typeof GrpcModule): GrpcCopy {
  const loaded = loadedCopies().find((copy) => copy.grpc.experimental === grpc.experimental);
  return loaded ?? { grpc, file: '', load: failToLoad };
}

function failToLoad(): never {
  throw new Error('The files of this copy of grpc-js are not known.');
}
