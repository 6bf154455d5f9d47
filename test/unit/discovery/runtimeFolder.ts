import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { processStart, type Descriptor } from '@pickscope/protocol/descriptor';

export function descriptorOf(change: Partial<Descriptor> = {}): Descriptor {
  return {
    descriptorVersion: 1,
    instance: randomBytes(16).toString('hex'),
    pid: process.pid,
    processStart: processStart(process.pid),
    hostName: hostname(),
    name: 'orders-api',
    folder: 'shop',
    language: 'node',
    // Nobody answers there.
    address: '127.0.0.1:1',
    token: randomBytes(32).toString('hex'),
    ...change,
  };
}

/** A runtime folder of a test's own, 0700 like a real one. */
export class TestRuntimeFolder {
  readonly path = mkdtempSync(path.join(tmpdir(), 'pickscope-test-'));

  file(name: string): string {
    return path.join(this.path, name);
  }

  announce(descriptor: Descriptor): void {
    this.write(`${descriptor.instance}.json`, JSON.stringify(descriptor));
  }

  write(name: string, text: string, mode = 0o600): void {
    writeFileSync(this.file(name), text, { mode });
  }

  withdraw({ instance }: Descriptor): void {
    rmSync(this.file(`${instance}.json`), { force: true });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
