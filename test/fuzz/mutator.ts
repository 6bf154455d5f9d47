import { create, fromBinary, ScalarType, toBinary, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { WatchResponseSchema } from '@pickscope/protocol/messages';
import type { Random } from '../../simulator/random';

/** The messages of a stream, encoded. */
export type Stream = readonly Uint8Array[];

const maxMessages = 24;
const maxBytes = 8000;

type Fields = Record<string, unknown>;
interface Oneof {
  readonly case: string | undefined;
  readonly value?: unknown;
}

const interestingNumbers = [
  0, 1, 2, 3, 4, 5, 7, 16, 63, 64, 127, 128, 255, 256, 1023, 65_535, 65_536, 0x7fff_ffff, 0xffff_ffff,
];
const interestingInts = [0, 1, -1, 2, -2, 0x7fff_ffff, -0x8000_0000];
const interestingDoubles = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e6, 1e12, 1e300, -1e300, 5e-324, 2 ** 53, 3.5e38];
const interestingLongs = [0n, 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 1_000_000_000n, 5_000_000_000_000n];
const interestingTexts = [
  '',
  'x',
  'a'.repeat(300),
  '<b onload=alert(1)>',
  '\u202e\u0000\u001b[31m',
  '\ud83d\ude00'.repeat(140),
  '10.0.0.1:50051',
];

/** Makes streams out of streams, as a broken, hostile or merely newer client might send them. Same random numbers, same streams. */
export class Mutator {
  constructor(
    private readonly random: Random,
    private readonly corpus: readonly Stream[],
  ) {}

  /** A stream of the corpus with one change, or some. */
  next(): Stream {
    let stream = this.one(this.corpus);
    do stream = this.mutate(stream);
    while (this.random.next() < 0.5);
    return bounded(stream);
  }

  private mutate(stream: Stream): Stream {
    if (stream.length === 0) return this.one(this.corpus);
    const at = this.random.below(stream.length);
    const way = this.random.next();
    if (way < 0.6) return stream.with(at, this.mutateMessage(stream[at]!));
    if (way < 0.72) return this.splice(stream, at);
    return this.rearrange(stream, at);
  }

  /** Puts some messages of another stream in. */
  private splice(stream: Stream, at: number): Stream {
    const other = this.one(this.corpus);
    const from = this.random.below(other.length + 1);
    return [...stream.slice(0, at), ...other.slice(from, from + 1 + this.random.below(8)), ...stream.slice(at)];
  }

  private rearrange(stream: Stream, at: number): Stream {
    const to = this.random.below(stream.length);
    const [from, end] = at < to ? [at, to] : [to, at];
    const ways = [
      () => stream.toSpliced(at, 1),
      () => stream.slice(0, at),
      () => stream.slice(at),
      () => stream.toSpliced(at, 0, stream[at]!),
      () => stream.with(at, stream[to]!).with(to, stream[at]!),
      () => [...stream.slice(0, from), ...stream.slice(from, end).reverse(), ...stream.slice(end)],
      () => [...stream, ...stream.slice(from, end)],
    ];
    return this.one(ways)();
  }

  private mutateMessage(bytes: Uint8Array): Uint8Array {
    if (this.random.next() < 0.2) return this.mutateBytes(bytes);
    try {
      const message = fromBinary(WatchResponseSchema, bytes);
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- It takes the same enums for different ones.
      this.mutateFields(WatchResponseSchema.fields, message);
      return toBinary(WatchResponseSchema, message);
    } catch {
      return this.mutateBytes(bytes);
    }
  }

  private mutateBytes(bytes: Uint8Array): Uint8Array {
    const at = this.random.below(bytes.length + 1);
    const length = this.random.below(8);
    const noise = Uint8Array.from({ length }, () => this.random.below(256));
    const ways = [
      () => bytes.map((byte, index) => (index === at ? byte ^ (1 << this.random.below(8)) : byte)),
      () => Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes, bytes.subarray(at)]),
    ];
    return this.one(ways)();
  }

  private mutateFields(fields: readonly DescField[], message: object): void {
    const values = message as Fields;
    const isSet = (field: DescField) => field.oneof !== undefined || !isEmpty(values[field.localName]);
    // Messages without fields are left as they are.
    if (fields.length === 0) return;
    const set = fields.filter((field) => isSet(field) && isChosen(values, field));
    const field = set.length > 0 && this.random.next() < 0.85 ? this.one(set) : this.one(fields);
    this.mutateField(values, field);
  }

  private mutateField(values: Fields, field: DescField): void {
    if (field.oneof) this.mutateOneof(values[field.oneof.localName] as Oneof, field);
    else if (field.fieldKind === 'list')
      values[field.localName] = this.list(values[field.localName] as unknown[], field);
    else if (field.fieldKind === 'message')
      values[field.localName] = this.inner(values[field.localName], field.message);
    else values[field.localName] = this.single(field, values[field.localName]);
  }

  private mutateOneof(oneof: Oneof, field: DescField): void {
    if (!field.message) return;
    const value = oneof.case === field.localName ? oneof.value : undefined;
    Object.assign(oneof, { case: field.localName, value: this.inner(value, field.message) });
  }

  private inner(value: unknown, schema: DescMessage): object {
    const message = (value as object | undefined) ?? create(schema);
    this.mutateFields(schema.fields, message);
    return message;
  }

  private list(list: readonly unknown[], field: DescField): unknown[] {
    const at = this.random.below(list.length + 1);
    const element = () => (field.message ? this.inner(undefined, field.message) : this.single(field, list[at]));
    const changed = () => (field.message ? this.inner(list[at], field.message) : this.single(field, list[at]));
    const ways = [
      () => (at < list.length ? list.with(at, changed()) : [...list, element()]),
      () => (at < list.length ? list.with(at, changed()) : [...list, element()]),
      () => list.toSpliced(at, 1),
      () => list.toSpliced(at, 0, element()),
      () => list.slice(0, at),
      () => [...list, ...list.slice(at)],
      () => [],
    ];
    return this.one(ways)();
  }

  private single(field: DescField, before: unknown): unknown {
    switch (field.scalar) {
      case ScalarType.BOOL:
        return before !== true;
      case ScalarType.STRING:
        return this.one(interestingTexts);
      case ScalarType.DOUBLE:
      case ScalarType.FLOAT:
        return this.random.next() < 0.5 ? this.one(interestingDoubles) : Number(before ?? 0) * 4 * this.random.next();
      case ScalarType.FIXED64:
      case ScalarType.UINT64:
        return this.long(typeof before === 'bigint' ? before : 0n);
      case ScalarType.SINT32:
        return this.one(interestingInts);
      case undefined: // an enum
        return this.random.below(12);
      default:
        return this.random.next() < 0.6 ? this.random.below(12) : this.one(interestingNumbers);
    }
  }

  private long(before: bigint): bigint {
    if (this.random.next() < 0.4) return this.one(interestingLongs);
    const step = BigInt(Math.floor(10 ** (this.random.next() * 14)));
    return BigInt.asUintN(64, this.random.next() < 0.5 ? before + step : before - step);
  }

  private one<T>(values: readonly T[]): T {
    return values[this.random.below(values.length)]!;
  }
}

function isChosen(values: Fields, field: DescField): boolean {
  return !field.oneof || (values[field.oneof.localName] as Oneof).case === field.localName;
}

function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === 0 || value === 0n || value === '' || (Array.isArray(value) && value.length === 0)
  );
}

function bounded(stream: Stream): Stream {
  let bytes = 0;
  return stream.slice(0, maxMessages).filter((message) => (bytes += message.length) <= maxBytes);
}
