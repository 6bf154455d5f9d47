import { startDebugServer } from './main';

/*
 * `import '@pickscope/grpc-js/attach'` makes a program attachable, unless the environment says PICKSCOPE=off.
 */

export { register, saveRecording, startDebugServer, type DebugServer, type DebugServerOptions } from './main';

if (!/^(0|off)$/i.test(process.env.PICKSCOPE ?? '')) void startDebugServer();
