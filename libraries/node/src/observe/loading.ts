import Module, { syncBuiltinESMExports } from 'node:module';
import { copyOfModule, loadedCopies, type GrpcCopy, type LoadedModule } from './copies';
import { failOpen } from './failOpen';

/*
 * Tells of each copy of grpc-js as it is loaded, by whichever of Node's loaders:
 *
 * - `require`, and `import` of CommonJS, go through Module.prototype.load;
 * - a loader that gives the text of CommonJS modules itself (module.register, --loader) does not. There a line is added
 *   to the text of grpc-js's main file.
 */

/** Set on globalThis: told of main files that were loaded by another loader; and that this file is at work already. */
const told = Symbol.for('pickscope.loaded');

/** What Node has and its types do not. */
interface ModuleInternals {
  readonly prototype: { load: (this: LoadedModule, filename: string, ...rest: unknown[]) => unknown };
  register?: (...args: unknown[]) => unknown;
}

/** Once in a thread; a second time does nothing. */
export function onEachCopy(observe: (copy: GrpcCopy) => void): void {
  const shared = globalThis as { [told]?: (module: LoadedModule) => void };
  if (shared[told]) return;
  const tell = (shared[told] = (module) => {
    failOpen(() => {
      const copy = copyOfModule(module);
      if (copy) observe(copy);
    });
  });
  const internals = Module as unknown as ModuleInternals;
  wrapLoad(internals, tell);
  failOpen(() => followLoaders(internals));
  // Another preload may have loaded one before.
  for (const copy of failOpen(loadedCopies) ?? []) failOpen(() => observe(copy));
}

function wrapLoad({ prototype }: ModuleInternals, tell: (module: LoadedModule) => void): void {
  const { load } = prototype;
  prototype.load = function (filename, ...rest) {
    const result = load.call(this, filename, ...rest);
    tell(this);
    return result;
  };
}

/** The loader that was registered last is asked first, so ours goes after each. */
function followLoaders(internals: ModuleInternals): void {
  const { register } = internals;
  if (!register) return;
  const follow = () => failOpen(() => register.call(internals, loaderUrl));
  internals.register = function (...args) {
    const result = register.apply(this, args);
    follow();
    return result;
  };
  syncBuiltinESMExports();
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (/--(experimental-)?loader\b/.test(options)) follow();
}

/** It runs in a thread of its own, so it is a module of its own; and inside this file, which may lie alone. */
const loaderUrl = `data:text/javascript,${encodeURIComponent(`
  const line = "\\n;globalThis[Symbol.for('pickscope.loaded')]?.({ exports: module.exports, filename: module.filename, require });";
  export async function load(url, context, nextLoad) {
    const loaded = await nextLoad(url, context);
    if (loaded.format !== 'commonjs' || !loaded.source || !/\\/build\\/src\\/index\\.js(\\?|$)/.test(url)) return loaded;
    const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source).toString();
    const isGrpc = text.includes('loadPackageDefinition') && !text.endsWith(line);
    return isGrpc ? { ...loaded, source: text + line } : loaded;
  }
`)}`;
