import '../../src/attach';
import { Backend, TestClient } from '../backends';

/*
 * An attachable program, for tests that need it in a process of its own (see children.ts): it makes calls all the time, and
 * says on demand how they go.
 */

/** How the program is. */
export interface Figures {
  /** Calls that it has made, and those of them that failed. */
  readonly calls: number;
  readonly failed: number;
  /** Bytes. */
  readonly memory: number;
}

let ending = false;
let [calls, failed] = [0, 0];

async function main(): Promise<void> {
  const backend = await Backend.start();
  const client = TestClient.to([backend], 'round_robin');
  process.on('message', (order: 'figures' | 'end') => {
    if (order === 'figures') process.send!({ calls, failed, memory: retainedBytes() } satisfies Figures);
    else ending = true;
  });
  // From here on nothing but the calls keeps it alive.
  process.channel!.unref();
  while (!ending && process.connected) {
    if ((await client.get()) !== 0) failed++;
    calls++;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  client.close();
  backend.kill();
}

/** What is still referred to, where the program was started so that it can tell; else all. */
function retainedBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return globalThis.gc ? heapUsed + external : rss;
}

void main();
