/**
 * SHA-256 (RFC 6234) in plain TypeScript, for keys: Web Crypto's is asynchronous, and its call costs
 * more than the digest of a key.
 */

import { hexOf, paddedOf } from "./sha_padding.ts";

// deno-fmt-ignore
const CONSTANTS: Int32Array = Int32Array.of(
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
);

// deno-fmt-ignore
const INITIAL: Int32Array = Int32Array.of(
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
);

/** The SHA-256 digest of a message as 64 lower-case hexadecimal digits. */
export function sha256HexOf(message: Uint8Array): string {
  const state = INITIAL.slice();
  const schedule = new Int32Array(64);
  const padded = paddedOf(message);
  for (let at = 0; at < padded.byteLength; at += 64) {
    expand(schedule, padded, at);
    absorb(state, schedule);
  }
  return hexOf(state);
}

function expand(w: Int32Array, view: DataView, at: number): void {
  for (let t = 0; t < 16; t++) w[t] = view.getInt32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const near = w[t - 2]!, far = w[t - 15]!;
    const small1 = turn(near, 17) ^ turn(near, 19) ^ near >>> 10;
    const small0 = turn(far, 7) ^ turn(far, 18) ^ far >>> 3;
    w[t] = small1 + w[t - 7]! + small0 + w[t - 16]! | 0;
  }
}

function absorb(state: Int32Array, w: Int32Array): void {
  let a = state[0]!, b = state[1]!, c = state[2]!, d = state[3]!;
  let e = state[4]!, f = state[5]!, g = state[6]!, h = state[7]!;
  for (let t = 0; t < 64; t++) {
    const big1 = turn(e, 6) ^ turn(e, 11) ^ turn(e, 25);
    const first = h + big1 + (g ^ (e & (f ^ g))) + CONSTANTS[t]! + w[t]! | 0;
    const big0 = turn(a, 2) ^ turn(a, 13) ^ turn(a, 22);
    const second = big0 + ((a & b) | (c & (a | b))) | 0;
    h = g, g = f, f = e, e = d + first | 0, d = c, c = b, b = a, a = first + second | 0;
  }
  state[0]! += a, state[1]! += b, state[2]! += c, state[3]! += d;
  state[4]! += e, state[5]! += f, state[6]! += g, state[7]! += h;
}

function turn(x: number, by: number): number {
  return x >>> by | x << 32 - by;
}
