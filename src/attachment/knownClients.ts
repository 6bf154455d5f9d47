import type { Descriptor } from '@pickscope/protocol/descriptor';
import type { DiscoveredClient } from '../discovery/discovery';
import type { Attachment } from './attachment';
import { addressOf, presentable, presentableAddress, type Identity } from './target';

/** A client that is attached, or could be. */
export interface KnownClient {
  /** Of the attachment, or the instance of what can be attached to. */
  readonly id: string;
  readonly identity: Identity;
  readonly address: string;
  readonly attachment?: Attachment;
  /** Of one that is not attached. */
  readonly descriptor?: Descriptor;
}

/** Attached ones first, in the order of attaching; then by name and pid. */
export function knownClients(
  attachments: readonly Attachment[],
  discovered: readonly DiscoveredClient[],
): KnownClient[] {
  const attached = attachments.map((attachment) => ({
    id: attachment.id,
    identity: attachment.identity,
    address: addressOf(attachment.target),
    attachment,
  }));
  const instances = new Set(attachments.map(({ target }) => (target.kind === 'client' ? target.client.instance : '')));
  const available = discovered
    .map(({ descriptor }) => descriptor)
    .filter(({ instance }) => !instances.has(instance))
    .sort((a, b) => a.name.localeCompare(b.name) || a.pid - b.pid)
    .map((descriptor) => ({
      id: descriptor.instance,
      identity: presentable(descriptor),
      address: presentableAddress(descriptor),
      descriptor,
    }));
  return [...attached, ...available];
}
