import { create } from '@bufbuild/protobuf';
import { ProcessSchema, type Process } from '@pickscope/protocol/messages';
import { protocolVersion } from '@pickscope/protocol/service';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';
import { clockPair } from '../recorder/clock';

export const libraryName = '@pickscope/grpc-js';
export const libraryVersion = '0.1.0';

const capabilities = ['picks', 'completions', 'candidates', 'subconns', 'resolver', 'generations', 'started'];

/** Characters; names, folders and limitations longer than this are cut. */
const maxLength = 256;

/** What cannot be told of this process. */
export interface Unknown {
  /** In English, one line each. */
  readonly limitations: readonly string[];
  readonly capabilities: ReadonlySet<string>;
}

const maxLimitations = 16;

/**
 * @param instance 32 hex digits, random.
 * @param name See processName.
 */
export function describeProcess(
  instance: string,
  name: string,
  grpcVersions: readonly string[],
  unknown: Unknown = { limitations: [], capabilities: new Set() },
): Process {
  return create(ProcessSchema, {
    instance,
    pid: process.pid,
    name,
    folder: path.basename(process.cwd()).slice(0, maxLength),
    hostName: hostname(),
    startedUnixNs: BigInt(Math.round(performance.timeOrigin)) * 1_000_000n,
    language: 'node',
    runtimeVersion: process.version,
    library: libraryName,
    libraryVersion,
    grpcVersions: [...grpcVersions],
    protocolMajor: protocolVersion.major,
    protocolMinor: protocolVersion.minor,
    capabilities: capabilities.filter((capability) => !unknown.capabilities.has(capability)),
    limitations: unknown.limitations.slice(0, maxLimitations).map((line) => line.slice(0, maxLength)),
    clock: clockPair(),
  });
}

/**
 * The option, else PICKSCOPE_NAME, else the name in package.json, else the main script's base name. A worker thread is
 * a client of its own, and says which.
 */
export function processName(option: string | undefined): string {
  const script = process.argv[1] ?? '';
  const named = [option, process.env.PICKSCOPE_NAME].find((it) => it !== undefined && it !== '');
  const name = named ?? packageName(script ? path.dirname(script) : process.cwd()) ?? path.basename(script);
  const thread = isMainThread ? '' : ` (thread ${threadId})`;
  return `${name === '' ? 'node' : name.slice(0, maxLength - thread.length)}${thread}`;
}

/** The name in the nearest package.json, in the folder or above it, that has one. */
function packageName(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    try {
      const { name } = JSON.parse(readFileSync(path.join(at, 'package.json'), 'utf8')) as { name?: unknown };
      if (typeof name === 'string' && name !== '') return name;
    } catch {
      // None here, or none that can be read: the next one above counts.
    }
    if (at === path.dirname(at)) return undefined;
  }
}
