import { create, fromBinary, ScalarType, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { decodeMessage } from '../../../src/attachment/decode';

/*
 * Whatever the bytes, decodeMessage() says what protobuf-es says of them.
 */

const seed = 4;

/** What an array of any kind, with or without protobuf-es's own properties, has to say. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as Float64Array, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  const pairs = Object.entries(value).filter(([name]) => !name.startsWith('$'));
  return Object.fromEntries(pairs.map(([name, each]) => [name, plain(each)]));
}

function outcomeOf(decode: () => unknown): unknown {
  try {
    return plain(decode());
  } catch (error) {
    return (error as Error).message;
  }
}

function assertSame(bytes: Uint8Array): void {
  assert.deepEqual(
    outcomeOf(() => decodeMessage(bytes)),
    outcomeOf(() => fromBinary(WatchResponseSchema, bytes)),
  );
}

const uint = fc.oneof({ weight: 4, arbitrary: fc.nat(200) }, fc.integer({ min: 0, max: 0xffff_ffff }));
const values: Partial<Record<ScalarType, fc.Arbitrary<unknown>>> = {
  [ScalarType.UINT32]: uint,
  [ScalarType.SINT32]: fc.integer(),
  [ScalarType.BOOL]: fc.boolean(),
  [ScalarType.DOUBLE]: fc.double(),
  [ScalarType.FLOAT]: fc.float(),
  [ScalarType.FIXED64]: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
};

/** Batches, whose fields are scalars and lists of them. */
function batchOf(name: 'picks' | 'completions'): fc.Arbitrary<Record<string, unknown>> {
  const fields = WatchResponseSchema.field[name].message!.fields.map(({ localName, fieldKind, scalar }) => {
    const one = scalar === undefined ? fc.nat(2 ** 31 - 1) : values[scalar]!;
    return [localName, fieldKind === 'list' ? fc.array(one, { maxLength: 20 }) : one] as const;
  });
  return fc.record(Object.fromEntries(fields));
}

const sequence = uint;
const encoded = fc.oneof(
  fc
    .record({ sequence: fc.integer({ min: 1, max: 9 }), value: batchOf('picks') })
    .map((it) => encode(it.sequence, 'picks', it.value)),
  fc
    .record({ sequence: fc.integer({ min: 1, max: 9 }), value: batchOf('completions') })
    .map((it) => encode(it.sequence, 'completions', it.value)),
);

function encode(number: number, name: 'picks' | 'completions', value: object): Uint8Array {
  const body = { case: name, value } as never;
  return toBinary(WatchResponseSchema, create(WatchResponseSchema, { sequence: number, body }));
}

/** A field of whatever number and type, with something behind it that may or may not fit. */
const anyField = fc
  .record({
    number: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.nat(2 ** 29 - 1)),
    type: fc.nat(7),
    content: fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.array(fc.nat(127), { maxLength: 20 })),
  })
  .map(({ number, type, content }) => {
    const writer = new BinaryWriter().uint32(((number << 3) | type) >>> 0);
    if (type === (WireType.LengthDelimited as number)) writer.bytes(Uint8Array.from(content));
    else writer.raw(Uint8Array.from(content));
    return writer.finish();
  });

describe('decodeMessage', () => {
  function check(bytes: fc.Arbitrary<Uint8Array>, numRuns: number): void {
    fc.assert(fc.property(bytes, assertSame), { seed, numRuns });
  }

  it('reads batches of all values', () => {
    check(encoded, 1000);
    const isFast = (bytes: Uint8Array) => {
      const { body } = decodeMessage(bytes);
      assert.ok(body.case === 'picks' || body.case === 'completions');
      assert.ok(body.value.attempt instanceof Float64Array);
    };
    fc.assert(fc.property(encoded, isFast), { seed, numRuns: 200 });
  });

  it('reads negative enums, which have ten bytes', () => {
    assertSame(encode(1, 'picks', { rows: 2, result: [1, -1], reason: [-(2 ** 31), 3] }));
  });

  it('reads, or refuses, what is left of a batch where it is cut off or altered', () => {
    const places = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 });
    const altered = fc.tuple(encoded, places, fc.nat()).map(([bytes, changes, cut]) => {
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      return cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
    });
    check(altered, 5000);
  });

  it('reads, or refuses, fields in any order, repeated, unpacked, unknown or of another type', () => {
    const batch = fc.array(anyField, { maxLength: 8 }).map((fields) => Buffer.concat(fields));
    const message = fc.tuple(sequence, fc.integer({ min: 2, max: 9 }), batch, fc.array(anyField, { maxLength: 1 }));
    const messages = message.map(([number, body, bytes, more]) => {
      const writer = new BinaryWriter().tag(1, WireType.Varint).uint32(number);
      writer.tag(body, WireType.LengthDelimited).bytes(bytes);
      for (const field of more) writer.raw(field);
      return writer.finish();
    });
    check(messages, 5000);
  });

  it('reads, or refuses, any bytes', () => check(fc.uint8Array({ maxLength: 60 }), 2000));

  it('reads columns into the same memory, message after message, and leaves nothing of the one before', () => {
    const long = encode(1, 'picks', { rows: 3, attempt: [7, 8, 9], code: [1, 2, 3] });
    const short = encode(2, 'picks', { rows: 1, attempt: [4] });
    decodeMessage(long);
    const { body } = decodeMessage(short);
    assert.equal(body.case, 'picks');
    assert.deepEqual([...(body.value.attempt as Float64Array)], [4]);
    assert.equal(body.value.code.length, 0);
    assert.equal(body.value.code[0], undefined);
  });
});
