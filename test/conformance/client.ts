import { create, type MessageInitShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import type { Descriptor } from '@pickscope/protocol/descriptor';
import { WatchRequestSchema } from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import { build } from 'esbuild';
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { descriptors } from '../../libraries/node/test/preload/watcher';
import { hasGoFor } from '../go.mjs';
import { until } from '../unit/waiting';
import type { Answer, OrderName, Orders } from './orders';
import { Rules } from './rules';
import { Told } from './told';

export type Language = 'node' | 'go';

export const languages: readonly Language[] = hasGoFor('the conformance suite in Go') ? ['node', 'go'] : ['node'];

const sources = path.resolve('test', 'conformance');
const out = path.resolve('out', 'conformance');

/** Makes the client programs. @returns How each is started. */
export async function buildClients(): Promise<Map<Language, readonly string[]>> {
  mkdirSync(out, { recursive: true });
  const make = { node: buildNode, go: buildGo };
  return new Map(await Promise.all(languages.map(async (each) => [each, await make[each]()] as const)));
}

async function buildNode(): Promise<readonly string[]> {
  const outfile = path.join(out, 'nodeClient.cjs');
  await build({
    entryPoints: [path.join(sources, 'nodeClient.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    conditions: ['pickscope-source'],
    logLevel: 'warning',
  });
  return [process.execPath, outfile];
}

async function buildGo(): Promise<readonly string[]> {
  const outfile = path.join(out, process.platform === 'win32' ? 'goClient.exe' : 'goClient');
  await promisify(execFile)('go', ['build', '-o', outfile, '.'], { cwd: path.join(sources, 'go') });
  return [outfile];
}

/** A client program that is attachable and does what it is told. */
export class Client {
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  readonly streams: Stream[] = [];
  private said = '';
  private lastOrder = 0;

  private constructor(
    readonly language: Language,
    readonly runtimeFolder: string,
    readonly process: ChildProcessWithoutNullStreams,
  ) {
    createInterface({ input: process.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      this.waiting.get(answer.id)!(answer);
    });
    process.stderr.on('data', (chunk: Buffer) => (this.said += chunk.toString()));
  }

  static async start(
    language: Language,
    [program, ...args]: readonly string[],
    runtimeFolder: string,
    env: Readonly<Record<string, string>>,
  ): Promise<Client> {
    const own = {
      PICKSCOPE_RUNTIME_DIR: runtimeFolder,
      PICKSCOPE: '1',
      PICKSCOPE_NAME: 'conforming',
      HOME: '/nonexistent',
    };
    const child = spawn(program!, args, { cwd: out, env: { PATH: process.env.PATH, ...own, ...env } });
    const client = new Client(language, runtimeFolder, child);
    await until(() => client.found !== undefined || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`The ${language} client ended: ${client.said}`);
    return client;
  }

  get descriptor(): Descriptor {
    return this.found!;
  }

  private get found(): Descriptor | undefined {
    return descriptors(this.runtimeFolder).find(({ pid }) => pid === this.process.pid);
  }

  /** What it wrote to its standard error. */
  get errors(): string {
    return this.said;
  }

  async order<Name extends OrderName>(name: Name, order: Orders[Name]['takes']): Promise<Orders[Name]['gives']> {
    const id = ++this.lastOrder;
    const answered = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    this.process.stdin.write(`${JSON.stringify({ id, do: name, with: order })}\n`);
    const { gives, error } = (await answered) as Answer<Name>;
    if (error !== undefined) throw new Error(`${this.language}: ${name}: ${error}`);
    return gives!;
  }

  /** Attaches, without waiting for anything. */
  attach(request: MessageInitShape<typeof WatchRequestSchema> = {}, token = this.descriptor.token): Stream {
    const stream = new Stream(this.descriptor.address, token, request);
    this.streams.push(stream);
    return stream;
  }

  /** Attaches, and waits until all that exists has been told. */
  async watch(request: MessageInitShape<typeof WatchRequestSchema> = {}): Promise<Stream> {
    const stream = this.attach(request);
    await until(() => stream.told.ready || stream.error !== undefined);
    if (stream.error) throw stream.error;
    return stream;
  }

  async end(): Promise<void> {
    for (const stream of this.streams) stream.close();
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.stdin.end();
    await ended;
  }
}

const asItIs = (bytes: Buffer) => bytes;

/** One watcher's stream. It is held to the rules of the protocol, message by message. */
export class Stream {
  readonly told = new Told();
  readonly rules = new Rules();
  error: grpc.ServiceError | undefined;
  private readonly client: grpc.Client;
  private readonly call: grpc.ClientReadableStream<Buffer>;

  constructor(address: string, token: string, request: MessageInitShape<typeof WatchRequestSchema>) {
    this.client = new grpc.Client(address, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
    const metadata = new grpc.Metadata();
    if (token !== '') metadata.set(tokenMetadataKey, token);
    const { path: method, requestSerialize } = debugServiceDefinition.watch;
    const message = create(WatchRequestSchema, { protocolMajor: 1, ...request });
    this.call = this.client.makeServerStreamRequest(method, requestSerialize, asItIs, message, metadata);
    this.call.on('data', (bytes: Buffer) => this.rules.take(this.told.take(bytes)));
    this.call.on('error', (error: grpc.ServiceError) => (this.error = error));
  }

  close(): void {
    this.call.cancel();
    this.client.close();
  }
}
