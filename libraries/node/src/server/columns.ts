import { WireType } from '@bufbuild/protobuf/wire';
import { endianness } from 'node:os';

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
/** Longest tag and length of a column. */
const maxHead = 2 * maxVarint;
const doubleSize = 8;
/** As the wire is. */
const littleEndian = endianness() === 'LE';

/** Where messages are put together: one for all, as each is finished before the next is begun. */
let scratch = new Uint8Array(1 << 17);
let scratchView = new DataView(scratch.buffer);

/**
 * Writes a message whose fields are columns (packed repeated fields), straight from a ring. protobuf-es does the same, but
 * makes several objects for each double, so that a row takes microseconds (`npm run bench` prints "its flush").
 *
 * A column whose values are all the default is left out.
 */
export class ColumnWriter {
  private length = 0;

  /** The message; another one may be begun. */
  finish(): Uint8Array {
    return scratch.slice(0, this.length);
  }

  uint32(field: Field, value: number): void {
    reserve(this.length, 2 * maxVarint);
    this.length = putVarint(putTag(this.length, field, WireType.Varint), value);
  }

  fixed64(field: Field, value: number): void {
    reserve(this.length, maxVarint + doubleSize);
    const at = putTag(this.length, field, WireType.Bit64);
    scratchView.setBigUint64(at, BigInt(value), true);
    this.length = at + doubleSize;
  }

  /** uint32, enum or bool. */
  uint32s(field: Field, values: Uint32Array | Uint8Array, span: Span): void {
    if (isEvery(values, span, 0)) return;
    const begin = this.beginVarints(span.count);
    const bytes = scratch;
    let end = begin;
    let at = span.from % span.capacity;
    for (let i = 0; i < span.count; i++) {
      const value = values[at]!;
      // Nearly all of them; the function is for the others.
      if (value < 0x80) bytes[end++] = value;
      else end = putVarint(end, value);
      if (++at === span.capacity) at = 0;
    }
    this.endVarints(field, begin, end);
  }

  /** uint32: what a value has more than the one before; the first has 0. */
  rises(field: Field, values: Float64Array, span: Span): void {
    const begin = this.beginVarints(span.count);
    let end = begin;
    let at = span.from % span.capacity;
    let before = values[at]!;
    for (let i = 0; i < span.count; i++) {
      const value = values[at]!;
      end = putVarint(end, Math.max(0, value - before));
      before = value;
      if (++at === span.capacity) at = 0;
    }
    this.endVarints(field, begin, end);
  }

  /** sint32: what a value has more or less than the one before; the first has 0. */
  differences(field: Field, values: Float64Array, span: Span): void {
    const begin = this.beginVarints(span.count);
    let end = begin;
    let at = span.from % span.capacity;
    let before = values[at]!;
    for (let i = 0; i < span.count; i++) {
      const value = values[at]!;
      const difference = value - before;
      end = putVarint(end, difference < 0 ? -2 * difference - 1 : 2 * difference);
      before = value;
      if (++at === span.capacity) at = 0;
    }
    this.endVarints(field, begin, end);
  }

  doubles(field: Field, values: Float64Array, span: Span, absent = 0): void {
    if (!isEvery(values, span, absent)) this.copy(field, values, span);
  }

  floats(field: Field, values: Float32Array, span: Span): void {
    if (!isEvery(values, span, 0)) this.copy(field, values, span);
  }

  /** Doubles and floats are on the wire as they are in memory. */
  private copy(field: Field, { buffer, BYTES_PER_ELEMENT: width }: Float64Array | Float32Array, span: Span): void {
    const begin = this.putHead(field, span.count * width);
    const at = span.from % span.capacity;
    const upToEnd = Math.min(span.count, span.capacity - at);
    scratch.set(new Uint8Array(buffer, at * width, upToEnd * width), begin);
    scratch.set(new Uint8Array(buffer, 0, (span.count - upToEnd) * width), begin + upToEnd * width);
    this.length = begin + span.count * width;
    if (!littleEndian) swapBytes(width, begin, this.length);
  }

  /** Puts tag and length of a column, and makes room for it; gives where it begins. */
  private putHead(field: Field, size: number): number {
    reserve(this.length, maxHead + size);
    return putVarint(putTag(this.length, field, WireType.LengthDelimited), size);
  }

  /** Makes room for so many varints behind a head; as their size is not known before, the head is put at the end. */
  private beginVarints(count: number): number {
    reserve(this.length, maxHead + count * maxVarint);
    return this.length + maxHead;
  }

  private endVarints(field: Field, begin: number, end: number): void {
    const at = this.putHead(field, end - begin);
    scratch.copyWithin(at, begin, end);
    this.length = at + end - begin;
  }
}

/** Whether all values are this one, which may be NaN. */
function isEvery(values: Uint32Array | Uint8Array | Float64Array | Float32Array, span: Span, value: number): boolean {
  const none = Number.isNaN(value);
  let at = span.from % span.capacity;
  for (let i = 0; i < span.count; i++) {
    const other = values[at]!;
    if (none ? !Number.isNaN(other) : other !== value) return false;
    if (++at === span.capacity) at = 0;
  }
  return true;
}

function swapBytes(width: number, begin: number, end: number): void {
  const bytes = Buffer.from(scratch.buffer, begin, end - begin);
  if (width === Float64Array.BYTES_PER_ELEMENT) bytes.swap64();
  else bytes.swap32();
}

/** Makes the scratch reach so far beyond this place. */
function reserve(length: number, size: number): void {
  if (length + size <= scratch.length) return;
  const larger = new Uint8Array(2 * (length + size));
  larger.set(scratch.subarray(0, length));
  scratch = larger;
  scratchView = new DataView(scratch.buffer);
}

/** @returns Where the next one goes. */
function putTag(at: number, { number }: Field, type: WireType): number {
  return putVarint(at, (number << 3) | type);
}

/** @returns Where the next one goes. */
function putVarint(at: number, value: number): number {
  let rest = value;
  while (rest > 0x7f) {
    scratch[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  scratch[at] = rest;
  return at + 1;
}
