/*
 * MurmurHash3, the 64 bits of it that go-zero hashes with: the first half of x64_128, seed 0 (Austin Appleby, public
 * domain; github.com/spaolacci/murmur3, Sum64). BigInt would take some ten times as long.
 */

/** 64 bits, as two signed numbers of 32. */
class Word {
  private high: number;
  private low: number;

  constructor(high = 0, low = 0) {
    this.high = high | 0;
    this.low = low | 0;
  }

  /** The upper 53 bits, which is what a number holds exactly. */
  get upper53(): number {
    return (this.high >>> 0) * 2 ** 21 + (this.low >>> 11);
  }

  setNumber(value: number): void {
    this.high = 0;
    this.low = value | 0;
  }

  /** Eight characters, the first one lowest. */
  load(text: string, at: number): void {
    this.low = fourBytes(text, at);
    this.high = fourBytes(text, at + 4);
  }

  xor(other: Word): void {
    this.high ^= other.high;
    this.low ^= other.low;
  }

  add(other: Word): void {
    const low = (this.low >>> 0) + (other.low >>> 0);
    const carry = low >= 2 ** 32 ? 1 : 0;
    this.high = (this.high + other.high + carry) | 0;
    this.low = low | 0;
  }

  multiply(other: Word): void {
    const a = this.low & 0xffff;
    const b = this.low >>> 16;
    const c = other.low & 0xffff;
    const d = other.low >>> 16;
    const middle = b * c + ((a * c) >>> 16);
    const carry = (a * d + (middle & 0xffff)) >>> 16;
    const crossed = Math.imul(this.high, other.low) + Math.imul(this.low, other.high);
    this.high = (crossed + b * d + (middle >>> 16) + carry) | 0;
    this.low = Math.imul(this.low, other.low);
  }

  /** @param bits 1 to 31. */
  rotateLeft(bits: number): void {
    const { high, low } = this;
    this.high = (high << bits) | (low >>> (32 - bits));
    this.low = (low << bits) | (high >>> (32 - bits));
  }

  /** Rotates by 32 bits. */
  swapHalves(): void {
    const { high } = this;
    this.high = this.low;
    this.low = high;
  }

  /** fmix64 of the original. */
  finish(): void {
    this.xorUpper31();
    this.multiply(finish1);
    this.xorUpper31();
    this.multiply(finish2);
    this.xorUpper31();
  }

  private xorUpper31(): void {
    this.low ^= this.high >>> 1;
  }
}

function byte(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) & 0xff : 0;
}

function fourBytes(text: string, at: number): number {
  return byte(text, at) | (byte(text, at + 1) << 8) | (byte(text, at + 2) << 16) | (byte(text, at + 3) << 24);
}

const five = new Word(0, 5);
const c1 = new Word(0x87c37b91, 0x114253d5);
const c2 = new Word(0x4cf5ad43, 0x2745937f);
const addend1 = new Word(0, 0x52dce729);
const addend2 = new Word(0, 0x38495ab5);
const finish1 = new Word(0xff51afd7, 0xed558ccd);
const finish2 = new Word(0xc4ceb9fe, 0x1a85ec53);

const h1 = new Word();
const h2 = new Word();
const k1 = new Word();
const k2 = new Word();
const length = new Word();

/**
 * Hashes the characters of a text as bytes, which they are in ASCII; of others the lower byte counts.
 *
 * @returns The upper 53 of the 64 bits.
 */
export function murmur3(text: string): number {
  h1.setNumber(0);
  h2.setNumber(0);
  const rest = text.length - (text.length % 16);
  for (let at = 0; at < rest; at += 16) mixBlock(text, at);
  xorFirstHalf(text, rest);
  if (text.length - rest > 8) xorSecondHalf(text, rest);
  length.setNumber(text.length);
  h1.xor(length);
  h2.xor(length);
  h1.add(h2);
  h2.add(h1);
  h1.finish();
  h2.finish();
  h1.add(h2);
  return h1.upper53;
}

function mixBlock(text: string, at: number): void {
  xorFirstHalf(text, at);
  h1.rotateLeft(27);
  h1.add(h2);
  h1.multiply(five);
  h1.add(addend1);
  xorSecondHalf(text, at);
  h2.rotateLeft(31);
  h2.add(h1);
  h2.multiply(five);
  h2.add(addend2);
}

function xorFirstHalf(text: string, at: number): void {
  k1.load(text, at);
  k1.multiply(c1);
  k1.rotateLeft(31);
  k1.multiply(c2);
  h1.xor(k1);
}

function xorSecondHalf(text: string, at: number): void {
  k2.load(text, at + 8);
  k2.multiply(c2);
  k2.swapHalves();
  k2.rotateLeft(1);
  k2.multiply(c1);
  h2.xor(k2);
}
