import type { Descriptor } from '@pickscope/protocol/descriptor';
import { untrustedText } from '../model/untrustedText';

/** What one attaches to: a client that was found, or whatever answers at an address that a person entered. */
export type Target =
  { readonly kind: 'client'; readonly client: Descriptor } | { readonly kind: 'address'; readonly address: string };

/** Before host and port of an address that speaks TLS. */
export const secureScheme = 'https://';

const maxAddressLength = 1024;

/** Who is attached, as it calls itself. */
export interface Identity {
  readonly name: string;
  /** 0: not known before it has answered. */
  readonly pid: number;
  readonly folder: string;
  readonly hostName: string;
  readonly language: string;
}

/** Fit to be shown: a descriptor may name any file. */
export function addressOf(target: Target): string {
  return target.kind === 'client' ? presentableAddress(target.client) : target.address;
}

export function presentableAddress({ address }: Descriptor): string {
  return untrustedText(address, maxAddressLength);
}

/** Whether an address that a person entered is to be spoken to by TLS. */
export function isSecure(address: string): boolean {
  return address.startsWith(secureScheme);
}

/** Stable as long as the window lives, and across restarts of the client. */
export function idOf(target: Target): string {
  return target.kind === 'client' ? target.client.instance : target.address;
}

export function identityOf(target: Target): Identity {
  if (target.kind === 'client') return presentable(target.client);
  return { name: target.address, pid: 0, folder: '', hostName: '', language: '' };
}

/** What a process says of itself, fit to be shown. */
export function presentable({ name, pid, folder, hostName, language }: Identity): Identity {
  return {
    name: untrustedText(name),
    pid,
    folder: untrustedText(folder),
    hostName: untrustedText(hostName),
    language: untrustedText(language),
  };
}

/** Whether both are the same program, as far as one can tell from outside: a restart, or a twin. */
export function isSameProgram(a: Identity, b: Identity): boolean {
  return a.hostName === b.hostName && a.name === b.name && a.folder === b.folder && a.language === b.language;
}
