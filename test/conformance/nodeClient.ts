import { saveRecording } from '../../libraries/node/src/attach';
import * as grpc from '@grpc/grpc-js';
import { createInterface } from 'node:readline';
import type { Answer, Call, ChannelName, Dial, Order, OrderName, Orders, Resolve, Save } from './orders';

/*
 * The client in Node: attachable, and does what it is told; see orders.ts.
 */

const { experimental } = grpc;

type Said = grpc.experimental.StatusOr<grpc.experimental.Endpoint[]>;

/** Resolves `test:NAME` to what it is told, as often as it is told. */
class ToldResolver implements grpc.experimental.Resolver {
  private static readonly said = new Map<string, Said>();
  private static readonly resolvers = new Map<string, ToldResolver>();
  private readonly name: string;

  constructor(
    { path }: grpc.experimental.GrpcUri,
    private readonly listener: grpc.experimental.ResolverListener,
  ) {
    this.name = path;
  }

  static getDefaultAuthority(): string {
    return 'test';
  }

  static say(name: string, { addresses, error }: Omit<Resolve, 'channel'>): void {
    const said: Said = addresses
      ? experimental.statusOrFromValue(addresses.map(endpointOf))
      : experimental.statusOrFromError({ code: grpc.status.UNAVAILABLE, details: error! });
    ToldResolver.said.set(name, said);
    ToldResolver.resolvers.get(name)?.tell();
  }

  /** Who asks again is told nothing new. */
  updateResolution(): void {
    if (ToldResolver.resolvers.has(this.name)) return;
    ToldResolver.resolvers.set(this.name, this);
    process.nextTick(() => this.tell());
  }

  destroy(): void {
    ToldResolver.resolvers.delete(this.name);
  }

  private tell(): void {
    const said = ToldResolver.said.get(this.name);
    if (said) this.listener(said, {}, null, '');
  }
}

function endpointOf(address: string): grpc.experimental.Endpoint {
  const [host, port] = address.split(':');
  return { addresses: [{ host: host!, port: Number(port) }] };
}

experimental.registerResolver('test', ToldResolver);

const channels = new Map<string, grpc.Client>();
const asItIs = (bytes: Buffer) => bytes;

const does: { [Name in OrderName]: (order: Orders[Name]['takes']) => Promise<Orders[Name]['gives']> } = {
  dial({ channel, addresses, policy, methodConfig }: Dial) {
    if (addresses) ToldResolver.say(channel, { addresses });
    const serviceConfig = {
      loadBalancingConfig: [{ [policy]: {} }],
      methodConfig: methodConfig ? [{ name: [{}], ...methodConfig }] : [],
    };
    const client = new grpc.Client(`test:${channel}`, grpc.credentials.createInsecure(), {
      'grpc.service_config': JSON.stringify(serviceConfig),
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 200,
    });
    channels.set(channel, client);
    return Promise.resolve(null);
  },

  connect({ channel }: ChannelName) {
    channels.get(channel)!.getChannel().getConnectivityState(true);
    return Promise.resolve(null);
  },

  resolve({ channel, ...said }: Resolve) {
    ToldResolver.say(channel, said);
    return Promise.resolve(null);
  },

  async call(order: Call) {
    if (order.parallel) return Promise.all(Array.from({ length: order.calls }, () => callOnce(order)));
    const codes = [];
    for (let i = 0; i < order.calls; i++) codes.push(await callOnce(order));
    return codes;
  },

  close({ channel }: ChannelName) {
    channels.get(channel)!.close();
    return Promise.resolve(null);
  },

  save: ({ file }: Save) => saveRecording(file),
};

function callOnce({ channel, method, waitForReady = false, deadlineMs = 20_000 }: Call): Promise<number> {
  const metadata = new grpc.Metadata({ waitForReady });
  const options = { deadline: Date.now() + deadlineMs };
  return new Promise((resolve) => {
    const answered = (error: grpc.ServiceError | null) => resolve(error?.code ?? 0);
    channels.get(channel)!.makeUnaryRequest(method, asItIs, asItIs, Buffer.alloc(0), metadata, options, answered);
  });
}

async function answer({ id, do: name, with: order }: Order): Promise<Answer> {
  const act = does[name] as (order: Order['with']) => Promise<Answer['gives']>;
  try {
    return { id, gives: (await act(order))! };
  } catch (error) {
    return { id, error: (error as Error).message };
  }
}

createInterface({ input: process.stdin })
  .on('line', (line) => void answer(JSON.parse(line) as Order).then((it) => console.log(JSON.stringify(it))))
  // It ends with the suite.
  .on('close', () => process.exit());
