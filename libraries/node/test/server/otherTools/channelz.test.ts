import { create, toBinary, type DescMethod, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { Channelz } from '@pickscope/protocol/channelz';
import assert from 'node:assert/strict';
import { channelzHandlers } from '../../../src/server/otherTools/channelz';

const { getSocket, getTopChannels } = Channelz.method;

/** What a client of gRPC takes by default. Bytes. */
const maxMessage = 4 * 1024 * 1024;

/** Asks what grpc-js would answer to. */
function ask<Method extends DescMethod>(
  method: Method,
  own: (request: Readonly<Record<string, number>>) => object,
  request?: MessageInitShape<Method['input']>,
): MessageShape<Method['output']> {
  const handler = (call: { request: Record<string, number> }, respond: (error: null, answer: object) => void) =>
    respond(null, own(call.request));
  const handlers = channelzHandlers({
    getChannelzHandlers: () => ({ [method.name]: handler }),
  } as unknown as typeof grpc);
  let answer: MessageShape<DescMethod['output']> | undefined;
  const message = create<DescMethod['input']>(method.input, request);
  handlers[method.localName]!({ request: message }, (error, given) => {
    assert.equal(error, null);
    answer = given;
  });
  return answer as MessageShape<Method['output']>;
}

function trace(description: string) {
  const event = { description, severity: 'CT_INFO', timestamp: { seconds: 1, nanos: 2 } };
  return { creation_timestamp: null, num_events_logged: 1, events: [event] };
}

function channel(id: number, subchannels: number) {
  const longest = '日'.repeat(1000);
  return {
    ref: { channel_id: id, name: longest },
    data: { target: longest, state: { state: 'READY' }, calls_started: 2 ** 40, trace: trace(longest) },
    channel_ref: [],
    subchannel_ref: Array.from({ length: subchannels }, (_, i) => ({ subchannel_id: i + 1, name: longest })),
  };
}

describe('channelz', () => {
  it('leaves out all that belongs to TLS', () => {
    const tls = {
      cipher_suite: 'standard_name',
      standard_name: 'canary-cipher',
      remote_certificate: Buffer.from('canary'),
    };
    const own = {
      ref: { socket_id: 3, name: 'backend:443' },
      security: { model: 'tls', tls },
      data: { messages_sent: 7 },
    };
    const answer = ask(getSocket, () => ({ socket: own }));
    assert.deepEqual([answer.socket!.ref!.socketId, answer.socket!.data!.messagesSent], [3n, 7n]);
    assert.equal(answer.socket!.security, undefined);
    assert.doesNotMatch(Buffer.from(toBinary(getSocket.output, answer)).toString('latin1'), /canary/);
  });

  it('cuts texts', () => {
    const [only] = ask(getTopChannels, () => ({ channel: [channel(1, 1)], end: true })).channel;
    const texts = [
      only!.ref!.name,
      only!.data!.target,
      only!.data!.trace!.events[0]!.description,
      only!.subchannelRef[0]!.name,
    ];
    for (const text of texts) assert.equal(text, '日'.repeat(256));
    assert.equal(only!.data!.callsStarted, 2n ** 40n);
  });

  it('gives pages that a client takes, in which nothing is missing', () => {
    const all = Array.from({ length: 130 }, (_, i) => channel(i + 1, i % 3 === 0 ? 900 : 3));
    const own = ({ start_channel_id: start, max_results: most }: Readonly<Record<string, number>>) => {
      const rest = all.slice(Math.max(start! - 1, 0));
      return { channel: rest.slice(0, most), end: rest.length <= most! };
    };
    const seen: number[] = [];
    let end = false;
    while (!end) {
      const request = { startChannelId: BigInt(seen.length + 1), maxResults: 2n ** 60n };
      const page = ask(getTopChannels, own, request);
      assert.ok(page.channel.length > 0 && page.channel.length <= 100);
      assert.ok(toBinary(getTopChannels.output, page).length < maxMessage);
      for (const { ref, subchannelRef } of page.channel) {
        assert.equal(subchannelRef.length, all[Number(ref!.channelId) - 1]!.subchannel_ref.length);
        seen.push(Number(ref!.channelId));
      }
      end = page.end;
    }
    assert.deepEqual(
      seen,
      all.map(({ ref }) => ref.channel_id),
    );
  });

  it('asks grpc-js for no more than a page', () => {
    const asked: Readonly<Record<string, number>>[] = [];
    const own = (request: Readonly<Record<string, number>>) => {
      asked.push(request);
      return { channel: [], end: true };
    };
    for (const maxResults of [0n, -5n, 7n, 101n, 2n ** 62n])
      ask(getTopChannels, own, { startChannelId: 3n, maxResults });
    assert.deepEqual(
      asked.map(({ max_results: most, start_channel_id: start }) => [most, start]),
      [100, 100, 7, 100, 100].map((most) => [most, 3]),
    );
  });
});
