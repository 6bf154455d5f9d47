import { fork, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setInterval } from 'node:timers';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';

/*
 * What goes on in the demo: five uneven backends, and clients that balance differently, each a process of its own: four in
 * Node, and one in Go where there is Go.
 */

/** Least latency and mean of what comes on top, ms; ratio of failures; what happens to it, and after how many seconds. */
const backends = [
  { latency: 2, jitter: 0.5, failures: 0 },
  { latency: 5, jitter: 1, failures: 0 },
  { latency: 10, jitter: 2, failures: 0.02 },
  { latency: 40, jitter: 5, failures: 0 },
  { latency: 8, jitter: 1, failures: 0 },
];

/** Name, policy, calls a second. */
export const clients = [
  { name: 'orders-api', policy: 'p2c_ewma', rate: 150 },
  { name: 'checkout', policy: 'peak_ewma', rate: 60 },
  { name: 'billing', policy: 'round_robin', rate: 30 },
  // Misspelt, as happens: grpc-js runs pick_first then, and says nothing.
  { name: 'inventory', policy: 'p2c_emwa', rate: 20 },
];

/** The one in Go, on go-zero: its policy is go-zero's own p2c_ewma. */
export const goClient = 'recommendations';

/** The backend that is killed and comes back, the one that the resolver leaves out, and the one that fails quickly, each for a while. */
const mortal = 4;
const wanderer = 1;
const failing = 2;
/** The scene repeats after this time, seconds; within it, these happen. */
const roundSeconds = 60;
const events = [
  { second: 8, happen: (scene) => scene.breakDown(failing) },
  { second: 16, happen: (scene) => scene.mend(failing) },
  { second: 26, happen: (scene) => scene.kill(mortal) },
  { second: 36, happen: (scene) => scene.start(mortal) },
  { second: 46, happen: (scene) => scene.leaveOut(wanderer) },
  { second: 53, happen: (scene) => scene.tellAddresses() },
];

/**
 * Starts it all.
 *
 * @param {NodeJS.ProcessEnv} [env] For the clients, besides the variables of this process.
 * @returns {Promise<Scene>}
 */
export async function startScene(env = {}) {
  const scene = new Scene(await freeAddresses(), env);
  await Promise.all(backends.map((_, index) => scene.start(index)));
  scene.begin();
  return scene;
}

class Scene {
  #processes = new Map();
  #begunMs = 0;
  #clients = [];
  #inGo;
  #timers = [];

  constructor(addresses, env) {
    this.addresses = addresses;
    this.env = env;
  }

  /** Starts a backend, and waits until it answers. */
  async start(index) {
    const { latency, jitter, failures } = backends[index];
    const flags = { listen: this.addresses[index], latency, jitter, failures };
    const backend = forkProgram(
      'backend.ts',
      Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    );
    this.#processes.set(index, backend);
    await new Promise((resolve, reject) => {
      backend.once('message', resolve);
      backend.once('exit', () => reject(new Error(`The backend at ${this.addresses[index]} ended before it served.`)));
    });
  }

  kill(index) {
    this.#processes.get(index)?.kill('SIGKILL');
  }

  /** Its calls fail quickly: to a balancer by latency it looks like the fastest of all. */
  breakDown(index) {
    this.#behave(index, { latency: 0, failures: 1 });
  }

  mend(index) {
    this.#behave(index, backends[index]);
  }

  #behave(index, { latency, failures }) {
    const backend = this.#processes.get(index);
    if (backend?.connected) backend.send({ latency, failures });
  }

  begin() {
    this.#clients = clients.map(({ name, policy, rate }) =>
      forkProgram('client.ts', [`--policy=${policy}`, `--rate=${rate}`], { ...this.env, PICKSCOPE_NAME: name }),
    );
    this.tellAddresses();
    this.#begunMs = performance.now();
    const playRound = () => {
      for (const { second, happen } of events) this.#timers.push(setTimeout(() => happen(this), second * 1000));
    };
    playRound();
    this.#timers.push(setInterval(playRound, roundSeconds * 1000));
  }

  /** @param {string} program As goProgram.mjs builds it. */
  addGoClient(program) {
    this.#inGo = startGoClient(program, this.addresses, this.env);
  }

  /** Waits for the next time that the round is at this second. */
  async second(second) {
    const roundMs = roundSeconds * 1000;
    const atMs = (performance.now() - this.#begunMs) % roundMs;
    await setTimeoutAsync((second * 1000 - atMs + roundMs) % roundMs);
  }

  tellAddresses(addresses = this.addresses) {
    for (const client of this.#clients) if (client.connected) client.send(addresses);
  }

  leaveOut(index) {
    this.tellAddresses(this.addresses.filter((_, each) => each !== index));
  }

  stop() {
    for (const timer of this.#timers) clearTimeout(timer);
    // The clients take their descriptors away as they go.
    for (const client of this.#clients) if (client.connected) client.disconnect();
    this.#inGo?.stdin.end();
    for (const backend of this.#processes.values()) backend.kill('SIGKILL');
  }
}

function forkProgram(name, args, env = {}) {
  return fork(path.join(import.meta.dirname, name), args, {
    execArgv: ['--import', import.meta.resolve('tsx')],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Ctrl-C is for the demo, which then ends them; they end by themselves, too, when it is gone.
    detached: true,
  });
}

/**
 * Starts the client in Go. It ends when its input does.
 *
 * @param {string} program
 * @param {readonly string[]} addresses
 * @param {NodeJS.ProcessEnv} [env]
 */
export function startGoClient(program, addresses, env = {}) {
  return spawn(program, ['-f', path.join(import.meta.dirname, 'go', 'etc', 'recommendations.yaml')], {
    env: { ...process.env, ...env, PICKSCOPE: '1', PICKSCOPE_NAME: goClient, CART_BACKENDS: addresses.join(',') },
    stdio: ['pipe', 'inherit', 'inherit'],
    detached: true,
  });
}

/** Five addresses with one free port, 127.0.0.1 to .5; elsewhere than on Linux only the first exists: five ports. */
async function freeAddresses() {
  if (process.platform === 'linux') {
    const port = await freePort();
    return backends.map((_, index) => `127.0.0.${index + 1}:${port}`);
  }
  const ports = await Promise.all(backends.map(() => freePort()));
  return ports.map((port) => `127.0.0.1:${port}`);
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
