import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type sendUnaryData, type ServerWritableStream } from '@grpc/grpc-js';
import {
  DescribeResponseSchema,
  WatchResponseSchema,
  type DescribeResponse,
  type WatchRequest,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition } from '@pickscope/protocol/service';
import { descriptorOf } from '../../test/unit/discovery/runtimeFolder';
import { FakeClient, type FakeClientOptions } from '../../test/unit/model/fakeClient';

/*
 * A client that speaks the debug protocol, and gives to whoever attaches 15 minutes of its past: aggregates of all of it, and
 * as many single picks as are asked for, the newest of them at its full rate. Then it goes on, live.
 *
 *     client.ts FOLDER ENDPOINTS PICKS_PER_SECOND SINGLE_PICKS
 */

const [folder = '', endpointCount = '50', rate = '5000', singlePicks = '1000000'] = process.argv.slice(2);
const pastMs = 15 * 60_000;
const quietRate = 100;
const liveMs = 50;

const options: { -readonly [Name in keyof FakeClientOptions]: FakeClientOptions[Name] } = {
  backends: Array.from({ length: Number(endpointCount) }, (_, index) => ({
    address: `10.0.${index >> 4}.${(index & 15) + 1}:50051`,
    latencyMs: 2 + (index % 9) * 3,
    tail: 0.4,
    errors: index % 10 === 3 ? 0.01 : 0,
  })),
  picksPerSecond: quietRate,
  startMs: Date.now() - pastMs,
};
const client = new FakeClient(options).attach();
const flapping = options.backends.at(-1)!.address;

/** Bytes; what holds a wall clock as it is, for that is set when somebody attaches. */
type Said = Buffer | WatchResponse;

/** Takes what the client has to say since, and lets it forget that: nobody needs what it remembers of a million picks. */
function said(): Said[] {
  client.picks.length = 0;
  return client.messages
    .splice(0)
    .map((message) =>
      message.body.case === 'heartbeat' || message.body.case === 'process' ? message : bytesOf(message),
    );
}

function bytesOf(said: Said): Buffer {
  return 'body' in said ? Buffer.from(toBinary(WatchResponseSchema, said)) : said;
}

/** It took a while to make up the past: it ends when somebody attaches. */
function later(said: Said, ms: number): Said {
  if (!('body' in said)) return said;
  if (said.body.case === 'heartbeat' || said.body.case === 'process')
    said.body.value.clock!.wallUnixNs += BigInt(ms) * 1_000_000n;
  return said;
}

const first = client.messages[0]!.body;
if (first.case !== 'process') throw new Error('A stream begins with its process.');
const who = first.value;
const past = said();
const busyMs = (Number(singlePicks) / Number(rate)) * 1000;
for (let ms = 0; ms < pastMs; ms += 1000) {
  options.picksPerSecond = ms < pastMs - busyMs ? quietRate : Number(rate);
  if (ms % 60_000 === 30_000) client.fail(flapping);
  if (ms % 60_000 === 40_000) client.recover(flapping);
  client.run(1000);
  past.push(...said());
}
options.picksPerSecond = Number(rate);

const server = new Server();
server.addService(
  {
    ...debugServiceDefinition,
    watch: { ...debugServiceDefinition.watch, responseSerialize: (bytes: Buffer) => bytes },
  },
  {
    describe: (_: unknown, answer: sendUnaryData<DescribeResponse>) =>
      answer(null, create(DescribeResponseSchema, { process: who })),
    watch: (call: ServerWritableStream<WatchRequest, Buffer>) => void watch(call),
  },
);

/** There is but one watcher. */
async function watch(call: ServerWritableStream<WatchRequest, Buffer>): Promise<void> {
  const lateMs = Math.round(Date.now() - client.nowMs);
  for (const each of past.splice(0)) {
    if (!call.write(bytesOf(later(each, lateMs)))) await new Promise((resolve) => call.once('drain', resolve));
  }
  client.stepWallClock(lateMs);
  setInterval(() => {
    client.run(Math.min(1000, Math.max(0, Date.now() - client.nowMs)));
    for (const each of said()) call.write(bytesOf(each));
  }, liveMs);
}

server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  const descriptor = descriptorOf({ instance: who.instance, name: 'orders-api', address: `127.0.0.1:${port}` });
  writeFileSync(path.join(folder, `${descriptor.instance}.json`), JSON.stringify(descriptor), { mode: 0o600 });
  process.send?.('ready');
});
process.once('disconnect', () => process.exit());
