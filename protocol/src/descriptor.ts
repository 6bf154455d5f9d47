import { lstatSync, readFileSync } from 'node:fs';

/*
 * The descriptor: a JSON file, mode 0600, by which an attachable process makes itself known. It lies in a runtime
 * folder (see runtimeFolder.ts) as `<instance>.json`.
 */

export interface Descriptor {
  /** Version of this file's format; 1. */
  readonly descriptorVersion: number;
  /** Random, 32 hex digits; another one at each start. Equals `Process.instance` in the stream. */
  readonly instance: string;
  readonly pid: number;
  /** What the operating system says of the process's start (see processStart), or '' where it cannot be read. */
  readonly processStart: string;
  readonly hostName: string;
  readonly name: string;
  /** Base name of the working folder. */
  readonly folder: string;
  readonly language: string;
  /** `unix:/absolute/path` or `host:port`. */
  readonly address: string;
  /** 64 hex digits: 256 bits. */
  readonly token: string;
  /** PEM of the certificate that the server shows, where it speaks TLS: the only one to be trusted there. */
  readonly certificate?: string;
}

export const descriptorVersion = 1;

/** A longer file is not a descriptor. Bytes. */
export const maxDescriptorLength = 16 * 1024;

const texts = ['processStart', 'hostName', 'name', 'folder', 'language'] as const;

/**
 * Reads a descriptor's text; unknown fields are ignored.
 *
 * @throws Error that names the field that is missing or wrong, never its value: it may be a token.
 */
export function parseDescriptor(text: string): Descriptor {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('not a JSON object');
  const fields = value as Record<string, unknown>;
  const check = (name: string, ok: boolean) => {
    if (!ok) throw new Error(`field "${name}" is missing or malformed`);
  };
  check('descriptorVersion', Number.isInteger(fields.descriptorVersion) && Number(fields.descriptorVersion) >= 1);
  check('pid', Number.isInteger(fields.pid) && Number(fields.pid) > 0);
  check('instance', matches(fields.instance, /^[0-9a-f]{32}$/));
  check('token', matches(fields.token, /^[0-9a-f]{64}$/));
  check('address', matches(fields.address, /^(unix:\/.{1,1000}|[^\s/]{1,255}:\d{1,5})$/));
  check(
    'certificate',
    fields.certificate === undefined || matches(fields.certificate, /^-----BEGIN CERTIFICATE-----\n/),
  );
  for (const name of texts) check(name, typeof fields[name] === 'string' && fields[name].length <= 256);
  return fields as unknown as Descriptor;
}

function matches(value: unknown, pattern: RegExp): boolean {
  return typeof value === 'string' && pattern.test(value);
}

/**
 * When a process of this machine started, in the operating system's own unit: pids are reused, a pair of pid and
 * start is not. '' where it cannot be read (no such process, or not Linux).
 */
export function processStart(pid: number): string {
  return statOf(pid)[19] ?? '';
}

/** Of /proc/PID/stat what follows the command, from the state on: it is in parentheses and may hold spaces. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

/** Whether the process that wrote the descriptor provably no longer runs. In doubt (another host): false. */
export function isProcessGone(descriptor: Descriptor, hostName: string): boolean {
  if (descriptor.hostName !== hostName) return false;
  try {
    process.kill(descriptor.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  const stat = statOf(descriptor.pid);
  // A zombie: it has ended, but its parent, as the first process of many a container, never asks how.
  if (stat[0] === 'Z') return true;
  const start = stat[19] ?? '';
  return start !== '' && descriptor.processStart !== '' && start !== descriptor.processStart;
}

/**
 * Whether the client that wrote the descriptor provably no longer serves: its process is gone, or its socket is, as after
 * the end of a worker thread. In doubt (another host): false.
 */
export function isClientGone(descriptor: Descriptor, hostName: string): boolean {
  if (descriptor.hostName !== hostName) return false;
  return isProcessGone(descriptor, hostName) || isSocketGone(descriptor.address);
}

function isSocketGone(address: string): boolean {
  if (!address.startsWith('unix:')) return false;
  try {
    lstatSync(address.slice('unix:'.length));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
