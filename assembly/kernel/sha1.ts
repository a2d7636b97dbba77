/**
 * SHA-1 (RFC 3174) of one message, as forty hexadecimal digits.
 *
 * The message schedule is computed four words at a time and stored with the round constant added,
 * so that a round is one load, five additions and two turns. From word 32 on the schedule uses the
 * wider recurrence w[t] = turn(w[t-6] ^ w[t-16] ^ w[t-28] ^ w[t-32], 2), which follows from
 * applying the usual one twice and, unlike it, has no dependence within four words.
 */

import { HEX, STATE, TAIL } from "./memory";
import { padTail } from "./md5";
import { A0, B0, C0, D0 } from "./md5_constants";

const E0: u32 = 0xc3d2e1f0;
/** The schedule, constants added: 80 words. It lies behind the two blocks of the tail. */
const SCHEDULE: usize = TAIL + 128;

let a: u32 = 0;
let b: u32 = 0;
let c: u32 = 0;
let d: u32 = 0;
let e: u32 = 0;

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

function schedule(block: usize): void {
  let w0 = words(block);
  keep(0, w0, 0x5a827999);
  let w1 = words(block + 16);
  keep(4, w1, 0x5a827999);
  let w2 = words(block + 32);
  keep(8, w2, 0x5a827999);
  let w3 = words(block + 48);
  keep(12, w3, 0x5a827999);
  let w4 = early(w0, w1, w2, w3);
  keep(16, w4, 0x5a827999);
  let w5 = early(w1, w2, w3, w4);
  keep(20, w5, 0x6ed9eba1);
  let w6 = early(w2, w3, w4, w5);
  keep(24, w6, 0x6ed9eba1);
  let w7 = early(w3, w4, w5, w6);
  keep(28, w7, 0x6ed9eba1);
  w0 = late(w0, w1, w4, w6, w7);
  keep(32, w0, 0x6ed9eba1);
  w1 = late(w1, w2, w5, w7, w0);
  keep(36, w1, 0x6ed9eba1);
  w2 = late(w2, w3, w6, w0, w1);
  keep(40, w2, 0x8f1bbcdc);
  w3 = late(w3, w4, w7, w1, w2);
  keep(44, w3, 0x8f1bbcdc);
  w4 = late(w4, w5, w0, w2, w3);
  keep(48, w4, 0x8f1bbcdc);
  w5 = late(w5, w6, w1, w3, w4);
  keep(52, w5, 0x8f1bbcdc);
  w6 = late(w6, w7, w2, w4, w5);
  keep(56, w6, 0x8f1bbcdc);
  w7 = late(w7, w0, w3, w5, w6);
  keep(60, w7, 0xca62c1d6);
  w0 = late(w0, w1, w4, w6, w7);
  keep(64, w0, 0xca62c1d6);
  w1 = late(w1, w2, w5, w7, w0);
  keep(68, w1, 0xca62c1d6);
  w2 = late(w2, w3, w6, w0, w1);
  keep(72, w2, 0xca62c1d6);
  w3 = late(w3, w4, w7, w1, w2);
  keep(76, w3, 0xca62c1d6);
}

@inline
function choose(b: u32, c: u32, d: u32): u32 {
  return d ^ (b & (c ^ d));
}

@inline
function parity(b: u32, c: u32, d: u32): u32 {
  return b ^ c ^ d;
}

@inline
function majority(b: u32, c: u32, d: u32): u32 {
  return (c & d) + (b & (c ^ d));
}

@inline
function round(a: u32, mixed: u32, e: u32, t: usize): u32 {
  return rotl(a, 5) + (mixed + (e + load<u32>(SCHEDULE + 4 * t)));
}

function chooseRounds(): void {
  let v = a, w = b, x = c, y = d, z = e;
  z = round(v, choose(w, x, y), z, 0), w = rotl(w, 30);
  y = round(z, choose(v, w, x), y, 1), v = rotl(v, 30);
  x = round(y, choose(z, v, w), x, 2), z = rotl(z, 30);
  w = round(x, choose(y, z, v), w, 3), y = rotl(y, 30);
  v = round(w, choose(x, y, z), v, 4), x = rotl(x, 30);
  z = round(v, choose(w, x, y), z, 5), w = rotl(w, 30);
  y = round(z, choose(v, w, x), y, 6), v = rotl(v, 30);
  x = round(y, choose(z, v, w), x, 7), z = rotl(z, 30);
  w = round(x, choose(y, z, v), w, 8), y = rotl(y, 30);
  v = round(w, choose(x, y, z), v, 9), x = rotl(x, 30);
  z = round(v, choose(w, x, y), z, 10), w = rotl(w, 30);
  y = round(z, choose(v, w, x), y, 11), v = rotl(v, 30);
  x = round(y, choose(z, v, w), x, 12), z = rotl(z, 30);
  w = round(x, choose(y, z, v), w, 13), y = rotl(y, 30);
  v = round(w, choose(x, y, z), v, 14), x = rotl(x, 30);
  z = round(v, choose(w, x, y), z, 15), w = rotl(w, 30);
  y = round(z, choose(v, w, x), y, 16), v = rotl(v, 30);
  x = round(y, choose(z, v, w), x, 17), z = rotl(z, 30);
  w = round(x, choose(y, z, v), w, 18), y = rotl(y, 30);
  v = round(w, choose(x, y, z), v, 19), x = rotl(x, 30);
  a = v, b = w, c = x, d = y, e = z;
}

function parityRounds(): void {
  let v = a, w = b, x = c, y = d, z = e;
  z = round(v, parity(w, x, y), z, 20), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 21), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 22), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 23), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 24), x = rotl(x, 30);
  z = round(v, parity(w, x, y), z, 25), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 26), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 27), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 28), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 29), x = rotl(x, 30);
  z = round(v, parity(w, x, y), z, 30), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 31), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 32), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 33), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 34), x = rotl(x, 30);
  z = round(v, parity(w, x, y), z, 35), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 36), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 37), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 38), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 39), x = rotl(x, 30);
  a = v, b = w, c = x, d = y, e = z;
}

function majorityRounds(): void {
  let v = a, w = b, x = c, y = d, z = e;
  z = round(v, majority(w, x, y), z, 40), w = rotl(w, 30);
  y = round(z, majority(v, w, x), y, 41), v = rotl(v, 30);
  x = round(y, majority(z, v, w), x, 42), z = rotl(z, 30);
  w = round(x, majority(y, z, v), w, 43), y = rotl(y, 30);
  v = round(w, majority(x, y, z), v, 44), x = rotl(x, 30);
  z = round(v, majority(w, x, y), z, 45), w = rotl(w, 30);
  y = round(z, majority(v, w, x), y, 46), v = rotl(v, 30);
  x = round(y, majority(z, v, w), x, 47), z = rotl(z, 30);
  w = round(x, majority(y, z, v), w, 48), y = rotl(y, 30);
  v = round(w, majority(x, y, z), v, 49), x = rotl(x, 30);
  z = round(v, majority(w, x, y), z, 50), w = rotl(w, 30);
  y = round(z, majority(v, w, x), y, 51), v = rotl(v, 30);
  x = round(y, majority(z, v, w), x, 52), z = rotl(z, 30);
  w = round(x, majority(y, z, v), w, 53), y = rotl(y, 30);
  v = round(w, majority(x, y, z), v, 54), x = rotl(x, 30);
  z = round(v, majority(w, x, y), z, 55), w = rotl(w, 30);
  y = round(z, majority(v, w, x), y, 56), v = rotl(v, 30);
  x = round(y, majority(z, v, w), x, 57), z = rotl(z, 30);
  w = round(x, majority(y, z, v), w, 58), y = rotl(y, 30);
  v = round(w, majority(x, y, z), v, 59), x = rotl(x, 30);
  a = v, b = w, c = x, d = y, e = z;
}

function lastRounds(): void {
  let v = a, w = b, x = c, y = d, z = e;
  z = round(v, parity(w, x, y), z, 60), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 61), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 62), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 63), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 64), x = rotl(x, 30);
  z = round(v, parity(w, x, y), z, 65), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 66), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 67), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 68), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 69), x = rotl(x, 30);
  z = round(v, parity(w, x, y), z, 70), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 71), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 72), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 73), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 74), x = rotl(x, 30);
  z = round(v, parity(w, x, y), z, 75), w = rotl(w, 30);
  y = round(z, parity(v, w, x), y, 76), v = rotl(v, 30);
  x = round(y, parity(z, v, w), x, 77), z = rotl(z, 30);
  w = round(x, parity(y, z, v), w, 78), y = rotl(y, 30);
  v = round(w, parity(x, y, z), v, 79), x = rotl(x, 30);
  a = v, b = w, c = x, d = y, e = z;
}

function absorb(block: usize): void {
  schedule(block);
  a = load<u32>(STATE), b = load<u32>(STATE, 4), c = load<u32>(STATE, 8);
  d = load<u32>(STATE, 12), e = load<u32>(STATE, 16);
  chooseRounds();
  parityRounds();
  majorityRounds();
  lastRounds();
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

/** The digest of a message of any length, as forty digits at {@linkcode HEX}. */
export function sha1Hex(at: usize, length: u32): void {
  store<u32>(STATE, A0), store<u32>(STATE, B0, 4), store<u32>(STATE, C0, 8);
  store<u32>(STATE, D0, 12), store<u32>(STATE, E0, 16);
  const whole = at + (length & ~63);
  for (let block = at; block < whole; block += 64) absorb(block);
  const end = padTail(at, length, true);
  for (let block = TAIL; block < end; block += 64) absorb(block);
  writeHex(STATE, HEX);
  writeHex(STATE + 16, HEX + 32);
}
