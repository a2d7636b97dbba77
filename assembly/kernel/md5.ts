/**
 * MD5 (RFC 1321) of one message.
 *
 * MD5 is one chain of dependent operations, so a scalar kernel can only avoid overhead: the state
 * is in locals, words are read at use, and a caller that wants only the first digest word skips
 * the last three of the 64 steps, which do not touch it.
 */

import { STATE, TAIL } from "./memory";
import { A0, B0, C0, D0 } from "./md5_constants";
import { padShort, padTail, SHORT } from "./padding";

@inline
function f(a: u32, b: u32, c: u32, d: u32, m: u32, s: u32, k: u32): u32 {
  return rotl(a + k + m + (d ^ (b & (c ^ d))), s) + b;
}

// The sum (c & ~d) + (b & d) equals the disjunction of RFC 1321 because the terms share no bit; it
// lets the older operands be added before b, which is the newest, is known.
@inline
function g(a: u32, b: u32, c: u32, d: u32, m: u32, s: u32, k: u32): u32 {
  return rotl(a + k + m + (c & ~d) + (b & d), s) + b;
}

@inline
function h(a: u32, b: u32, c: u32, d: u32, m: u32, s: u32, k: u32): u32 {
  return rotl(a + k + m + (c ^ d ^ b), s) + b;
}

@inline
function i(a: u32, b: u32, c: u32, d: u32, m: u32, s: u32, k: u32): u32 {
  return rotl(a + k + m + (c ^ (b | ~d)), s) + b;
}

/**
 * All steps over one block. Answers `a`, which is complete after step 61; only the `whole` block
 * is added to the state at {@linkcode STATE}.
 */
function steps(block: usize, a: u32, b: u32, c: u32, d: u32, whole: bool): u32 {
  a = f(a, b, c, d, load<u32>(block, 0), 7, 0xd76aa478);
  d = f(d, a, b, c, load<u32>(block, 4), 12, 0xe8c7b756);
  c = f(c, d, a, b, load<u32>(block, 8), 17, 0x242070db);
  b = f(b, c, d, a, load<u32>(block, 12), 22, 0xc1bdceee);
  a = f(a, b, c, d, load<u32>(block, 16), 7, 0xf57c0faf);
  d = f(d, a, b, c, load<u32>(block, 20), 12, 0x4787c62a);
  c = f(c, d, a, b, load<u32>(block, 24), 17, 0xa8304613);
  b = f(b, c, d, a, load<u32>(block, 28), 22, 0xfd469501);
  a = f(a, b, c, d, load<u32>(block, 32), 7, 0x698098d8);
  d = f(d, a, b, c, load<u32>(block, 36), 12, 0x8b44f7af);
  c = f(c, d, a, b, load<u32>(block, 40), 17, 0xffff5bb1);
  b = f(b, c, d, a, load<u32>(block, 44), 22, 0x895cd7be);
  a = f(a, b, c, d, load<u32>(block, 48), 7, 0x6b901122);
  d = f(d, a, b, c, load<u32>(block, 52), 12, 0xfd987193);
  c = f(c, d, a, b, load<u32>(block, 56), 17, 0xa679438e);
  b = f(b, c, d, a, load<u32>(block, 60), 22, 0x49b40821);
  a = g(a, b, c, d, load<u32>(block, 4), 5, 0xf61e2562);
  d = g(d, a, b, c, load<u32>(block, 24), 9, 0xc040b340);
  c = g(c, d, a, b, load<u32>(block, 44), 14, 0x265e5a51);
  b = g(b, c, d, a, load<u32>(block, 0), 20, 0xe9b6c7aa);
  a = g(a, b, c, d, load<u32>(block, 20), 5, 0xd62f105d);
  d = g(d, a, b, c, load<u32>(block, 40), 9, 0x02441453);
  c = g(c, d, a, b, load<u32>(block, 60), 14, 0xd8a1e681);
  b = g(b, c, d, a, load<u32>(block, 16), 20, 0xe7d3fbc8);
  a = g(a, b, c, d, load<u32>(block, 36), 5, 0x21e1cde6);
  d = g(d, a, b, c, load<u32>(block, 56), 9, 0xc33707d6);
  c = g(c, d, a, b, load<u32>(block, 12), 14, 0xf4d50d87);
  b = g(b, c, d, a, load<u32>(block, 32), 20, 0x455a14ed);
  a = g(a, b, c, d, load<u32>(block, 52), 5, 0xa9e3e905);
  d = g(d, a, b, c, load<u32>(block, 8), 9, 0xfcefa3f8);
  c = g(c, d, a, b, load<u32>(block, 28), 14, 0x676f02d9);
  b = g(b, c, d, a, load<u32>(block, 48), 20, 0x8d2a4c8a);
  a = h(a, b, c, d, load<u32>(block, 20), 4, 0xfffa3942);
  d = h(d, a, b, c, load<u32>(block, 32), 11, 0x8771f681);
  c = h(c, d, a, b, load<u32>(block, 44), 16, 0x6d9d6122);
  b = h(b, c, d, a, load<u32>(block, 56), 23, 0xfde5380c);
  a = h(a, b, c, d, load<u32>(block, 4), 4, 0xa4beea44);
  d = h(d, a, b, c, load<u32>(block, 16), 11, 0x4bdecfa9);
  c = h(c, d, a, b, load<u32>(block, 28), 16, 0xf6bb4b60);
  b = h(b, c, d, a, load<u32>(block, 40), 23, 0xbebfbc70);
  a = h(a, b, c, d, load<u32>(block, 52), 4, 0x289b7ec6);
  d = h(d, a, b, c, load<u32>(block, 0), 11, 0xeaa127fa);
  c = h(c, d, a, b, load<u32>(block, 12), 16, 0xd4ef3085);
  b = h(b, c, d, a, load<u32>(block, 24), 23, 0x04881d05);
  a = h(a, b, c, d, load<u32>(block, 36), 4, 0xd9d4d039);
  d = h(d, a, b, c, load<u32>(block, 48), 11, 0xe6db99e5);
  c = h(c, d, a, b, load<u32>(block, 60), 16, 0x1fa27cf8);
  b = h(b, c, d, a, load<u32>(block, 8), 23, 0xc4ac5665);
  a = i(a, b, c, d, load<u32>(block, 0), 6, 0xf4292244);
  d = i(d, a, b, c, load<u32>(block, 28), 10, 0x432aff97);
  c = i(c, d, a, b, load<u32>(block, 56), 15, 0xab9423a7);
  b = i(b, c, d, a, load<u32>(block, 20), 21, 0xfc93a039);
  a = i(a, b, c, d, load<u32>(block, 48), 6, 0x655b59c3);
  d = i(d, a, b, c, load<u32>(block, 12), 10, 0x8f0ccc92);
  c = i(c, d, a, b, load<u32>(block, 40), 15, 0xffeff47d);
  b = i(b, c, d, a, load<u32>(block, 4), 21, 0x85845dd1);
  a = i(a, b, c, d, load<u32>(block, 32), 6, 0x6fa87e4f);
  d = i(d, a, b, c, load<u32>(block, 60), 10, 0xfe2ce6e0);
  c = i(c, d, a, b, load<u32>(block, 24), 15, 0xa3014314);
  b = i(b, c, d, a, load<u32>(block, 52), 21, 0x4e0811a1);
  a = i(a, b, c, d, load<u32>(block, 16), 6, 0xf7537e82);
  if (!whole) return a;
  d = i(d, a, b, c, load<u32>(block, 44), 10, 0xbd3af235);
  c = i(c, d, a, b, load<u32>(block, 8), 15, 0x2ad7d2bb);
  b = i(b, c, d, a, load<u32>(block, 36), 21, 0xeb86d391);
  store<u32>(STATE, load<u32>(STATE) + a), store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8), store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  return a;
}

function absorb(block: usize): void {
  const a = load<u32>(STATE), b = load<u32>(STATE, 4);
  const c = load<u32>(STATE, 8), d = load<u32>(STATE, 12);
  steps(block, a, b, c, d, true);
}

/** The digest of a message of any length, left in {@linkcode STATE}. */
export function md5(at: usize, length: u32): void {
  store<u32>(STATE, A0), store<u32>(STATE, B0, 4);
  store<u32>(STATE, C0, 8), store<u32>(STATE, D0, 12);
  const whole = at + (length & ~63);
  for (let block = at; block < whole; block += 64) absorb(block);
  const end = padTail(at, length, false);
  for (let block = TAIL; block < end; block += 64) absorb(block);
}

/** The first digest word of a message; the bytes after a short one are overwritten. */
export function md5Word(at: usize, length: u32): u32 {
  if (length > SHORT) {
    md5(at, length);
    return load<u32>(STATE);
  }
  padShort(at, length, <u64> (length << 3));
  return A0 + steps(at, A0, B0, C0, D0, false);
}
