import { fromBinary, ScalarType } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import type { StreamMessage } from '../model/streamMessage';

/*
 * Decodes the messages of a stream. Nearly all bytes are batches of picks and completions, whose columns protobuf-es reads
 * value by value into arrays, at a microsecond and hundreds of bytes of garbage a row. Here they are read into memory that
 * is used again for the next message.
 *
 * Only batches as every client writes them are read so. Whatever is odd in any way (a column in two parts, or not packed, a
 * number of more than 32 bits, a length that does not fit) is left to protobuf-es, which reads it, or says what is wrong.
 */

/** Bytes; no batch as clients write them is longer. */
const maxLength = 1 << 21;

/** Where the columns of a message lie, one after the other; one value takes at least one byte of a message. */
let values = new Float64Array(1 << 16);

/**
 * @returns What the message says; columns only until the next one is decoded.
 * @throws Error that says what is wrong with the bytes.
 */
export function decodeMessage(bytes: Uint8Array): StreamMessage {
  return new BatchReader(bytes).read() ?? fromBinary(WatchResponseSchema, bytes);
}

/** By the names of a batch's fields. */
type Batch = Record<string, number | bigint | Float64Array>;

interface Field {
  readonly name: string;
  /** A ScalarType; undefined: an enum. */
  readonly scalar: number | undefined;
}

/** How to read the batches of one type. */
interface Layout {
  readonly name: 'picks' | 'completions';
  /** By number. */
  readonly fields: readonly (Field | undefined)[];
  /** All columns empty. */
  readonly empty: Readonly<Batch>;
}

// Types as numbers: that is what they are on the wire, and in a schema.
const wire: Readonly<Record<'varint' | 'bit64' | 'lengthDelimited', number>> = {
  varint: WireType.Varint,
  bit64: WireType.Bit64,
  lengthDelimited: WireType.LengthDelimited,
};
const type: Readonly<Record<'double' | 'float' | 'sint32' | 'bool' | 'fixed64', number>> = {
  double: ScalarType.DOUBLE,
  float: ScalarType.FLOAT,
  sint32: ScalarType.SINT32,
  bool: ScalarType.BOOL,
  fixed64: ScalarType.FIXED64,
};

const { sequence, picks, completions } = WatchResponseSchema.field;
const sequenceTag = tagOf(sequence.number, wire.varint);
const layouts = new Map([
  [tagOf(picks.number, wire.lengthDelimited), layoutOf('picks')],
  [tagOf(completions.number, wire.lengthDelimited), layoutOf('completions')],
]);

function tagOf(number: number, wireType: number): number {
  return (number << 3) | wireType;
}

function layoutOf(name: Layout['name']): Layout {
  const fields: Field[] = [];
  const empty: Batch = {};
  for (const { number, localName, fieldKind, scalar } of WatchResponseSchema.field[name].message!.fields) {
    const field: Field = { name: localName, scalar };
    fields[number] = field;
    if (fieldKind === 'list') empty[field.name] = new Float64Array(0);
    else empty[field.name] = field.scalar === type.fixed64 ? 0n : 0;
  }
  return { name, fields, empty };
}

class BatchReader {
  private readonly view: DataView;
  private at = 0;
  /** How many of `values` are taken. */
  private taken = 0;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** undefined: it is no batch, or an odd one. */
  read(): StreamMessage | undefined {
    const { length } = this.bytes;
    if (length > maxLength || this.varint() !== sequenceTag) return undefined;
    const number = this.varint();
    const layout = layouts.get(this.varint());
    const rest = this.varint();
    if (!layout || Number.isNaN(number) || rest !== length - this.at) return undefined;
    if (length > values.length) values = new Float64Array(2 * length);
    const value = this.batch(layout);
    // The layout is made of the schema, so the batch has its fields.
    return value && ({ sequence: number, body: { case: layout.name, value } } as unknown as StreamMessage);
  }

  private batch({ fields, empty }: Layout): Batch | undefined {
    const batch = { ...empty };
    while (this.at < this.bytes.length) {
      const tag = this.varint();
      const field = fields[tag >>> 3];
      // What a newer protocol adds is left out.
      const isRead = field ? this.readInto(batch, field, tag & 7) : this.skip(tag);
      if (!isRead) return undefined;
    }
    return this.at === this.bytes.length ? batch : undefined;
  }

  private readInto(batch: Batch, field: Field, wireType: number): boolean {
    const before = batch[field.name];
    let value: Batch[string] | undefined;
    if (before instanceof Float64Array) {
      if (wireType === wire.lengthDelimited && before.length === 0) value = this.column(field);
    } else if (typeof before === 'bigint') {
      if (wireType === wire.bit64) value = this.fixed64();
    } else if (wireType === wire.varint) {
      value = this.varint();
    }
    if (value === undefined || Number.isNaN(value)) return false;
    batch[field.name] = value;
    return true;
  }

  /** A column, that is; no field has the number 0. */
  private skip(tag: number): boolean {
    if (!(tag >= 8) || (tag & 7) !== wire.lengthDelimited) return false;
    const length = this.varint();
    this.at += length;
    return this.at <= this.bytes.length;
  }

  private column(field: Field): Float64Array | undefined {
    const length = this.varint();
    if (!(length <= this.bytes.length - this.at)) return undefined;
    const begin = this.taken;
    const complete = this.fill(field, this.at + length);
    return complete ? values.subarray(begin, this.taken) : undefined;
  }

  /** Whether the column's values end where it does. */
  private fill({ scalar }: Field, end: number): boolean {
    const begin = this.taken;
    if (scalar === type.double) this.doubles(end);
    else if (scalar === type.float) this.floats(end);
    else this.varints(end);
    if (scalar === type.bool || scalar === type.sint32 || scalar === undefined) this.convert(scalar, begin);
    return this.at === end;
  }

  private doubles(end: number): void {
    const { view } = this;
    const into = values;
    let { at, taken } = this;
    for (; at + 8 <= end; at += 8) into[taken++] = view.getFloat64(at, true);
    this.at = at;
    this.taken = taken;
  }

  private floats(end: number): void {
    const { view } = this;
    const into = values;
    let { at, taken } = this;
    for (; at + 4 <= end; at += 4) into[taken++] = view.getFloat32(at, true);
    this.at = at;
    this.taken = taken;
  }

  private varints(end: number): void {
    const { bytes } = this;
    const into = values;
    let { taken } = this;
    while (this.at < end) {
      const byte = bytes[this.at]!;
      // Nearly all of them.
      if (byte < 0x80) {
        into[taken++] = byte;
        this.at++;
      } else {
        into[taken++] = this.varint();
      }
    }
    this.taken = taken;
  }

  /** What stands as uint32 so far. */
  private convert(scalar: number | undefined, from: number): void {
    for (let i = from; i < this.taken; i++) {
      const value = values[i]!;
      if (scalar === type.bool) values[i] = value === 0 ? 0 : 1;
      else if (scalar === type.sint32) values[i] = (value >>> 1) ^ -(value & 1);
      // Enums are int32.
      else if (scalar === undefined) values[i] = value | 0;
    }
  }

  private fixed64(): bigint | undefined {
    if (this.at + 8 > this.bytes.length) return undefined;
    this.at += 8;
    return this.view.getBigUint64(this.at - 8, true);
  }

  /** NaN: it does not end, or has more than 32 bits; then nothing more can be read. */
  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || (shift === 28 && byte > 0x0f)) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    this.at = Infinity;
    return NaN;
  }
}
