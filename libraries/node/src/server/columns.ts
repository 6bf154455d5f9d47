import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Of a message's schema. */
export interface Field {
  readonly number: number;
}

/** Consecutive positions of a ring. */
export interface Span {
  readonly from: number;
  readonly count: number;
  /** Of the ring. */
  readonly capacity: number;
}

/** Longest varint of 32 bits. */
const maxVarint = 5;
const doubleSize = 8;
const floatSize = 4;

/** Where a column is put together; one for all. */
let scratch = new DataView(new ArrayBuffer(1 << 17));

/**
 * Writes a message whose fields are columns (packed repeated fields), straight from a ring. protobuf-es does the same, but
 * makes several objects for each double, so that a row takes microseconds (`npm run bench` prints "its flush").
 *
 * A column whose values are all the default is left out.
 */
export class ColumnWriter {
  private readonly writer = new BinaryWriter();

  finish(): Uint8Array {
    return this.writer.finish();
  }

  uint32(field: Field, value: number): void {
    this.writer.tag(field.number, WireType.Varint).uint32(value);
  }

  fixed64(field: Field, value: number): void {
    this.writer.tag(field.number, WireType.Bit64).fixed64(BigInt(value));
  }

  /** uint32, enum or bool. */
  uint32s(field: Field, values: Uint32Array | Uint8Array, span: Span): void {
    const bytes = reserve(span.count * maxVarint);
    let length = 0;
    let every = 0;
    for (let i = 0, at = span.from % span.capacity; i < span.count; i++, at = after(at, span)) {
      const value = values[at]!;
      every |= value;
      length = putVarint(bytes, length, value);
    }
    if (every !== 0) this.column(field, length);
  }

  /** uint32: what a value has more than the one before; the first has 0. */
  rises(field: Field, values: Float64Array, span: Span): void {
    const bytes = reserve(span.count * maxVarint);
    let length = 0;
    let before = values[span.from % span.capacity]!;
    for (let i = 0, at = span.from % span.capacity; i < span.count; i++, at = after(at, span)) {
      const value = values[at]!;
      length = putVarint(bytes, length, Math.max(0, value - before));
      before = value;
    }
    this.column(field, length);
  }

  /** sint32: what a value has more or less than the one before; the first has 0. */
  differences(field: Field, values: Float64Array, span: Span): void {
    const bytes = reserve(span.count * maxVarint);
    let length = 0;
    let before = values[span.from % span.capacity]!;
    for (let i = 0, at = span.from % span.capacity; i < span.count; i++, at = after(at, span)) {
      const value = values[at]!;
      const difference = value - before;
      length = putVarint(bytes, length, difference < 0 ? -2 * difference - 1 : 2 * difference);
      before = value;
    }
    this.column(field, length);
  }

  doubles(field: Field, values: Float64Array, span: Span, absent = 0): void {
    const bytes = reserve(span.count * doubleSize);
    let empty = true;
    for (let i = 0, at = span.from % span.capacity; i < span.count; i++, at = after(at, span)) {
      const value = values[at]!;
      empty &&= Object.is(value, absent);
      bytes.setFloat64(i * doubleSize, value, true);
    }
    if (!empty) this.column(field, span.count * doubleSize);
  }

  floats(field: Field, values: Float32Array, span: Span): void {
    const bytes = reserve(span.count * floatSize);
    let empty = true;
    for (let i = 0, at = span.from % span.capacity; i < span.count; i++, at = after(at, span)) {
      const value = values[at]!;
      empty &&= value === 0;
      bytes.setFloat32(i * floatSize, value, true);
    }
    if (!empty) this.column(field, span.count * floatSize);
  }

  private column(field: Field, length: number): void {
    const bytes = new Uint8Array(scratch.buffer, 0, length).slice();
    this.writer.tag(field.number, WireType.LengthDelimited).bytes(bytes);
  }
}

function after(at: number, { capacity }: Span): number {
  return at + 1 === capacity ? 0 : at + 1;
}

function reserve(size: number): DataView {
  if (size > scratch.byteLength) scratch = new DataView(new ArrayBuffer(size));
  return scratch;
}

/** @returns Where the next one goes. */
function putVarint(bytes: DataView, at: number, value: number): number {
  let rest = value;
  while (rest > 0x7f) {
    bytes.setUint8(at++, (rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.setUint8(at, rest);
  return at + 1;
}
