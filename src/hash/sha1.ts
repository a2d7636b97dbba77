/** SHA-1 (RFC 3174) in plain TypeScript: the twin of `assembly/kernel/sha1.ts`. */

import { hexOf, paddedOf } from "./sha_padding.ts";

/** The SHA-1 digest of a message as 40 lower-case hexadecimal digits. */
export function sha1HexOf(message: Uint8Array): string {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  const schedule = new Int32Array(80);
  const padded = paddedOf(message);
  for (let at = 0; at < padded.byteLength; at += 64) {
    expand(schedule, padded, at);
    absorb(state, schedule);
  }
  return hexOf(state);
}

function expand(w: Int32Array, view: DataView, at: number): void {
  for (let t = 0; t < 16; t++) w[t] = view.getInt32(at + 4 * t);
  for (let t = 16; t < 80; t++) {
    const x = w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!;
    w[t] = x << 1 | x >>> 31;
  }
}

function absorb(state: Int32Array, w: Int32Array): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!, e = state[4]!;
  for (let t = 0; t < 80; t++) {
    const next = (a << 5 | a >>> 27) + mixed(t, b, c, d) + e + w[t]! | 0;
    e = d, d = c, c = b << 30 | b >>> 2, b = a, a = next;
  }
  state[0]! += a, state[1]! += b, state[2]! += c, state[3]! += d, state[4]! += e;
}

function mixed(t: number, b: number, c: number, d: number): number {
  if (t < 20) return (d ^ (b & (c ^ d))) + 0x5a827999 | 0;
  if (t < 40) return (b ^ c ^ d) + 0x6ed9eba1 | 0;
  if (t < 60) return ((b & c) | (d & (b | c))) + 0x8f1bbcdc | 0;
  return (b ^ c ^ d) + 0xca62c1d6 | 0;
}
