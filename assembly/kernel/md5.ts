/**
 * MD5 (RFC 1321) of one message.
 *
 * MD5 is one chain of dependent operations, so the scalar kernel can only avoid overhead: the state
 * is in globals between rounds and in locals within them, words are read at use, and a caller that
 * wants only the first digest word skips the last three of the 64 steps, which do not touch it.
 */

import { STATE, TAIL } from "./memory";
import { A0, B0, C0, D0 } from "./md5_constants";

let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;
let d: u32 = 0;

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

function round1(block: usize): void {
  let w = a, x = b, y = c, z = d;
  w = f(w, x, y, z, load<u32>(block, 0), 7, 0xd76aa478);
  z = f(z, w, x, y, load<u32>(block, 4), 12, 0xe8c7b756);
  y = f(y, z, w, x, load<u32>(block, 8), 17, 0x242070db);
  x = f(x, y, z, w, load<u32>(block, 12), 22, 0xc1bdceee);
  w = f(w, x, y, z, load<u32>(block, 16), 7, 0xf57c0faf);
  z = f(z, w, x, y, load<u32>(block, 20), 12, 0x4787c62a);
  y = f(y, z, w, x, load<u32>(block, 24), 17, 0xa8304613);
  x = f(x, y, z, w, load<u32>(block, 28), 22, 0xfd469501);
  w = f(w, x, y, z, load<u32>(block, 32), 7, 0x698098d8);
  z = f(z, w, x, y, load<u32>(block, 36), 12, 0x8b44f7af);
  y = f(y, z, w, x, load<u32>(block, 40), 17, 0xffff5bb1);
  x = f(x, y, z, w, load<u32>(block, 44), 22, 0x895cd7be);
  w = f(w, x, y, z, load<u32>(block, 48), 7, 0x6b901122);
  z = f(z, w, x, y, load<u32>(block, 52), 12, 0xfd987193);
  y = f(y, z, w, x, load<u32>(block, 56), 17, 0xa679438e);
  x = f(x, y, z, w, load<u32>(block, 60), 22, 0x49b40821);
  a = w, b = x, c = y, d = z;
}

function round2(block: usize): void {
  let w = a, x = b, y = c, z = d;
  w = g(w, x, y, z, load<u32>(block, 4), 5, 0xf61e2562);
  z = g(z, w, x, y, load<u32>(block, 24), 9, 0xc040b340);
  y = g(y, z, w, x, load<u32>(block, 44), 14, 0x265e5a51);
  x = g(x, y, z, w, load<u32>(block, 0), 20, 0xe9b6c7aa);
  w = g(w, x, y, z, load<u32>(block, 20), 5, 0xd62f105d);
  z = g(z, w, x, y, load<u32>(block, 40), 9, 0x02441453);
  y = g(y, z, w, x, load<u32>(block, 60), 14, 0xd8a1e681);
  x = g(x, y, z, w, load<u32>(block, 16), 20, 0xe7d3fbc8);
  w = g(w, x, y, z, load<u32>(block, 36), 5, 0x21e1cde6);
  z = g(z, w, x, y, load<u32>(block, 56), 9, 0xc33707d6);
  y = g(y, z, w, x, load<u32>(block, 12), 14, 0xf4d50d87);
  x = g(x, y, z, w, load<u32>(block, 32), 20, 0x455a14ed);
  w = g(w, x, y, z, load<u32>(block, 52), 5, 0xa9e3e905);
  z = g(z, w, x, y, load<u32>(block, 8), 9, 0xfcefa3f8);
  y = g(y, z, w, x, load<u32>(block, 28), 14, 0x676f02d9);
  x = g(x, y, z, w, load<u32>(block, 48), 20, 0x8d2a4c8a);
  a = w, b = x, c = y, d = z;
}

function round3(block: usize): void {
  let w = a, x = b, y = c, z = d;
  w = h(w, x, y, z, load<u32>(block, 20), 4, 0xfffa3942);
  z = h(z, w, x, y, load<u32>(block, 32), 11, 0x8771f681);
  y = h(y, z, w, x, load<u32>(block, 44), 16, 0x6d9d6122);
  x = h(x, y, z, w, load<u32>(block, 56), 23, 0xfde5380c);
  w = h(w, x, y, z, load<u32>(block, 4), 4, 0xa4beea44);
  z = h(z, w, x, y, load<u32>(block, 16), 11, 0x4bdecfa9);
  y = h(y, z, w, x, load<u32>(block, 28), 16, 0xf6bb4b60);
  x = h(x, y, z, w, load<u32>(block, 40), 23, 0xbebfbc70);
  w = h(w, x, y, z, load<u32>(block, 52), 4, 0x289b7ec6);
  z = h(z, w, x, y, load<u32>(block, 0), 11, 0xeaa127fa);
  y = h(y, z, w, x, load<u32>(block, 12), 16, 0xd4ef3085);
  x = h(x, y, z, w, load<u32>(block, 24), 23, 0x04881d05);
  w = h(w, x, y, z, load<u32>(block, 36), 4, 0xd9d4d039);
  z = h(z, w, x, y, load<u32>(block, 48), 11, 0xe6db99e5);
  y = h(y, z, w, x, load<u32>(block, 60), 16, 0x1fa27cf8);
  x = h(x, y, z, w, load<u32>(block, 8), 23, 0xc4ac5665);
  a = w, b = x, c = y, d = z;
}

function round4UntilWord0(block: usize): void {
  let w = a, x = b, y = c, z = d;
  w = i(w, x, y, z, load<u32>(block, 0), 6, 0xf4292244);
  z = i(z, w, x, y, load<u32>(block, 28), 10, 0x432aff97);
  y = i(y, z, w, x, load<u32>(block, 56), 15, 0xab9423a7);
  x = i(x, y, z, w, load<u32>(block, 20), 21, 0xfc93a039);
  w = i(w, x, y, z, load<u32>(block, 48), 6, 0x655b59c3);
  z = i(z, w, x, y, load<u32>(block, 12), 10, 0x8f0ccc92);
  y = i(y, z, w, x, load<u32>(block, 40), 15, 0xffeff47d);
  x = i(x, y, z, w, load<u32>(block, 4), 21, 0x85845dd1);
  w = i(w, x, y, z, load<u32>(block, 32), 6, 0x6fa87e4f);
  z = i(z, w, x, y, load<u32>(block, 60), 10, 0xfe2ce6e0);
  y = i(y, z, w, x, load<u32>(block, 24), 15, 0xa3014314);
  x = i(x, y, z, w, load<u32>(block, 52), 21, 0x4e0811a1);
  w = i(w, x, y, z, load<u32>(block, 16), 6, 0xf7537e82);
  a = w, b = x, c = y, d = z;
}

function lastThreeSteps(block: usize): void {
  d = i(d, a, b, c, load<u32>(block, 44), 10, 0xbd3af235);
  c = i(c, d, a, b, load<u32>(block, 8), 15, 0x2ad7d2bb);
  b = i(b, c, d, a, load<u32>(block, 36), 21, 0xeb86d391);
}

@inline
function begin(): void {
  a = A0, b = B0, c = C0, d = D0;
}

@inline
function untilWord0(block: usize): void {
  round1(block);
  round2(block);
  round3(block);
  round4UntilWord0(block);
}

/** One block into the state at {@linkcode STATE}. */
function absorb(block: usize): void {
  const a0 = load<u32>(STATE), b0 = load<u32>(STATE, 4);
  const c0 = load<u32>(STATE, 8), d0 = load<u32>(STATE, 12);
  a = a0, b = b0, c = c0, d = d0;
  untilWord0(block);
  lastThreeSteps(block);
  store<u32>(STATE, a0 + a), store<u32>(STATE, b0 + b, 4);
  store<u32>(STATE, c0 + c, 8), store<u32>(STATE, d0 + d, 12);
}

/** Pads a message of at most 55 bytes in place: 64 bytes after it are overwritten. */
@inline
function padShort(at: usize, length: u32): void {
  const zero = i64x2.splat(0), end = at + length;
  v128.store(end, i64x2(0x80, 0)), v128.store(end, zero, 16);
  v128.store(end, zero, 32), v128.store(end, zero, 48);
  store<u32>(at, length << 3, 56);
  store<u32>(at, 0, 60);
}

/** Copies the last, partial block to {@linkcode TAIL} and pads it; answers where it then ends. */
export function padTail(at: usize, length: u32, bigEndian: bool): usize {
  const rest = length & 63;
  memory.fill(TAIL, 0, 128);
  memory.copy(TAIL, at + length - rest, rest);
  store<u8>(TAIL + rest, 0x80);
  const end = TAIL + (rest < 56 ? 64 : 128);
  const bits = (<u64> length) << 3;
  store<u64>(end - 8, bigEndian ? bswap(bits) : bits);
  return end;
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
  if (length > 55) {
    md5(at, length);
    return load<u32>(STATE);
  }
  padShort(at, length);
  begin();
  untilWord0(at);
  return A0 + a;
}
