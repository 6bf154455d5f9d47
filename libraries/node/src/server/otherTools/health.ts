import { create, type DescService } from '@bufbuild/protobuf';
import type * as GrpcModule from '@grpc/grpc-js';
import {
  HealthCheckResponse_ServingStatus as Status,
  HealthCheckResponseSchema,
  HealthListResponseSchema,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthListRequest,
  type HealthListResponse,
} from '@pickscope/protocol/health';

/**
 * grpc.health.v1: who gets an answer is talking to a debug server that serves. It says nothing of the program's own health.
 *
 * @param served Those that can be asked for, besides '': the server as a whole.
 */
export function healthHandlers(grpc: typeof GrpcModule, served: readonly DescService[]) {
  const serving = create(HealthCheckResponseSchema, { status: Status.SERVING });
  const statuses = Object.fromEntries(['', ...served.map(({ typeName }) => typeName)].map((name) => [name, serving]));
  return {
    check: (
      { request }: GrpcModule.ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
      respond: GrpcModule.sendUnaryData<HealthCheckResponse>,
    ) => {
      if (Object.hasOwn(statuses, request.service)) respond(null, serving);
      else respond({ code: grpc.status.NOT_FOUND, details: 'There is no such service here.' });
    },
    list: (
      _call: GrpcModule.ServerUnaryCall<HealthListRequest, HealthListResponse>,
      respond: GrpcModule.sendUnaryData<HealthListResponse>,
    ) => respond(null, create(HealthListResponseSchema, { statuses })),
    // Stays open: the status never changes while there is someone to tell it.
    watch: (call: GrpcModule.ServerWritableStream<HealthCheckRequest, HealthCheckResponse>) => {
      const known = Object.hasOwn(statuses, call.request.service);
      call.write(known ? serving : create(HealthCheckResponseSchema, { status: Status.SERVICE_UNKNOWN }));
    },
  };
}
