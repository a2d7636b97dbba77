/**
 * MD5 (RFC 1321) in plain TypeScript: the twin of `assembly/kernel/md5.ts`, step for step.
 *
 * Words are read at use, with their byte order spelled out. A step is one line, so that all 64 stay
 * in one function, where the engine keeps the state in registers.
 */

/** The initial words a, b, c, d. */
const INITIAL: readonly number[] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];

/** How many bytes of a message fit one block with its padding. */
const SHORT = 55;

/** A machine that digests one message at a time. */
export class Md5 {
  readonly #state: Int32Array = new Int32Array(4);
  readonly #words: Int32Array = new Int32Array(16);
  readonly #tail: Uint8Array = new Uint8Array(128);
  readonly #tailView: DataView = new DataView(this.#tail.buffer);

  /** The digest of a message of any length, as four words, until the next. */
  digest(message: Uint8Array): Int32Array {
    const { length } = message;
    const view = new DataView(message.buffer, message.byteOffset, length);
    this.#state.set(INITIAL);
    const whole = length & ~63;
    for (let at = 0; at < whole; at += 64) this.#absorb(view, at);
    this.#tail.fill(0).set(message.subarray(whole));
    this.#tail[length - whole] = 0x80;
    const end = length - whole > SHORT ? 128 : 64;
    this.#tailView.setUint32(end - 8, length << 3, true);
    this.#tailView.setUint32(end - 4, length / 0x20000000, true);
    for (let at = 0; at < end; at += 64) this.#absorb(this.#tailView, at);
    return this.#state;
  }

  /** The first word of the digest of one padded block in sixteen words, unsigned. */
  firstWord(block: Int32Array): number {
    const state = this.#state;
    state[0] = 0x67452301, state[1] = 0xefcdab89, state[2] = 0x98badcfe, state[3] = 0x10325476;
    absorb(state, block);
    return state[0]! >>> 0;
  }

  #absorb(view: DataView, at: number): void {
    readWords(view, at, this.#words);
    absorb(this.#state, this.#words);
  }
}

/** Reads sixteen words, the lowest byte first. */
export function readWords(view: DataView, at: number, words: Int32Array): void {
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + 4 * i, true);
}

/** Adds a block of sixteen words to the state: RFC 1321's 64 steps. */
function absorb(state: Int32Array, m: Int32Array): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  a = ((a = a + m[0]! - 680876936 + (d ^ (b & (c ^ d))) | 0) << 7 | a >>> 25) + b | 0;
  d = ((d = d + m[1]! - 389564586 + (c ^ (a & (b ^ c))) | 0) << 12 | d >>> 20) + a | 0;
  c = ((c = c + m[2]! + 606105819 + (b ^ (d & (a ^ b))) | 0) << 17 | c >>> 15) + d | 0;
  b = ((b = b + m[3]! - 1044525330 + (a ^ (c & (d ^ a))) | 0) << 22 | b >>> 10) + c | 0;
  a = ((a = a + m[4]! - 176418897 + (d ^ (b & (c ^ d))) | 0) << 7 | a >>> 25) + b | 0;
  d = ((d = d + m[5]! + 1200080426 + (c ^ (a & (b ^ c))) | 0) << 12 | d >>> 20) + a | 0;
  c = ((c = c + m[6]! - 1473231341 + (b ^ (d & (a ^ b))) | 0) << 17 | c >>> 15) + d | 0;
  b = ((b = b + m[7]! - 45705983 + (a ^ (c & (d ^ a))) | 0) << 22 | b >>> 10) + c | 0;
  a = ((a = a + m[8]! + 1770035416 + (d ^ (b & (c ^ d))) | 0) << 7 | a >>> 25) + b | 0;
  d = ((d = d + m[9]! - 1958414417 + (c ^ (a & (b ^ c))) | 0) << 12 | d >>> 20) + a | 0;
  c = ((c = c + m[10]! - 42063 + (b ^ (d & (a ^ b))) | 0) << 17 | c >>> 15) + d | 0;
  b = ((b = b + m[11]! - 1990404162 + (a ^ (c & (d ^ a))) | 0) << 22 | b >>> 10) + c | 0;
  a = ((a = a + m[12]! + 1804603682 + (d ^ (b & (c ^ d))) | 0) << 7 | a >>> 25) + b | 0;
  d = ((d = d + m[13]! - 40341101 + (c ^ (a & (b ^ c))) | 0) << 12 | d >>> 20) + a | 0;
  c = ((c = c + m[14]! - 1502002290 + (b ^ (d & (a ^ b))) | 0) << 17 | c >>> 15) + d | 0;
  b = ((b = b + m[15]! + 1236535329 + (a ^ (c & (d ^ a))) | 0) << 22 | b >>> 10) + c | 0;
  a = ((a = a + m[1]! - 165796510 + (c & ~d) + (b & d) | 0) << 5 | a >>> 27) + b | 0;
  d = ((d = d + m[6]! - 1069501632 + (b & ~c) + (a & c) | 0) << 9 | d >>> 23) + a | 0;
  c = ((c = c + m[11]! + 643717713 + (a & ~b) + (d & b) | 0) << 14 | c >>> 18) + d | 0;
  b = ((b = b + m[0]! - 373897302 + (d & ~a) + (c & a) | 0) << 20 | b >>> 12) + c | 0;
  a = ((a = a + m[5]! - 701558691 + (c & ~d) + (b & d) | 0) << 5 | a >>> 27) + b | 0;
  d = ((d = d + m[10]! + 38016083 + (b & ~c) + (a & c) | 0) << 9 | d >>> 23) + a | 0;
  c = ((c = c + m[15]! - 660478335 + (a & ~b) + (d & b) | 0) << 14 | c >>> 18) + d | 0;
  b = ((b = b + m[4]! - 405537848 + (d & ~a) + (c & a) | 0) << 20 | b >>> 12) + c | 0;
  a = ((a = a + m[9]! + 568446438 + (c & ~d) + (b & d) | 0) << 5 | a >>> 27) + b | 0;
  d = ((d = d + m[14]! - 1019803690 + (b & ~c) + (a & c) | 0) << 9 | d >>> 23) + a | 0;
  c = ((c = c + m[3]! - 187363961 + (a & ~b) + (d & b) | 0) << 14 | c >>> 18) + d | 0;
  b = ((b = b + m[8]! + 1163531501 + (d & ~a) + (c & a) | 0) << 20 | b >>> 12) + c | 0;
  a = ((a = a + m[13]! - 1444681467 + (c & ~d) + (b & d) | 0) << 5 | a >>> 27) + b | 0;
  d = ((d = d + m[2]! - 51403784 + (b & ~c) + (a & c) | 0) << 9 | d >>> 23) + a | 0;
  c = ((c = c + m[7]! + 1735328473 + (a & ~b) + (d & b) | 0) << 14 | c >>> 18) + d | 0;
  b = ((b = b + m[12]! - 1926607734 + (d & ~a) + (c & a) | 0) << 20 | b >>> 12) + c | 0;
  a = ((a = a + m[5]! - 378558 + (b ^ c ^ d) | 0) << 4 | a >>> 28) + b | 0;
  d = ((d = d + m[8]! - 2022574463 + (a ^ b ^ c) | 0) << 11 | d >>> 21) + a | 0;
  c = ((c = c + m[11]! + 1839030562 + (d ^ a ^ b) | 0) << 16 | c >>> 16) + d | 0;
  b = ((b = b + m[14]! - 35309556 + (c ^ d ^ a) | 0) << 23 | b >>> 9) + c | 0;
  a = ((a = a + m[1]! - 1530992060 + (b ^ c ^ d) | 0) << 4 | a >>> 28) + b | 0;
  d = ((d = d + m[4]! + 1272893353 + (a ^ b ^ c) | 0) << 11 | d >>> 21) + a | 0;
  c = ((c = c + m[7]! - 155497632 + (d ^ a ^ b) | 0) << 16 | c >>> 16) + d | 0;
  b = ((b = b + m[10]! - 1094730640 + (c ^ d ^ a) | 0) << 23 | b >>> 9) + c | 0;
  a = ((a = a + m[13]! + 681279174 + (b ^ c ^ d) | 0) << 4 | a >>> 28) + b | 0;
  d = ((d = d + m[0]! - 358537222 + (a ^ b ^ c) | 0) << 11 | d >>> 21) + a | 0;
  c = ((c = c + m[3]! - 722521979 + (d ^ a ^ b) | 0) << 16 | c >>> 16) + d | 0;
  b = ((b = b + m[6]! + 76029189 + (c ^ d ^ a) | 0) << 23 | b >>> 9) + c | 0;
  a = ((a = a + m[9]! - 640364487 + (b ^ c ^ d) | 0) << 4 | a >>> 28) + b | 0;
  d = ((d = d + m[12]! - 421815835 + (a ^ b ^ c) | 0) << 11 | d >>> 21) + a | 0;
  c = ((c = c + m[15]! + 530742520 + (d ^ a ^ b) | 0) << 16 | c >>> 16) + d | 0;
  b = ((b = b + m[2]! - 995338651 + (c ^ d ^ a) | 0) << 23 | b >>> 9) + c | 0;
  a = ((a = a + m[0]! - 198630844 + (c ^ (b | ~d)) | 0) << 6 | a >>> 26) + b | 0;
  d = ((d = d + m[7]! + 1126891415 + (b ^ (a | ~c)) | 0) << 10 | d >>> 22) + a | 0;
  c = ((c = c + m[14]! - 1416354905 + (a ^ (d | ~b)) | 0) << 15 | c >>> 17) + d | 0;
  b = ((b = b + m[5]! - 57434055 + (d ^ (c | ~a)) | 0) << 21 | b >>> 11) + c | 0;
  a = ((a = a + m[12]! + 1700485571 + (c ^ (b | ~d)) | 0) << 6 | a >>> 26) + b | 0;
  d = ((d = d + m[3]! - 1894986606 + (b ^ (a | ~c)) | 0) << 10 | d >>> 22) + a | 0;
  c = ((c = c + m[10]! - 1051523 + (a ^ (d | ~b)) | 0) << 15 | c >>> 17) + d | 0;
  b = ((b = b + m[1]! - 2054922799 + (d ^ (c | ~a)) | 0) << 21 | b >>> 11) + c | 0;
  a = ((a = a + m[8]! + 1873313359 + (c ^ (b | ~d)) | 0) << 6 | a >>> 26) + b | 0;
  d = ((d = d + m[15]! - 30611744 + (b ^ (a | ~c)) | 0) << 10 | d >>> 22) + a | 0;
  c = ((c = c + m[6]! - 1560198380 + (a ^ (d | ~b)) | 0) << 15 | c >>> 17) + d | 0;
  b = ((b = b + m[13]! + 1309151649 + (d ^ (c | ~a)) | 0) << 21 | b >>> 11) + c | 0;
  a = ((a = a + m[4]! - 145523070 + (c ^ (b | ~d)) | 0) << 6 | a >>> 26) + b | 0;
  d = ((d = d + m[11]! - 1120210379 + (b ^ (a | ~c)) | 0) << 10 | d >>> 22) + a | 0;
  c = ((c = c + m[2]! + 718787259 + (a ^ (d | ~b)) | 0) << 15 | c >>> 17) + d | 0;
  b = ((b = b + m[9]! - 343485551 + (d ^ (c | ~a)) | 0) << 21 | b >>> 11) + c | 0;
  state[0]! += a, state[1]! += b, state[2]! += c, state[3]! += d;
}
