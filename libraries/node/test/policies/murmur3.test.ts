import fc from 'fast-check';
import assert from 'node:assert/strict';
import { murmur3 } from '../../src/policies/murmur3';

/** The original, on BigInts: smhasher's MurmurHash3_x64_128, its first 64 bits. */
function reference(text: string): bigint {
  const bytes = Buffer.from(text, 'latin1');
  const word = (value: bigint) => BigInt.asUintN(64, value);
  const rotate = (value: bigint, bits: bigint) => word((value << bits) | (value >> (64n - bits)));
  const read = (at: number) =>
    bytes.subarray(at, at + 8).reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const finish = (value: bigint) => {
    value = word((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn);
    value = word((value ^ (value >> 33n)) * 0xc4ceb9fe1a85ec53n);
    return value ^ (value >> 33n);
  };
  const [c1, c2] = [0x87c37b91114253d5n, 0x4cf5ad432745937fn];
  const first = (at: number) => word(rotate(word(read(at) * c1), 31n) * c2);
  const second = (at: number) => word(rotate(word(read(at + 8) * c2), 33n) * c1);
  let [h1, h2] = [0n, 0n];
  let at = 0;
  for (; at + 16 <= bytes.length; at += 16) {
    h1 = word(word(rotate(h1 ^ first(at), 27n) + h2) * 5n + 0x52dce729n);
    h2 = word(word(rotate(h2 ^ second(at), 31n) + h1) * 5n + 0x38495ab5n);
  }
  h1 = h1 ^ first(at) ^ BigInt(bytes.length);
  h2 = h2 ^ second(at) ^ BigInt(bytes.length);
  h1 = word(h1 + h2);
  h2 = word(h2 + h1);
  return word(finish(h1) + finish(h2));
}

describe('murmur3', () => {
  it('gives the published hashes', () => {
    const published: Readonly<Record<string, bigint>> = {
      '': 0n,
      hello: 0xcbd8a7b341bd9b02n,
      'hello, world': 0x342fac623a5ebc8en,
      '19 Jan 2038 at 3:14:07 AM': 0xb89e5988b737affcn,
      'The quick brown fox jumps over the lazy dog.': 0xcd99481f9ee902c9n,
    };
    for (const [text, hash] of Object.entries(published)) assert.equal(murmur3(text), Number(hash >> 11n), text);
  });

  it('gives what the original does, for texts of any length', () => {
    const character = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 80 }), (text) => {
        assert.equal(murmur3(text), Number(reference(text) >> 11n));
      }),
      { numRuns: 1000 },
    );
  });
});
