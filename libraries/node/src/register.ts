import type * as Loading from './observe/loading';
import type * as RuntimeModule from './runtime';

/*
 * Loaded before a program, it makes that program attachable without a change to it:
 * `node --require @pickscope/grpc-js/register app.js`, `--import`, or NODE_OPTIONS. docs/preload.md says what it does.
 *
 * NODE_OPTIONS reach every process of Node beneath, most of which have no gRPC: those must neither notice nor wait. So
 * nothing but this file is evaluated until it is needed, and whatever goes wrong is kept quiet.
 */

const wanted = !/^(0|off)$/i.test(process.env.PICKSCOPE ?? '');
const supported = parseInt(process.versions.node) >= 20;

/* eslint-disable @typescript-eslint/no-require-imports --
   An import would be evaluated at once; this one is bundled all the same. */
if (wanted && supported) {
  try {
    const { onEachCopy } = require('./observe/loading') as typeof Loading;
    onEachCopy((copy) => {
      const { runtime, unsupportedVersion } = require('./runtime') as typeof RuntimeModule;
      runtime.observe(copy);
      if (unsupportedVersion(copy) === undefined) runtime.registerPolicies(copy.grpc);
      // Later, so that a program that asks for a server itself comes first.
      setImmediate(() => runtime.offerServer()).unref();
    });
  } catch {
    // The program runs on, unobserved.
  }
}
/* eslint-enable @typescript-eslint/no-require-imports */
