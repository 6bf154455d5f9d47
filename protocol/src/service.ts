import {
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageShape,
} from '@bufbuild/protobuf';
import { DebugService } from './generated/pickscope/v1/debug_pb.js';

/** The version of the protocol that this package holds. A watcher of another major version cannot read it. */
export const protocolVersion = { major: 1, minor: 2 } as const;

/** The metadata key that carries the descriptor's token in every call. */
export const tokenMetadataKey = 'pickscope-token';

/** Longest target, address or error text in the stream, in UTF-16 code units. */
export const maxTextLength = 256;

/** A method in the shape of grpc-js's `MethodDefinition`. */
interface MethodDefinition<Input extends DescMessage, Output extends DescMessage> {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: MessageShape<Input>) => Buffer;
  readonly requestDeserialize: (bytes: Uint8Array) => MessageShape<Input>;
  readonly responseSerialize: (message: MessageShape<Output>) => Buffer;
  readonly responseDeserialize: (bytes: Uint8Array) => MessageShape<Output>;
}

type ServiceDefinition<Service extends DescService> = {
  readonly [Name in keyof Service['method']]: MethodDefinition<
    Service['method'][Name]['input'],
    Service['method'][Name]['output']
  >;
};

/** A service in the shape of grpc-js's `ServiceDefinition`, for server and client, without importing grpc-js. */
export function serviceDefinition<Service extends DescService>(service: Service): ServiceDefinition<Service> {
  const methods = service.methods.map((method) => [method.localName, methodDefinition(method)]);
  // The type of each method is held by the generated code, whose list of methods is untyped.
  return Object.fromEntries(methods) as ServiceDefinition<Service>;
}

function methodDefinition({
  name,
  parent,
  input,
  output,
  methodKind,
}: DescMethod): MethodDefinition<DescMessage, DescMessage> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

// Pure, so that a bundle that only needs the names above has none of the messages.
export const debugServiceDefinition = /* @__PURE__ */ serviceDefinition(DebugService);
