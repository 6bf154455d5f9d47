import { Attachment } from '../../src/attachment/attachment';
import { readStream, type StreamEvent, type StreamOptions } from '../../src/attachment/stream';
import { defaultPickBudgetBytes } from '../../src/model/clientModel';

/*
 * What the extension host does with a client's stream: connects, decodes and, unless it is told only to decode, feeds the
 * model, by the extension's own code. Tells its parent when the snapshot is there, and at each message of its parent, what it
 * has taken since it began.
 *
 *     reader ADDRESS TOKEN decode|model
 */

export interface Intake {
  readonly picks: number;
  readonly completions: number;
  /** What the client says that it did not send. */
  readonly dropped: number;
  /** s of this process. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  /** Of the garbage-collected heap in use, bytes. */
  readonly heap: number;
}

let [picks, completions, dropped] = [0, 0, 0];

/** The stream, counted on its way. */
async function* counted(options: StreamOptions): AsyncGenerator<StreamEvent> {
  for await (const event of readStream(options)) {
    if (event.type === 'message') count(event.message.body);
    if (event.type === 'ended') throw new Error(`The stream ended: ${JSON.stringify(event.failure)}`);
    yield event;
  }
}

function count(body: Extract<StreamEvent, { type: 'message' }>['message']['body']): void {
  if (body.case === 'picks') picks += body.value.rows;
  else if (body.case === 'completions') completions += body.value.rows;
  else if (body.case === 'drops') dropped = Number(body.value.picks + body.value.completions);
  else if (body.case === 'snapshotEnd') process.send!('attached');
}

function intake(): Intake {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { picks, completions, dropped, cpu: (user + system) / 1e6, rss, heap: heapUsed };
}

async function decode(address: string, token: string): Promise<void> {
  const options = { address, token, signal: new AbortController().signal, answerTimeoutMs: 10_000 };
  for await (const { type } of counted(options)) if (type === 'ended') return;
}

function feedModel(address: string, token: string): Attachment {
  const log = { info: () => undefined, warn: (line: string) => console.error(line) };
  return new Attachment(
    { kind: 'address', address },
    {
      pickBudgetBytes: defaultPickBudgetBytes,
      loadStream: () => Promise.resolve(counted),
      tokenFor: () => Promise.resolve(token),
      mayRetry: () => false,
      log,
    },
  );
}

const [address, token, mode] = process.argv.slice(2) as [string, string, string];
process.on('message', () => process.send!(intake()));
process.once('disconnect', () => process.exit());
if (mode === 'decode') void decode(address, token);
else feedModel(address, token);
