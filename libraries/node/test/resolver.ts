import * as grpc from '@grpc/grpc-js';

const { statusOrFromValue, statusOrFromError, registerResolver } = grpc.experimental;

type Endpoints = grpc.experimental.StatusOr<grpc.experimental.Endpoint[]>;

/** A policy that asks more often runs in circles; it gets no further answer, so that its test fails and does not hang. */
const maxAnswers = 500;

/** Resolves targets of the scheme `test` to what the test says, when it says it. */
export class TestResolver implements grpc.experimental.Resolver {
  private static readonly resolvers = new Map<string, TestResolver>();
  private static readonly endpoints = new Map<string, Endpoints>();

  private asked = 0;

  constructor(
    private readonly uri: grpc.experimental.GrpcUri,
    private readonly listener: grpc.experimental.ResolverListener,
  ) {
    TestResolver.resolvers.set(uri.path, this);
  }

  /** A target that is first resolved to these ports of 127.0.0.1. */
  static target(name: string, ports: readonly number[]): string {
    registerResolver('test', TestResolver);
    TestResolver.endpoints.set(name, toEndpoints(ports));
    return `test:${name}`;
  }

  /** Resolves the target to other ports. @returns Whether its policy accepted them. */
  static update(name: string, ports: readonly number[]): boolean {
    TestResolver.endpoints.set(name, toEndpoints(ports));
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

  private tell(): boolean {
    return this.listener(TestResolver.endpoints.get(this.uri.path)!, {}, null, 'a note');
  }
}

function toEndpoints(ports: readonly number[]): Endpoints {
  return statusOrFromValue(ports.map((port) => ({ addresses: [{ host: '127.0.0.1', port }] })));
}
