/** Longest path of a unix socket that every system takes, in bytes (macOS: 104 with the final zero). */
const maxSocketPathLength = 103;

/**
 * Makes a gRPC target of what a person typed: an absolute path, `unix:/path`, or `host:port`. undefined: it is none of
 * these.
 */
export function parseAddress(text: string): string | undefined {
  const trimmed = text.trim();
  const socketPath = /^(?:unix:(?:\/\/)?)?(\/[^\0]+)$/.exec(trimmed)?.[1];
  if (socketPath !== undefined) {
    return Buffer.byteLength(socketPath) <= maxSocketPathLength ? `unix:${socketPath}` : undefined;
  }
  const [, host, port] = /^(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]{1,253}):(\d{1,5})$/.exec(trimmed) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) return undefined;
  return `${host}:${Number(port)}`;
}
