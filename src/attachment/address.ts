/** Longest path of a unix socket that every system takes, in bytes (macOS: 104 with the final zero). */
const maxSocketPathLength = 103;

/**
 * What a person typed, in one spelling: `unix:/path`, `host:port`, or `https://host:port`, which speaks TLS.
 * undefined: it is none of these.
 */
export function parseAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const socketPath = /^(?:unix:(?:\/\/)?)?(\/[^\0]+)$/.exec(trimmed)?.[1];
  if (socketPath !== undefined) {
    return Buffer.byteLength(socketPath) <= maxSocketPathLength ? `unix:${socketPath}` : undefined;
  }
  const [, scheme = '', host, port] =
    /^(https:\/\/)?(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]{1,253}):(\d{1,5})\/?$/.exec(trimmed) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) return undefined;
  return `${scheme}${host}:${Number(port)}`;
}
