import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Serving } from './serving';
import { BusyFeed } from './feed';

/*
 * A client that makes 100,000 picks a second, none of them real, for load.soak.ts: in a process of its own, so that memory and
 * delays are those of the source and the debug server alone. Told "begin", "figures", "stop".
 */

export interface Load {
  readonly address: string;
  readonly token: string;
  readonly picks: number;
  /** s since the first. */
  readonly seconds: number;
  /** By endpoint: picks, started, ended. */
  readonly counted: readonly (readonly [number, number, number, number])[];
  /** ms; the longest that the event loop was held up. */
  readonly maxDelay: number;
  /** Bytes. */
  readonly rss: number;
  /** s. */
  readonly cpu: number;
}

const picksPerSecond = 100_000;
const largestBurst = 500;

async function main(): Promise<void> {
  const serving = await Serving.start({ keep: { seconds: 60, bytes: 16 << 20 } });
  const feed = new BusyFeed(serving.recorder, 20);
  const delays = monitorEventLoopDelay({ resolution: 1 });
  let [begun, picks] = [NaN, 0];
  const make = () => {
    const due = Math.floor(((performance.now() - begun) / 1000) * picksPerSecond);
    // Where the machine held this process up, it makes up for it without making all at once.
    const now = Math.min(due - picks, largestBurst);
    feed.picks(now);
    picks += now;
  };
  let source: NodeJS.Timeout | undefined;
  const orders = {
    begin: () => {
      begun = performance.now();
      delays.enable();
      source = setInterval(make, 1);
    },
    stop: () => {
      clearInterval(source);
      feed.end();
    },
    figures: () => process.send!(figures()),
  };
  const figures = (): Load => {
    const { user, system } = process.cpuUsage();
    return {
      ...serving.access,
      picks,
      seconds: (performance.now() - begun) / 1000,
      maxDelay: delays.max / 1e6,
      rss: process.memoryUsage.rss(),
      cpu: (user + system) / 1e6,
      counted: feed.endpoints.map(({ message, counters }) => {
        const ended = counters.ended.reduce((sum, it) => sum + it, 0);
        return [message.id, counters.picks, counters.started, ended];
      }),
    };
  };
  process.on('message', (order: keyof typeof orders) => orders[order]());
}

void main();
