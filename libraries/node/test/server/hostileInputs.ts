import { toBinary, create } from '@bufbuild/protobuf';
import { WatchRequestSchema } from '@pickscope/protocol/messages';
import { debugServiceDefinition, tokenMetadataKey } from '@pickscope/protocol/service';
import { constants } from 'node:http2';
import { frame as grpcFrame } from './debugClient';

/*
 * What a debug server may be sent by who means no good, or has gone mad: each input is the bytes of one connection, made from
 * its number alone. HTTP/2 is written by hand, for no client would write it so.
 */

/** The bytes of one connection, and what they were made by. */
export interface Input {
  readonly kind: string;
  readonly bytes: Buffer;
}

/** @param token The right one; most inputs have it somewhere, or they would not get far. */
export function hostileInput(seed: number, token: string): Input {
  const random = new Random(seed);
  const [kind, make] = random.of(Object.entries(kinds));
  return { kind, bytes: make(random, token) };
}

/** As in mulberry32. */
class Random {
  constructor(private state: number) {}

  /** 0 to n - 1. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most + 1) }, () => this.below(256)));
  }

  /** Now and then as many as it takes to reach a limit, mostly few: many take long. */
  flood(most: number): number {
    return this.below(40) === 0 ? most : 1 + this.below(40);
  }

  /** Ids of that many streams. */
  streams(most: number): number[] {
    return Array.from({ length: this.flood(most) }, (_, i) => 2 * i + 1);
  }

  times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.below(most) }, make);
  }
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION] = [
  0, 1, 2, 3, 4, 6, 7, 8, 9,
] as const;
const [END_STREAM, END_HEADERS] = [1, 4] as const;

const paths = [
  debugServiceDefinition.describe.path,
  debugServiceDefinition.watch.path,
  '/grpc.channelz.v1.Channelz/GetTopChannels',
  '/grpc.channelz.v1.Channelz/GetServers',
  '/grpc.health.v1.Health/Check',
  '/grpc.health.v1.Health/Watch',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  '/no.such/Method',
  '',
  '*',
  '/\xff\x00',
];

type Make = (random: Random, token: string) => Buffer;

const kinds: Readonly<Record<string, Make>> = {
  noise: (random) => random.bytes(2000),
  'HTTP/1': (random) => Buffer.from(`${random.of(['GET', 'POST', 'CONNECT'])} / HTTP/1.1\r\nHost: x\r\n\r\n`),
  TLS: (random) => Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), random.bytes(600)]),
  'frames of noise': (random) => connection(...random.times(20, () => noisyFrame(random))),
  'a call': (random, token) => connection(...call(random, 1, token)),
  'calls with wrong tokens': (random) =>
    connection(...random.streams(100).flatMap((id) => call(random, id, random.of(['', 'wrong'])))),
  'calls on one connection': (random, token) =>
    connection(...random.streams(100).flatMap((id) => call(random, id, token))),
  'a call, damaged': (random, token) =>
    damaged(random, connection(...call(random, 1, token), ...call(random, 3, token))),
  'frames of a call, shuffled': (random, token) => {
    const frames = [...call(random, 1, token), ...call(random, 3, token), noisyFrame(random)];
    return connection(...frames.sort(() => random.below(3) - 1));
  },
  'messages of noise': (random, token) =>
    connection(headers(1, callHeaders(random.of(paths), token)), ...noisyMessages(random)),
  'headers of noise': (random, token) =>
    connection(headers(1, [...callHeaders(random.of(paths), token), ...random.times(100, () => noisyHeader(random))])),
  'huge headers': (random, token) =>
    connection(headers(1, [...callHeaders('/', token), ['x', 'x'.repeat(random.below(200_000))]])),
  'a flood of SETTINGS': (random) =>
    connection(...repeated(random, 2000, frame(SETTINGS, 0, 0, random.of([settings(), Buffer.alloc(0)])))),
  'a flood of PING': (random) =>
    connection(...repeated(random, 3000, frame(PING, random.below(2), 0, Buffer.alloc(8)))),
  'a flood of CONTINUATION': (random, token) => {
    const begun = headers(1, callHeaders(paths[0]!, token), 0);
    return connection(begun, ...repeated(random, 2000, frame(CONTINUATION, 0, 1, random.bytes(50))));
  },
  'a flood of empty DATA': (random, token) => {
    const begun = headers(1, callHeaders(random.of(paths), token), END_HEADERS);
    return connection(begun, ...repeated(random, 3000, frame(DATA, 0, 1, Buffer.alloc(0))));
  },
  'rapid resets': (random, token) =>
    connection(
      ...random
        .streams(1500)
        .flatMap((id) => [
          headers(id, callHeaders(random.of(paths), token)),
          frame(RST_STREAM, 0, id, uint32(constants.NGHTTP2_CANCEL)),
        ]),
    ),
  'games with windows': (random, token) =>
    connection(
      frame(SETTINGS, 0, 0, setting(4, random.of([0, 1, 2 ** 31 - 1, 2 ** 32 - 1]))),
      ...call(random, 1, token),
      ...random.times(30, () =>
        frame(WINDOW_UPDATE, 0, random.below(3), uint32(random.of([0, 1, 2 ** 31 - 1, 2 ** 32 - 1]))),
      ),
    ),
  'streams that end too soon': (random, token) =>
    connection(
      ...call(random, 1, token),
      frame(GOAWAY, 0, 0, Buffer.concat([uint32(random.below(9)), uint32(0)])),
      ...call(random, 3, token),
    ),
};

function connection(...frames: Buffer[]): Buffer {
  return Buffer.concat([preface, frame(SETTINGS, 0, 0, Buffer.alloc(0)), ...frames]);
}

/** HEADERS with the right order, then messages that are often good. */
function call(random: Random, id: number, token: string): Buffer[] {
  const request = toBinary(
    WatchRequestSchema,
    create(WatchRequestSchema, { protocolMajor: 1, past: random.below(2) === 0 }),
  );
  const good = frame(DATA, END_STREAM, id, grpcFrame(request));
  const bad = frame(DATA, random.below(2), id, noisyMessage(random));
  return [headers(id, callHeaders(random.of(paths), token), END_HEADERS), random.below(3) === 0 ? bad : good];
}

function callHeaders(path: string, token: string): Header[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'localhost'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...(token === '' ? [] : [[tokenMetadataKey, token] as const]),
  ];
}

function noisyMessages(random: Random): Buffer[] {
  return random.times(10, () => frame(DATA, random.below(2), 1, noisyMessage(random)));
}

/** A frame of gRPC whose compression, length and content are at odds. */
function noisyMessage(random: Random): Buffer {
  const content = random.bytes(random.of([0, 10, 100, 8000]));
  const length = random.of([0, 1, content.length, content.length + 1, 4096, 2 ** 31, 2 ** 32 - 1]);
  return Buffer.concat([Buffer.from([random.of([0, 0, 1, 2, 255])]), uint32(length), content]);
}

function noisyHeader(random: Random): Header {
  const names = [
    'grpc-timeout',
    'grpc-encoding',
    'x-bin',
    'content-type',
    ':path',
    ':status',
    'te',
    'connection',
    'cookie',
    'X',
    '',
  ];
  const values = ['1S', '99999999H', '-1n', 'gzip', 'deflate', '%%%', '\xff\xfe', '\u0000', ' ', ''];
  return [
    random.of([...names, random.bytes(8).toString('latin1')]),
    random.of([...values, random.bytes(40).toString('latin1')]),
  ];
}

function noisyFrame(random: Random): Buffer {
  const types = [DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, 5, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, 10, 255];
  return frame(random.of(types), random.below(256), random.of([0, 0, 1, 2, 3, 2 ** 31 - 1]), random.bytes(100));
}

/** Flips, cuts out, or doubles some of it. */
function damaged(random: Random, bytes: Buffer): Buffer {
  const result = Buffer.from(bytes);
  for (const position of random.times(8, () => random.below(bytes.length))) result[position]! ^= 1 << random.below(8);
  const [from, to] = [random.below(bytes.length), random.below(bytes.length)];
  return Buffer.concat([result.subarray(0, from), result.subarray(random.of([from, to]))]);
}

function repeated(random: Random, most: number, bytes: Buffer): Buffer[] {
  return Array.from({ length: random.flood(most) }, () => bytes);
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

function settings(): Buffer {
  return Buffer.concat([setting(1, 0), setting(3, 2 ** 32 - 1), setting(5, 16_384)]);
}

function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), uint32(value)]);
}

type Header = readonly [name: string, value: string];

/** HEADERS, in CONTINUATIONs where they do not fit. */
function headers(id: number, list: readonly Header[], flags: number = END_HEADERS | END_STREAM): Buffer {
  const block = Buffer.concat(list.map(literal));
  const [first, ...more] = chunks(block, 16_384);
  if (more.length === 0) return frame(HEADERS, flags, id, first!);
  const last = more.pop()!;
  return Buffer.concat([
    frame(HEADERS, flags & ~END_HEADERS, id, first!),
    ...more.map((chunk) => frame(CONTINUATION, 0, id, chunk)),
    frame(CONTINUATION, flags & END_HEADERS, id, last),
  ]);
}

function chunks(bytes: Buffer, size: number): Buffer[] {
  const count = Math.max(1, Math.ceil(bytes.length / size));
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** HPACK's literal that is never indexed. */
function literal([name, value]: Header): Buffer {
  return Buffer.concat([Buffer.from([0x10]), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  return Buffer.concat([prefixed(bytes.length), bytes]);
}

/** HPACK's integer with a prefix of 7 bits. */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
