import * as grpc from '@grpc/grpc-js';
import { loadInternals, type GrpcInternals } from '../../libraries/node/src/observe/internals';
import { ownCopy } from '../../libraries/node/src/observe/ownCopy';

/*
 * A channel whose backends are all READY, without a network: grpc-js's own balancers, leaves and pickers, on
 * subchannels that are connected to nothing. Channel and calls are as far from grpc-js's as a pick does not see.
 */

const { COMPLETE } = grpc.experimental.PickResultType;
/** What consistent_hash takes a call's key from. */
export const hashHeader = 'x-user';
const metadata = new grpc.Metadata();
metadata.set(hashHeader, 'someone');
const internals = loadInternals(ownCopy.load);

class ReadySubchannel {
  private readonly address: string;

  constructor(address: grpc.experimental.SubchannelAddress) {
    this.address = grpc.experimental.subchannelAddressToString(address);
  }

  getConnectivityState(): grpc.connectivityState {
    return grpc.connectivityState.READY;
  }

  getAddress(): string {
    return this.address;
  }

  getChannelzRef(): object {
    return { id: 0 };
  }

  isHealthy(): boolean {
    return true;
  }

  getRealSubchannel(): this {
    return this;
  }

  realSubchannelEquals(other: unknown): boolean {
    return other === this;
  }

  addConnectivityStateListener(): void {
    // The state never changes.
  }

  removeConnectivityStateListener(): void {
    // There is none.
  }

  addHealthStateWatcher(): void {
    // It never changes.
  }

  removeHealthStateWatcher(): void {
    // There is none.
  }

  startConnecting(): void {
    // It is connected.
  }

  ref(): void {
    // Nothing is to be freed.
  }

  unref(): void {
    // Nothing is to be freed.
  }
}

/** grpc-js's InternalChannel, as far as a pick goes. */
export class ReadyChannel {
  currentPicker: grpc.experimental.Picker = new grpc.experimental.UnavailablePicker();
  readonly resolvingLoadBalancer = { childLoadBalancer: {} };

  /** @param policy What stands in `loadBalancingConfig`. */
  connect(policy: string, config: object, backends: number): void {
    this.updateState();
    const endpoints = Array.from({ length: backends }, (_, i) => ({
      addresses: [{ host: `10.0.${i >> 8}.${i & 255}`, port: 50051 }],
    }));
    const parsed = grpc.experimental.selectLbConfigFromList([{ [policy]: config }]);
    if (!parsed) throw new Error(`There is no policy ${policy}, or it refuses ${JSON.stringify(config)}.`);
    const balancer = internals.loadBalancer.createLoadBalancer(parsed, this.helper() as never);
    balancer!.updateAddressList({ ok: true, value: endpoints }, parsed, {}, '');
  }

  getTarget(): string {
    return 'ipv4:10.0.0.0:50051';
  }

  getChannelzRef(): { id: number; name: string } {
    return { id: 0, name: '' };
  }

  doPick(given: grpc.Metadata, extraPickInfo: Record<string, string>): grpc.experimental.PickResult {
    return this.currentPicker.pick({ metadata: given, extraPickInfo });
  }

  updateState(): void {
    // What the hooks listen to.
  }

  close(): void {
    // What the hooks listen to.
  }

  private helper(): object {
    return {
      parent: this.resolvingLoadBalancer.childLoadBalancer,
      createSubchannel: (address: grpc.experimental.SubchannelAddress) => new ReadySubchannel(address),
      updateState: (_state: grpc.connectivityState, picker: grpc.experimental.Picker) => {
        this.currentPicker = picker;
        this.updateState();
      },
      requestReresolution: () => undefined,
      addChannelzChild: () => undefined,
      removeChannelzChild: () => undefined,
    };
  }
}

const pickInformation = {};

/** grpc-js's LoadBalancingCall, as far as a pick goes: picks, starts. */
export class BareCall {
  child: object | null = null;
  childStartTime: number | null = null;
  private onCallEnded: grpc.experimental.PickResult['onCallEnded'] = null;

  constructor(
    private readonly channel: ReadyChannel,
    readonly methodName: string,
  ) {}

  doPick(): void {
    const result = this.channel.doPick(metadata, pickInformation);
    if (result.pickResultType !== COMPLETE) throw new Error('Not every backend is READY.');
    this.child = result.subchannel;
    result.onCallStarted?.();
    this.onCallEnded = result.onCallEnded;
  }

  outputStatus(status: grpc.StatusObject): void {
    this.onCallEnded?.(status.code, status.details, status.metadata);
  }
}

/** grpc-js's RetryingCall, as far as a pick goes. */
export class BareRetryingCall {
  call: BareCall | undefined;

  constructor(private readonly channel: ReadyChannel) {}

  startNewAttempt(): void {
    this.call = new BareCall(this.channel, '/shop.Cart/Get');
    this.call.doPick();
  }
}

/** The insides of grpc-js, with the channel and the calls above: what the hooks are installed on. */
export function bareInternals(): GrpcInternals {
  return {
    ...internals,
    unfit: new Set(),
    InternalChannel: ReadyChannel,
    LoadBalancingCall: BareCall,
    RetryingCall: BareRetryingCall,
  } as never;
}

const ok: grpc.StatusObject = { code: grpc.status.OK, details: 'OK', metadata };

/** Calls in flight at any time: more than 0, so that no compiler sees that a result is not needed. */
const inFlight = 16;

/** Picks, starts and ends, and nothing else: each run starts a call and ends the one that started 16 runs before. */
export function bareCalls(picker: grpc.experimental.Picker): () => void {
  const begin = () => {
    const result = picker.pick({ metadata, extraPickInfo: pickInformation });
    result.onCallStarted?.();
    return result;
  };
  const results = Array.from({ length: inFlight }, begin);
  let at = 0;
  return () => {
    results[at]!.onCallEnded?.(grpc.status.OK, 'OK', metadata);
    results[at] = begin();
    at = (at + 1) % inFlight;
  };
}

/** The same through all that stands around a pick in grpc-js, and that the hooks replace. */
export function wholeCalls(channel: ReadyChannel): () => void {
  const begin = () => {
    const call = new BareRetryingCall(channel);
    call.startNewAttempt();
    return call.call!;
  };
  const calls = Array.from({ length: inFlight }, begin);
  let at = 0;
  return () => {
    calls[at]!.outputStatus(ok);
    calls[at] = begin();
    at = (at + 1) % inFlight;
  };
}
