import * as grpc from '@grpc/grpc-js';
import { ConnectivityState } from '@pickscope/protocol/messages';
import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { until, type Backend, type TestClient } from '../backends';
import { assertSettled, channelOf, endpointOf } from '../records';
import { TestResolver } from '../resolver';
import { Fixture, allReady, inTurn, register } from './fixture';

/** Stands before a backend: connections to it are made, but nothing comes through until it is opened. */
class Gate {
  private readonly server: Server;
  private readonly sockets: Socket[] = [];
  private pass: ((socket: Socket) => void) | undefined;

  constructor(private readonly backend: Backend) {
    this.server = createServer((socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
      this.pass?.(socket);
    });
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  get held(): number {
    return this.sockets.length;
  }

  open(): void {
    this.pass = (socket) => {
      const onward = connect(this.backend.port, '127.0.0.1');
      onward.on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    };
    this.sockets.forEach(this.pass);
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}

/** The names of the policies that the channel has. */
function policiesOf(client: TestClient): string[] {
  return [...channelOf(client).policies].map(({ message }) => message.name);
}

describe('a switch by a new service config', () => {
  const fixture = new Fixture();
  const gates: Gate[] = [];

  afterEach(() => gates.splice(0).forEach((gate) => gate.close()));

  it('from round_robin to p2c_ewma loses no call, and waits until the new one is READY', async () => {
    const [old, next] = await fixture.start(2);
    const gate = new Gate(next!);
    gates.push(gate);
    const gatePort = await gate.start();
    const client = fixture.open(TestResolver.target('switch', [old!.port]), 'round_robin');
    assert.equal(await client.get(), grpc.status.OK);

    // Calls all the while, one after the other.
    const codes: number[] = [];
    const stop = new AbortController();
    const calls = (async () => {
      while (!stop.signal.aborted) codes.push(await client.get());
    })();
    assert.equal(TestResolver.update('switch', [gatePort], { p2c_ewma: {} }), true);
    await until(() => gate.held > 0);
    assert.deepEqual(policiesOf(client), ['round_robin', 'p2c_ewma']);
    const before = old!.received;
    await until(() => old!.received > before + 20);
    assert.equal(next!.received, 0, 'the old policy serves, on its endpoint that the resolver names no more');
    assert.equal(channelOf(client).message.state, ConnectivityState.READY);

    gate.open();
    await until(() => next!.received > 20);
    stop.abort();
    await calls;
    assert.deepEqual(policiesOf(client), ['p2c_ewma']);
    assert.deepEqual([...new Set(codes)], [grpc.status.OK]);
    assert.equal(codes.length + 1, old!.received + next!.received);
  });

  it('back from p2c_ewma to round_robin loses no call', async () => {
    const servers = await fixture.start(2);
    const ports = servers.map((server) => server.port);
    const client = fixture.open(TestResolver.target('back', ports), 'p2c_ewma');
    assert.equal(await client.get(), grpc.status.OK);
    await allReady(client, 2);
    const calls = Array.from({ length: 50 }, () => client.get());
    assert.equal(TestResolver.update('back', ports, { round_robin: {} }), true);
    calls.push(...Array.from({ length: 50 }, () => client.get()));
    assert.deepEqual([...new Set(await Promise.all(calls))], [grpc.status.OK]);
    assert.deepEqual(policiesOf(client), ['round_robin']);
    await assertSettled(channelOf(client));
  });

  it('to another config of the same policy keeps the connections and the endpoints', async () => {
    const servers = await fixture.start(2);
    const ports = servers.map((server) => server.port);
    const policy = register(inTurn);
    const client = fixture.open(TestResolver.target('config', ports), policy.name);
    assert.equal(await client.get(), grpc.status.OK);
    await allReady(client, 2);
    const before = policy.builds.at(-1)!;
    const subconns = () =>
      servers.flatMap((server) => [...endpointOf(channelOf(client), server).subconns.values()].map((it) => it.message));
    const connections = subconns();
    assert.equal(TestResolver.update('config', ports, { [policy.name]: { size: 7 } }), true);
    const after = policy.builds.at(-1)!;
    assert.deepEqual([before.config, after.config], [{}, { size: 7 }]);
    assert.deepEqual(new Set(after.readyEndpoints), new Set(before.readyEndpoints));
    assert.deepEqual(subconns(), connections);
    assert.deepEqual(policiesOf(client), [policy.name]);
    assert.equal(await client.get(), grpc.status.OK);
  });
});
