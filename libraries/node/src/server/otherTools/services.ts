import type { DescService } from '@bufbuild/protobuf';
import type * as GrpcModule from '@grpc/grpc-js';
import { Channelz } from '@pickscope/protocol/channelz';
import { Health } from '@pickscope/protocol/health';
import { DebugService } from '@pickscope/protocol/messages';
import { ServerReflection } from '@pickscope/protocol/reflection';
import { ServerReflection as ServerReflectionAlpha } from '@pickscope/protocol/reflection.v1alpha';
import { serviceDefinition } from '@pickscope/protocol/service';
import { channelzHandlers } from './channelz';
import { healthHandlers } from './health';
import { reflectionHandlers } from './reflection';

/*
 * What the debug server serves besides its own protocol, so that grpcurl, grpcdebug and others can be used on a client:
 * channelz, reflection and health. Nothing of it changes anything in the process.
 */

export interface Service {
  readonly definition: GrpcModule.ServiceDefinition;
  readonly handlers: GrpcModule.UntypedServiceImplementation;
}

/** All that the debug server serves, by which reflection and health know it. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- It loses its way in types of descriptors, which hold each other.
const served: readonly DescService[] = [DebugService, Channelz, Health, ServerReflection, ServerReflectionAlpha];

export function servicesForOtherTools(grpc: typeof GrpcModule): Service[] {
  const reflection = reflectionHandlers(grpc, served);
  const { serverReflectionInfo } = serviceDefinition(ServerReflection);
  const { path: alphaPath } = serviceDefinition(ServerReflectionAlpha).serverReflectionInfo;
  return [
    { definition: serviceDefinition(Channelz), handlers: channelzHandlers(grpc) },
    { definition: serviceDefinition(Health), handlers: healthHandlers(grpc, served) },
    { definition: { serverReflectionInfo }, handlers: reflection },
    // The same messages under another name, for older tools.
    { definition: { serverReflectionInfo: { ...serverReflectionInfo, path: alphaPath } }, handlers: reflection },
  ];
}
