import * as grpc from '@grpc/grpc-js';
import assert from 'node:assert/strict';
import { registerPolicy } from '../../src/balancer/register';
import type { BuildInfo, Picker, Policy } from '../../src/policies/picker';
import { Backend, TestClient, until, type ClientOptions } from '../backends';
import { channelOf } from '../records';

/** The backends and clients of a suite; those of a test go with it. */
export class Fixture {
  private readonly backends: Backend[] = [];
  private readonly clients: TestClient[] = [];

  constructor() {
    afterEach(() => {
      for (const client of this.clients.splice(0)) client.close();
      for (const backend of this.backends.splice(0)) backend.kill();
    });
  }

  async start(count: number): Promise<Backend[]> {
    const started = await Promise.all(Array.from({ length: count }, () => Backend.start()));
    this.backends.push(...started);
    return started;
  }

  open(target: string | readonly Backend[], policy: string | readonly object[], options?: ClientOptions): TestClient {
    const client =
      typeof target === 'string' ? new TestClient(target, policy, options) : TestClient.to(target, policy, options);
    this.clients.push(client);
    return client;
  }

  /** Opens a client and waits until it is connected to all. */
  async connect(to: readonly Backend[], policy: string | readonly object[], options?: ClientOptions) {
    const client = this.open(to, policy, options);
    assert.equal(await client.get(), grpc.status.OK);
    await allReady(client, to.length);
    return client;
  }
}

/** Waits until the picker of the client's channel holds that many endpoints. */
export function allReady(client: Pick<TestClient, 'target'>, count: number): Promise<void> {
  return until(() => channelOf(client).generation?.endpoints.length === count);
}

let policies = 0;

/** Registers a policy that runs on pickers of the test's making; gives the lists that those go to. */
export function register<P extends Picker>(
  make: (size: number, info: BuildInfo) => P,
  parseConfig?: Policy['parseConfig'],
): { name: string; pickers: P[]; builds: BuildInfo[] } {
  const name = `test_policy_${++policies}`;
  const pickers: P[] = [];
  const builds: BuildInfo[] = [];
  const policy: Policy = {
    name,
    build: (info) => {
      builds.push(info);
      const picker = make(info.readyEndpoints.length, info);
      pickers.push(picker);
      return picker;
    },
    ...(parseConfig && { parseConfig }),
  };
  registerPolicy(grpc, policy, { picker: undefined, endpoints: [] });
  return { name, pickers, builds };
}

/** The simplest picker: each endpoint in turn. */
export function inTurn(size: number): Picker {
  let turn = 0;
  return { pick: () => ({ endpoint: turn++ % size }) };
}
