/**
 * SHA-1 (RFC 3174) of one message, as forty hexadecimal digits.
 *
 * The message schedule is computed four words at a time, sixteen rounds ahead, and stored with the
 * round constant added, so that a round is one load, four additions and two turns. From word 32 on
 * the schedule uses w[t] = turn(w[t-6] ^ w[t-16] ^ w[t-28] ^ w[t-32], 2), which follows from
 * applying the usual recurrence twice and, unlike it, has no dependence within four words.
 */

import { HEX, STATE, TAIL } from "./memory";
import { A0, B0, C0, D0 } from "./md5_constants";
import { padShort, padTail, SHORT } from "./padding";

const E0: u32 = 0xc3d2e1f0;
/** The constants of twenty rounds each. */
const K0: u32 = 0x5a827999;
const K1: u32 = 0x6ed9eba1;
const K2: u32 = 0x8f1bbcdc;
const K3: u32 = 0xca62c1d6;
/** The schedule, constants added: 80 words. It lies behind the two blocks of the tail. */
const SCHEDULE: usize = TAIL + 128;

@inline
function turn(x: v128, s: i32): v128 {
  return v128.or(i32x4.shl(x, s), i32x4.shr_u(x, 32 - s));
}

@inline
function words(block: usize): v128 {
  const x = v128.load(block);
  return v128.shuffle<u8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}

@inline
function keep(t: usize, w: v128, k: u32): void {
  v128.store(SCHEDULE + 4 * t, i32x4.add(w, i32x4.splat(k)));
}

/** Four words from the sixteen before them; the last depends on the first. */
@inline
function early(w16: v128, w12: v128, w8: v128, w4: v128): v128 {
  const zero = i32x4.splat(0);
  const w14 = v128.shuffle<u64>(w16, w12, 1, 2);
  const w3 = v128.shuffle<u32>(w4, zero, 1, 2, 3, 4);
  const w = turn(v128.xor(v128.xor(w16, w14), v128.xor(w8, w3)), 1);
  return v128.xor(w, v128.shuffle<u32>(turn(w, 1), zero, 4, 4, 4, 0));
}

/** Four words from the thirty-two before them. */
@inline
function late(w32: v128, w28: v128, w16: v128, w8: v128, w4: v128): v128 {
  const w6 = v128.shuffle<u64>(w8, w4, 1, 2);
  return turn(v128.xor(v128.xor(w32, w28), v128.xor(w16, w6)), 2);
}

/** A round adds the newest word last, which is the one that everything waits for. */
@inline
function round(a: u32, mixed: u32, e: u32, t: usize): u32 {
  return rotl(a, 5) + (mixed + (e + load<u32>(SCHEDULE + 4 * t)));
}

@inline
function choose(a: u32, b: u32, c: u32, d: u32, e: u32, t: usize): u32 {
  return round(a, d ^ (b & (c ^ d)), e, t);
}

@inline
function parity(a: u32, b: u32, c: u32, d: u32, e: u32, t: usize): u32 {
  return round(a, b ^ c ^ d, e, t);
}

@inline
function major(a: u32, b: u32, c: u32, d: u32, e: u32, t: usize): u32 {
  return round(a, (c & d) + (b & (c ^ d)), e, t);
}

/** Adds one block to the state at {@linkcode STATE}. */
function absorb(block: usize): void {
  let a = load<u32>(STATE), b = load<u32>(STATE, 4), c = load<u32>(STATE, 8);
  let d = load<u32>(STATE, 12), e = load<u32>(STATE, 16);
  let p = words(block), q = words(block + 16), r = words(block + 32), s = words(block + 48);
  let t = p, u = q, v = r, w = s;
  keep(0, p, K0), keep(4, q, K0), keep(8, r, K0), keep(12, s, K0);
  t = early(p, q, r, s), keep(16, t, K0);
  e = choose(a, b, c, d, e, 0), b = rotl(b, 30), d = choose(e, a, b, c, d, 1), a = rotl(a, 30);
  c = choose(d, e, a, b, c, 2), e = rotl(e, 30), b = choose(c, d, e, a, b, 3), d = rotl(d, 30);
  u = early(q, r, s, t), keep(20, u, K1);
  a = choose(b, c, d, e, a, 4), c = rotl(c, 30), e = choose(a, b, c, d, e, 5), b = rotl(b, 30);
  d = choose(e, a, b, c, d, 6), a = rotl(a, 30), c = choose(d, e, a, b, c, 7), e = rotl(e, 30);
  v = early(r, s, t, u), keep(24, v, K1);
  b = choose(c, d, e, a, b, 8), d = rotl(d, 30), a = choose(b, c, d, e, a, 9), c = rotl(c, 30);
  e = choose(a, b, c, d, e, 10), b = rotl(b, 30), d = choose(e, a, b, c, d, 11), a = rotl(a, 30);
  w = early(s, t, u, v), keep(28, w, K1);
  c = choose(d, e, a, b, c, 12), e = rotl(e, 30), b = choose(c, d, e, a, b, 13), d = rotl(d, 30);
  a = choose(b, c, d, e, a, 14), c = rotl(c, 30), e = choose(a, b, c, d, e, 15), b = rotl(b, 30);
  p = late(p, q, t, v, w), keep(32, p, K1);
  d = choose(e, a, b, c, d, 16), a = rotl(a, 30), c = choose(d, e, a, b, c, 17), e = rotl(e, 30);
  b = choose(c, d, e, a, b, 18), d = rotl(d, 30), a = choose(b, c, d, e, a, 19), c = rotl(c, 30);
  q = late(q, r, u, w, p), keep(36, q, K1);
  e = parity(a, b, c, d, e, 20), b = rotl(b, 30), d = parity(e, a, b, c, d, 21), a = rotl(a, 30);
  c = parity(d, e, a, b, c, 22), e = rotl(e, 30), b = parity(c, d, e, a, b, 23), d = rotl(d, 30);
  r = late(r, s, v, p, q), keep(40, r, K2);
  a = parity(b, c, d, e, a, 24), c = rotl(c, 30), e = parity(a, b, c, d, e, 25), b = rotl(b, 30);
  d = parity(e, a, b, c, d, 26), a = rotl(a, 30), c = parity(d, e, a, b, c, 27), e = rotl(e, 30);
  s = late(s, t, w, q, r), keep(44, s, K2);
  b = parity(c, d, e, a, b, 28), d = rotl(d, 30), a = parity(b, c, d, e, a, 29), c = rotl(c, 30);
  e = parity(a, b, c, d, e, 30), b = rotl(b, 30), d = parity(e, a, b, c, d, 31), a = rotl(a, 30);
  t = late(t, u, p, r, s), keep(48, t, K2);
  c = parity(d, e, a, b, c, 32), e = rotl(e, 30), b = parity(c, d, e, a, b, 33), d = rotl(d, 30);
  a = parity(b, c, d, e, a, 34), c = rotl(c, 30), e = parity(a, b, c, d, e, 35), b = rotl(b, 30);
  u = late(u, v, q, s, t), keep(52, u, K2);
  d = parity(e, a, b, c, d, 36), a = rotl(a, 30), c = parity(d, e, a, b, c, 37), e = rotl(e, 30);
  b = parity(c, d, e, a, b, 38), d = rotl(d, 30), a = parity(b, c, d, e, a, 39), c = rotl(c, 30);
  v = late(v, w, r, t, u), keep(56, v, K2);
  e = major(a, b, c, d, e, 40), b = rotl(b, 30), d = major(e, a, b, c, d, 41), a = rotl(a, 30);
  c = major(d, e, a, b, c, 42), e = rotl(e, 30), b = major(c, d, e, a, b, 43), d = rotl(d, 30);
  w = late(w, p, s, u, v), keep(60, w, K3);
  a = major(b, c, d, e, a, 44), c = rotl(c, 30), e = major(a, b, c, d, e, 45), b = rotl(b, 30);
  d = major(e, a, b, c, d, 46), a = rotl(a, 30), c = major(d, e, a, b, c, 47), e = rotl(e, 30);
  p = late(p, q, t, v, w), keep(64, p, K3);
  b = major(c, d, e, a, b, 48), d = rotl(d, 30), a = major(b, c, d, e, a, 49), c = rotl(c, 30);
  e = major(a, b, c, d, e, 50), b = rotl(b, 30), d = major(e, a, b, c, d, 51), a = rotl(a, 30);
  q = late(q, r, u, w, p), keep(68, q, K3);
  c = major(d, e, a, b, c, 52), e = rotl(e, 30), b = major(c, d, e, a, b, 53), d = rotl(d, 30);
  a = major(b, c, d, e, a, 54), c = rotl(c, 30), e = major(a, b, c, d, e, 55), b = rotl(b, 30);
  r = late(r, s, v, p, q), keep(72, r, K3);
  d = major(e, a, b, c, d, 56), a = rotl(a, 30), c = major(d, e, a, b, c, 57), e = rotl(e, 30);
  b = major(c, d, e, a, b, 58), d = rotl(d, 30), a = major(b, c, d, e, a, 59), c = rotl(c, 30);
  s = late(s, t, w, q, r), keep(76, s, K3);
  e = parity(a, b, c, d, e, 60), b = rotl(b, 30), d = parity(e, a, b, c, d, 61), a = rotl(a, 30);
  c = parity(d, e, a, b, c, 62), e = rotl(e, 30), b = parity(c, d, e, a, b, 63), d = rotl(d, 30);
  a = parity(b, c, d, e, a, 64), c = rotl(c, 30), e = parity(a, b, c, d, e, 65), b = rotl(b, 30);
  d = parity(e, a, b, c, d, 66), a = rotl(a, 30), c = parity(d, e, a, b, c, 67), e = rotl(e, 30);
  b = parity(c, d, e, a, b, 68), d = rotl(d, 30), a = parity(b, c, d, e, a, 69), c = rotl(c, 30);
  e = parity(a, b, c, d, e, 70), b = rotl(b, 30), d = parity(e, a, b, c, d, 71), a = rotl(a, 30);
  c = parity(d, e, a, b, c, 72), e = rotl(e, 30), b = parity(c, d, e, a, b, 73), d = rotl(d, 30);
  a = parity(b, c, d, e, a, 74), c = rotl(c, 30), e = parity(a, b, c, d, e, 75), b = rotl(b, 30);
  d = parity(e, a, b, c, d, 76), a = rotl(a, 30), c = parity(d, e, a, b, c, 77), e = rotl(e, 30);
  b = parity(c, d, e, a, b, 78), d = rotl(d, 30), a = parity(b, c, d, e, a, 79), c = rotl(c, 30);
  store<u32>(STATE, load<u32>(STATE) + a), store<u32>(STATE, load<u32>(STATE, 4) + b, 4);
  store<u32>(STATE, load<u32>(STATE, 8) + c, 8), store<u32>(STATE, load<u32>(STATE, 12) + d, 12);
  store<u32>(STATE, load<u32>(STATE, 16) + e, 16);
}

/** Writes four bytes of each word, the highest first, as eight digits. */
@inline
function writeHex(state: usize, out: usize): void {
  const bytes = words(state);
  const high = v128.and(i16x8.shr_u(bytes, 4), i8x16.splat(15));
  const low = v128.and(bytes, i8x16.splat(15));
  const digits = i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102);
  const first = v128.shuffle<u8>(
    high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
  );
  const second = v128.shuffle<u8>(
    high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
  );
  v128.store(out, v128.swizzle(digits, first));
  v128.store(out, v128.swizzle(digits, second), 16);
}

/**
 * The digest of a message of any length, as forty digits at {@linkcode HEX}; the bytes after a
 * short message are overwritten.
 */
export function sha1Hex(at: usize, length: u32): void {
  store<u32>(STATE, A0), store<u32>(STATE, B0, 4), store<u32>(STATE, C0, 8);
  store<u32>(STATE, D0, 12), store<u32>(STATE, E0, 16);
  if (length <= SHORT) {
    padShort(at, length, bswap(<u64> (length << 3)));
    absorb(at);
  } else {
    const whole = at + (length & ~63);
    for (let block = at; block < whole; block += 64) absorb(block);
    const end = padTail(at, length, true);
    for (let block = TAIL; block < end; block += 64) absorb(block);
  }
  writeHex(STATE, HEX);
  writeHex(STATE + 16, HEX + 32);
}
