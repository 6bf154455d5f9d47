import { create, toBinary, type DescFile, type DescService, type MessageInitShape } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type * as GrpcModule from '@grpc/grpc-js';
import {
  ServerReflectionResponseSchema,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '@pickscope/protocol/reflection';
import { maxTextLength } from '@pickscope/protocol/service';
import { Transform, type Duplex, type TransformCallback } from 'node:stream';

type Call = GrpcModule.ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;
type Question = ServerReflectionRequest['messageRequest'];
type Answer = MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse'];

/** grpc.reflection.v1, and v1alpha, whose messages are the same: tells of what is served, from the generated descriptors. */
export function reflectionHandlers({ status }: typeof GrpcModule, served: readonly DescService[]) {
  const schema = new ServedSchema(served, status);
  return {
    serverReflectionInfo: (call: Call) => {
      const transform = (request: ServerReflectionRequest, _encoding: string, done: TransformCallback) =>
        done(null, schema.respond(request));
      // Piped, so that who does not read the answers is not read from either. The types of grpc-js hide that it is a Duplex.
      call.pipe(new Transform({ objectMode: true, transform })).pipe(call as unknown as Duplex);
    },
  };
}

/** The files of the services, found by their names and by what they declare. */
class ServedSchema {
  private readonly files = new Map<string, DescFile>();
  /** By the full names of services, methods, messages and enums. */
  private readonly declaring = new Map<string, DescFile>();
  /** Their full names. */
  private readonly messages = new Set<string>();

  constructor(
    private readonly served: readonly DescService[],
    private readonly status: typeof GrpcModule.status,
  ) {
    for (const service of served) for (const file of withDependencies(service.file)) this.add(file);
  }

  respond(request: ServerReflectionRequest): ServerReflectionResponse {
    return create(ServerReflectionResponseSchema, {
      validHost: request.host,
      originalRequest: request,
      messageResponse: this.answer(request.messageRequest),
    });
  }

  private add(file: DescFile): void {
    this.files.set(file.proto.name, file);
    for (const type of nestedTypes(file)) {
      this.declaring.set(type.typeName, file);
      if (type.kind === 'message') this.messages.add(type.typeName);
      if (type.kind !== 'service') continue;
      for (const { name } of type.methods) this.declaring.set(`${type.typeName}.${name}`, file);
    }
  }

  private answer({ case: kind, value }: Question): Answer {
    switch (kind) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: this.served.map(({ typeName: name }) => ({ name })) },
        };
      case 'fileByFilename':
        return this.files.has(value) ? descriptors(this.files.get(value)!) : this.notFound(value);
      case 'fileContainingSymbol':
        return this.declaring.has(value) ? descriptors(this.declaring.get(value)!) : this.notFound(value);
      case 'fileContainingExtension':
        return this.notFound(`${value.containingType}, extension ${value.extensionNumber}`);
      case 'allExtensionNumbersOfType':
        // Nothing that is served has extensions.
        return this.messages.has(value)
          ? { case: 'allExtensionNumbersResponse', value: { baseTypeName: value } }
          : this.notFound(value);
      default:
        return this.error(this.status.INVALID_ARGUMENT, 'There is no answer to this kind of question.');
    }
  }

  private notFound(name: string): Answer {
    return this.error(this.status.NOT_FOUND, `There is no ${name.slice(0, maxTextLength)} here.`);
  }

  private error(errorCode: number, errorMessage: string): Answer {
    return { case: 'errorResponse', value: { errorCode, errorMessage } };
  }
}

/** The file, then the files that it needs. */
function withDependencies(file: DescFile): Set<DescFile> {
  const files = new Set([file]);
  // A set also visits what is added to it on the way.
  for (const { dependencies } of files) for (const dependency of dependencies) files.add(dependency);
  return files;
}

function descriptors(file: DescFile): Answer {
  const fileDescriptorProto = [...withDependencies(file)].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}
