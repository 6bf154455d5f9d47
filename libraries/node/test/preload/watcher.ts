import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { parseDescriptor, type Descriptor } from '@pickscope/protocol/descriptor';
import {
  PickResult,
  WatchRequestSchema,
  type Process,
  type PickBatch,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { until } from '../backends';

/** The clients that have made themselves known in a runtime folder. */
export function descriptors(runtimeFolder: string): Descriptor[] {
  if (!existsSync(runtimeFolder)) return [];
  const files = readdirSync(runtimeFolder).filter((name) => name.endsWith('.json'));
  return files.map((name) => parseDescriptor(readFileSync(path.join(runtimeFolder, name), 'utf8')));
}

/** Waits for a process to make itself known. */
export async function descriptorOf(runtimeFolder: string, pid: number): Promise<Descriptor> {
  const found = () => descriptors(runtimeFolder).find((descriptor) => descriptor.pid === pid);
  await until(() => found() !== undefined);
  return found()!;
}

/** Watches one client, and adds up what it says. */
export class Watcher {
  process: Process | undefined;
  /** Whether all that existed has been told. */
  ready = false;
  /** Completed picks seen since then, by "method address". */
  readonly picks = new Map<string, number>();
  /** Completed picks as the client counts them, by address. */
  readonly counted = new Map<string, number>();
  private readonly methods = new Map<number, string>();
  /** Addresses, by endpoint. */
  private readonly endpoints = new Map<number, string>();
  private readonly counters = new Map<number, number>();
  private readonly client: grpc.Client;

  constructor({ address, token }: Pick<Descriptor, 'address' | 'token'>) {
    this.client = new grpc.Client(address, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set(tokenMetadataKey, token);
    const { path: method, requestSerialize, responseDeserialize } = debugServiceDefinition.watch;
    const request = create(WatchRequestSchema, { protocolMajor: 1 });
    const stream = this.client.makeServerStreamRequest(
      method,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
    );
    stream.on('data', (message: WatchResponse) => this.receive(message));
    // The client ended, or this one closed.
    stream.on('error', () => this.close());
  }

  /** Attaches, and waits until all that exists has been told. */
  static async attach(descriptor: Descriptor): Promise<Watcher> {
    const watcher = new Watcher(descriptor);
    await until(() => watcher.ready);
    return watcher;
  }

  close(): void {
    this.client.close();
  }

  private receive({ body }: WatchResponse): void {
    switch (body.case) {
      case 'process':
        this.process = body.value;
        break;
      case 'snapshotEnd':
        this.ready = true;
        break;
      case 'strings':
        body.value.ids.forEach((id, i) => this.methods.set(id, body.value.values[i]!));
        break;
      case 'changes':
        for (const { entity } of body.value.changes) {
          if (entity.case === 'endpoint') this.endpoints.set(entity.value.id, entity.value.addresses.join(', '));
        }
        break;
      case 'picks':
        this.addPicks(body.value);
        break;
      case 'counters':
        for (const { endpoint, picks } of body.value.endpoints) this.counters.set(endpoint, Number(picks));
        this.addUp();
        break;
      default:
    }
  }

  private addPicks({ rows, result, method, endpoint }: PickBatch): void {
    for (let row = 0; row < rows; row++) {
      if (result[row] !== PickResult.COMPLETED) continue;
      const key = `${this.methods.get(method[row]!)} ${this.endpoints.get(endpoint[row]!)}`;
      this.picks.set(key, (this.picks.get(key) ?? 0) + 1);
    }
  }

  private addUp(): void {
    this.counted.clear();
    for (const [id, picks] of this.counters) {
      const address = this.endpoints.get(id) ?? '?';
      this.counted.set(address, (this.counted.get(address) ?? 0) + picks);
    }
  }
}
