import * as grpc from '@grpc/grpc-js';

const { statusOrFromValue, statusOrFromError, registerResolver } = grpc.experimental;

type Endpoints = grpc.experimental.StatusOr<grpc.experimental.Endpoint[]>;
type ServiceConfig = Parameters<grpc.experimental.ResolverListener>[2];

/** A policy that asks more often runs in circles; it gets no further answer, so that its test fails and does not hang. */
const maxAnswers = 500;

/** Resolves targets of the scheme `test` to what the test says, when it says it. */
export class TestResolver implements grpc.experimental.Resolver {
  private static readonly resolvers = new Map<string, TestResolver>();
  private static readonly endpoints = new Map<string, Endpoints>();
  private static readonly configs = new Map<string, ServiceConfig>();

  private asked = 0;

  constructor(
    private readonly uri: grpc.experimental.GrpcUri,
    private readonly listener: grpc.experimental.ResolverListener,
  ) {
    TestResolver.resolvers.set(uri.path, this);
  }

  /** A target that is first resolved to these ports of 127.0.0.1, and to this policy if one is named. */
  static target(name: string, ports: readonly number[], policy?: Record<string, object>): string {
    registerResolver('test', TestResolver);
    TestResolver.set(name, ports, policy);
    return `test:${name}`;
  }

  /**
   * Resolves the target to other ports, and from now on gives it another policy if that is named.
   *
   * @returns Whether its policy accepted them.
   */
  static update(name: string, ports: readonly number[], policy?: Record<string, object>): boolean {
    TestResolver.set(name, ports, policy);
    return TestResolver.resolvers.get(name)!.tell();
  }

  static fail(name: string, details: string): void {
    const error: Endpoints = statusOrFromError({ code: grpc.status.UNAVAILABLE, details });
    TestResolver.resolvers.get(name)!.listener(error, {}, null, '');
  }

  static getDefaultAuthority(): string {
    return 'test';
  }

  updateResolution(): void {
    if (++this.asked > maxAnswers) return;
    process.nextTick(() => this.tell());
  }

  static askedFor(name: string): number {
    return TestResolver.resolvers.get(name)!.asked;
  }

  destroy(): void {
    TestResolver.resolvers.delete(this.uri.path);
  }

  private static set(name: string, ports: readonly number[], policy?: Record<string, object>): void {
    TestResolver.endpoints.set(name, toEndpoints(ports));
    if (policy) TestResolver.configs.set(name, statusOrFromValue({ loadBalancingConfig: [policy], methodConfig: [] }));
  }

  private tell(): boolean {
    const { path } = this.uri;
    return this.listener(TestResolver.endpoints.get(path)!, {}, TestResolver.configs.get(path) ?? null, 'a note');
  }
}

function toEndpoints(ports: readonly number[]): Endpoints {
  return statusOrFromValue(ports.map((port) => ({ addresses: [{ host: '127.0.0.1', port }] })));
}
