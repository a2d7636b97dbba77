/**
 * MD5 of eight short messages at once: two groups of four 32-bit lanes, p and q.
 *
 * Within a group every step waits for the one before it; the two groups are independent. So each
 * step of p is followed by the same step of q, by hand, and this file must be compiled without
 * optimisation: Binaryen would move the locals and set the two chains one after the other again,
 * which costs a fifth to a third of the speed on V8. Message words and constants are read from
 * memory at use because sixteen 128-bit registers hold little more than the two states.
 */

import { LANE_BLOCK, LANE_STATE } from "./memory";
import { A0, B0, C0, D0, K } from "./md5_constants";

@inline
function add(x: v128, y: v128): v128 {
  return i32x4.add(x, y);
}

@inline
function turn(x: v128, s: i32): v128 {
  return v128.or(i32x4.shl(x, s), i32x4.shr_u(x, 32 - s));
}

/** A message word, as an offset into the transposed block, plus the constant of a step. */
@inline
function term(word: usize, k: usize): v128 {
  return add(v128.load(LANE_BLOCK + word), v128.load32_splat(K + k));
}

@inline
function f(a: v128, b: v128, c: v128, d: v128, m: v128, s: i32): v128 {
  const t = v128.xor(d, v128.and(b, v128.xor(c, d)));
  return add(turn(add(add(a, m), t), s), b);
}

// See the scalar kernel: a sum in place of the disjunction takes the older operands first.
@inline
function g(a: v128, b: v128, c: v128, d: v128, m: v128, s: i32): v128 {
  const t = add(add(a, m), v128.andnot(c, d));
  return add(turn(add(t, v128.and(b, d)), s), b);
}

@inline
function h(a: v128, b: v128, c: v128, d: v128, m: v128, s: i32): v128 {
  const t = v128.xor(v128.xor(c, d), b);
  return add(turn(add(add(a, m), t), s), b);
}

@inline
function i(a: v128, b: v128, c: v128, d: v128, m: v128, s: i32): v128 {
  const t = v128.xor(c, v128.or(b, v128.not(d)));
  return add(turn(add(add(a, m), t), s), b);
}

@inline
function splat(word: u32): v128 {
  return i32x4.splat(word);
}

/** Adds the initial word to one word of both groups, and keeps it. */
@inline
function keep(at: usize, p: v128, q: v128, word: u32): void {
  v128.store(LANE_STATE + at, add(p, splat(word)));
  v128.store(LANE_STATE + at, add(q, splat(word)), 64);
}

/**
 * Digests the block at {@linkcode LANE_BLOCK} to {@linkcode LANE_STATE}; unless the `whole` digest
 * is asked for, only its first words. One line is one step of both groups.
 */
export function md5Lanes(whole: bool): void {
  let a = splat(A0), b = splat(B0), c = splat(C0), d = splat(D0), w = a, x = b, y = c, z = d;
  a = f(a, b, c, d, term(0, 0), 7), w = f(w, x, y, z, term(16, 0), 7);
  d = f(d, a, b, c, term(32, 4), 12), z = f(z, w, x, y, term(48, 4), 12);
  c = f(c, d, a, b, term(64, 8), 17), y = f(y, z, w, x, term(80, 8), 17);
  b = f(b, c, d, a, term(96, 12), 22), x = f(x, y, z, w, term(112, 12), 22);
  a = f(a, b, c, d, term(128, 16), 7), w = f(w, x, y, z, term(144, 16), 7);
  d = f(d, a, b, c, term(160, 20), 12), z = f(z, w, x, y, term(176, 20), 12);
  c = f(c, d, a, b, term(192, 24), 17), y = f(y, z, w, x, term(208, 24), 17);
  b = f(b, c, d, a, term(224, 28), 22), x = f(x, y, z, w, term(240, 28), 22);
  a = f(a, b, c, d, term(256, 32), 7), w = f(w, x, y, z, term(272, 32), 7);
  d = f(d, a, b, c, term(288, 36), 12), z = f(z, w, x, y, term(304, 36), 12);
  c = f(c, d, a, b, term(320, 40), 17), y = f(y, z, w, x, term(336, 40), 17);
  b = f(b, c, d, a, term(352, 44), 22), x = f(x, y, z, w, term(368, 44), 22);
  a = f(a, b, c, d, term(384, 48), 7), w = f(w, x, y, z, term(400, 48), 7);
  d = f(d, a, b, c, term(416, 52), 12), z = f(z, w, x, y, term(432, 52), 12);
  c = f(c, d, a, b, term(448, 56), 17), y = f(y, z, w, x, term(464, 56), 17);
  b = f(b, c, d, a, term(480, 60), 22), x = f(x, y, z, w, term(496, 60), 22);
  a = g(a, b, c, d, term(32, 64), 5), w = g(w, x, y, z, term(48, 64), 5);
  d = g(d, a, b, c, term(192, 68), 9), z = g(z, w, x, y, term(208, 68), 9);
  c = g(c, d, a, b, term(352, 72), 14), y = g(y, z, w, x, term(368, 72), 14);
  b = g(b, c, d, a, term(0, 76), 20), x = g(x, y, z, w, term(16, 76), 20);
  a = g(a, b, c, d, term(160, 80), 5), w = g(w, x, y, z, term(176, 80), 5);
  d = g(d, a, b, c, term(320, 84), 9), z = g(z, w, x, y, term(336, 84), 9);
  c = g(c, d, a, b, term(480, 88), 14), y = g(y, z, w, x, term(496, 88), 14);
  b = g(b, c, d, a, term(128, 92), 20), x = g(x, y, z, w, term(144, 92), 20);
  a = g(a, b, c, d, term(288, 96), 5), w = g(w, x, y, z, term(304, 96), 5);
  d = g(d, a, b, c, term(448, 100), 9), z = g(z, w, x, y, term(464, 100), 9);
  c = g(c, d, a, b, term(96, 104), 14), y = g(y, z, w, x, term(112, 104), 14);
  b = g(b, c, d, a, term(256, 108), 20), x = g(x, y, z, w, term(272, 108), 20);
  a = g(a, b, c, d, term(416, 112), 5), w = g(w, x, y, z, term(432, 112), 5);
  d = g(d, a, b, c, term(64, 116), 9), z = g(z, w, x, y, term(80, 116), 9);
  c = g(c, d, a, b, term(224, 120), 14), y = g(y, z, w, x, term(240, 120), 14);
  b = g(b, c, d, a, term(384, 124), 20), x = g(x, y, z, w, term(400, 124), 20);
  a = h(a, b, c, d, term(160, 128), 4), w = h(w, x, y, z, term(176, 128), 4);
  d = h(d, a, b, c, term(256, 132), 11), z = h(z, w, x, y, term(272, 132), 11);
  c = h(c, d, a, b, term(352, 136), 16), y = h(y, z, w, x, term(368, 136), 16);
  b = h(b, c, d, a, term(448, 140), 23), x = h(x, y, z, w, term(464, 140), 23);
  a = h(a, b, c, d, term(32, 144), 4), w = h(w, x, y, z, term(48, 144), 4);
  d = h(d, a, b, c, term(128, 148), 11), z = h(z, w, x, y, term(144, 148), 11);
  c = h(c, d, a, b, term(224, 152), 16), y = h(y, z, w, x, term(240, 152), 16);
  b = h(b, c, d, a, term(320, 156), 23), x = h(x, y, z, w, term(336, 156), 23);
  a = h(a, b, c, d, term(416, 160), 4), w = h(w, x, y, z, term(432, 160), 4);
  d = h(d, a, b, c, term(0, 164), 11), z = h(z, w, x, y, term(16, 164), 11);
  c = h(c, d, a, b, term(96, 168), 16), y = h(y, z, w, x, term(112, 168), 16);
  b = h(b, c, d, a, term(192, 172), 23), x = h(x, y, z, w, term(208, 172), 23);
  a = h(a, b, c, d, term(288, 176), 4), w = h(w, x, y, z, term(304, 176), 4);
  d = h(d, a, b, c, term(384, 180), 11), z = h(z, w, x, y, term(400, 180), 11);
  c = h(c, d, a, b, term(480, 184), 16), y = h(y, z, w, x, term(496, 184), 16);
  b = h(b, c, d, a, term(64, 188), 23), x = h(x, y, z, w, term(80, 188), 23);
  a = i(a, b, c, d, term(0, 192), 6), w = i(w, x, y, z, term(16, 192), 6);
  d = i(d, a, b, c, term(224, 196), 10), z = i(z, w, x, y, term(240, 196), 10);
  c = i(c, d, a, b, term(448, 200), 15), y = i(y, z, w, x, term(464, 200), 15);
  b = i(b, c, d, a, term(160, 204), 21), x = i(x, y, z, w, term(176, 204), 21);
  a = i(a, b, c, d, term(384, 208), 6), w = i(w, x, y, z, term(400, 208), 6);
  d = i(d, a, b, c, term(96, 212), 10), z = i(z, w, x, y, term(112, 212), 10);
  c = i(c, d, a, b, term(320, 216), 15), y = i(y, z, w, x, term(336, 216), 15);
  b = i(b, c, d, a, term(32, 220), 21), x = i(x, y, z, w, term(48, 220), 21);
  a = i(a, b, c, d, term(256, 224), 6), w = i(w, x, y, z, term(272, 224), 6);
  d = i(d, a, b, c, term(480, 228), 10), z = i(z, w, x, y, term(496, 228), 10);
  c = i(c, d, a, b, term(192, 232), 15), y = i(y, z, w, x, term(208, 232), 15);
  b = i(b, c, d, a, term(416, 236), 21), x = i(x, y, z, w, term(432, 236), 21);
  a = i(a, b, c, d, term(128, 240), 6), w = i(w, x, y, z, term(144, 240), 6);
  keep(0, a, w, A0);
  if (!whole) return;
  d = i(d, a, b, c, term(352, 244), 10), z = i(z, w, x, y, term(368, 244), 10);
  c = i(c, d, a, b, term(64, 248), 15), y = i(y, z, w, x, term(80, 248), 15);
  b = i(b, c, d, a, term(288, 252), 21), x = i(x, y, z, w, term(304, 252), 21);
  keep(16, b, x, B0), keep(32, c, y, C0), keep(48, d, z, D0);
}
