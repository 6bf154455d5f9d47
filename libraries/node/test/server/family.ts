import '../../src/attach';
import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { isMainThread, Worker } from 'node:worker_threads';

/*
 * An attachable program that starts others like itself: two workers of a cluster, a child and two threads. One of the
 * threads it ends on demand; all of them end when its parent does.
 */

const isFirst = isMainThread && cluster.isPrimary && process.env.FAMILY_CHILD === undefined;

if (isFirst) {
  cluster.fork();
  cluster.fork();
  const child = fork(__filename, { env: { ...process.env, FAMILY_CHILD: '1' } });
  const threads = [new Worker(__filename), new Worker(__filename)];
  process.on('message', () => void threads[0]!.terminate());
  process.on('disconnect', () => {
    child.kill();
    process.exit();
  });
} else if (isMainThread) {
  process.on('disconnect', () => process.exit());
} else {
  setInterval(() => undefined, 1000);
}
