import * as grpc from '@grpc/grpc-js';

/*
 * Real gRPC servers and clients for the tests.
 */

export type Grpc = typeof grpc;

const bytes = {
  requestSerialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
};

const definition = {
  get: { path: '/shop.Cart/Get', requestStream: false, responseStream: false, ...bytes },
  watch: { path: '/shop.Cart/Watch', requestStream: false, responseStream: true, ...bytes },
};

type GetCall = grpc.ServerUnaryCall<Buffer, Buffer>;
type Respond = grpc.sendUnaryData<Buffer>;
export type WatchCall = grpc.ServerWritableStream<Buffer, Buffer>;

/** A server that counts what reaches it. */
export class Backend {
  received = 0;
  /** Streams that the test has to end. */
  readonly streams: WatchCall[] = [];
  /** How unary calls are answered; changed at will. */
  answer: (call: GetCall, respond: Respond) => void = (call, respond) => respond(null, call.request);
  port = 0;
  private server = new grpc.Server();

  static async start(): Promise<Backend> {
    const backend = new Backend();
    await backend.listen(0);
    return backend;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Goes away, with all of its connections. */
  kill(): void {
    this.server.forceShutdown();
  }

  /** Comes back at the same address. */
  async revive(): Promise<void> {
    this.server = new grpc.Server();
    await this.listen(this.port);
  }

  private async listen(port: number): Promise<void> {
    this.server.addService(definition, {
      get: (call: GetCall, respond: Respond) => {
        this.received++;
        this.answer(call, respond);
      },
      watch: (call: WatchCall) => {
        this.received++;
        this.streams.push(call);
        call.write(Buffer.from('first'));
      },
    });
    const credentials = grpc.ServerCredentials.createInsecure();
    this.port = await new Promise((resolve, reject) => {
      this.server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
  }
}

export interface CallOptions {
  readonly credentials?: grpc.CallCredentials;
  readonly deadlineMs?: number;
  readonly waitForReady?: boolean;
  /** Values by metadata key. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  /** Is given the call, to cancel it. */
  readonly begun?: (call: { cancel(): void }) => void;
}

export interface ClientOptions {
  readonly methodConfig?: object;
  readonly channel?: grpc.ChannelOptions;
  /** Another copy of grpc-js. */
  readonly library?: Grpc;
}

/** A client whose policy is named. */
export class TestClient {
  private readonly library: Grpc;
  private readonly client: grpc.Client;

  /**
   * @param policy Name of the policy, or the list of configurations.
   */
  constructor(
    readonly target: string,
    policy: string | readonly object[],
    options: ClientOptions = {},
  ) {
    this.library = options.library ?? grpc;
    const { library } = this;
    const serviceConfig = {
      loadBalancingConfig: typeof policy === 'string' ? [{ [policy]: {} }] : policy,
      methodConfig: options.methodConfig ? [{ name: [{}], ...options.methodConfig }] : [],
    };
    this.client = new library.Client(target, library.credentials.createInsecure(), {
      'grpc.service_config': JSON.stringify(serviceConfig),
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 200,
      'grpc.use_local_subchannel_pool': 1,
      ...options.channel,
    });
  }

  static to(backends: readonly Backend[], policy: string | readonly object[], options?: ClientOptions): TestClient {
    return new TestClient(`ipv4:${backends.map((backend) => backend.address).join(',')}`, policy, options);
  }

  /** A unary call. @returns Its status code. */
  async get(options: CallOptions = {}): Promise<number> {
    return (await this.call(options))?.code ?? 0;
  }

  /** A unary call. @returns The details of its status. */
  async failure(): Promise<string> {
    return (await this.call({}))?.details ?? '';
  }

  private call(options: CallOptions): Promise<grpc.ServiceError | null> {
    const metadata = new this.library.Metadata({ waitForReady: options.waitForReady ?? false });
    for (const [key, values] of Object.entries(options.headers ?? {})) {
      for (const value of values) metadata.add(key, value);
    }
    const { path, requestSerialize, responseDeserialize } = definition.get;
    return new Promise((resolve) => {
      const call = this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.from('?'),
        metadata,
        callOptions(options),
        (error) => resolve(error),
      );
      options.begun?.(call);
    });
  }

  /** A stream from the server. */
  watch(): grpc.ClientReadableStream<Buffer> {
    const { path, requestSerialize, responseDeserialize } = definition.watch;
    const stream = this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, Buffer.from('?'));
    // Its end is asserted by the counters; an error of a stream that nobody hears would end the tests.
    return stream.on('error', () => undefined).on('data', () => undefined);
  }

  close(): void {
    this.client.close();
  }
}

function callOptions(options: CallOptions): grpc.CallOptions {
  return {
    ...(options.credentials && { credentials: options.credentials }),
    deadline: Date.now() + (options.deadlineMs ?? 20_000),
  };
}

/** Waits until it holds; the test's own time limit ends a wait that is in vain. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
