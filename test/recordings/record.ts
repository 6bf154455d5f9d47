import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { parseDescriptor, type Descriptor } from '@pickscope/protocol/descriptor';
import { WatchRequestSchema, type WatchResponse } from '@pickscope/protocol/messages';
import { encodeRecorded, recordingHeader } from '@pickscope/protocol/recording';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';

/*
 * Records a real client of this checkout, one channel for each policy, while a backend goes and comes back; README.md says
 * how. Names of the machine are left out.
 *
 *     node --import tsx --conditions=pickscope-source test/recordings/record.ts FILE POLICY…
 */

const seconds = 6;
const [file = '', ...policies] = process.argv.slice(2);
if (file === 'client') await runClient(policies);
else await record(file, policies);

async function record(to: string, names: readonly string[]): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
  const env = { ...process.env, PICKSCOPE_RUNTIME_DIR: folder, PICKSCOPE_NAME: 'orders-api', PICKSCOPE_KEEP: '60s' };
  const child = fork(import.meta.filename, ['client', ...names], { env });
  const output = createWriteStream(to);
  output.write(recordingHeader());
  try {
    const { address, token } = await descriptorIn(folder);
    // What a client of 1.2 or newer keeps of this time is in its recording.
    await delay(2000);
    for await (const message of watch(address, token)) output.write(encodeRecorded(anonymous(message)));
  } finally {
    child.kill();
    output.end();
    rmSync(folder, { recursive: true });
  }
}

async function descriptorIn(folder: string): Promise<Descriptor> {
  for (;;) {
    const name = readdirSync(folder).find((each) => each.endsWith('.json'));
    const descriptor = name === undefined ? undefined : parseDescriptor(readFileSync(path.join(folder, name), 'utf8'));
    if (descriptor) return descriptor;
    await delay(50);
  }
}

/** The stream, as long as the client says that it runs. */
async function* watch(address: string, token: string): AsyncGenerator<WatchResponse> {
  const { path: method, requestSerialize, responseDeserialize } = debugServiceDefinition.watch;
  const metadata = new Metadata();
  metadata.set(tokenMetadataKey, token);
  const client = new Client(address, credentials.createInsecure());
  const request = create(WatchRequestSchema, { protocolMajor: 1, past: true });
  const call = client.makeServerStreamRequest(method, requestSerialize, responseDeserialize, request, metadata);
  const timer = setTimeout(() => call.cancel(), (seconds + 1) * 1000);
  try {
    for await (const message of call) yield message as WatchResponse;
  } catch {
    // It was cancelled.
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

function anonymous(message: WatchResponse): WatchResponse {
  if (message.body.case === 'process')
    Object.assign(message.body.value, { hostName: 'workstation', folder: 'orders', pid: 48213 });
  return message;
}

async function runClient(names: readonly string[]): Promise<void> {
  const { startDebugServer } = await import('../../libraries/node/src/main');
  const { Backend, TestClient } = await import('../../libraries/node/test/backends');
  process.once('disconnect', () => process.exit());
  const backends = [await Backend.start(), await Backend.start(), await Backend.start()];
  for (const [index, backend] of backends.entries()) {
    backend.answer = (call, respond) => {
      const failed = index === 1 && Math.random() < 0.2;
      setTimeout(() => (failed ? respond({ code: status.UNAVAILABLE }) : respond(null, call.request)), 2 + 15 * index);
    };
  }
  const clients = names.map((name) => TestClient.to(backends, name));
  const server = await startDebugServer();
  const calls = setInterval(() => clients.forEach((client) => void client.get({ deadlineMs: 500 })), 100);
  setTimeout(() => backends[2]!.kill(), seconds * 300);
  setTimeout(() => void backends[2]!.revive(), seconds * 600);
  setTimeout(() => clearInterval(calls), seconds * 1000);
  await once(process, 'SIGTERM');
  server.close();
  process.exit();
}
