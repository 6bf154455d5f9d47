import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Backend } from '../../libraries/node/test/backends';
import { until } from '../unit/waiting';
import { Client, type Language, type Stream } from './client';
import { meaningOf, type ChannelMeaning } from './meaning';
import type { Call, Dial, Resolve } from './orders';
import { existing, stateName, type Told } from './told';

export const get = '/shop.Cart/Get';

/** Names of backends: 'a b'. */
type Backends = string;

/** One client with its backends, on which a scenario is played. */
export class Stage {
  readonly channel = 'cart';
  private readonly backends = new Map<string, Backend>();
  private readonly deaf: Server[] = [];
  private readonly addresses = new Map<string, string>();
  /** The status codes of all calls, as the program got them. */
  private readonly got: Promise<number[]>[] = [];
  private watching: Stream | undefined;

  private constructor(
    readonly client: Client,
    readonly folder: string,
  ) {}

  /** @param env Of the client. */
  static async open(
    language: Language,
    program: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Stage> {
    // Short: sockets lie in it.
    const folder = mkdtempSync(path.join(tmpdir(), 'ps-'));
    return new Stage(await Client.start(language, program, path.join(folder, 'run'), env), folder);
  }

  async close(): Promise<void> {
    await this.client.end();
    for (const backend of this.backends.values()) backend.kill();
    for (const server of this.deaf) server.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Attaches; what is told from now on is what the scenario means. */
  async watch(): Promise<void> {
    this.watching = await this.client.watch();
  }

  get stream(): Stream {
    return this.watching ?? assert.fail('Nobody watches.');
  }

  get told(): Told {
    return this.stream.told;
  }

  backend(name: string): Backend {
    return this.backends.get(name) ?? assert.fail(`There is no backend ${name}.`);
  }

  async start(names: Backends): Promise<void> {
    for (const name of split(names)) {
      const backend = await Backend.start();
      this.backends.set(name, backend);
      this.addresses.set(name, backend.address);
    }
  }

  /** Starts one that takes connections and says nothing, so that a subconn stays CONNECTING. */
  async startDeaf(name: string): Promise<void> {
    const server = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    this.deaf.push(server);
    this.addresses.set(name, `127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** @param names Backends that the resolver brings first; undefined: it brings nothing. */
  async dial(policy: string, names?: Backends, more: Partial<Dial> = {}): Promise<void> {
    const addresses = names === undefined ? {} : { addresses: this.addressesOf(names) };
    await this.client.order('dial', { channel: this.channel, policy, ...addresses, ...more });
  }

  connect(): Promise<null> {
    return this.client.order('connect', { channel: this.channel });
  }

  /** Dials, and waits until its picker holds all of them; of pick_first, the one that it took. */
  async connected(policy: string, names: Backends, more: Partial<Dial> = {}): Promise<void> {
    await this.dial(policy, names, more);
    await this.connect();
    await this.picker(policy === 'pick_first' ? split(names)[0]! : names);
  }

  resolve(said: Omit<Resolve, 'channel' | 'addresses'> & { readonly names?: Backends }): Promise<null> {
    const { names, ...rest } = said;
    const addresses = names === undefined ? {} : { addresses: this.addressesOf(names) };
    return this.client.order('resolve', { channel: this.channel, ...addresses, ...rest });
  }

  /** @returns Status codes. */
  async call(calls: number, more: Partial<Call> = {}): Promise<number[]> {
    const order = { channel: this.channel, method: get, calls, ...more };
    const codes = this.client.order('call', order);
    this.got.push(codes);
    return codes;
  }

  hangUp(): Promise<null> {
    return this.client.order('close', { channel: this.channel });
  }

  /** Waits until the newest picker holds these, and no others. */
  async picker(names: Backends): Promise<void> {
    await this.until(() => this.held() === [...split(names)].sort().join(' '));
  }

  /** Waits until an endpoint is in that state. */
  async endpoint(name: string, state: string): Promise<void> {
    await this.until(() => this.statesOf(name).at(-1) === state);
  }

  async until(condition: () => boolean): Promise<void> {
    try {
      await until(() => condition() || this.stream.error !== undefined);
    } catch (cause) {
      throw new Error(`This did not become true: ${condition.toString()}`, { cause });
    }
    if (this.stream.error) throw this.stream.error;
  }

  /** Waits until the channel is in that state. */
  async channelIs(state: string): Promise<void> {
    await this.until(() => this.told.channels.size > 0 && this.meaning().states.at(-1) === state);
  }

  /** A backend that answers nothing from now on. @returns When it has a call. */
  receiving(name: string): Promise<void> {
    return new Promise((resolve) => (this.backend(name).answer = () => resolve()));
  }

  /** Waits until the stream has told how all calls ended: as the program was told. */
  async ended(): Promise<void> {
    const got = (await Promise.all(this.got)).flat();
    await this.until(() => new Set(this.told.completions.map(({ call }) => call)).size >= got.length);
    const told = this.meaning().calls.map(({ attempts }) => attempts.at(-1)!.code!);
    assert.deepEqual(ordered(told), ordered(got), 'the codes that are told are those that the program got');
  }

  /**
   * What the stream means when all has been told, with the counters that one is told who attaches then. Such a one is told
   * that there is what the changes add up to.
   */
  async settledMeaning(): Promise<ChannelMeaning> {
    await this.until(() => this.told.channels.size > 0);
    await this.ended();
    const { told: fresh } = await this.client.watch();
    await this.until(() => isDeepStrictEqual(whatExists(fresh), whatExists(this.told)));
    if (this.meaning().closed) {
      await this.until(() => areWhole(this.meaning()));
      return this.meaning();
    }
    return { ...this.meaning(), counts: this.meaning(fresh).counts };
  }

  meaning(told = this.told): ChannelMeaning {
    return meaningOf(told, `test:${this.channel}`, (address) => this.nameOf(address));
  }

  nameOf(address: string): string {
    return [...this.addresses].find(([, each]) => each === address)?.[0] ?? address;
  }

  private held(): string | undefined {
    const newest = this.told.generations.at(-1);
    const endpoints = existing(this.told.endpoints);
    return newest?.endpoints
      .flatMap((id) => endpoints.get(id)?.addresses.map((address) => this.nameOf(address)) ?? [])
      .sort()
      .join(' ');
  }

  private statesOf(name: string): string[] {
    const histories = [...this.told.endpoints.values()];
    const own = histories.filter(([first]) => first!.addresses.some((address) => this.nameOf(address) === name));
    return own.flat().map(({ state }) => stateName(state));
  }

  private addressesOf(names: Backends): string[] {
    return split(names).map((name) => this.addresses.get(name) ?? assert.fail(`There is no backend ${name}.`));
  }
}

function whatExists({ channels, policies, endpoints, subconns }: Told) {
  return [channels, policies, endpoints, subconns].map((each: ReadonlyMap<number, readonly object[]>) =>
    existing(each),
  );
}

/** Whether the counters have counted all that the rows say. */
function areWhole({ calls, counts }: ChannelMeaning): boolean {
  const attempts = calls.flatMap((call) => call.attempts).filter(({ picked }) => picked !== undefined);
  const ended = Object.values(counts.endpoints).flatMap(({ codes }) => Object.values(codes));
  return counts.completed === attempts.length && ended.reduce((all, each) => all + each, 0) === attempts.length;
}

const ordered = (codes: readonly number[]) => [...codes].sort((a, b) => a - b);

function split(names: Backends): string[] {
  return names.split(' ').filter((name) => name !== '');
}
