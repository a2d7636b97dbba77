/**
 * MD5 (RFC 1321) in plain TypeScript: the twin of `assembly/kernel/md5.ts`, step for step.
 *
 * Words are read at use, with their byte order spelled out; the state rests in an array between
 * rounds and in variables within them.
 */

/** The initial words a, b, c, d. */
const INITIAL: readonly number[] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

/** How many bytes of a message fit one block with its padding. */
const SHORT = 55;

/** A machine that digests one message at a time. */
export class Md5 {
  /** The digest of the last message, as four little-endian words. */
  readonly words: Uint32Array = new Uint32Array(4);
  readonly #state: Int32Array = new Int32Array(4);
  readonly #tail: Uint8Array = new Uint8Array(128);
  readonly #tailView: DataView = new DataView(this.#tail.buffer);

  /** Digests a message of any length. */
  digest(message: Uint8Array): void {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    this.words.set(INITIAL);
    const whole = message.length & ~63;
    for (let at = 0; at < whole; at += 64) this.#absorb(view, at);
    const rest = message.length - whole;
    this.#tail.fill(0).set(message.subarray(whole));
    this.#tail[rest] = 0x80;
    const end = rest > SHORT ? 128 : 64;
    this.#tailView.setUint32(end - 8, message.length << 3, true);
    this.#tailView.setUint32(end - 4, message.length / 0x20000000, true);
    for (let at = 0; at < end; at += 64) this.#absorb(this.#tailView, at);
  }

  /** The first word of the digest of one padded block, unsigned. */
  firstWord(block: DataView): number {
    this.#state.set(INITIAL);
    this.#rounds(block, 0);
    return this.#state[0]! + 0x67452301 >>> 0;
  }

  #absorb(view: DataView, at: number): void {
    const { words } = this;
    const state = this.#state;
    state.set(words);
    this.#rounds(view, at);
    for (let i = 0; i < 4; i++) words[i]! += state[i]!;
  }

  #rounds(view: DataView, at: number): void {
    round1(this.#state, view, at);
    round2(this.#state, view, at);
    round3(this.#state, view, at);
    round4(this.#state, view, at);
  }
}

function round1(state: Int32Array, view: DataView, at: number): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  a = a + (d ^ (b & (c ^ d))) + view.getInt32(at, true) + 0xd76aa478 | 0;
  a = (a << 7 | a >>> 25) + b | 0;
  d = d + (c ^ (a & (b ^ c))) + view.getInt32(at + 4, true) + 0xe8c7b756 | 0;
  d = (d << 12 | d >>> 20) + a | 0;
  c = c + (b ^ (d & (a ^ b))) + view.getInt32(at + 8, true) + 0x242070db | 0;
  c = (c << 17 | c >>> 15) + d | 0;
  b = b + (a ^ (c & (d ^ a))) + view.getInt32(at + 12, true) + 0xc1bdceee | 0;
  b = (b << 22 | b >>> 10) + c | 0;
  a = a + (d ^ (b & (c ^ d))) + view.getInt32(at + 16, true) + 0xf57c0faf | 0;
  a = (a << 7 | a >>> 25) + b | 0;
  d = d + (c ^ (a & (b ^ c))) + view.getInt32(at + 20, true) + 0x4787c62a | 0;
  d = (d << 12 | d >>> 20) + a | 0;
  c = c + (b ^ (d & (a ^ b))) + view.getInt32(at + 24, true) + 0xa8304613 | 0;
  c = (c << 17 | c >>> 15) + d | 0;
  b = b + (a ^ (c & (d ^ a))) + view.getInt32(at + 28, true) + 0xfd469501 | 0;
  b = (b << 22 | b >>> 10) + c | 0;
  a = a + (d ^ (b & (c ^ d))) + view.getInt32(at + 32, true) + 0x698098d8 | 0;
  a = (a << 7 | a >>> 25) + b | 0;
  d = d + (c ^ (a & (b ^ c))) + view.getInt32(at + 36, true) + 0x8b44f7af | 0;
  d = (d << 12 | d >>> 20) + a | 0;
  c = c + (b ^ (d & (a ^ b))) + view.getInt32(at + 40, true) + 0xffff5bb1 | 0;
  c = (c << 17 | c >>> 15) + d | 0;
  b = b + (a ^ (c & (d ^ a))) + view.getInt32(at + 44, true) + 0x895cd7be | 0;
  b = (b << 22 | b >>> 10) + c | 0;
  a = a + (d ^ (b & (c ^ d))) + view.getInt32(at + 48, true) + 0x6b901122 | 0;
  a = (a << 7 | a >>> 25) + b | 0;
  d = d + (c ^ (a & (b ^ c))) + view.getInt32(at + 52, true) + 0xfd987193 | 0;
  d = (d << 12 | d >>> 20) + a | 0;
  c = c + (b ^ (d & (a ^ b))) + view.getInt32(at + 56, true) + 0xa679438e | 0;
  c = (c << 17 | c >>> 15) + d | 0;
  b = b + (a ^ (c & (d ^ a))) + view.getInt32(at + 60, true) + 0x49b40821 | 0;
  b = (b << 22 | b >>> 10) + c | 0;
  state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}

function round2(state: Int32Array, view: DataView, at: number): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  a = a + ((b & d) | (c & ~d)) + view.getInt32(at + 4, true) + 0xf61e2562 | 0;
  a = (a << 5 | a >>> 27) + b | 0;
  d = d + ((a & c) | (b & ~c)) + view.getInt32(at + 24, true) + 0xc040b340 | 0;
  d = (d << 9 | d >>> 23) + a | 0;
  c = c + ((d & b) | (a & ~b)) + view.getInt32(at + 44, true) + 0x265e5a51 | 0;
  c = (c << 14 | c >>> 18) + d | 0;
  b = b + ((c & a) | (d & ~a)) + view.getInt32(at, true) + 0xe9b6c7aa | 0;
  b = (b << 20 | b >>> 12) + c | 0;
  a = a + ((b & d) | (c & ~d)) + view.getInt32(at + 20, true) + 0xd62f105d | 0;
  a = (a << 5 | a >>> 27) + b | 0;
  d = d + ((a & c) | (b & ~c)) + view.getInt32(at + 40, true) + 0x02441453 | 0;
  d = (d << 9 | d >>> 23) + a | 0;
  c = c + ((d & b) | (a & ~b)) + view.getInt32(at + 60, true) + 0xd8a1e681 | 0;
  c = (c << 14 | c >>> 18) + d | 0;
  b = b + ((c & a) | (d & ~a)) + view.getInt32(at + 16, true) + 0xe7d3fbc8 | 0;
  b = (b << 20 | b >>> 12) + c | 0;
  a = a + ((b & d) | (c & ~d)) + view.getInt32(at + 36, true) + 0x21e1cde6 | 0;
  a = (a << 5 | a >>> 27) + b | 0;
  d = d + ((a & c) | (b & ~c)) + view.getInt32(at + 56, true) + 0xc33707d6 | 0;
  d = (d << 9 | d >>> 23) + a | 0;
  c = c + ((d & b) | (a & ~b)) + view.getInt32(at + 12, true) + 0xf4d50d87 | 0;
  c = (c << 14 | c >>> 18) + d | 0;
  b = b + ((c & a) | (d & ~a)) + view.getInt32(at + 32, true) + 0x455a14ed | 0;
  b = (b << 20 | b >>> 12) + c | 0;
  a = a + ((b & d) | (c & ~d)) + view.getInt32(at + 52, true) + 0xa9e3e905 | 0;
  a = (a << 5 | a >>> 27) + b | 0;
  d = d + ((a & c) | (b & ~c)) + view.getInt32(at + 8, true) + 0xfcefa3f8 | 0;
  d = (d << 9 | d >>> 23) + a | 0;
  c = c + ((d & b) | (a & ~b)) + view.getInt32(at + 28, true) + 0x676f02d9 | 0;
  c = (c << 14 | c >>> 18) + d | 0;
  b = b + ((c & a) | (d & ~a)) + view.getInt32(at + 48, true) + 0x8d2a4c8a | 0;
  b = (b << 20 | b >>> 12) + c | 0;
  state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}

function round3(state: Int32Array, view: DataView, at: number): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  a = a + (b ^ c ^ d) + view.getInt32(at + 20, true) + 0xfffa3942 | 0;
  a = (a << 4 | a >>> 28) + b | 0;
  d = d + (a ^ b ^ c) + view.getInt32(at + 32, true) + 0x8771f681 | 0;
  d = (d << 11 | d >>> 21) + a | 0;
  c = c + (d ^ a ^ b) + view.getInt32(at + 44, true) + 0x6d9d6122 | 0;
  c = (c << 16 | c >>> 16) + d | 0;
  b = b + (c ^ d ^ a) + view.getInt32(at + 56, true) + 0xfde5380c | 0;
  b = (b << 23 | b >>> 9) + c | 0;
  a = a + (b ^ c ^ d) + view.getInt32(at + 4, true) + 0xa4beea44 | 0;
  a = (a << 4 | a >>> 28) + b | 0;
  d = d + (a ^ b ^ c) + view.getInt32(at + 16, true) + 0x4bdecfa9 | 0;
  d = (d << 11 | d >>> 21) + a | 0;
  c = c + (d ^ a ^ b) + view.getInt32(at + 28, true) + 0xf6bb4b60 | 0;
  c = (c << 16 | c >>> 16) + d | 0;
  b = b + (c ^ d ^ a) + view.getInt32(at + 40, true) + 0xbebfbc70 | 0;
  b = (b << 23 | b >>> 9) + c | 0;
  a = a + (b ^ c ^ d) + view.getInt32(at + 52, true) + 0x289b7ec6 | 0;
  a = (a << 4 | a >>> 28) + b | 0;
  d = d + (a ^ b ^ c) + view.getInt32(at, true) + 0xeaa127fa | 0;
  d = (d << 11 | d >>> 21) + a | 0;
  c = c + (d ^ a ^ b) + view.getInt32(at + 12, true) + 0xd4ef3085 | 0;
  c = (c << 16 | c >>> 16) + d | 0;
  b = b + (c ^ d ^ a) + view.getInt32(at + 24, true) + 0x04881d05 | 0;
  b = (b << 23 | b >>> 9) + c | 0;
  a = a + (b ^ c ^ d) + view.getInt32(at + 36, true) + 0xd9d4d039 | 0;
  a = (a << 4 | a >>> 28) + b | 0;
  d = d + (a ^ b ^ c) + view.getInt32(at + 48, true) + 0xe6db99e5 | 0;
  d = (d << 11 | d >>> 21) + a | 0;
  c = c + (d ^ a ^ b) + view.getInt32(at + 60, true) + 0x1fa27cf8 | 0;
  c = (c << 16 | c >>> 16) + d | 0;
  b = b + (c ^ d ^ a) + view.getInt32(at + 8, true) + 0xc4ac5665 | 0;
  b = (b << 23 | b >>> 9) + c | 0;
  state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}

function round4(state: Int32Array, view: DataView, at: number): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  a = a + (c ^ (b | ~d)) + view.getInt32(at, true) + 0xf4292244 | 0;
  a = (a << 6 | a >>> 26) + b | 0;
  d = d + (b ^ (a | ~c)) + view.getInt32(at + 28, true) + 0x432aff97 | 0;
  d = (d << 10 | d >>> 22) + a | 0;
  c = c + (a ^ (d | ~b)) + view.getInt32(at + 56, true) + 0xab9423a7 | 0;
  c = (c << 15 | c >>> 17) + d | 0;
  b = b + (d ^ (c | ~a)) + view.getInt32(at + 20, true) + 0xfc93a039 | 0;
  b = (b << 21 | b >>> 11) + c | 0;
  a = a + (c ^ (b | ~d)) + view.getInt32(at + 48, true) + 0x655b59c3 | 0;
  a = (a << 6 | a >>> 26) + b | 0;
  d = d + (b ^ (a | ~c)) + view.getInt32(at + 12, true) + 0x8f0ccc92 | 0;
  d = (d << 10 | d >>> 22) + a | 0;
  c = c + (a ^ (d | ~b)) + view.getInt32(at + 40, true) + 0xffeff47d | 0;
  c = (c << 15 | c >>> 17) + d | 0;
  b = b + (d ^ (c | ~a)) + view.getInt32(at + 4, true) + 0x85845dd1 | 0;
  b = (b << 21 | b >>> 11) + c | 0;
  a = a + (c ^ (b | ~d)) + view.getInt32(at + 32, true) + 0x6fa87e4f | 0;
  a = (a << 6 | a >>> 26) + b | 0;
  d = d + (b ^ (a | ~c)) + view.getInt32(at + 60, true) + 0xfe2ce6e0 | 0;
  d = (d << 10 | d >>> 22) + a | 0;
  c = c + (a ^ (d | ~b)) + view.getInt32(at + 24, true) + 0xa3014314 | 0;
  c = (c << 15 | c >>> 17) + d | 0;
  b = b + (d ^ (c | ~a)) + view.getInt32(at + 52, true) + 0x4e0811a1 | 0;
  b = (b << 21 | b >>> 11) + c | 0;
  a = a + (c ^ (b | ~d)) + view.getInt32(at + 16, true) + 0xf7537e82 | 0;
  a = (a << 6 | a >>> 26) + b | 0;
  d = d + (b ^ (a | ~c)) + view.getInt32(at + 44, true) + 0xbd3af235 | 0;
  d = (d << 10 | d >>> 22) + a | 0;
  c = c + (a ^ (d | ~b)) + view.getInt32(at + 8, true) + 0x2ad7d2bb | 0;
  c = (c << 15 | c >>> 17) + d | 0;
  b = b + (d ^ (c | ~a)) + view.getInt32(at + 36, true) + 0xeb86d391 | 0;
  b = (b << 21 | b >>> 11) + c | 0;
  state[0] = a, state[1] = b, state[2] = c, state[3] = d;
}
