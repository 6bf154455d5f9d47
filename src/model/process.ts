import type { Process } from '@pickscope/protocol/messages';
import { untrustedText } from './untrustedText';

/** The attached process, as it describes itself. */
export interface ProcessView {
  /** Another value at the same address is a restart. */
  readonly instance: string;
  readonly pid: number;
  readonly name: string;
  /** Base name of its working folder. */
  readonly folder: string;
  readonly hostName: string;
  readonly startedMs: number;
  /** "node" or "go". */
  readonly language: string;
  readonly runtimeVersion: string;
  readonly library: string;
  readonly libraryVersion: string;
  readonly grpcVersions: readonly string[];
  /** Version of the protocol, "1.0". */
  readonly protocol: string;
  /** What is missing here is unknown, not zero. */
  readonly capabilities: readonly string[];
  /** What the client cannot tell though its library could, and why, in English. */
  readonly limitations: readonly string[];
  /** How much of its past the client keeps while nobody watches; 0: nothing. */
  readonly keepSeconds: number;
}

/** "go1.26.8, gRPC 1.80.0, github.com/pickscope/pickscope/libraries/go 0.1.0", as far as it says so. */
export function software(process: ProcessView): string {
  const { language, runtimeVersion, grpcVersions, library, libraryVersion } = process;
  // Go's versions begin with its name, Node's do not.
  const runtime = runtimeVersion.startsWith(language) ? runtimeVersion : `${language} ${runtimeVersion}`;
  const grpc = grpcVersions.length > 0 ? `gRPC ${grpcVersions.join(', ')}` : '';
  return [runtime, grpc, `${library} ${libraryVersion}`]
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(', ');
}

export function processView(message: Process): ProcessView {
  return {
    instance: untrustedText(message.instance),
    pid: message.pid,
    name: untrustedText(message.name),
    folder: untrustedText(message.folder),
    hostName: untrustedText(message.hostName),
    startedMs: Number(message.startedUnixNs) / 1e6,
    language: untrustedText(message.language),
    runtimeVersion: untrustedText(message.runtimeVersion),
    library: untrustedText(message.library),
    libraryVersion: untrustedText(message.libraryVersion),
    grpcVersions: message.grpcVersions.slice(0, 16).map((version) => untrustedText(version)),
    protocol: `${message.protocolMajor}.${message.protocolMinor}`,
    capabilities: message.capabilities.slice(0, 64).map((capability) => untrustedText(capability)),
    limitations: message.limitations.slice(0, 16).map((limitation) => untrustedText(limitation)),
    keepSeconds: message.keepSeconds,
  };
}
