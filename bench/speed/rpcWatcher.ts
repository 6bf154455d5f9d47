import { create } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { WatchRequestSchema } from '@pickscope/protocol/messages';
import { debugServiceDefinition, protocolVersion, tokenMetadataKey } from '@pickscope/protocol/service';

/*
 * Attaches to a client and reads all that it streams, in a process of its own. Tells its parent that it has begun.
 *
 *     rpcWatcher ADDRESS TOKEN
 */

const [address, token] = process.argv.slice(2) as [string, string];
const { path, requestSerialize, responseDeserialize } = debugServiceDefinition.watch;
const client = new grpc.Client(address, grpc.credentials.createInsecure());
const metadata = new grpc.Metadata();
metadata.set(tokenMetadataKey, token);
const request = create(WatchRequestSchema, { protocolMajor: protocolVersion.major });
const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
stream.once('data', () => process.send!('reading'));
stream.on('data', () => undefined);
process.once('disconnect', () => process.exit());
