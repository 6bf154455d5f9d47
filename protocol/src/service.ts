import { fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import {
  DebugService,
  DescribeRequestSchema,
  DescribeResponseSchema,
  WatchRequestSchema,
  WatchResponseSchema,
} from './generated/pickscope/v1/debug_pb.js';

/** The version of the protocol that this package holds. A watcher of another major version cannot read it. */
export const protocolVersion = { major: 1, minor: 2 } as const;

/** The metadata key that carries the descriptor's token in every call. */
export const tokenMetadataKey = 'pickscope-token';

/** Longest target, address or error text in the stream, in UTF-16 code units. */
export const maxTextLength = 256;

function method<I extends DescMessage, O extends DescMessage>(
  name: string,
  responseStream: boolean,
  input: I,
  output: O,
) {
  return {
    path: `/${DebugService.typeName}/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (message: MessageShape<I>) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes: Uint8Array) => fromBinary(input, bytes),
    responseSerialize: (message: MessageShape<O>) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes: Uint8Array) => fromBinary(output, bytes),
  };
}

/** DebugService in the shape of grpc-js's `ServiceDefinition`, for server and client, without importing grpc-js. */
export const debugServiceDefinition = {
  describe: method('Describe', false, DescribeRequestSchema, DescribeResponseSchema),
  watch: method('Watch', true, WatchRequestSchema, WatchResponseSchema),
};
