import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  ChannelCountersSchema,
  CountersSchema,
  EndpointCountersSchema,
  WatchResponseSchema,
} from '@pickscope/protocol/messages';
import type { ChannelRecord, EndpointRecord } from '../recorder/entities';

/*
 * Counters as a message. Written by hand, as columns are: protobuf-es takes more than twice as long, and a client may have
 * thousands of endpoints that count each second.
 */

const { field: messageField } = WatchResponseSchema;
const { field: countersField } = CountersSchema;
const { field: channelField } = ChannelCountersSchema;
const { field: endpointField } = EndpointCountersSchema;

const maxUint32 = 2 ** 32 - 1;

/** A WatchResponse without its number, encoded. @param timeNs Of this moment. */
export function encodeCounters(
  timeNs: number,
  channels: readonly ChannelRecord[],
  endpoints: readonly EndpointRecord[],
): Uint8Array {
  const writer = new BinaryWriter().tag(messageField.counters.number, WireType.LengthDelimited).fork();
  writer.tag(countersField.timeNs.number, WireType.Bit64).fixed64(BigInt(timeNs));
  for (const channel of channels) {
    writer.tag(countersField.channels.number, WireType.LengthDelimited).fork();
    writeChannel(writer, channel);
    writer.join();
  }
  for (const endpoint of endpoints) {
    writer.tag(countersField.endpoints.number, WireType.LengthDelimited).fork();
    writeEndpoint(writer, endpoint);
    writer.join();
  }
  return writer.join().finish();
}

function writeChannel(writer: BinaryWriter, { message, counters }: ChannelRecord): void {
  writeCount(writer, channelField.channel.number, message.id);
  writeCount(writer, channelField.picksCompleted.number, counters.completed);
  writeCount(writer, channelField.picksQueued.number, counters.queued);
  writeCount(writer, channelField.picksFailed.number, counters.failed);
  writeCount(writer, channelField.picksDropped.number, counters.dropped);
  writeCount(writer, channelField.endedUnpicked.number, counters.endedUnpicked);
}

function writeEndpoint(writer: BinaryWriter, { message, counters, status, shadow }: EndpointRecord): void {
  writeCount(writer, endpointField.endpoint.number, message.id);
  writeCount(writer, endpointField.picks.number, counters.picks);
  writeCount(writer, endpointField.started.number, counters.started);
  writeCount(writer, endpointField.neverStarted.number, counters.neverStarted);
  writeEnds(writer, counters.ended);
  const averages = status ?? shadow;
  writer.tag(endpointField.lagNs.number, WireType.Bit64).double(averages?.lag ?? NaN);
  writer.tag(endpointField.success.number, WireType.Bit32).float(averages?.success ?? NaN);
  writeCount(writer, endpointField.inflight.number, status?.inflight ?? (shadow ? counters.inflight : 0));
  writer.tag(endpointField.peakNs.number, WireType.Bit64).double(status?.peak ?? NaN);
  if (averages !== undefined && averages === shadow) {
    writer.tag(endpointField.derived.number, WireType.Varint).bool(true);
  }
}

/** @param ended By status code. */
function writeEnds(writer: BinaryWriter, ended: Float64Array): void {
  const codes = [...ended.keys()].filter((code) => ended[code]! > 0);
  if (codes.length === 0) return;
  writer.tag(endpointField.codes.number, WireType.LengthDelimited).fork();
  for (const code of codes) writer.uint32(code);
  writer.join().tag(endpointField.completionsByCode.number, WireType.LengthDelimited).fork();
  for (const code of codes) writeVarint(writer, ended[code]!);
  writer.join();
}

/** uint32 or uint64; 0 is left out. */
function writeCount(writer: BinaryWriter, field: number, count: number): void {
  if (count === 0) return;
  writer.tag(field, WireType.Varint);
  writeVarint(writer, count);
}

function writeVarint(writer: BinaryWriter, count: number): void {
  if (count <= maxUint32) writer.uint32(count);
  else writer.uint64(count);
}
