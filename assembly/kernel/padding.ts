/**
 * The padding that MD5 and SHA-1 share: a bit, zeros, and the length in bits in the last eight
 * bytes of a block, which MD5 writes lowest byte first and SHA-1 highest first.
 */

import { TAIL } from "./memory";

/** How many bytes of a message fit one block with its padding. */
export const SHORT: u32 = 55;

/**
 * Pads a message of at most {@linkcode SHORT} bytes in place: 64 bytes after it are overwritten.
 * `bits` is its length in bits, in the order of bytes that the digest wants.
 */
@inline
export function padShort(at: usize, length: u32, bits: u64): void {
  const zero = i64x2.splat(0), end = at + length;
  v128.store(end, i64x2(0x80, 0)), v128.store(end, zero, 16);
  v128.store(end, zero, 32), v128.store(end, zero, 48);
  store<u64>(at, bits, 56);
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
