import { randomBytes } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import {
  DescribeResponseSchema,
  ProcessSchema,
  WatchResponseSchema,
  type DescribeRequest,
  type DescribeResponse,
  type WatchRequest,
  type WatchResponse,
} from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';

type Watcher = ServerWritableStream<WatchRequest, WatchResponse>;
type Body = MessageInitShape<typeof WatchResponseSchema>['body'];

/** A client's debug server, as far as the protocol goes, with a test at the other end instead of a balancer. */
export class FakeDebugServer {
  readonly instance = randomBytes(16).toString('hex');
  token = randomBytes(32).toString('hex');
  readonly watchers: Watcher[] = [];
  /** How often somebody asked who is here. */
  asked = 0;
  protocolMajor = 1;
  /** With which status a Watch call is refused; undefined: it is served. */
  refuseWatch: { code: status; details: string } | undefined;
  /** Whether a Describe call is left without answer. */
  mute = false;
  address = '';
  #server = new Server();

  constructor(readonly name = 'orders-api') {
    this.#server.addService(debugServiceDefinition, {
      describe: (call: ServerUnaryCall<DescribeRequest, DescribeResponse>, answer: sendUnaryData<DescribeResponse>) => {
        this.asked++;
        if (this.mute) return;
        if (call.metadata.get(tokenMetadataKey)[0] !== this.token) answer({ code: status.UNAUTHENTICATED });
        else answer(null, create(DescribeResponseSchema, { process: this.process }));
      },
      watch: (call: Watcher) => this.#watch(call),
    });
  }

  get process() {
    return create(ProcessSchema, {
      instance: this.instance,
      pid: process.pid,
      name: this.name,
      folder: 'shop',
      hostName: 'laptop',
      language: 'node',
      protocolMajor: this.protocolMajor,
      protocolMinor: 3,
    });
  }

  /** @param address `unix:/path`, or `127.0.0.1:0` for any port. */
  listen(address: string, credentials = ServerCredentials.createInsecure()): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, port) => {
        this.address = address.startsWith('unix:') ? address : `127.0.0.1:${port}`;
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Sends the body to the newest watcher, with the sequence number that is due, or with another one. */
  send(body: Body, sequence?: number): void {
    const watcher = this.watchers.at(-1)!;
    const sent = (this.#sequences.get(watcher) ?? 0) + 1;
    this.#sequences.set(watcher, sent);
    watcher.write(create(WatchResponseSchema, { sequence: sequence ?? sent, body }));
  }

  sendSnapshot(): void {
    this.send({ case: 'process', value: this.process });
    this.send({ case: 'snapshotBegin', value: {} });
    this.send({ case: 'snapshotEnd', value: {} });
  }

  /** Ends all streams as a process that is killed does. */
  kill(): void {
    this.#server.forceShutdown();
  }

  readonly #sequences = new Map<Watcher, number>();

  #watch(call: Watcher): void {
    if (this.refuseWatch) {
      call.emit('error', this.refuseWatch);
      return;
    }
    this.watchers.push(call);
    this.sendSnapshot();
  }
}
