import * as grpc from '@grpc/grpc-js';
import { BaseBalancer } from '../../src/balancer/base';
import { PolicyConfig } from '../../src/balancer/config';
import type { Policy } from '../../src/policies/picker';

const { IDLE, READY } = grpc.connectivityState;
const { statusOrFromValue, statusOrFromError } = grpc.experimental;

type State = grpc.connectivityState;
type SubchannelInterface = grpc.experimental.SubchannelInterface;

/** A connection whose state is the test's to say. */
export class FakeSubchannel {
  state: State = IDLE;
  attempts = 0;
  references = 0;
  private healthy = true;
  private readonly stateListeners = new Set<grpc.experimental.ConnectivityStateListener>();
  private readonly healthListeners = new Set<grpc.experimental.HealthListener>();

  constructor(private readonly address: string) {}

  become(state: State, error?: string): void {
    const before = this.state;
    this.state = state;
    for (const listener of [...this.stateListeners]) listener(this.asSubchannel(), before, state, 0, error);
  }

  /** As outlier detection does. */
  eject(): void {
    this.healthy = false;
    for (const listener of [...this.healthListeners]) listener(false);
  }

  /** What of the interface pick_first uses. */
  asSubchannel(): SubchannelInterface {
    return this as unknown as SubchannelInterface;
  }

  getConnectivityState(): State {
    return this.state;
  }

  addConnectivityStateListener(listener: grpc.experimental.ConnectivityStateListener): void {
    this.stateListeners.add(listener);
  }

  removeConnectivityStateListener(listener: grpc.experimental.ConnectivityStateListener): void {
    this.stateListeners.delete(listener);
  }

  addHealthStateWatcher(listener: grpc.experimental.HealthListener): void {
    this.healthListeners.add(listener);
  }

  removeHealthStateWatcher(listener: grpc.experimental.HealthListener): void {
    this.healthListeners.delete(listener);
  }

  isHealthy(): boolean {
    return this.healthy;
  }

  startConnecting(): void {
    this.attempts++;
  }

  ref(): void {
    this.references++;
  }

  unref(): void {
    this.references--;
  }

  getAddress(): string {
    return this.address;
  }

  getChannelzRef(): undefined {
    return undefined;
  }

  realSubchannelEquals(other: unknown): boolean {
    return other === this;
  }
}

/** A channel that runs one balancer, and notes what it is told. */
export class FakeChannel {
  readonly balancer: BaseBalancer;
  /** Every state and picker that the channel was told. */
  readonly told: { readonly state: State; readonly picker: grpc.experimental.Picker; readonly error: string | null }[] =
    [];
  readonly subchannels = new Map<string, FakeSubchannel>();
  reresolutions = 0;
  /** What the resolver does when asked. */
  resolve: () => void = () => undefined;

  /**
   * @param serving The policy that the channel switches from.
   */
  constructor(
    private readonly policy: Policy,
    serving?: object,
  ) {
    const helper: grpc.experimental.ChannelControlHelper = {
      createSubchannel: (address) => {
        const key = grpc.experimental.subchannelAddressToString(address);
        const subchannel = this.subchannels.get(key) ?? new FakeSubchannel(key);
        this.subchannels.set(key, subchannel);
        return subchannel.asSubchannel();
      },
      updateState: (state, picker, error) => void this.told.push({ state, picker, error }),
      requestReresolution: () => {
        this.reresolutions++;
        this.resolve();
      },
      addChannelzChild: () => undefined,
      removeChannelzChild: () => undefined,
    };
    this.balancer = new BaseBalancer(
      grpc,
      policy,
      { picker: undefined, endpoints: [] },
      Object.assign(helper, serving && { parent: { currentChild: serving } }),
    );
  }

  get last() {
    return this.told.at(-1)!;
  }

  subchannel(address: string): FakeSubchannel {
    return this.subchannels.get(address)!;
  }

  /**
   * A resolver update.
   *
   * @param endpoints Of one or more addresses each, with ", " between.
   * @returns Whether it was accepted.
   */
  update(endpoints: readonly string[], config: unknown = {}): boolean {
    const list = endpoints.map((endpoint) => ({
      addresses: endpoint.split(', ').flatMap((path) => (path ? [{ path }] : [])),
    }));
    return this.balancer.updateAddressList(statusOrFromValue(list), PolicyConfig.of(this.policy, config), {}, '');
  }

  fail(details: string): boolean {
    const error = statusOrFromError<grpc.experimental.Endpoint[]>({ code: grpc.status.UNAVAILABLE, details });
    return this.balancer.updateAddressList(error, PolicyConfig.of(this.policy, {}), {}, '');
  }

  /** Names endpoints, and connects them. */
  connect(...endpoints: readonly string[]): void {
    this.update(endpoints);
    for (const endpoint of endpoints) this.subchannel(endpoint).become(READY);
  }

  pick(): grpc.experimental.PickResult {
    return this.last.picker.pick({ metadata: new grpc.Metadata(), extraPickInfo: {} });
  }
}
