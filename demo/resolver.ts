import { experimental, status, Metadata } from '@grpc/grpc-js';

/** Where the backends are, `host:port` each; an error where there are none. */
let addresses: readonly string[] = [];

const resolvers = new Set<DemoResolver>();

/** Resolves targets of the scheme `demo:` to what the demo's scene says, as a registry of services would. */
class DemoResolver implements experimental.Resolver {
  static getDefaultAuthority(target: experimental.GrpcUri): string {
    return target.path;
  }

  constructor(
    _target: experimental.GrpcUri,
    private readonly listener: experimental.ResolverListener,
  ) {}

  /** A registry tells what changes; who asks again, because a backend is gone, is told nothing new. */
  updateResolution(): void {
    if (resolvers.has(this)) return;
    resolvers.add(this);
    process.nextTick(() => this.tell());
  }

  tell(): void {
    if (!resolvers.has(this)) return;
    const endpoints = addresses.map((address) => {
      const { host, port } = new URL(`demo://${address}`);
      return { addresses: [{ host: host.slice(0, -port.length - 1), port: Number(port) }] };
    });
    const list =
      endpoints.length > 0
        ? experimental.statusOrFromValue(endpoints)
        : experimental.statusOrFromError<experimental.Endpoint[]>({
            code: status.UNAVAILABLE,
            details: 'No backend is registered',
            metadata: new Metadata(),
          });
    this.listener(list, {}, null, '');
  }

  destroy(): void {
    resolvers.delete(this);
  }
}

export function registerDemoResolver(): void {
  experimental.registerResolver('demo', DemoResolver);
}

/** Every channel to a `demo:` target is told at once. */
export function setAddresses(now: readonly string[]): void {
  addresses = now;
  for (const resolver of resolvers) resolver.tell();
}
