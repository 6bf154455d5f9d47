import { descriptorOf, type TestRuntimeFolder } from '../discovery/runtimeFolder';
import { FakeDebugServer } from './debugServer';

/** Starts a client that makes itself known. */
export async function startClient(folder: TestRuntimeFolder, name = 'orders-api'): Promise<FakeDebugServer> {
  const server = new FakeDebugServer(name);
  await server.listen(`unix:${folder.file(`${server.instance.slice(0, 8)}.sock`)}`);
  folder.announce(descriptorFor(server));
  return server;
}

/** Ends a client that tidies up: its descriptor goes, too. */
export function stopClient(folder: TestRuntimeFolder, server: FakeDebugServer): void {
  folder.withdraw(descriptorFor(server));
  server.kill();
}

export function descriptorFor({ instance, token, address, name }: FakeDebugServer) {
  return descriptorOf({ instance, token, address, name, folder: 'shop', hostName: 'laptop' });
}
