interface Parts {
  readonly host: string;
  readonly port: string;
}

/** "10.0.0.4:50051", "[::1]:50051", "cart:https"; anything else is a host alone. */
function parse(address: string): Parts {
  const [, host, port] = /^(\[[^\]]*\]|[^:/]+):([^:/]+)$/.exec(address) ?? [];
  return host === undefined || port === undefined ? { host: address, port: '' } : { host, port };
}

/** What tells the addresses apart: a port, or else a host, that all of them share is left out. Same order. */
export function endpointLabels(addresses: readonly string[]): string[] {
  const parts = addresses.map(parse);
  const shared = (key: keyof Parts) => parts.length > 1 && parts.every((part) => part[key] === parts[0]![key]);
  if (shared('host') && !shared('port')) return parts.map(({ port }) => `:${port}`);
  if (shared('port') && !shared('host')) return parts.map(({ host }) => host);
  return [...addresses];
}
